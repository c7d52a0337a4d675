"""search: which rule at which rate; all candidates are trained side by side and the best is kept."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend import optimum as exact
from descend.arrays import Array
from descend.candidates import settings, typed
from descend.data import Data
from descend.fit import FEWEST, GRACE, Fit, Limits, Progress, train
from descend.landscape import Landscape
from descend.network import check_memory, free_memory
from descend.outcome import Outcome
from descend.plan import FULL, Plan, Setting
from descend.problem import Problem

MOST_EPOCHS = 100_000
RACE_EPOCHS = 5  # after which the best rate of each variant of a network goes on alone
RACE_STEPS = 60  # of a race at least, where an epoch is few steps
FINALISTS = 3  # runs that go on where few variants are tried, each variant with as many
RACE_PART = 0.4  # of the time
FEW = 3  # variants of a network whose spread over seeds is measured
SHORTEST = 0.1  # seconds that a group of runs gets at least


@dataclass(frozen=True, eq=False)
class Found:
    """The outcome of a search.

    Args:
        fit: all runs.
        best: the run that is kept.
        leaders: the best run of each variant, in the plan's order.
        landscape: what was known before.
        why: for each value that was chosen: how it was found, and the evidence.
    """

    fit: Fit
    best: int
    leaders: tuple[int, ...]
    landscape: Landscape
    why: dict[str, dict[str, Any]]


def search(
    problem: Problem,
    held_out: Data | None,
    options: Mapping[str, Any],
    landscape: Landscape | None = None,
    listen: Callable[[Progress], None] = lambda progress: None,
    start: Array | None = None,
) -> Found:
    """Train every candidate that the options leave open and keep the best.

    Args:
        problem: what to minimise.
        held_out: data that decides which run is best, and when one stops; without it the training objective does.
        options: as `options.read_options` returns them.
        start: initial weights (params,), zeros when None.

    What was typed is trained as it was typed; "auto" tries the eight variants, and for each of them rates below its
    stability limit.
    """
    landscape = landscape or Landscape.of(problem)
    job = _Job(problem, held_out, options, _limits(options, landscape), listen, start)
    runs = settings(problem, options, landscape)
    fit = job.raced(runs) if problem.network is not None else job.trained(runs)
    best = choose(fit, held_out)
    if options["restarts"] > 1:
        fit, best = job.restarted(fit, best, options["restarts"])
    leaders = tuple(best if fit.plan.settings[r].label == fit.plan.settings[best].label else r for r in _leaders(fit))
    why = _why(fit, best, options, landscape)
    again = _other_seeds(fit, leaders, options["seeds"])
    if again and not fit.interrupted:
        fit = job.trained(list(again), fit, max(int(fit.epochs[r]) for r in leaders))
    return Found(fit, best, leaders, landscape, why)


@dataclass(frozen=True, eq=False)
class _Job:
    """What all trainings of one search share."""

    problem: Problem
    held_out: Data | None
    options: Mapping[str, Any]
    limits: Limits
    listen: Callable[[Progress], None]
    start: Array | None

    def trained(
        self, runs: list[Setting], done: Fit | None = None, epochs: int | None = None, part: float = 1.0
    ) -> Fit:
        """Train more runs, beside those that are done, batch size after batch size.

        Args:
            epochs: most epochs, when fewer than the limit.
            part: the part of the time that is left which these runs may take.
        """
        fit, groups = done, _by_batch(runs)
        for number, group in enumerate(groups):
            if fit is not None and fit.interrupted:
                break
            left = _what_is_left(self.limits, fit)
            if epochs is not None:
                left = dataclasses.replace(left, epochs=min(left.epochs, epochs))
            if self.problem.network is not None:
                left = _in_turn(left, part / (len(groups) - number), group, self.problem.data.rows, epochs)
                _check_room(self.problem, group)
            own = train(
                self.problem, Plan(group, self.start), self.held_out, left, self.listen, self.options["threads"] or 1
            )
            fit = own if fit is None else fit.beside(own)
        assert fit is not None
        return fit

    def raced(self, runs: list[Setting]) -> Fit:
        """Train every candidate for a few epochs, then the best of each variant to their ends."""
        variants = len({s.label for s in runs})
        if len(runs) == variants:
            return self.trained(runs)
        fit = self.trained(runs, epochs=RACE_EPOCHS, part=RACE_PART)
        ahead = _ahead(fit, max(1, FINALISTS // variants))
        return self.trained([fit.plan.settings[r] for r in ahead], fit)

    def restarted(self, fit: Fit, best: int, restarts: int) -> tuple[Fit, int]:
        """Train the best setting from other starts side by side, and choose anew."""
        own, before = fit.plan.settings[best], len(fit.plan)
        others = [dataclasses.replace(own, seed=own.seed + k) for k in range(1, restarts)]
        fit = self.trained(others, fit)
        among = [best, *range(before, len(fit.plan))]
        return fit, min(among, key=lambda r: (fit.outcomes[r].failed, _score(fit, r)))


def _check_room(problem: Problem, group: tuple[Setting, ...]) -> None:
    """Raise UsageError when networks would not fit in the memory that is free."""
    assert problem.network is not None
    slots = max(len(s.rule.memory) for s in group)
    check_memory(problem.network, len(group), slots, problem.dtype.itemsize, free_memory())


def _in_turn(limits: Limits, part: float, group: tuple[Setting, ...], rows: int, epochs: int | None) -> Limits:
    """The limits of one of several groups: a part of the time; a race has steps enough to tell rates apart."""
    if epochs == RACE_EPOCHS:
        a_epoch = -(-rows // group[0].rows_a_step(rows))
        limits = dataclasses.replace(limits, epochs=max(limits.epochs, -(-RACE_STEPS // a_epoch)))
    return limits if limits.seconds is None else dataclasses.replace(limits, seconds=limits.seconds * part)


def _other_seeds(fit: Fit, leaders: tuple[int, ...], seeds: int) -> tuple[Setting, ...]:
    """The best run of each variant whose order of rows is random, with other seeds: their spread is reported."""
    drawn = [r for r in leaders if not fit.outcomes[r].failed]
    if fit.problem.network is not None:
        drawn = sorted(drawn, key=lambda r: _score(fit, r))[:FEW]
    random = [s for r in drawn if (s := fit.plan.settings[r]).batch_size != FULL or fit.problem.network is not None]
    return tuple(dataclasses.replace(s, seed=s.seed + k) for s in random for k in range(1, seeds))


def _by_batch(runs: list[Setting]) -> list[tuple[Setting, ...]]:
    """Runs of one batch size together, the largest batches first: an epoch costs them alike."""
    sizes = sorted({s.batch_size for s in runs}, key=lambda b: np.inf if b == FULL else b, reverse=True)
    return [tuple(s for s in runs if s.batch_size == size) for size in sizes]


def _what_is_left(limits: Limits, done: Fit | None) -> Limits:
    """The limits of the next group: once a run has converged, as much again as that took."""
    if done is None:
        return limits
    converged = [int(e) for e, o in zip(done.epochs, done.outcomes, strict=True) if o == Outcome.CONVERGED]
    left = None if limits.seconds is None else max(limits.seconds - done.seconds, 0.05 * limits.seconds)
    if not converged:
        return dataclasses.replace(limits, seconds=left)
    epochs = min(limits.epochs, int(GRACE * max(FEWEST, min(converged))))
    again = max(done.seconds, SHORTEST)
    return dataclasses.replace(limits, epochs=epochs, seconds=again if left is None else min(left, again))


def _limits(options: Mapping[str, Any], landscape: Landscape) -> Limits:
    epochs = MOST_EPOCHS if options["max_epochs"] is None else options["max_epochs"]
    return Limits(
        epochs, options["time_budget"], options["patience"], options["tol"],
        None if landscape.optimum.weights is None else landscape.optimum.objective,
        landscape.aim(options["tol"]), landscape.baseline,
        landscape.optimum.weights is None or typed(options, "patience"),
    )  # fmt: skip


def choose(fit: Fit, held_out: Data | None) -> int:
    """Return the run to keep.

    Runs that converged have the same weights to within the tolerance; they come before all others, and those that
    take all rows a step come first, so that the choice does not depend on the order of the rows. Among equals the
    lowest held-out loss decides, and without held-out data the lowest training objective.
    """
    good = np.array([not o.failed for o in fit.outcomes]) & np.isfinite(fit.loss)
    loss = fit.loss if held_out is None else fit.held_out
    score = np.where(good, loss, np.inf) if good.any() else np.where(np.isfinite(fit.loss), fit.loss, np.inf)

    def rank(r: int) -> tuple[bool, bool, float, int]:
        converged = fit.outcomes[r] == Outcome.CONVERGED
        full = fit.plan.settings[r].batch_size == FULL
        return not converged, converged and not full, float(score[r]), -int(fit.epochs[r])

    return min(range(len(score)), key=rank)


def _leaders(fit: Fit) -> tuple[int, ...]:
    """The best run of each variant."""
    return _ahead(fit, 1)


def _ahead(fit: Fit, each: int) -> tuple[int, ...]:
    """The best runs of each variant, so many of each."""
    leaders: list[int] = []
    for label in dict.fromkeys(s.label for s in fit.plan.settings):
        own = [r for r, s in enumerate(fit.plan.settings) if s.label == label]
        own.sort(
            key=lambda r: (
                fit.outcomes[r].failed,
                fit.outcomes[r] != Outcome.CONVERGED,
                _score(fit, r),
                -int(fit.epochs[r]),
            )
        )
        leaders += own[:each]
    return tuple(leaders)


def _score(fit: Fit, r: int) -> float:
    score = fit.loss[r] if np.isnan(fit.held_out[r]) else fit.held_out[r]
    return float(score) if np.isfinite(score) else np.inf


def _why(fit: Fit, best: int, options: Mapping[str, Any], landscape: Landscape) -> dict[str, dict[str, Any]]:
    setting = fit.plan.settings[best]
    limit = exact.limit(setting.rule, setting.constants, max(landscape.curvature.largest, 1e-300))
    own = [s.lr for s in fit.plan.settings if s.label == setting.label]
    return {
        "optimizer": _reason(options["optimizer"], f"best held-out loss of {len(_leaders(fit))} variants"),
        "lr": {
            **_reason(options["lr"], f"best of {len(own)} rates placed by the curvature"),
            "stability_limit": limit, "curvature": landscape.curvature.largest, "tried": own,
        },
        "batch": _reason(options["batch_size"], "the variant's own"),
        **_why_start(fit, best, options),
    }  # fmt: skip


def _why_start(fit: Fit, best: int, options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of how many starts a network was chosen, and how much they differ."""
    own = fit.plan.settings[best]
    alike = [
        r
        for r, s in enumerate(fit.plan.settings)
        if (s.label, s.constants, s.batch_size) == (own.label, own.constants, own.batch_size)
    ]
    last = {fit.plan.settings[r].seed: _score(fit, r) for r in alike}
    if options["restarts"] == 1:
        return {}
    losses = [last[s] for s in sorted(last)]
    return {"restarts": {"rule": "typed", "source": "given by the user", "seed": own.seed, "losses": losses,
                         "spread": float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0}}  # fmt: skip


def _reason(given: Any, source: str) -> dict[str, Any]:
    return {"rule": "auto", "source": source} if given == "auto" else {"rule": "typed", "source": "given by the user"}
