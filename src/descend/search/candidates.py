"""candidates: which settings a search tries, from what was typed and what is known before training."""

from typing import Any

import numpy as np

from descend import optimum as exact
from descend.arrays import Array
from descend.errors import UsageError
from descend.optimum.landscape import Landscape
from descend.options import Options
from descend.plan import FULL, THE_EIGHT, VARIANTS, Setting, Variant, variant
from descend.plan.rule import rule
from descend.problem import Problem
from descend.schedules import factors

STEADY = (0.9, 0.5, 0.25, 0.1, 0.03)  # parts of the stability limit
NOISY = (1.0, 0.3, 0.1, 0.03, 0.01)  # parts of the safe rate of a batch
ADAPTIVE = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # parts of the distance to travel
STEADY_SCHEDULES = ("none", "constant", "plateau", "auto")  # whose factors do not depend on the number of steps
HEAVY = 0.99  # a second momentum that is tried where none was typed: it crosses long ravines
DEEP_STEADY = (1.0, 0.4, 0.15, 0.05, 0.015)  # parts of the limit where a network starts
DEEP_BATCH = (8, 128)  # rows a step of a network: a 32nd of the data, between these
DEEP_ADAPTIVE = (0.03, 0.01, 0.003, 0.001, 0.0003)  # rates of adaptive rules for networks


def settings(problem: Problem, options: Options, landscape: Landscape) -> list[Setting]:
    """Return the candidates that the options leave open: what was typed, and rates below the limit for "auto"."""
    found: list[Setting] = []
    for base in candidates(problem, options):
        if not isinstance(options.lr, str):
            found.append(base.at(lr=options.lr))
            continue
        found += [base.at(lr=lr) for lr in _rates(problem, base, landscape)]
        heavy = problem.network is None and base.rule.name in ("momentum", "nesterov") and base.batch_size == FULL
        if heavy and "momentum" not in options.user_set:
            slower = base.at(beta=HEAVY)
            found += [slower.at(lr=lr) for lr in _rates(problem, slower, landscape)]
    return found


def candidates(problem: Problem, options: Options) -> list[Setting]:
    """Return a setting for each variant that the options ask for, at its rule's own rate."""
    return [_setting(problem, name, form, options) for name, form in _variants(options.optimizer)]


def _variants(optimizer: Any) -> list[tuple[str, Variant | Any]]:
    if isinstance(optimizer, str):
        names = THE_EIGHT if optimizer == "auto" else optimizer.split(",")
        return [(name, variant(name)) for name in names]
    read = rule(optimizer)
    return [(read.name, Variant(read.name, read.name, "auto", read.name[:1].upper()))]


def _setting(problem: Problem, name: str, form: Variant, options: Options) -> Setting:
    given = options.optimizer
    read = rule(form.rule if isinstance(given, str) else given)
    names = {"momentum": "beta", "eps": "eps"}
    wanted = {to: getattr(options, of) for of, to in names.items() if to in read.constants and of in options.user_set}
    if "betas" in options.user_set:
        wanted |= {k: v for k, v in zip(("beta1", "beta2"), options.betas, strict=True) if k in read.constants}
    batch, schedule = _batch(problem, form, options.batch_size), options.schedule
    return Setting(
        read, read.with_constants(**wanted), batch, options.random_state, _factors(problem, batch, options),
        _bound(options.clip), _bound(options.clip_value), _bound(options.clip_layer),
        schedule="none" if schedule == "auto" else schedule, init=options.init, label=name,
    )  # fmt: skip


def _bound(clip: float | None) -> float:
    return np.inf if clip is None else clip


def batch_size(problem: Problem, label: str, given: int | str) -> int:
    """Return the rows a step of a variant on a problem, FULL (0) for all, of a batch size as users give it."""
    return _batch(problem, VARIANTS.get(label, Variant(label, label, "auto", "")), given)


def _batch(problem: Problem, form: Variant, given: Any) -> int:
    rows = problem.data.rows
    if form.batch == "full" or given == "full":
        return FULL
    if form.batch == "one":
        return 1
    if given == "auto" and problem.network is not None:
        return 1 << int(np.log2(np.clip(rows / 32, *DEEP_BATCH)))
    if given == "auto":
        return max(1, min(256, rows // 8)) if form.name == "minibatch" else FULL
    return FULL if given >= rows else int(given)


def _factors(problem: Problem, form_batch: int, options: Options) -> Array:
    schedule = options.schedule
    if schedule in STEADY_SCHEDULES and not options.warmup:
        return np.ones(1)
    if options.max_epochs is None and schedule not in STEADY_SCHEDULES:
        raise UsageError(
            f"the schedule {schedule} needs to know its end, but max_epochs is not given",
            fix="add --epochs, such as --epochs 100",
            code="schedule-without-end",
        )
    return factors_of(problem, schedule, options.max_epochs or 1, options.warmup, form_batch)


def factors_of(problem: Problem, schedule: str, epochs: int, warmup: int, batch_size: int) -> Array:
    """Return what multiplies lr at each step of so many epochs of batches of so many rows, FULL for all."""
    rows = problem.data.rows
    steps = epochs * (1 if batch_size == FULL else -(-rows // min(batch_size, rows)))
    name = "constant" if schedule in STEADY_SCHEDULES else schedule
    return factors(name, max(steps, warmup + 1), warmup)


def _rates(problem: Problem, setting: Setting, landscape: Landscape) -> list[float]:
    """Rates to try, the largest first."""
    if problem.network is not None:
        return _deep_rates(setting, landscape)
    curvature, batch = landscape.curvature, setting.rows_a_step(problem.data.rows)
    limit = exact.limit(setting.rule, setting.constants, max(curvature.largest, 1e-300))
    if limit is None:
        return [_distance(landscape) * part for part in ADAPTIVE]
    if batch == problem.data.rows:
        return [limit * part for part in STEADY]
    scale = limit * curvature.largest / 2
    return [scale * exact.batch_limit(curvature, batch) * part for part in NOISY]


def _deep_rates(setting: Setting, landscape: Landscape) -> list[float]:
    """Rates for a network: parts of the limit where it starts, or what adaptive rules are known to need."""
    limit = exact.limit(setting.rule, setting.constants, landscape.curvature.largest)
    if limit is None:
        return list(DEEP_ADAPTIVE)
    return [part * (limit if 0 < limit < np.inf else 1.0) for part in DEEP_STEADY]


def _distance(landscape: Landscape) -> float:
    """How far the weights have to go: adaptive rules move about one rate a step."""
    if landscape.optimum.weights is None:
        return 1.0
    return float(np.abs(landscape.optimum.weights).max(initial=0.0)) or 1.0
