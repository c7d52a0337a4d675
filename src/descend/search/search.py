"""search: which rule at which rate; all candidates are trained side by side and the best is kept.

The rates of one variant compete by successive halving (`training.halving.worse_half`); the best is tried between its
neighbours, each variant's best is repeated over seeds, and the best of all is tried from other initial weights and
under other schedules where the user asked for that.
"""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines import start as initial_state
from descend.memory import free_memory
from descend.optimum.landscape import Landscape
from descend.options import Options
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.problem.moments import fits, measured, measures
from descend.problem.network import check_memory
from descend.search import corrected
from descend.search.candidates import candidates, factors_of, settings
from descend.search.rationale import rationale
from descend.search.sample import sample_of
from descend.search.selection import best_per_variant, choose, has_chance, mean_score, repeats, score, usable
from descend.table.data import Data
from descend.training import Fit, Limits, Progress, train
from descend.training.checkpoint import Checkpoints
from descend.training.halving import competition, first_rung

MOST_EPOCHS = 100_000  # of a run where the user set none (arbitrary: patience or the time ends it before)
RACE_SHARE = 0.6  # of the time for the first training of all settings; the rest is for neighbours, seeds and schedules
PROMISE = (
    "adam",
    "adagrad",
    "rmsprop",
    "momentum",
)  # best for 7, 5, 3 and 2 of the 20 networks of benchmarks/quality.json
FINAL_SHARE = 0.2  # of the time, which the best setting gets on all rows, however long the race on a sample took
RUN_COST = 10  # evaluations of all rows that a run costs at least: two epochs, its loss before and after, its score
SHORTEST = 0.1  # seconds of the first training whatever the budget: enough for an epoch of a small table (arbitrary)
STEP_SHARE = 0.5  # of the time that is left, for each step of the search after which others follow
LATE_SHARE = 0.2  # of the time that is left, for each batch size that is trained after compilation took too long
LOWER = (0.1, 0.01)  # of the lowest rate that was tried, where every rate of a variant failed
MOST_LOWER = 6  # times that lower rates are tried: twelve decades
SEEDED = 4  # variants of a network, the best by one seed, that are repeated over others where the user named none
SEED_ROUNDS = 3  # settings of a variant that are repeated over seeds until one does not fail
CELLS_AFTER_CONVERGENCE = (
    5e7  # cell visits of a group once a run has converged: about a tenth of a second, whatever the machine
)
UNSEEN = 5  # times less of it where nobody sees these runs: one that has converged by all rows a step is kept anyway (arbitrary)
QUICK_GRACE = (
    10  # epochs, see `Limits.grace`, of a search that is to show which setting is fastest, and no more (arbitrary)
)
SCHEDULES = ("cosine", "one_cycle", "plateau")  # that "auto" tries
CLEARLY = 1e-3  # share of the loss by which a schedule must beat a constant rate (arbitrary: above rounding and luck)


@dataclass(frozen=True, eq=False, kw_only=True)
class SearchResult:
    """The outcome of a search.

    Args:
        fit: all runs.
        best: the run that is kept.
        best_per_variant: the best run of each variant, in the plan's order.
        landscape: what was known before.
        options: the value of every option.
        seeds: how many seeds of each variant were asked for.
        skipped: the variants for which there was no time at all.
        out_of_time: whether the time, rather than a run itself, ended a run.
        validation: the rows that decided when to stop and what to keep; None where the training objective did.
        sample_rows: on how many rows settings competed; None where that was all of them.
        chosen_on_all: whether the setting that is kept competed on all rows nevertheless, trained by moments.
        places: of the training rows that are left, where they stood among all (rows,); None where these are all.
    """

    fit: Fit
    best: int
    best_per_variant: tuple[int, ...]
    landscape: Landscape
    options: Options
    seeds: int
    skipped: tuple[str, ...] = ()
    out_of_time: bool = False
    validation: Data | None = None
    sample_rows: int | None = None
    chosen_on_all: bool = False
    places: Array | None = None

    @cached_property
    def why(self) -> dict[str, dict[str, Any]]:
        """For each value that was chosen: how it was found, and the evidence."""
        why, rows = rationale(self.fit, self.best, self.options, self.landscape), self.fit.problem.data.rows_in_all
        if self.sample_rows is not None and not self.chosen_on_all:
            for name in ("optimizer", "lr"):
                why[name]["source"] += f", on {self.sample_rows:,} of {rows:,} rows"
        return why

    def on_some(self, data: Data, places: Array | None = None) -> "SearchResult":
        """Return this search with some of its training rows, which have the moments of all, in place of all."""
        problem = dataclasses.replace(self.fit.problem, data=data)
        fit = dataclasses.replace(self.fit, problem=problem)
        return dataclasses.replace(self, fit=fit, landscape=self.landscape.on_some(problem), places=places)

    def seeds_of(self, r: int) -> tuple[int, ...]:
        """Return the runs of a setting that are compared with others: one a seed, without those of --restarts."""
        first = min(s.seed for s in self.fit.plan.settings)
        return tuple(k for k in repeats(self.fit, r) if self.fit.plan.settings[k].seed < first + self.seeds)


def search(
    problem: Problem,
    held_out: Data | None,
    options: Options,
    landscape: Landscape | None = None,
    on_event: Callable[[Progress], None] = lambda progress: None,
    start: Array | None = None,
    checkpoints: Checkpoints | None = None,
    quick: bool = False,
) -> SearchResult:
    """Train every candidate that the options leave open and keep the best.

    Args:
        problem: what to minimise.
        held_out: validation rows, which decide when a run stops and which is best where `validation_decides` says so;
            else rows whose loss is only recorded.
        options: as `options.read_options` returns them.
        start: initial weights (params,), zeros when None.
        checkpoints: where its trainings write how they stand, and find it.
        quick: whether nobody looks at any run but the best: the others end soon, and are not measured.

    What the user typed is trained as it is; "auto" tries the eight variants, and for each of them rates below its
    stability limit.
    """
    landscape = landscape or Landscape.of(problem)
    task = _Task(problem, held_out, options, landscape, on_event, start, checkpoints or Checkpoints(), quick)
    free = all(fits(problem, s) for s in candidates(problem, options))  # moments train all of them
    sample = sample_of(problem, options) if _leaves_a_choice(options) and not free else None
    if sample is not None:
        result = _search_by_sample(task, sample)
        if result is not None:
            return result
    return _search_rows(task, settings(problem, options, landscape), task.limits)


@dataclass(frozen=True, eq=False)
class _Task:
    """What a search is given, see `search`."""

    problem: Problem
    held_out: Data | None
    options: Options
    landscape: Landscape
    on_event: Callable[[Progress], None]
    start: Array | None
    checkpoints: Checkpoints
    quick: bool

    @property
    def limits(self) -> Limits:
        """When a training ends."""
        limits = _limits(self.options, self.landscape)
        return dataclasses.replace(limits, grace=QUICK_GRACE, others=1.0) if self.quick else limits

    @property
    def threads(self) -> int:
        """Over which a training is spread."""
        return self.options.threads or 1

    def train(self, plan: Plan, limits: Limits, on_event: Callable[[Progress], None] | None = None) -> Fit:
        """Train a plan on all rows."""
        heard = on_event or self.on_event
        return train(self.problem, plan, self.held_out, limits, heard, self.threads, self.checkpoints)

    def after_convergence(self, limits: Limits, done: Fit, runs: int) -> Limits:
        """The limits of so many runs after others: once one has converged, so much work, counted in cells, whatever its pace."""
        converged = [int(e) for e, o in zip(done.epochs, done.outcomes, strict=True) if o == Outcome.CONVERGED]
        if not converged:
            return limits
        cells = self.problem.data.rows * max(self.problem.params, 1) * max(runs, 1)
        work = CELLS_AFTER_CONVERGENCE / (UNSEEN if self.quick else 1)
        most = max(int(work / cells), 1), int(limits.others * max(limits.grace, min(converged)))
        return dataclasses.replace(limits, epochs=min(limits.epochs, *most))


def _search_rows(task: _Task, runs: list[Setting], limits: Limits) -> SearchResult:
    """Train these settings on all rows of the problem."""
    job = _Search(task, limits)
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


def _leaves_a_choice(options: Options) -> bool:
    """Whether several settings are trained of which the user named none, and one is kept: those who name several compare
    them, and each sees all rows."""
    several = isinstance(options.optimizer, str) and "," in options.optimizer
    return not several and (options.lr == "auto" or options.optimizer == "auto")


def _search_by_sample(task: _Task, sample: Problem) -> SearchResult | None:
    """Let settings compete on a sample of the rows, and train the best on all of them; None where that fails there.

    Training goes on from the weights that the sample led to. Settings that moments train cost nothing, so these compete on
    all rows, and where one converges the others are tried on the sample for as long as others are tried at all.
    """
    begun, options = task.checkpoints.clock(), task.options
    budget = options.time_budget
    racing = options if budget is None else options.replace(time_budget=RACE_SHARE * budget)
    free = settings(task.problem, options, task.landscape, lambda s: fits(task.problem, s))
    whole = _by_moments(dataclasses.replace(task, options=racing), free) if free else None
    judges = None if task.held_out is None else task.held_out.drawn(sample.data.rows, options.random_state)
    known = Landscape.of(sample)
    part = dataclasses.replace(task, problem=sample, held_out=judges, options=racing, landscape=known)
    others = settings(sample, options, known, lambda s: not fits(task.problem, s))
    limits = dataclasses.replace(part.limits, grace=QUICK_GRACE)
    if whole is not None:
        limits = part.after_convergence(limits, whole.fit, len(others))
    race = _search_rows(part, others, limits)
    spent = task.checkpoints.clock() - begun - race.fit.compiling - (0.0 if whole is None else whole.fit.compiling)
    left = None if budget is None else max(budget - spent, FINAL_SHARE * budget)
    seconds = dataclasses.replace(_limits(options, task.landscape), seconds=left)
    final = _final(task, sample, race, seconds) if whole is None or _is_behind(task, whole, race) else None
    on_all = [fit for fit in (None if whole is None else whole.fit, final) if fit is not None]
    trained = on_all[0] if len(on_all) == 1 else on_all[0].beside(on_all[1])
    kept = choose(trained)
    if not usable(trained, kept):
        return None
    fit, before = _beside_the_race(task, race, trained), len(race.fit.plan)
    runs = {race.fit.plan.settings[r].label: r for r in race.best_per_variant}
    runs |= {trained.plan.settings[r].label: before + r for r in (*best_per_variant(trained), kept)}
    searches = [result for result in (whole, race) if result is not None]
    return SearchResult(
        fit=fit, best=before + kept, best_per_variant=tuple(runs.values()), landscape=task.landscape, options=options,
        seeds=options.seeds, skipped=tuple(name for result in searches for name in result.skipped),
        out_of_time=any(result.out_of_time for result in searches) or (final is not None and _out_of_time(final, seconds)),
        validation=task.held_out if fit.guided else None, sample_rows=sample.data.rows,
        chosen_on_all=whole is not None and kept < len(whole.fit.plan),
    )  # fmt: skip


def _by_moments(task: _Task, free: list[Setting]) -> SearchResult:
    """Let the settings that moments train compete on all rows; then the best of each variant get the time that runs are given
    that are shown."""
    begun, limits = task.checkpoints.clock(), task.limits
    whole = _search_rows(task, free, dataclasses.replace(limits, grace=QUICK_GRACE))
    settings_of, outcomes = whole.fit.plan.settings, whole.fit.outcomes
    cut = tuple(settings_of[r] for r in whole.best_per_variant if outcomes[r] == Outcome.BUDGET)
    if task.quick or not cut or whole.fit.interrupted:
        return whole
    if limits.seconds is not None:
        left = max(limits.seconds + whole.fit.compiling - (task.checkpoints.clock() - begun), 0.0)
        limits = dataclasses.replace(limits, seconds=left)
    longer = task.train(Plan(cut, task.start), limits)
    fit = whole.fit.beside(longer)
    return dataclasses.replace(whole, fit=fit, best=choose(fit), best_per_variant=best_per_variant(fit))


def _final(task: _Task, sample: Problem, race: SearchResult, limits: Limits) -> Fit:
    """Train the best setting of a race on all rows, from the weights that the sample led to."""
    setting, weights = race.fit.plan.settings[race.best], race.fit.weights[race.best]
    if corrected.fits(task.problem, setting, limits):
        begun, seconds = time.monotonic(), limits.seconds
        share = limits if seconds is None else dataclasses.replace(limits, seconds=STEP_SHARE * seconds)
        weights = corrected.approach(
            task.problem, sample, setting, weights, task.landscape, share, task.on_event, task.threads
        )
        if seconds is not None:
            left = max(seconds - (time.monotonic() - begun), (1 - STEP_SHARE) * seconds)
            limits = dataclasses.replace(limits, seconds=left)
    return task.train(Plan((setting,), weights[None]), limits)


def _is_behind(task: _Task, whole: SearchResult, race: SearchResult) -> bool:
    """Whether a setting that competed on a sample may be better than those that moments trained on all rows."""
    if _is_settled(whole.fit, whole.best) and usable(whole.fit, whole.best):
        return False
    found = measured(task.problem, race.fit.weights[[race.best]])[0]
    return not usable(whole.fit, whole.best) or bool(found < whole.fit.loss[whole.best])


def _beside_the_race(task: _Task, race: SearchResult, trained: Fit) -> Fit:
    """Return the runs of a race on a sample and those that were trained on all rows.

    The best of each variant is measured on all rows, where anybody will see it; all that did not fail count as pruned.
    """
    before, loss = race.fit, race.fit.loss.copy()
    ahead = [r for r in race.best_per_variant if usable(before, r)]
    if not task.quick or measures(task.problem):
        loss[ahead] = measured(task.problem, before.weights[ahead])
    outcomes = tuple(o if o.failed else Outcome.PRUNED for o in before.outcomes)
    score = before.score if trained.guided else loss
    raced = dataclasses.replace(
        before, problem=task.problem, loss=loss, score=score, outcomes=outcomes, engine=trained.engine
    )
    return dataclasses.replace(raced.beside(trained), interrupted=trained.interrupted)


@dataclass(eq=False)
class _Search:
    """The trainings of one search; the runs of each are put beside those that are done."""

    task: _Task
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
        longest = max(fit.seconds, SHORTEST)  # the first group has the most runs
        for group in groups[1:]:
            if fit.interrupted or self._left() <= 0:
                break
            share = 1.0 if group is groups[-1] else STEP_SHARE
            seconds = max(share * (self._left() - reserve), LATE_SHARE * self._left())
            if self.task.problem.network is not None:
                seconds = min(seconds, longest)
            fit = self._train(group, fit, seconds, race=True)
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
        if self.task.options.lr != "auto" or _is_settled(fit, best):
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
        if self.task.options.schedule != "auto" or _is_settled(fit, best):
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
        out_of_time = _out_of_time(new, limits)
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


def validation_decides(landscape: Landscape, options: Options) -> bool:
    """Whether validation rows, rather than the training objective, decide when a run stops and which weights are kept.

    They do where the user asked for them, by --val or --patience, and where the optimum is unknown.
    """
    if isinstance(options.validation, str) and options.validation == "auto":
        return landscape.optimum.weights is None or "patience" in options.user_set
    return not (isinstance(options.validation, float) and options.validation == 0)


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


def _is_settled(fit: Fit, r: int) -> bool:
    """Whether a run failed or is at the optimum, so that trying more about it is in vain."""
    return fit.outcomes[r].failed or fit.outcomes[r] == Outcome.CONVERGED


def _out_of_time(fit: Fit, limits: Limits) -> bool:
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


def _limits(options: Options, landscape: Landscape) -> Limits:
    return Limits(
        epochs=MOST_EPOCHS if options.max_epochs is None else options.max_epochs,
        seconds=options.time_budget,
        patience=options.patience,
        tol=options.tol,
        optimum=None if landscape.optimum.weights is None else landscape.optimum.objective,
        aim=landscape.aim(options.tol),
        reference=landscape.baseline,
        early=validation_decides(landscape, options),
    )
