"""by_sample: settings of a large table compete on a sample of its rows, and the best is trained on all of them."""

import dataclasses
import time

from descend.optimum.landscape import Landscape
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.problem.moments import fits, measured, measures
from descend.search import corrected
from descend.search.candidates import settings
from descend.search.result import SearchResult
from descend.search.selection import best_per_variant, choose, usable
from descend.search.task import QUICK_GRACE, Task, limits_of
from descend.search.trainings import RACE_SHARE, STEP_SHARE, is_out_of_time, is_settled, search_rows
from descend.training import Fit, Limits

FINAL_SHARE = 0.2  # of the time, which the best setting gets on all rows, however long the race on a sample took


def search_by_sample(task: Task, sample: Problem) -> SearchResult | None:
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
    race = search_rows(part, others, limits)
    spent = task.checkpoints.clock() - begun - race.fit.compiling - (0.0 if whole is None else whole.fit.compiling)
    left = None if budget is None else max(budget - spent, FINAL_SHARE * budget)
    seconds = dataclasses.replace(limits_of(options, task.landscape), seconds=left)
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
        out_of_time=any(result.out_of_time for result in searches) or (final is not None and is_out_of_time(final, seconds)),
        validation=task.held_out if fit.guided else None, sample_rows=sample.data.rows,
        chosen_on_all=whole is not None and kept < len(whole.fit.plan),
    )  # fmt: skip


def _by_moments(task: Task, free: list[Setting]) -> SearchResult:
    """Let the settings that moments train compete on all rows; then the best of each variant get the time that runs are given
    that are shown."""
    begun, limits = task.checkpoints.clock(), task.limits
    whole = search_rows(task, free, dataclasses.replace(limits, grace=QUICK_GRACE))
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


def _final(task: Task, sample: Problem, race: SearchResult, limits: Limits) -> Fit:
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


def _is_behind(task: Task, whole: SearchResult, race: SearchResult) -> bool:
    """Whether a setting that competed on a sample may be better than those that moments trained on all rows."""
    if is_settled(whole.fit, whole.best) and usable(whole.fit, whole.best):
        return False
    found = measured(task.problem, race.fit.weights[[race.best]])[0]
    return not usable(whole.fit, whole.best) or bool(found < whole.fit.loss[whole.best])


def _beside_the_race(task: Task, race: SearchResult, trained: Fit) -> Fit:
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
