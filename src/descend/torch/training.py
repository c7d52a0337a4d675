"""training: a module trained at one setting, by an ordinary loop that is watched; the best weights are kept."""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from descend.outcome import Outcome
from descend.plan import Setting
from descend.torch.batches import Batch, Source
from descend.torch.objective import Objective, check_kept, in_mode
from descend.torch.run_folder import Watched
from descend.torch.side_by_side import flat, optimizer_of
from descend.torch.watch import Watch, watch
from descend.training.stopping import DIVERGED_FACTOR

TOLERANCE = 1e-4  # relative: an improvement by less is none, as in descend.training
MOST_POINTS = 50  # of the path that are kept
MOST_NUMBERS = 1 << 24  # of the path (arbitrary: 64 MB); a longer one has fewer points


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a training ends.

    Args:
        epochs: at most.
        deadline: of time.monotonic.
        patience: epochs without improvement, or a tenth of the epochs so far when that is more.
    """

    epochs: int
    deadline: float
    patience: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """A training that ended; the module has the weights of `kept`.

    Args:
        setting: its rule and rate.
        outcome: how it ended.
        epochs, steps: that were taken; an epoch that the time cut counts.
        kept: the epoch with the lowest score; 0 for the start.
        trace: columns epoch, loss and, with validation, val: of the weights after each epoch, the start first.
        path: the trained parameters as one vector, at the start and after epochs, evenly spaced (points, weights).
        watched: what the watch saw.
    """

    setting: Setting
    outcome: Outcome
    epochs: int
    steps: int
    kept: int
    trace: dict[str, list[Any]]
    path: Tensor
    watched: Watched

    @property
    def score(self) -> float:
        """The loss of the weights that are kept, on the rows that decide; infinity where it is not finite."""
        value = self.trace["val" if "val" in self.trace else "loss"][self.kept]
        return float(value) if math.isfinite(value) else math.inf


def train(
    objective: Objective, setting: Setting, source: Source, judges: Sequence[Batch], validation: Source | None, limits: Limits
) -> Training:  # fmt: skip
    """Train a module from the weights that it has, and leave the best ones in it.

    Args:
        objective: the module with its loss.
        setting: rule, rate, and the seed of the order.
        source: what it is trained on.
        judges: training rows whose loss is recorded, and decides where there is no validation.
        validation: rows that decide.
        limits: when it ends.

    Ctrl-C ends it like the time does.
    """
    module, parts = objective.module, {"loss": judges}
    if validation is not None:
        parts["val"] = list(validation.epoch(setting.seed))
    trained = objective.trained()
    optimizer = optimizer_of(setting, list(trained.values()))
    trace: dict[str, list[Any]] = {"epoch": [0], **{name: [mean_loss(objective, rows)] for name, rows in parts.items()}}
    guide, best, kept, improved = "val" if validation is not None else "loss", copy.deepcopy(module.state_dict()), 0, 0
    held = dict(module.named_parameters())
    path, steps, epoch = Path(trained.values()), 0, 0
    outcome = Outcome.RUNNING if limits.epochs else Outcome.BUDGET
    ceiling = DIVERGED_FACTOR * abs(trace["loss"][0]) + 1e-300
    with watch(module, optimizer) as w:
        while outcome == Outcome.RUNNING:
            epoch += 1
            try:
                steps, outcome = _epoch(
                    objective, optimizer, source, setting.seed + epoch - 1, w, steps, limits.deadline
                )
            except KeyboardInterrupt:
                outcome = Outcome.INTERRUPTED
            check_kept(module, held)
            trace["epoch"].append(epoch)
            for name, rows in parts.items():
                trace[name].append(mean_loss(objective, rows) if outcome != Outcome.NONFINITE else math.nan)
            if outcome != Outcome.NONFINITE and not math.isfinite(trace["loss"][-1]):
                outcome = Outcome.NONFINITE
            elif trace["loss"][-1] > ceiling:
                outcome = Outcome.DIVERGED
            elif not outcome.failed:
                path.add(epoch)
                score, lowest = trace[guide][-1], trace[guide][kept]
                if score < lowest or (math.isfinite(score) and not math.isfinite(lowest)):
                    improved = epoch if lowest - score > TOLERANCE * abs(lowest) else improved
                    best, kept = copy.deepcopy(module.state_dict()), epoch
                if epoch - improved >= max(limits.patience, epoch // 10):
                    outcome = Outcome.STOPPED if outcome == Outcome.RUNNING else outcome
                elif epoch >= limits.epochs or time.monotonic() > limits.deadline:
                    outcome = Outcome.BUDGET if outcome == Outcome.RUNNING else outcome
    module.load_state_dict(best)
    return Training(
        setting=setting, outcome=outcome, epochs=epoch, steps=steps, kept=kept, trace=trace, path=path.points,
        watched=w.watched(),
    )  # fmt: skip


def _epoch(
    objective: Objective, optimizer: Any, source: Source, seed: int, w: Watch, steps: int, deadline: float
) -> tuple[int, Outcome]:  # fmt: skip
    """Train an epoch, or until the time is over or a loss is not finite; return the steps so far, and how it stands."""
    with in_mode(objective.module, training=True):
        for batch in source.epoch(seed):
            optimizer.zero_grad()
            loss = objective.of(batch.to(objective.device)).reshape(())
            loss.backward()
            optimizer.step()
            w.step(loss)
            steps += 1
            if w.failed:
                return steps, Outcome.NONFINITE
            if time.monotonic() > deadline:
                return steps, Outcome.BUDGET
    return steps, Outcome.RUNNING


def mean_loss(objective: Objective, batches: Sequence[Batch]) -> float:
    """Return the mean loss of batches in evaluation mode; infinity and NaN as they are."""
    total, rows = 0.0, 0
    with in_mode(objective.module, training=False), torch.no_grad():
        for batch in batches:
            total += batch.rows * float(objective.of(batch.to(objective.device)))
            rows += batch.rows
    return total / max(rows, 1)


class Path:
    """The weights along a training: the start, then evenly spaced epochs; where there are too many, every other one is let go.

    Args:
        trained: the parameters.
    """

    def __init__(self, trained: Any) -> None:
        self._trained, self._spacing = list(trained), 1
        self._kept = [(0, flat(self._trained).cpu())]
        self._most = max(4, min(MOST_POINTS, MOST_NUMBERS // max(len(self._kept[0][1]), 1)))

    def add(self, epoch: int) -> None:
        """Keep the weights as they are after an epoch, if it is one of those that are kept."""
        if epoch % self._spacing:
            return
        self._kept.append((epoch, flat(self._trained).cpu()))
        if len(self._kept) > self._most:
            self._spacing *= 2
            self._kept = [(at, w) for at, w in self._kept if at % self._spacing == 0]

    @property
    def points(self) -> Tensor:
        """The weights (points, weights)."""
        return torch.stack([w for _, w in self._kept])
