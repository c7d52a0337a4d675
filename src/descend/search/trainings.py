"""trainings: what a search trains one after the other: the race, lower rates, rates between, seeds, other weights, schedules."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from descend.engines import start as initial_state
from descend.memory import free_memory
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.problem.moments import measured
from descend.problem.network import check_memory
from descend.search.candidates import factors_of
from descend.search.result import SearchResult
from descend.search.selection import best_per_variant, choose, has_chance, mean_score, repeats, score, usable
from descend.search.task import Task
from descend.training import Fit, Limits, Progress
from descend.training.halving import competition, first_rung

RACE_SHARE = 0.6  # of the time for the first training of all settings; the rest is for neighbours, seeds and schedules
STEP_SHARE = 0.5  # of the time that is left, for each step of the search after which others follow
PROMISE = (
    "adam",
    "adagrad",
    "rmsprop",
    "momentum",
)  # best for 7, 5, 3 and 2 of the 20 networks of benchmarks/quality.json
RUN_COST = 10  # evaluations of all rows that a run costs at least: two epochs, its loss before and after, its score
SHORTEST = 0.1  # seconds of the first training whatever the budget: enough for an epoch of a small table (arbitrary)
LATE_SHARE = 0.2  # of the time that is left, for each batch size that is trained after compilation took too long
LOWER = (0.1, 0.01)  # of the lowest rate that was tried, where every rate of a variant failed
MOST_LOWER = 6  # times that lower rates are tried: twelve decades
SEEDED = 4  # variants of a network, the best by one seed, that are repeated over others where the user named none
SEED_ROUNDS = 3  # settings of a variant that are repeated over seeds until one does not fail
SCHEDULES = ("cosine", "one_cycle", "plateau")  # that "auto" tries
CLEARLY = 1e-3  # share of the loss by which a schedule must beat a constant rate (arbitrary: above rounding and luck)


def search_rows(task: Task, runs: list[Setting], limits: Limits) -> SearchResult:
    """Train these settings on all rows of the problem."""
    job = Trainings(task, limits)
    fit = job.race(runs)
    fit = job.try_lower_rates(fit)
    fit = job.refine(fit)
    fit = job.repeat_over_seeds(fit)
    fit, best = job.restart(fit, choose(fit))
    fit, best = job.try_schedules(fit, best)
    if fit.outcomes[best] == Outcome.PRUNED:  # all that were ahead of it failed, and no time was left to train it on
        outcomes = tuple(Outcome.BUDGET if r == best else o for r, o in enumerate(fit.outcomes))
        fit = dataclasses.replace(fit, outcomes=outcomes)
    label = fit.plan.settings[best].label
    ahead = tuple(best if fit.plan.settings[r].label == label else r for r in best_per_variant(fit))
    trained = {s.label for s in fit.plan.settings}
    return SearchResult(
        fit=fit,
        best=best,
        best_per_variant=ahead,
        landscape=task.landscape,
        options=task.options,
        seeds=task.options.seeds,
        skipped=tuple(dict.fromkeys(s.label for s in runs if s.label not in trained)),
        out_of_time=job.out_of_time,
        validation=task.held_out if fit.guided else None,
    )


@dataclass(eq=False)
class Trainings:
    """The trainings of one search; the runs of each are put beside those that are done."""

    task: Task
    limits: Limits
    out_of_time: bool = False
    compiling: float = 0.0  # seconds so far; the time is for training

    def __post_init__(self) -> None:
        self.begun = self.task.checkpoints.clock()

    def race(self, runs: list[Setting]) -> Fit:
        """Train the candidates, batch size after batch size, by successive halving; the first group is never left out."""
        groups = _by_batch(self.affordable(runs))
        reserve = 0.0 if len(runs) == 1 or self.limits.seconds is None else (1 - RACE_SHARE) * self.limits.seconds
        share = 1.0 if len(groups) == 1 else STEP_SHARE
        fit = self._train(groups[0], None, max(share * (self._left() - reserve), SHORTEST), race=True)
        longest, work = max(fit.seconds, SHORTEST), int(fit.epochs.sum())  # the first group has the most runs
        for group in groups[1:]:
            if fit.interrupted or self._left() <= 0:
                break
            share = 1.0 if group is groups[-1] else STEP_SHARE
            seconds = max(share * (self._left() - reserve), LATE_SHARE * self._left())
            epochs = None
            if self.task.problem.network is not None and self.limits.seconds is not None:
                seconds = min(seconds, longest)
            elif self.task.problem.network is not None:  # without a time the same work, so that no clock decides
                epochs = max(-(-work // len(group)), 1)
            fit = self._train(group, fit, seconds, race=True, epochs=epochs)
        return fit

    def affordable(self, runs: list[Setting]) -> list[Setting]:
        """The runs for which the time is enough, by the seconds that one evaluation of all rows takes: variants of
        least promise are left out first."""
        if self.limits.seconds is None or len(runs) == 1:
            return runs
        began = time.monotonic()
        measured(self.task.problem, initial_state(self.task.problem, Plan((runs[0],), self.task.start)).weights)
        one = RUN_COST * (time.monotonic() - began)
        if one * len(runs) <= self._left():
            return runs
        keep: list[Setting] = []
        for group in sorted(_by_variant(runs), key=lambda g: _promise(g[0].label)):
            if keep and one * (len(keep) + len(group)) > self._left():
                break
            keep += group
        return keep

    def try_lower_rates(self, fit: Fit) -> Fit:
        """Where all rates of a variant failed, train the best that was pruned, then lower rates, until one trains."""
        for _ in range(MOST_LOWER):
            more = after_failures(fit, lower=self.task.options.lr == "auto")
            before, fit = len(fit.plan), self._more(fit, more, STEP_SHARE)
            if len(fit.plan) == before:
                break
        return fit

    def refine(self, fit: Fit) -> Fit:
        """Try rates between the best one and its neighbours, where that run has not reached the optimum."""
        best = choose(fit)
        if self.task.options.lr != "auto" or is_settled(fit, best):
            return fit
        return self._more(fit, between(fit, best), STEP_SHARE)

    def repeat_over_seeds(self, fit: Fit) -> Fit:
        """Train the best setting of each variant with the same other seeds, where its outcome depends on them.

        A seed for which the time was not enough counts nowhere. Where a seed failed, the next best setting of the
        variant is repeated instead.
        """
        for _ in range(SEED_ROUNDS):
            ahead = [r for r in best_per_variant(fit) if has_chance(fit, r) and usable(fit, r)]
            if self.task.problem.network is not None and self.task.options.optimizer == "auto":
                ahead = sorted(sorted(ahead, key=lambda r: score(fit, r))[:SEEDED])
            runs = [fit.plan.settings[r] for r in ahead if len(repeats(fit, r)) == 1]
            if not runs or self.task.options.seeds == 1:
                break
            later = self.task.options.restarts > 1 or self.task.options.schedule == "auto"
            before = len(fit.plan)
            for k in range(1, self.task.options.seeds):
                again = [s.reseeded(k + 1)[-1] for s in runs]
                fit = self._more(fit, again, STEP_SHARE if later else 1.0, whole=True)
            if len(fit.plan) == before:
                break
        return fit

    def restart(self, fit: Fit, best: int) -> tuple[Fit, int]:
        """Train the best setting from as many initial weights as was asked for, and keep the best of them."""
        if self.task.options.restarts == 1:
            return fit, best
        own, known = fit.plan.settings[best], {fit.plan.settings[r].seed for r in repeats(fit, best)}
        fit = self._more(fit, [s for s in own.reseeded(self.task.options.restarts) if s.seed not in known])
        starts = range(own.seed, own.seed + self.task.options.restarts)
        among = [r for r in repeats(fit, best) if fit.plan.settings[r].seed in starts]
        return fit, min(among, key=lambda r: (not usable(fit, r), score(fit, r)))

    def try_schedules(self, fit: Fit, best: int) -> tuple[Fit, int]:
        """Try schedules on the best setting, over the same seeds, and keep one that is clearly better."""
        if self.task.options.schedule != "auto" or is_settled(fit, best):
            return fit, best
        before, seeds = len(fit.plan), [fit.plan.settings[r] for r in repeats(fit, best)]
        epochs = max(int(fit.epochs[best]), 1)
        for name in SCHEDULES:
            ends = None if name == "plateau" else epochs  # it lowers the rate where the constant one would have ended
            runs = [with_schedule(self.task.problem, own, name, epochs) for own in seeds]
            fit = self._more(fit, runs, STEP_SHARE, epochs=ends, whole=True)
        constant = mean_score(fit, best)
        seed = fit.plan.settings[best].seed
        others = [r for r in range(before, len(fit.plan)) if fit.plan.settings[r].seed == seed]
        first = min((best, *others), key=lambda r: mean_score(fit, r))
        return fit, first if mean_score(fit, first) < (1 - CLEARLY) * constant else best

    def _more(
        self, fit: Fit, runs: list[Setting], share: float = 1.0, epochs: int | None = None, whole: bool = False
    ) -> Fit:
        """Train more runs to their ends in a share of the time that is left, if any is."""
        for group in _by_batch(runs):
            if fit.interrupted or self._left() <= 0:
                break
            fit = self._train(group, fit, share * self._left(), epochs=epochs, whole=whole)
        return fit

    def _train(
        self, group: tuple[Setting, ...], done: Fit | None, seconds: float, *,
        race: bool = False, epochs: int | None = None, whole: bool = False,
    ) -> Fit:  # fmt: skip
        """Train a group, and return it beside the runs that are done.

        A later group for which the time was not enough is left out: one without an epoch, and if `whole` any that was cut.
        """
        seconds = max(seconds, 0.0)
        limits, rows = self._limits(done, seconds, group), self.task.problem.data.rows
        if epochs is not None:
            limits = dataclasses.replace(limits, epochs=min(limits.epochs, epochs))
        if race and len({competition(s) for s in group}) < len(group):
            limits = dataclasses.replace(limits, rung=first_rung(-(-rows // group[0].rows_a_step(rows))))
        if self.task.problem.network is not None:
            _check_memory(self.task.problem, group)
        listener = self._listener(0 if done is None else len(done.plan))
        new = self.task.train(Plan(group, self.task.start), limits, listener)
        self.compiling += new.compiling
        out_of_time = is_out_of_time(new, limits)
        self.out_of_time |= out_of_time
        cut = whole and (new.interrupted or out_of_time)
        if done is not None and (cut or (limits.epochs > 0 and not new.epochs.any())):
            return dataclasses.replace(done, interrupted=new.interrupted, compiling=done.compiling + new.compiling)
        return new if done is None else done.beside(new)

    def _left(self) -> float:
        """Seconds that are left."""
        return np.inf if self.limits.seconds is None else self.limits.seconds - self.seconds

    @property
    def seconds(self) -> float:
        """Seconds so far, without those of compilation."""
        return self.task.checkpoints.clock() - self.begun - self.compiling

    def _limits(self, done: Fit | None, seconds: float, group: tuple[Setting, ...]) -> Limits:
        """The limits of the next group: once a run has converged, so much work, counted in cells, whatever its pace."""
        limits = self.limits if seconds == np.inf else dataclasses.replace(self.limits, seconds=seconds)
        return limits if done is None else self.task.after_convergence(limits, done, len(group))

    def _listener(self, before: int) -> Callable[[Progress], None]:
        """A listener that passes on the progress of the search as a whole; `before` runs are done."""

        def on_event(progress: Progress) -> None:
            seconds, limit = self.seconds, self.limits.seconds
            share = progress.share if limit is None else max(min(1.0, seconds / limit), progress.share * (before == 0))
            self.task.on_event(dataclasses.replace(progress, runs=progress.runs + before, seconds=seconds, share=share))

        return on_event


def between(fit: Fit, best: int) -> list[Setting]:
    """Return the setting of a run at rates halfway, as ratios, to those next to its own that were tried.

    At the lowest rate that was tried, one as far below it; above the highest none, since that may be a limit.
    """
    own = fit.plan.settings[best]
    rates = sorted({s.lr for s in fit.plan.settings if competition(s) == competition(own)})
    if len(rates) < 2:
        return []
    at = rates.index(own.lr)
    lower = rates[at - 1] if at else own.lr**2 / rates[1]
    return [own.at(lr=float(np.sqrt(own.lr * other))) for other in (lower, *rates[at + 1 : at + 2])]


def after_failures(fit: Fit, lower: bool) -> list[Setting]:
    """Return what to train next of each competition whose runs failed, all but those that were pruned.

    That is the best that was pruned, unless it failed too when it was trained on; else, if `lower`, rates below all
    that were tried.
    """
    result: list[Setting] = []
    for one in dict.fromkeys(competition(s) for s in fit.plan.settings):
        runs = [r for r, s in enumerate(fit.plan.settings) if competition(s) == one]
        ended = [r for r in runs if fit.outcomes[r] != Outcome.PRUNED]
        if any(usable(fit, r) for r in ended):
            continue
        failed = {fit.plan.settings[r].lr for r in ended}
        pruned = [r for r in runs if fit.outcomes[r] == Outcome.PRUNED and fit.plan.settings[r].lr not in failed]
        if pruned:
            result.append(fit.plan.settings[min(pruned, key=lambda r: score(fit, r))])
        elif lower:
            lowest = min((fit.plan.settings[r] for r in runs), key=lambda s: s.lr)
            result += [lowest.at(lr=lowest.lr * share) for share in LOWER]
    return result


def with_schedule(problem: Problem, setting: Setting, schedule: str, epochs: int) -> Setting:
    """Return a setting under a schedule that ends after so many epochs."""
    factors = factors_of(problem, schedule, epochs, 0, setting.batch_size)
    return dataclasses.replace(setting, schedule=schedule, factors=factors)


def is_settled(fit: Fit, r: int) -> bool:
    """Whether a run failed or is at the optimum, so that trying more about it is in vain."""
    return fit.outcomes[r].failed or fit.outcomes[r] == Outcome.CONVERGED


def is_out_of_time(fit: Fit, limits: Limits) -> bool:
    """Whether a run was ended by the time, not by its epochs or by others that converged."""
    cut = (o == Outcome.BUDGET and e < limits.epochs for o, e in zip(fit.outcomes, fit.epochs, strict=True))
    return limits.seconds is not None and fit.seconds >= limits.seconds and any(cut)


def _check_memory(problem: Problem, group: tuple[Setting, ...]) -> None:
    """Raise UsageError when networks would not fit in the memory that is free."""
    assert problem.network is not None
    slots = max(len(s.rule.memory) for s in group)
    check_memory(problem.network, len(group), slots, problem.dtype.itemsize, free_memory())


def _by_batch(runs: list[Setting]) -> list[tuple[Setting, ...]]:
    """Runs of one batch size together, since an epoch costs them alike; the most runs first."""
    groups = [tuple(s for s in runs if s.batch_size == size) for size in {s.batch_size: 0 for s in runs}]
    return sorted(groups, key=len, reverse=True)


def _by_variant(runs: list[Setting]) -> list[list[Setting]]:
    return [[s for s in runs if s.label == label] for label in dict.fromkeys(s.label for s in runs)]


def _promise(label: str) -> int:
    return PROMISE.index(label) if label in PROMISE else len(PROMISE)
