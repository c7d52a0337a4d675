"""rates: the loss after a budget against the learning rate, variant by variant; the limit, the usable band, one rate."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend import optimum as exact
from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.errors import DataError
from descend.optimum.landscape import Landscape
from descend.options import Options, read_options
from descend.options.flags import in_keywords
from descend.plan import Plan, Setting, letter
from descend.problem import Problem
from descend.problem.build import build_problem, initial_weights
from descend.report.summary import html, text
from descend.run.summary import lr_summary
from descend.search.candidates import candidates
from descend.table.prepare import labelled, load, prepare
from descend.table.table import Table
from descend.training import Limits, train

SAMPLE = 10_000  # rows that are read into arrays; of a larger table every so manieth
EPOCHS = 20  # of the budget, when no other is given
POINTS = 33  # rates of each variant
STEADY = (1e-3, 4.0)  # first and last rate, as parts of the limit
ADAPTIVE = (1e-4, 10.0)  # the same, as parts of the distance that the weights have to go
TOLERANCE = 0.01  # of what the best rate gained: what another may lack and be called usable


@dataclass(frozen=True, eq=False)
class Sweep:
    """One variant at many rates.

    Args:
        variant, letter, batch: which; batch is "full" or a number.
        rates, losses: learning rates (rates,) and training objectives after the budget, infinity where it diverged.
        limit: the rate above which it diverges, where that is known.
        lr: the rate of the lowest loss; None when none lowered the loss.
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


@dataclass(frozen=True, eq=False)
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
    on_event: Callable[[Any], None] = lambda event: None,
    **options: Any,
) -> LRResult:
    """Return the loss after a budget against the learning rate, for one variant, several, or all eight.

    Args:
        data, target: as `descend.train` takes them.
        variant: "auto" for all eight, or names with commas between.
        on_event: hears notes and progress.
        options: as those of `descend.train`; `max_epochs` is the budget, 20 when not given.

    All rates are trained side by side from the same start, on the training rows alone, and nothing is kept. What is
    lowest after the budget is suggested (Smith 2017 reads a rate off one run whose rate grows; the loss there lags
    behind the rate, and the suggestion with it). The suggestion may be None, the reason never is.
    """
    values = read_options({**options, "optimizer": variant})
    epochs = values.max_epochs or EPOCHS
    table, name, of = _sampled(data, target, values)
    try:
        prepared = prepare(table, name, values, on_event)
    except DataError as error:
        if error.code != "target-constant":
            raise
        return LRResult(None, None, None, None, f"no rate is better than another: {error.what}", (), epochs, 0, np.nan)
    problem = build_problem(prepared.train, prepared.loss, prepared.constants, prepared.outputs, values)
    landscape = Landscape.of(problem, initial_weights(problem, values))
    settings = [s for base in candidates(problem, values) for s in _at_rates(problem, base, landscape, values)]
    limits = Limits(epochs, values.time_budget, patience=epochs + 1, tol=0.0, reference=landscape.baseline, ends=True)
    threads = values.threads or os.cpu_count() or 1
    fit = train(problem, Plan(tuple(settings)), None, limits, on_event, threads)
    last = np.where([o.failed for o in fit.outcomes], np.inf, fit.trace.loss[:, -1])
    begun = float(fit.trace.loss[0, 0])
    labels = list(dict.fromkeys(s.label for s in settings))
    sweeps = [
        _sweep(problem, landscape, [r for r, s in enumerate(settings) if s.label == k], settings, last, begun)
        for k in labels
    ]
    return _result(sorted(sweeps, key=_lowest), epochs, problem.data.rows, of, begun)


def _sampled(data: Any, target: Any, values: Options) -> tuple[Table, str, int]:
    """Rows spread over the data, when these are many: all that follows is done with them alone; and how many there were."""
    if isinstance(data, np.ndarray) and data.ndim == 2 and isinstance(target, np.ndarray) and len(data) == len(target):
        rows = _spread(len(data))
        return *labelled(load(data[rows], values), target[rows]), len(data)
    table, name = labelled(load(data, values), target)
    return table.take(_spread(table.rows)), name, table.rows


def _spread(rows: int) -> Array:
    return np.unique(np.linspace(0, rows - 1, min(rows, SAMPLE)).round().astype(np.int64))


def _at_rates(problem: Problem, base: Setting, landscape: Landscape, values: Options) -> list[Setting]:
    if not isinstance(values.lr, str):
        rates = [values.lr]
    else:
        limit = _limit(problem, base, landscape)
        unit, ends = (1.0, ADAPTIVE) if limit is None else (limit, STEADY)
        rates = np.geomspace(unit * ends[0], unit * ends[1], POINTS).tolist()
    return [base.at(lr=lr) for lr in rates]


def _limit(problem: Problem, setting: Setting, landscape: Landscape) -> float | None:
    """Above which rate a variant diverges; of a network, whose rows have no curvature of their own, with all rows."""
    rows = problem.data.rows
    batch = rows if problem.network is not None else setting.rows_a_step(rows)
    return exact.stability_limit(setting.rule, setting.constants, landscape.curvature, batch, rows)


def _sweep(
    problem: Problem, landscape: Landscape, own: list[int], settings: list[Setting], last: Array, begun: float
) -> Sweep:
    first = settings[own[0]]
    rates, losses = np.array([settings[r].lr for r in own]), last[own]
    name, limit = (first.label, letter(first.label), first.batch), _limit(problem, first, landscape)
    at = int(np.argmin(losses))
    if not losses[at] < begun:
        why = "every rate diverged" if not np.isfinite(losses).any() else "no rate lowered the loss"
        return Sweep(*name, rates, losses, limit, None, None, False, why)
    usable = losses <= losses[at] + TOLERANCE * (begun - losses[at])
    low, high = at, at
    while low > 0 and usable[low - 1]:
        low -= 1
    while high + 1 < len(rates) and usable[high + 1]:
        high += 1
    ends = (float(rates[low]), float(rates[high]))
    why = f"lowest loss of {len(rates)} rates, usable from {ends[0]:.2g} to {ends[1]:.2g}"
    opened = low == 0 or high + 1 == len(rates)
    return Sweep(*name, rates, losses, limit, float(rates[at]), ends, opened, why)


def _lowest(sweep: Sweep) -> float:
    return float(np.min(sweep.losses))


def _result(sweeps: list[Sweep], epochs: int, rows: int, of: int, begun: float) -> LRResult:
    best = sweeps[0]
    where = f"{rows:,} rows" if of <= SAMPLE else f"{rows:,} of {of:,} rows"
    reason = f"{best.variant}: {best.reason}, after {epochs} epochs of {where}"
    if best.lr is None:
        reason = f"{best.reason}: a constant prediction is as good, after {epochs} epochs of {where}"
    return LRResult(best.lr, best.variant, best.limit, best.band, reason, tuple(sweeps), epochs, rows, begun)
