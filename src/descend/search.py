"""search: which rule at which rate; all candidates are trained side by side and the best is kept."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend import optimum as exact
from descend.arrays import Array
from descend.data import Data
from descend.errors import UsageError
from descend.fit import FEWEST, GRACE, Fit, Limits, Progress, train
from descend.outcome import Outcome
from descend.plan import FULL, THE_EIGHT, Plan, Setting, Variant, variant
from descend.problem import Problem
from descend.rule import rule
from descend.schedules import factors

STEADY = (0.9, 0.5, 0.25, 0.1, 0.03)  # parts of the stability limit
NOISY = (1.0, 0.3, 0.1, 0.03, 0.01)  # parts of the safe rate of a batch
ADAPTIVE = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # parts of the distance to travel
HEAVY = 0.99  # a second momentum that is tried where none was typed: it crosses long ravines
MOST_EPOCHS = 100_000
SHORTEST = 0.1  # seconds that a group of runs gets at least


@dataclass(frozen=True, eq=False)
class Landscape:
    """What is known of the objective before training.

    Args:
        curvature: its bound on the second derivative.
        optimum: the exact optimum, or why there is none.
        baseline: the weights (params,) and objective of the best constant prediction.
    """

    curvature: exact.Curvature
    optimum: exact.Optimum
    baseline_weights: Array
    baseline: float

    @classmethod
    def of(cls, problem: Problem) -> "Landscape":
        """Survey a problem."""
        weights, objective = exact.baseline(problem)
        return cls(exact.curvature(problem), exact.optimum(problem), weights, objective)

    def aim(self, tol: float) -> float | None:
        """Return the objective at which a run has converged: within `tol` of the optimum, relative to the optimum
        itself or, where that is nearly zero, to a thousandth of what can be gained; None when it is unknown."""
        if self.optimum.weights is None:
            return None
        gain = max(self.baseline - self.optimum.objective, 0.0)
        near = min(gain, max(abs(self.optimum.objective), 1e-3 * gain))
        return self.optimum.objective + tol * near + 1e-13 * abs(self.baseline)

    def gap(self, objective: float) -> float | None:
        """Return (objective - optimum) / (baseline - optimum), or None."""
        if self.optimum.weights is None:
            return None
        return exact.gap(objective, self.optimum.objective, self.baseline)


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
    limits, fit = _limits(options, landscape), None
    for group in _by_batch(settings(problem, options, landscape)):
        if fit is not None and fit.interrupted:
            break
        left = _what_is_left(limits, fit)
        own = train(problem, Plan(group, start), held_out, left, listen, threads=options["threads"] or 1)
        fit = own if fit is None else fit.beside(own)
    assert fit is not None
    best = choose(fit, held_out)
    leaders = tuple(best if fit.plan.settings[r].label == fit.plan.settings[best].label else r for r in _leaders(fit))
    why = _why(fit, best, options, landscape)
    again = _other_seeds(fit, leaders, options["seeds"])
    if again and not fit.interrupted:
        left = dataclasses.replace(_what_is_left(limits, fit), epochs=max(int(fit.epochs[r]) for r in leaders))
        fit = fit.beside(train(problem, Plan(again, start), held_out, left, listen, threads=options["threads"] or 1))
    return Found(fit, best, leaders, landscape, why)


def _other_seeds(fit: Fit, leaders: tuple[int, ...], seeds: int) -> tuple[Setting, ...]:
    """The best run of each variant whose order of rows is random, with other seeds: their spread is reported."""
    drawn = [fit.plan.settings[r] for r in leaders if not fit.outcomes[r].failed]
    random = [s for s in drawn if s.batch_size != FULL]
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
        landscape.optimum.weights is None or _typed(options, "patience"),
    )  # fmt: skip


def settings(problem: Problem, options: Mapping[str, Any], landscape: Landscape) -> list[Setting]:
    """Return the candidates that the options leave open: what was typed, and rates below the limit for "auto"."""
    found: list[Setting] = []
    for name, form in _variants(options["optimizer"]):
        base = _setting(problem, name, form, options)
        if options["lr"] != "auto":
            found.append(_at(base, lr=options["lr"]))
            continue
        found += [_at(base, lr=lr) for lr in _rates(problem, base, landscape)]
        if base.rule.name in ("momentum", "nesterov") and base.batch_size == FULL and not _typed(options, "momentum"):
            heavy = _at(base, beta=HEAVY)
            found += [_at(heavy, lr=lr) for lr in _rates(problem, heavy, landscape)]
    return found


def _at(setting: Setting, **constants: float) -> Setting:
    return dataclasses.replace(setting, constants={**setting.constants, **{k: float(v) for k, v in constants.items()}})


def _variants(optimizer: Any) -> list[tuple[str, Variant | Any]]:
    if isinstance(optimizer, str):
        names = THE_EIGHT if optimizer == "auto" else optimizer.split(",")
        return [(name, variant(name)) for name in names]
    read = rule(optimizer)
    return [(read.name, Variant(read.name, read.name, "auto", read.name[:1].upper()))]


def _setting(problem: Problem, name: str, form: Variant, options: Mapping[str, Any]) -> Setting:
    given = options["optimizer"]
    read = rule(form.rule if isinstance(given, str) else given)
    names = {"momentum": "beta", "eps": "eps"}
    wanted = {
        to: options[of] for of, to in names.items() if of in options and to in read.constants and _typed(options, of)
    }
    if _typed(options, "betas"):
        wanted |= {k: v for k, v in zip(("beta1", "beta2"), options["betas"], strict=True) if k in read.constants}
    clip = options.get("clip")
    return Setting(
        read, read.with_constants(**wanted), _batch(problem, form, options["batch_size"]), options["random_state"],
        _factors(problem, options), np.inf if clip is None else clip, label=name,
    )  # fmt: skip


def _typed(options: Mapping[str, Any], name: str) -> bool:
    """A rule keeps its own default of a constant unless the user asked for another value."""
    from descend.options import BY_NAME

    return bool(options[name] != BY_NAME[name].default)


def _batch(problem: Problem, form: Variant, given: Any) -> int:
    rows = problem.data.rows
    if form.batch == "full" or given == "full":
        return FULL
    if form.batch == "one":
        return 1
    if given == "auto":
        return max(1, min(256, rows // 8)) if form.name == "minibatch" else FULL
    return FULL if given >= rows else int(given)


def _factors(problem: Problem, options: Mapping[str, Any]) -> Array:
    if options["schedule"] in ("none", "constant") and not options["warmup"]:
        return np.ones(1)
    if options["max_epochs"] is None and options["schedule"] not in ("none", "constant"):
        raise UsageError(
            f"the schedule {options['schedule']} needs to know its end, but max_epochs is not given",
            fix="add --epochs, such as --epochs 100",
            code="schedule-without-end",
        )
    rows, batch = problem.data.rows, options["batch_size"]
    steps = (options["max_epochs"] or 1) * (1 if not isinstance(batch, int) else -(-rows // batch))
    schedule = "constant" if options["schedule"] == "none" else options["schedule"]
    return factors(schedule, max(steps, options["warmup"] + 1), options["warmup"])


def _rates(problem: Problem, setting: Setting, landscape: Landscape) -> list[float]:
    """Rates to try, the largest first."""
    curvature, batch = landscape.curvature, setting.rows_a_step(problem.data.rows)
    limit = exact.limit(setting.rule, setting.constants, max(curvature.largest, 1e-300))
    if limit is None:
        return [_distance(landscape) * part for part in ADAPTIVE]
    if batch == problem.data.rows:
        return [limit * part for part in STEADY]
    scale = limit * curvature.largest / 2
    return [scale * exact.batch_limit(curvature, batch) * part for part in NOISY]


def _distance(landscape: Landscape) -> float:
    """How far the weights have to go: adaptive rules move about one rate a step."""
    if landscape.optimum.weights is None:
        return 1.0
    return float(np.abs(landscape.optimum.weights).max(initial=0.0)) or 1.0


def choose(fit: Fit, held_out: Data | None) -> int:
    """Return the run to keep.

    Runs that converged have the same weights to within the tolerance; they come before all others, and those that
    take all rows a step come first, so that the choice does not depend on the order of the rows. Among equals the
    lowest held-out loss decides, and without held-out data the lowest training objective.
    """
    good = np.array([not o.failed for o in fit.outcomes]) & np.isfinite(fit.loss)
    loss = fit.loss if held_out is None else fit.held_out
    score = np.where(good, loss, np.inf) if good.any() else np.where(np.isfinite(fit.loss), fit.loss, np.inf)

    def rank(r: int) -> tuple[bool, bool, float]:
        converged = fit.outcomes[r] == Outcome.CONVERGED
        return not converged, converged and fit.plan.settings[r].batch_size != FULL, float(score[r])

    return min(range(len(score)), key=rank)


def _leaders(fit: Fit) -> tuple[int, ...]:
    leaders = []
    for label in dict.fromkeys(s.label for s in fit.plan.settings):
        own = [r for r, s in enumerate(fit.plan.settings) if s.label == label]
        leaders.append(
            min(own, key=lambda r: (fit.outcomes[r].failed, fit.outcomes[r] != Outcome.CONVERGED, _score(fit, r)))
        )
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
    }  # fmt: skip


def _reason(given: Any, source: str) -> dict[str, Any]:
    return {"rule": "auto", "source": source} if given == "auto" else {"rule": "typed", "source": "given by the user"}
