"""search: which rule at which rate; all candidates are trained side by side and the best is kept.

Learning rates of one variant race each other by successive halving (`halving.worse_half`); the best is tried between its
neighbours, from other starts and under other schedules where that was asked, and the few that lead are repeated over
seeds.
"""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.optimum.landscape import Landscape
from descend.options import Options
from descend.outcome import Outcome
from descend.plan import FULL, Plan, Setting
from descend.problem import Problem
from descend.problem.network import check_memory, free_memory
from descend.search.candidates import factors_of, settings
from descend.search.rationale import reasons
from descend.search.selection import best_per_variant, choose, score
from descend.table.data import Data
from descend.training import Fit, Limits, Progress, train
from descend.training.halving import competition, first_rung
from descend.training.stopping import GRACE_EPOCHS, GRACE_FACTOR

MOST_EPOCHS = 100_000
RACE_PART = 0.7  # of the time, when more than one setting is tried; the rest is for neighbours, schedules and seeds
FEW = 3  # variants of a network whose spread over seeds is measured
SHORTEST = 0.1  # seconds that a group of runs gets at least
SCHEDULES = ("cosine", "one_cycle", "plateau")  # that "auto" tries
CLEARLY = 1e-3  # part of the loss by which a schedule must beat none


@dataclass(frozen=True, eq=False)
class SearchResult:
    """The outcome of a search.

    Args:
        fit: all runs.
        best: the run that is kept.
        best_per_variant: the best run of each variant, in the plan's order.
        landscape: what was known before.
        why: for each value that was chosen: how it was found, and the evidence.
        validation: the rows that decided when to stop and what to keep; None where the training objective did.
    """

    fit: Fit
    best: int
    best_per_variant: tuple[int, ...]
    landscape: Landscape
    why: dict[str, dict[str, Any]]
    validation: Data | None = None


def search(
    problem: Problem,
    held_out: Data | None,
    options: Options,
    landscape: Landscape | None = None,
    on_event: Callable[[Progress], None] = lambda progress: None,
    start: Array | None = None,
    keep: Callable[[Fit], None] = lambda fit: None,
) -> SearchResult:
    """Train every candidate that the options leave open and keep the best.

    Args:
        problem: what to minimise.
        held_out: validation rows, which decide when a run stops and which is best where `validation_decides` says so;
            else rows that are only watched.
        options: as `options.read_options` returns them.
        start: initial weights (params,), zeros when None.
        keep: is called with all runs so far, after each group of them, to write a checkpoint.

    What was typed is trained as it was typed; "auto" tries the eight variants, and for each of them rates below its
    stability limit.
    """
    landscape = landscape or Landscape.of(problem)
    job = _Job(problem, held_out, options, _limits(options, landscape), on_event, start, time.monotonic(), keep)
    fit = job.raced(settings(problem, options, landscape))
    fit = job.refined(fit)
    best = choose(fit)
    fit, best = job.restarted(fit, best)
    fit, best = job.scheduled(fit, best)
    ahead = tuple(
        best if fit.plan.settings[r].label == fit.plan.settings[best].label else r for r in best_per_variant(fit)
    )
    why = reasons(fit, best, options, landscape)
    validation = held_out if fit.guided else None
    return SearchResult(job.reseeded(fit, ahead), best, ahead, landscape, why, validation)


@dataclass(frozen=True, eq=False)
class _Job:
    """What all trainings of one search share; the runs of each are put beside those that are done."""

    problem: Problem
    held_out: Data | None
    options: Options
    limits: Limits
    on_event: Callable[[Progress], None]
    start: Array | None
    begun: float
    keep: Callable[[Fit], None]

    def raced(self, runs: list[Setting]) -> Fit:
        """Train the candidates, batch size after batch size; rates of one variant race each other."""
        groups, fit = _by_batch(runs), None
        reserve = 0.0 if len(runs) == 1 or self.limits.seconds is None else (1 - RACE_PART) * self.limits.seconds
        for group in groups:
            share = 1.0 if group is groups[-1] else 0.5
            fit = self._trained(group, fit, share * (self._left() - reserve), race=True)
            if fit.interrupted:
                break
        assert fit is not None
        return self._more(fit, _given_up(fit))

    def refined(self, fit: Fit) -> Fit:
        """Try rates between the best one and its neighbours, where that run has not reached the optimum."""
        best = choose(fit)
        if self.options.lr != "auto" or _settled(fit, best):
            return fit
        return self._more(fit, between(fit, best), share=0.5)

    def restarted(self, fit: Fit, best: int) -> tuple[Fit, int]:
        """Train the best setting from other starts side by side, and choose anew."""
        if self.options.restarts == 1:
            return fit, best
        own, before = fit.plan.settings[best], len(fit.plan)
        fit = self._more(fit, own.reseeded(self.options.restarts))
        among = [best, *range(before, len(fit.plan))]
        return fit, min(among, key=lambda r: (fit.outcomes[r].failed, score(fit, r)))

    def scheduled(self, fit: Fit, best: int) -> tuple[Fit, int]:
        """Try schedules on the best setting, and keep one that is clearly better on held-out data."""
        if self.options.schedule != "auto" or _settled(fit, best):
            return fit, best
        own, before = fit.plan.settings[best], len(fit.plan)
        epochs = max(int(fit.epochs[best]), 1)
        fit = self._more(fit, [_under(self.problem, own, name, epochs) for name in SCHEDULES], epochs, 0.5)
        others = range(before, len(fit.plan))
        first = min((best, *others), key=lambda r: (fit.outcomes[r].failed, score(fit, r)))
        return fit, first if score(fit, first) < (1 - CLEARLY) * score(fit, best) else best

    def reseeded(self, fit: Fit, ahead: tuple[int, ...]) -> Fit:
        """Train the best run of each variant whose outcome is partly chance with other seeds: for the spread."""
        own = [r for r in ahead if not fit.outcomes[r].failed]
        if self.problem.network is not None:
            own = sorted(own, key=lambda r: score(fit, r))[:FEW]
        own = [r for r in own if fit.plan.settings[r].batch_size != FULL or self.problem.network is not None]
        again = [other for r in own for other in fit.plan.settings[r].reseeded(self.options.seeds)]
        return self._more(fit, again, max((int(fit.epochs[r]) for r in own), default=0))

    def _more(self, fit: Fit, runs: list[Setting], epochs: int | None = None, share: float = 1.0) -> Fit:
        """Train more runs to their ends in a share of the time that is left, if any is."""
        for group in _by_batch(runs):
            if fit.interrupted or self._left() <= 0:
                break
            fit = self._trained(group, fit, share * self._left(), epochs=epochs)
        return fit

    def _trained(
        self, group: tuple[Setting, ...], done: Fit | None, seconds: float, race: bool = False, epochs: int | None = None
    ) -> Fit:  # fmt: skip
        """Train a group, and return it beside the runs that are done."""
        limits, rows = self._limited(done, max(seconds, 0.0)), self.problem.data.rows
        if epochs is not None:
            limits = dataclasses.replace(limits, epochs=min(limits.epochs, epochs))
        if race and len({competition(s) for s in group}) < len(group):
            limits = dataclasses.replace(limits, rung=first_rung(-(-rows // group[0].rows_a_step(rows))))
        if self.problem.network is not None:
            _check_room(self.problem, group)
        threads = self.options.threads or 1
        heard = self._heard(0 if done is None else len(done.plan))
        own = train(self.problem, Plan(group, self.start), self.held_out, limits, heard, threads)
        fit = own if done is None else done.beside(own)
        self.keep(fit)
        return fit

    def _left(self) -> float:
        """Seconds that are left."""
        return np.inf if self.limits.seconds is None else self.limits.seconds - (time.monotonic() - self.begun)

    def _limited(self, done: Fit | None, seconds: float) -> Limits:
        """The limits of the next group: once a run has converged, as much again as that took."""
        limits = self.limits if seconds == np.inf else dataclasses.replace(self.limits, seconds=seconds)
        if done is None:
            return limits
        converged = [int(e) for e, o in zip(done.epochs, done.outcomes, strict=True) if o == Outcome.CONVERGED]
        if not converged:
            return limits
        epochs = min(limits.epochs, int(GRACE_FACTOR * max(GRACE_EPOCHS, min(converged))))
        return dataclasses.replace(limits, epochs=epochs, seconds=min(seconds, max(done.seconds, SHORTEST)))

    def _heard(self, before: int) -> Callable[[Progress], None]:
        """The listener, told of the search as a whole."""

        def on_event(heard: Progress) -> None:
            seconds, limit = time.monotonic() - self.begun, self.limits.seconds
            share = heard.share if limit is None else max(min(1.0, seconds / limit), heard.share * (before == 0))
            self.on_event(dataclasses.replace(heard, runs=heard.runs + before, seconds=seconds, share=share))

        return on_event


def validation_decides(landscape: Landscape, options: Options) -> bool:
    """Whether validation rows, rather than the training objective, decide when a run stops and which weights are kept.

    They do where they were asked for, by --val or --patience, and where no exact optimum tells how far a run has to go.
    """
    if isinstance(options.validation, str) and options.validation == "auto":
        return landscape.optimum.weights is None or "patience" in options.user_set
    return not (isinstance(options.validation, float) and options.validation == 0)


def _settled(fit: Fit, r: int) -> bool:
    """Whether a run failed or is at the optimum, so that trying more about it is in vain."""
    return fit.outcomes[r].failed or fit.outcomes[r] == Outcome.CONVERGED


def between(fit: Fit, best: int) -> list[Setting]:
    """Return the setting of a run at rates halfway, as ratios, to those next to its own that were tried.

    At the lowest rate that was tried, one as far below it; above the highest none, that may be a limit.
    """
    own = fit.plan.settings[best]
    rates = sorted({s.lr for s in fit.plan.settings if competition(s) == competition(own)})
    if len(rates) < 2:
        return []
    at = rates.index(own.lr)
    lower = rates[at - 1] if at else own.lr**2 / rates[1]
    return [own.at(lr=float(np.sqrt(own.lr * other))) for other in (lower, *rates[at + 1 : at + 2])]


def _given_up(fit: Fit) -> list[Setting]:
    """The best that was given up in each race where all that were not have failed."""
    found = []
    for one in dict.fromkeys(competition(s) for s in fit.plan.settings):
        own = [r for r, s in enumerate(fit.plan.settings) if competition(s) == one]
        dropped = [r for r in own if fit.outcomes[r] == Outcome.PRUNED]
        if dropped and all(fit.outcomes[r].failed for r in own if r not in dropped):
            found.append(fit.plan.settings[min(dropped, key=lambda r: score(fit, r))])
    return found


def _under(problem: Problem, setting: Setting, schedule: str, epochs: int) -> Setting:
    """A setting under a schedule that ends after so many epochs."""
    factors = factors_of(problem, schedule, epochs, 0, setting.batch_size)
    return dataclasses.replace(setting, schedule=schedule, factors=factors)


def _check_room(problem: Problem, group: tuple[Setting, ...]) -> None:
    """Raise UsageError when networks would not fit in the memory that is free."""
    assert problem.network is not None
    slots = max(len(s.rule.memory) for s in group)
    check_memory(problem.network, len(group), slots, problem.dtype.itemsize, free_memory())


def _by_batch(runs: list[Setting]) -> list[tuple[Setting, ...]]:
    """Runs of one batch size together, since an epoch costs them alike; the most runs first."""
    groups = [tuple(s for s in runs if s.batch_size == size) for size in {s.batch_size: 0 for s in runs}]
    return sorted(groups, key=len, reverse=True)


def _limits(options: Options, landscape: Landscape) -> Limits:
    epochs = MOST_EPOCHS if options.max_epochs is None else options.max_epochs
    return Limits(
        epochs, options.time_budget, options.patience, options.tol,
        None if landscape.optimum.weights is None else landscape.optimum.objective,
        landscape.aim(options.tol), landscape.baseline,
        validation_decides(landscape, options),
    )  # fmt: skip
