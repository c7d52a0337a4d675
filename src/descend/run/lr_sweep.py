"""lr_sweep: the loss after a budget against the learning rate, variant by variant; the limit, the usable band, one rate."""

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from descend import optimum as exact
from descend.arrays import Array, evenly_spaced
from descend.blas import one_blas_thread
from descend.errors import DataError, UsageError
from descend.optimum.landscape import Landscape
from descend.options import Options, read_options
from descend.options.flags import in_keywords
from descend.plan import FULL, Plan, Setting, letter
from descend.problem import Problem
from descend.problem.build import build_problem, initial_weights
from descend.report.summary import html, text
from descend.run.summary import lr_summary
from descend.search.candidates import candidates, distance
from descend.table.prepare import Note, labelled, load, prepare
from descend.table.table import Table
from descend.text import counted
from descend.training import Limits, Progress, train

SAMPLE = 4_000  # rows that are read into arrays, evenly spaced in a larger table: rates depend little on their number
STEPS = 200  # of the budget at least: momentum still swings after 20, and its best rate with it
EPOCHS = 20  # of the budget at least
LAST = 0.25  # of the epochs, over which the loss is averaged: a loss that swings has no luck at its last epoch
SEEDS = 3  # that are averaged where the order of rows or the initial weights are chance
STEP = 2.0  # ratio of neighbouring rates at first, and of those by which the grid is extended
EXTENSION = 3  # rates by which the grid is extended at an end that is no end of the band
MOST_ROUNDS = 12  # of trainings: nine decades beyond the first grid
LIMIT_ENDS = (1e-3, 4.0)  # first and last rate of the first grid, as shares of the limit
TRAVEL_ENDS = (1e-4, 10.0)  # the same for adaptive rules, as shares of the distance that the weights have to go
BEST_RESOLUTION = 1.25  # ratio of the best rate to its neighbours at the end
EDGE_RESOLUTION = 1.1  # ratio of the last usable rate to the first that is not, at the end
NEAR = 0.02  # of the lowest loss: rates that lack less are as good, and the middle of them is suggested
ROUNDING = 1e-6  # of what the best rate gained: the same for a loss that falls to nearly 0
USABLE = 0.01  # of what the best rate gained: what another may lack and be called usable (arbitrary)
FIRST_SHARE = 0.4  # of the time for the first grid; where that is not enough, the budget is what it came to


@dataclass(frozen=True, eq=False, kw_only=True)
class Sweep:
    """One variant at many rates.

    Args:
        variant, letter, batch: which; batch is "full" or a number.
        rates: learning rates, increasing (rates,).
        losses: training objectives, mean over the last quarter of the budget and over the seeds; infinity where a seed
            diverged (rates,).
        limit: the rate above which it diverges, where that is known.
        lr: the middle of the widest stretch of rates whose loss is hardly above the lowest; None when no rate lowered
            the loss.
        band: the smallest and the largest usable rate about it, or None.
        open: whether the band reaches an end of the rates that were tried.
        reason: one sentence.
    """

    variant: str
    letter: str
    batch: str
    rates: Array
    losses: Array
    limit: float | None
    lr: float | None
    band: tuple[float, float] | None
    open: bool
    reason: str


@dataclass(frozen=True, eq=False, kw_only=True)
class LRResult:
    """What is known about learning rates.

    Args:
        lr: the suggestion, or None; `reason` says why, always.
        variant: whose rate it is: the one with the lowest loss after the budget.
        limit, band: of that variant.
        sweeps: every variant, best first.
        epochs, rows: the budget, and how many rows it was spent on.
        start: the objective before the first step.
    """

    lr: float | None
    variant: str | None
    limit: float | None
    band: tuple[float, float] | None
    reason: str
    sweeps: tuple[Sweep, ...]
    epochs: int
    rows: int
    start: float

    def __repr__(self) -> str:
        return text(lr_summary(self))

    def _repr_html_(self) -> str:
        return html(lr_summary(self))

    def plot(self, ax: Any = None) -> Any:
        """Draw the loss against the rate with matplotlib and return its axes; see `descend.run.plot.draw_rates`."""
        from descend.run.plot import draw_rates

        return draw_rates(self, ax)

    @property
    def curve(self) -> dict[str, tuple[Array, Array]]:
        """Rates and losses of each variant."""
        return {s.variant: (s.rates, s.losses) for s in self.sweeps}


@in_keywords()
@one_blas_thread()
def find_lr(
    data: Any,
    target: Any,
    *,
    variant: str = "auto",
    on_event: Callable[[Note | Progress], None] = lambda event: None,
    **options: Any,
) -> LRResult:
    """Return the loss after a budget against the learning rate, for one variant, several, or all eight.

    Args:
        data, target: as `descend.train` takes them.
        variant: "auto" for all eight, or names with commas between.
        on_event: is called with notes and progress.
        options: as those of `descend.train`; `max_epochs` is the budget, 200 steps and 20 epochs at least when not given.

    All rates are trained side by side from the same initial weights, on the training rows alone, and nothing is kept.
    The grid is extended until it holds the band of usable rates, whose edges are then found by bisection. Where the
    outcome is partly chance, three seeds are averaged. What is suggested is the middle of the widest stretch of rates whose
    loss is within a fiftieth of the lowest (Smith 2017 reads a rate off one run whose rate grows; the loss there lags behind the rate,
    and the suggestion with it). The suggestion may be None, the reason never is.
    """
    if "optimizer" in options:
        raise UsageError(
            f"optimizer is {options['optimizer']!r}, but rates are found for a variant",
            fix="name it with variant, such as variant='adam'", code="contradiction",
        )  # fmt: skip
    values = read_options({**options, "optimizer": variant})
    begun = time.monotonic()
    table, name, total_rows = _sample(data, target, values)
    try:
        prepared = prepare(table, name, values, on_event)
    except DataError as error:
        if error.code != "target-constant":
            raise
        return LRResult(
            lr=None, variant=None, limit=None, band=None, reason=f"no rate is better than another: {error.what}",
            sweeps=(), epochs=values.max_epochs or EPOCHS, rows=0, start=np.nan,
        )  # fmt: skip
    problem = build_problem(prepared.train, prepared.loss, prepared.constants, prepared.outputs, values)
    landscape = Landscape.of(problem, initial_weights(problem, values))
    search = _Search(problem, landscape, values, on_event, begun)
    search.run()
    sweeps = sorted((curve.sweep(search.limit(curve.setting)) for curve in search.curves), key=lowest)
    return _result(sweeps, search, total_rows)


def _sample(data: Any, target: Any, values: Options) -> tuple[Table, str, int]:
    """Evenly spaced rows of data that have many, the name of the target, and how many rows there were."""
    if isinstance(data, np.ndarray) and data.ndim == 2 and isinstance(target, np.ndarray) and len(data) == len(target):
        rows = evenly_spaced(len(data), SAMPLE)
        return *labelled(load(data[rows], values), target[rows]), len(data)
    table, name = labelled(load(data, values), target)
    return table.take(evenly_spaced(table.rows, SAMPLE)), name, table.rows


@dataclass(eq=False)
class Curve:
    """The losses of one variant at the rates that were tried, and which rates to try next.

    Args:
        setting: of the variant, at any rate.
        initial: the objective before the first step.
        losses: {rate: loss}, infinity where it diverged.
    """

    setting: Setting
    initial: float = np.inf
    losses: dict[float, float] = field(default_factory=dict)

    @property
    def rates(self) -> list[float]:
        """The rates that were tried, increasing."""
        return sorted(self.losses)

    @property
    def lowest(self) -> float:
        """The lowest loss."""
        return min(self.losses.values(), default=np.inf)

    @property
    def gained(self) -> float:
        """What the best rate gained on the initial weights."""
        return self.initial - self.lowest

    @property
    def best(self) -> tuple[int, int]:
        """The first and the last place of the widest stretch of rates that are as good as the lowest loss.

        A single rate may be good by luck, where an oscillation happens to end well.
        """
        rates, y = self.rates, [self.losses[lr] for lr in self.rates]
        allowed = self.lowest + max(NEAR * abs(self.lowest), ROUNDING * self.gained)
        places = [k for k in range(len(y)) if y[k] <= allowed]
        stretches = {self._stretch(k, allowed) for k in places}
        return max(stretches, key=lambda s: (rates[s[1]] / rates[s[0]], -min(y[s[0] : s[1] + 1])))

    @property
    def band(self) -> tuple[int, int]:
        """The first and the last place of the usable rates about the best."""
        return self._stretch(self.best[0], self.lowest + USABLE * max(self.gained, 0.0))

    def _stretch(self, at: int, allowed: float) -> tuple[int, int]:
        """The first and the last place, about one, of the rates whose loss is at most `allowed`."""
        y, low, high = [self.losses[lr] for lr in self.rates], at, at
        while low > 0 and y[low - 1] <= allowed:
            low -= 1
        while high + 1 < len(y) and y[high + 1] <= allowed:
            high += 1
        return low, high

    def suggestion(self) -> int:
        """Return the place of the rate next to the middle, as a ratio, of the best."""
        rates, (low, high) = self.rates, self.best
        middle = math.sqrt(rates[low] * rates[high])
        return min(range(low, high + 1), key=lambda k: abs(math.log(rates[k] / middle)))

    def next_rates(self) -> list[float]:
        """Return rates beyond an end that the band reaches, else between rates that are too far apart."""
        rates = self.rates
        if not self.gained > 0:
            return [rates[0] / STEP**k for k in range(1, EXTENSION + 1)]
        low, high = min(self.band[0], self.best[0]), max(self.band[1], self.best[1])
        below = [rates[0] / STEP**k for k in range(1, EXTENSION + 1)] if low == 0 else []
        above = [rates[-1] * STEP**k for k in range(1, EXTENSION + 1)] if high + 1 == len(rates) else []
        if below or above:
            return below + above
        at = self.suggestion()
        gaps = [(low - 1, low, EDGE_RESOLUTION), (high, high + 1, EDGE_RESOLUTION)]
        gaps += [(at - 1, at, BEST_RESOLUTION), (at, at + 1, BEST_RESOLUTION)]
        wide = {(a, b) for a, b, ratio in gaps if rates[b] > ratio * rates[a]}
        return [math.sqrt(rates[a] * rates[b]) for a, b in sorted(wide)]

    def sweep(self, limit: float | None) -> Sweep:
        """Return what the curve says; limit: of its setting."""
        rates = self.rates
        losses = np.array([self.losses[lr] for lr in rates])
        ends: tuple[float, float] | None = None
        lr, is_open = None, False
        if not self.gained > 0:
            why = "every rate diverged" if not np.isfinite(losses).any() else "no rate lowered the loss"
        else:
            low, high = min(self.band[0], self.best[0]), max(self.band[1], self.best[1])
            lr, ends, is_open = rates[self.suggestion()], (rates[low], rates[high]), low == 0 or high + 1 == len(rates)
            why = f"lowest loss of {len(rates)} rates, usable from {ends[0]:.2g} to {ends[1]:.2g}"
        return Sweep(
            variant=self.setting.label, letter=letter(self.setting.label), batch=self.setting.batch, rates=np.array(rates),
            losses=losses, limit=limit, lr=lr, band=ends, open=is_open, reason=why,
        )  # fmt: skip


def first_grid(limit: float | None, distance: float) -> list[float]:
    """Return the rates of the first grid: about the limit, or about the distance that weights have to go."""
    unit, ends = (distance, TRAVEL_ENDS) if limit is None else (limit, LIMIT_ENDS)
    return [float(unit * share) for share in np.geomspace(*ends, math.ceil(math.log(ends[1] / ends[0], STEP)) + 1)]


class _Search:
    """The trainings of one sweep."""

    def __init__(
        self, problem: Problem, landscape: Landscape, options: Options,
        on_event: Callable[[Note | Progress], None], begun: float,
    ) -> None:  # fmt: skip
        self.problem, self.landscape, self.options = problem, landscape, options
        self.on_event, self.begun = on_event, begun
        self.curves = [Curve(base) for base in candidates(problem, options)]
        rows = problem.data.rows
        self.fewest_steps = min(-(-rows // curve.setting.rows_a_step(rows)) for curve in self.curves)
        self.epochs = options.max_epochs or max(EPOCHS, -(-STEPS // self.fewest_steps))
        self.initial = np.nan

    def run(self) -> None:
        """Train the first grid, then what each curve asks for, until none does or the time is over."""
        wanted = [self.first_rates(curve) for curve in self.curves]
        for k in range(MOST_ROUNDS):
            if not self.measure(wanted, FIRST_SHARE if k == 0 else 1.0) or not isinstance(self.options.lr, str):
                break
            wanted = [curve.next_rates() for curve in self.curves]
            if not any(wanted) or self.left() <= 0:
                break

    def left(self) -> float:
        """Seconds that are left."""
        budget = self.options.time_budget
        return math.inf if budget is None else budget - (time.monotonic() - self.begun)

    def first_rates(self, curve: Curve) -> list[float]:
        """Return the rate that was typed, or a grid about the limit, or about the distance to the optimum."""
        if not isinstance(self.options.lr, str):
            return [self.options.lr]
        return first_grid(self.limit(curve.setting), distance(self.landscape))

    def measure(self, wanted: Sequence[Sequence[float]], share: float) -> bool:
        """Train each curve at rates, over seeds; False when the time was over before, and nothing was learned."""
        settings, places = [], []
        for curve, rates in zip(self.curves, wanted, strict=True):
            chance = self.problem.network is not None or curve.setting.batch_size != FULL
            for lr in rates:
                for one in [curve.setting, *(curve.setting.reseeded(SEEDS) if chance else [])]:
                    settings.append(one.at(lr=lr))
                    places.append((curve, lr))
        first = not np.isfinite(self.initial)
        seconds = None if self.left() == math.inf else max(share * self.left(), 0.1)
        limits = Limits(
            epochs=self.epochs, seconds=seconds, patience=self.epochs + 1, tol=0.0, reference=self.landscape.baseline,
        )  # fmt: skip
        threads = self.options.threads or os.cpu_count() or 1
        fit = train(self.problem, Plan(tuple(settings)), None, limits, self.on_event, threads)
        self.begun += fit.compiling  # the time is for training
        done = int(fit.epochs[[not o.failed for o in fit.outcomes]].max(initial=0))
        if first:
            self.initial = float(np.mean(fit.trace.loss[:, 0]))
            self.epochs = max(done, 1)  # fewer where the time was over: the budget of all that follow
        elif done < self.epochs and any(not o.failed for o in fit.outcomes):
            return False
        means: dict[tuple[int, float], list[float]] = {}
        for r, (curve, lr) in enumerate(places):
            late = fit.trace.epochs[r] > (1 - LAST) * self.epochs
            value = np.inf if fit.outcomes[r].failed else float(fit.trace.loss[r][late].mean())
            means.setdefault((id(curve), lr), []).append(value)
        for curve in self.curves:
            curve.initial = self.initial
            curve.losses |= {lr: float(np.mean(v)) for (key, lr), v in means.items() if key == id(curve)}
        return not fit.interrupted

    def limit(self, setting: Setting) -> float | None:
        """Return the rate above which a setting diverges; of a network, whose rows have no bound, with all rows."""
        rows = self.problem.data.rows
        batch_size = rows if self.problem.network is not None else setting.rows_a_step(rows)
        return exact.stability_limit(setting.rule, setting.constants, self.landscape.curvature, batch_size, rows)


def lowest(sweep: Sweep) -> float:
    """Return the lowest loss of a variant."""
    return float(np.min(sweep.losses))


def _result(sweeps: list[Sweep], search: _Search, total_rows: int) -> LRResult:
    best, rows, epochs = sweeps[0], search.problem.data.rows, search.epochs
    where = f"{rows:,} rows" if total_rows <= SAMPLE else f"{rows:,} of {total_rows:,} rows"
    after = f"after {counted(epochs, 'epoch')} of {where}"
    reason = f"{best.variant}: {best.reason}, {after}"
    if best.lr is None:
        reason = f"{best.reason}: a constant prediction is as good, {after}"
    elif search.fewest_steps * epochs < STEPS:
        reason += f"; a budget below {STEPS} steps decides for rates that a longer training would not"
    return LRResult(
        lr=best.lr, variant=best.variant, limit=best.limit, band=best.band, reason=reason, sweeps=tuple(sweeps),
        epochs=epochs, rows=rows, start=search.initial,
    )  # fmt: skip
