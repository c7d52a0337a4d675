"""lr_sweep: the loss after a budget against the learning rate of a module, rule by rule; the band, and one rate."""

import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

from torch.nn import Module

from descend.arrays import Array
from descend.options import BY_NAME
from descend.options.flags import in_keywords
from descend.options.readers import whole
from descend.outcome import Outcome
from descend.plan import Setting
from descend.run.lr_sweep import MOST_ROUNDS, SAMPLE, STEPS, Curve, LRResult, first_grid, lowest
from descend.text import counted
from descend.torch.batches import Batch
from descend.torch.objective import Loss, Objective
from descend.torch.preparation import prepare
from descend.torch.race import advance, late
from descend.torch.settings import Optimizer, base_settings, checked, largest_curvature, limit_of
from descend.torch.side_by_side import Runs, Way, on_runs, way_of

READ_STEPS = whole(1, "a whole number of at least 1", "try 200")


@in_keywords()
def find_lr(
    module: Module, data: Any, *, loss: str | Loss = "auto", variant: Optimizer = "auto", lr: float | str = "auto",
    batch_size: int | str = "auto", steps: int = STEPS, time_budget: float | None = 30.0, random_state: int = 0,
) -> LRResult:  # fmt: skip
    """Return the loss of a module after a budget against the learning rate, for one rule, several, or all that "auto" tries.

    All rates start from the module's weights and take the same batches, side by side by `torch.func` where the module allows
    that, else one by one; `.way` says which, and why. The grid is extended until it holds the band of usable rates, whose edges
    are found by bisection; what is suggested, and how a result is read, is as in `descend.find_lr`. The module is left as it is.

    Args:
        module: any module, with its initial weights.
        data: (x, y) of tensors or arrays, a data set of torch, or a loader; of many rows the first 4,000 are used.
        loss: "auto", mse, huber, logloss, softmax, poisson, or a function of output and target.
        variant: "auto", names with commas between, or a rule of one's own.
        lr: "auto", or the one rate to try.
        batch_size: rows a step; "auto" is a 32nd of the rows, 8 to 128.
        steps: the budget.
        time_budget: seconds; None for no limit.
        random_state: decides the order of the rows, and what the module draws.

    Raises UsageError and DataError for what cannot be trained.

    >>> import torch
    >>> model = torch.nn.Linear(1, 1)
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> found = find_lr(model, (x, 2 * x), variant="minibatch")
    >>> bool(0.1 < found.lr < 3)
    True
    """
    variant, steps = BY_NAME["optimizer"].read("variant", variant), READ_STEPS("steps", steps)
    lr, batch_size, time_budget, random_state = checked(
        lr=lr, batch_size=batch_size, time_budget=time_budget, random_state=random_state
    )
    deadline = math.inf if time_budget is None else time.monotonic() + time_budget
    bases = base_settings(variant, 0, random_state)
    with prepare("find_lr", module, data, loss, batch_size, random_state) as job:
        batches: list[Batch] = []
        for batch in job.source.epoch(random_state):
            batches.append(batch)
            if sum(b.rows for b in batches) >= SAMPLE:
                break
        search = _Search(job.objective, batches, bases, deadline)
        search.run(lr, steps)
    rows = sum(b.rows for b in batches)
    sweeps = sorted((curve.sweep(limit_of(curve.setting, search.curvature)) for curve in search.curves), key=lowest)
    best, epochs = sweeps[0], max(1, -(-search.steps // len(batches)))
    said = best.reason if best.lr is None else f"{best.variant}: {best.reason}"
    return LRResult(
        lr=best.lr, variant=best.variant, limit=best.limit, band=best.band, sweeps=tuple(sweeps), epochs=epochs, rows=rows,
        reason=f"{said}, after {counted(search.steps, 'step')} on {rows:,} rows; {search.way.reason}", start=search.initial,
    )  # fmt: skip


class _Search:
    """The trainings of one sweep, all on the same batches.

    Args:
        objective: what is minimised.
        batches: of an epoch.
        bases: a setting for each rule.
        deadline: of time.monotonic.
    """

    def __init__(
        self, objective: Objective, batches: Sequence[Batch], bases: Sequence[Setting], deadline: float
    ) -> None:
        self.objective, self.batches, self.deadline = objective, batches, deadline
        self.curves = [Curve(base) for base in bases]
        self.curvature = largest_curvature(objective, batches[0])
        self.way: Way = way_of(objective, bases[0], batches[0])
        self.steps, self.initial = 0, math.nan

    def run(self, lr: float | str, steps: int) -> None:
        """Train the first grid, then what each curve asks for, until none does or the time is over."""
        self.steps = steps
        wanted = [
            [lr] if not isinstance(lr, str) else first_grid(limit_of(c.setting, self.curvature), 1.0)
            for c in self.curves
        ]
        for k in range(MOST_ROUNDS):
            last = not self._measure(wanted, first=k == 0)
            if last or not isinstance(lr, str) or time.monotonic() > self.deadline:
                return
            wanted = [curve.next_rates() for curve in self.curves]
            if not any(wanted):
                return

    def _measure(self, wanted: Sequence[Sequence[float]], first: bool) -> bool:
        """Train each curve at rates; False where the time was over before, and nothing was learned."""
        places = [(curve, rate) for curve, rates in zip(self.curves, wanted, strict=True) for rate in rates]
        settings = [curve.setting.at(lr=rate) for curve, rate in places]

        def train(runs: Runs) -> tuple[Array, bool]:
            losses = advance(runs, itertools.cycle(self.batches), self.steps, self.deadline)
            return losses, bool((runs.outcomes == Outcome.RUNNING).any())

        (losses, unended), self.way = on_runs(self.objective, settings, self.way, train)
        if first:
            self.steps = len(losses)  # fewer where the time was over: the budget of all that follow
            self.initial = float(losses[: len(self.batches)][0].mean())
        elif len(losses) < self.steps and unended:
            return False
        for curve in self.curves:
            curve.initial = self.initial
        for (curve, rate), value in zip(places, late(losses), strict=True):
            curve.losses[rate] = float(value)
        return True
