"""candidates: which settings a search tries, from the user's options and what is known before training."""

from collections.abc import Callable

import numpy as np

from descend import optimum as exact
from descend.arrays import Array
from descend.errors import UsageError
from descend.optimum.landscape import Landscape
from descend.options import Options
from descend.options.table import Optimizer
from descend.plan import FULL, THE_EIGHT, VARIANTS, Setting, Variant, variant
from descend.plan.rule import rule
from descend.problem import Problem
from descend.schedules import factors

# Shares of a rate that is known beforehand, at which a search begins: about half a decade apart, since successive
# halving and the rates between neighbours find the rest (arbitrary).
LIMIT_SHARES = (0.9, 0.5, 0.25, 0.1, 0.03)  # of the stability limit, all rows a step
BATCH_SHARES = (0.5, 0.15, 0.05, 0.015, 0.005)  # of the stability limit on batches: half of it converges fastest
TRAVEL_SHARES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003)  # of the distance to the optimum, for adaptive rules
NETWORK_SHARES = (1.0, 0.4, 0.15, 0.05, 0.015)  # of the stability limit at a network's initial weights
NETWORK_ADAPTIVE = (0.03, 0.01, 0.003, 0.001, 0.0003)  # rates of adaptive rules for networks, around adam's default
SECOND_MOMENTUM = 0.99  # also tried where the user set none: it crosses long ravines (condition numbers above 1e4)
NETWORK_BATCH = (8, 128)  # fewest and most rows a step of a network: a 32nd of the data in between (arbitrary)
MOST_ROWS_ONE_BY_ONE = 1000  # of a network that "auto" trains by one row a step: 20 times as long as by 32 (arbitrary)
LINEAR_BATCH = 256  # most rows a step of `minibatch` on a linear model: an eighth of the data (arbitrary)
ENDLESS_SCHEDULES = ("none", "constant", "plateau", "auto")  # whose factors do not depend on the number of steps


def settings(
    problem: Problem, options: Options, landscape: Landscape, wanted: Callable[[Setting], bool] = lambda setting: True
) -> list[Setting]:
    """Return the settings that the options leave open: those of the user, and rates below the limit for "auto".

    Args:
        wanted: tells, of a variant at its default rate, whether it is among them.
    """
    result: list[Setting] = []
    for base in filter(wanted, candidates(problem, options)):
        if not isinstance(options.lr, str):
            result.append(base.at(lr=options.lr))
            continue
        result += [base.at(lr=lr) for lr in _rates(problem, base, landscape)]
        full_batch_momentum = base.rule.name in ("momentum", "nesterov") and base.batch_size == FULL
        if problem.network is None and full_batch_momentum and "momentum" not in options.user_set:
            heavier = base.at(beta=SECOND_MOMENTUM)
            result += [heavier.at(lr=lr) for lr in _rates(problem, heavier, landscape)]
    return result


def candidates(problem: Problem, options: Options) -> list[Setting]:
    """Return a setting for each variant that the options ask for, at its rule's default rate."""
    forms = _variants(options.optimizer)
    if options.optimizer == "auto":
        forms = [(name, form) for name, form in forms if name not in too_slow(problem)]
    return [_setting(problem, name, form, options) for name, form in forms]


def too_slow(problem: Problem) -> tuple[str, ...]:
    """Return the variants that "auto" does not try: one row a step of a network is all overhead, on many rows."""
    one_row = tuple(name for name in THE_EIGHT if VARIANTS[name].batch == "one")
    return one_row if problem.network is not None and problem.data.rows > MOST_ROWS_ONE_BY_ONE else ()


def _variants(optimizer: Optimizer) -> list[tuple[str, Variant]]:
    if isinstance(optimizer, str):
        names = THE_EIGHT if optimizer == "auto" else optimizer.split(",")
        return [(name, variant(name)) for name in names]
    own = rule(optimizer)
    return [(own.name, Variant(own.name, own.name, "auto", own.name[:1].upper()))]


def _setting(problem: Problem, name: str, form: Variant, options: Options) -> Setting:
    update = rule(form.rule if isinstance(options.optimizer, str) else options.optimizer)
    names = {"momentum": "beta", "eps": "eps"}
    constants = {
        to: getattr(options, of) for of, to in names.items() if to in update.constants and of in options.user_set
    }
    if "betas" in options.user_set:
        constants |= {k: v for k, v in zip(("beta1", "beta2"), options.betas, strict=True) if k in update.constants}
    size = _batch_size(problem, form, options.batch_size)
    return Setting(
        rule=update,
        constants=update.with_constants(**constants),
        batch_size=size,
        seed=options.random_state,
        factors=_factors(problem, size, options),
        clip=_bound(options.clip),
        clip_value=_bound(options.clip_value),
        clip_layer=_bound(options.clip_layer),
        schedule="none" if options.schedule == "auto" else options.schedule,
        init=options.init,
        label=name,
    )


def _bound(clip: float | None) -> float:
    return np.inf if clip is None else clip


def batch_size(problem: Problem, label: str, given: int | str) -> int:
    """Return the rows a step of a variant on a problem, FULL (0) for all, of a batch size as users give it."""
    return _batch_size(problem, VARIANTS.get(label, Variant(label, label, "auto", "")), given)


def network_batch(rows: int) -> int:
    """Return the rows a step of a network where none are typed: a power of two near a 32nd of the rows."""
    return 1 << int(np.log2(np.clip(rows / 32, *NETWORK_BATCH)))


def _batch_size(problem: Problem, form: Variant, option: int | str) -> int:
    rows = problem.data.rows
    if form.batch == "full" or option == "full":
        return FULL
    if form.batch == "one":
        return 1
    if isinstance(option, str):  # auto
        if problem.network is not None:
            return network_batch(rows)
        return max(1, min(LINEAR_BATCH, rows // 8)) if form.name == "minibatch" else FULL
    return FULL if option >= rows else int(option)


def _factors(problem: Problem, batch_size: int, options: Options) -> Array:
    schedule = options.schedule
    if schedule in ENDLESS_SCHEDULES and not options.warmup:
        return np.ones(1)
    if options.max_epochs is None and schedule not in ENDLESS_SCHEDULES:
        raise UsageError(
            f"the schedule {schedule} needs to know its end, but max_epochs is not given",
            fix="add --epochs, such as --epochs 100",
            code="schedule-without-end",
        )
    return factors_of(problem, schedule, options.max_epochs or 1, options.warmup, batch_size)


def factors_of(problem: Problem, schedule: str, epochs: int, warmup: int, batch_size: int) -> Array:
    """Return what multiplies lr at each step of so many epochs of batches of so many rows, FULL for all."""
    rows = problem.data.rows
    steps = epochs * (1 if batch_size == FULL else -(-rows // min(batch_size, rows)))
    name = "constant" if schedule in ENDLESS_SCHEDULES else schedule
    return factors(name, max(steps, warmup + 1), warmup)


def _rates(problem: Problem, setting: Setting, landscape: Landscape) -> list[float]:
    """Rates to try, the largest first."""
    rows = problem.data.rows
    if problem.network is not None:
        return _network_rates(setting, landscape)
    batch_size = setting.rows_a_step(rows)
    limit = exact.stability_limit(setting.rule, setting.constants, landscape.curvature, batch_size, rows)
    if exact.limit(setting.rule, setting.constants, 1.0) is None:
        return [distance(landscape) * share for share in TRAVEL_SHARES]
    shares = LIMIT_SHARES if batch_size == rows else BATCH_SHARES
    return [(1.0 if limit is None else limit) * share for share in shares]


def _network_rates(setting: Setting, landscape: Landscape) -> list[float]:
    """Rates for a network: shares of the limit at its initial weights, or what adaptive rules are known to need."""
    limit = exact.limit(setting.rule, setting.constants, landscape.curvature.largest)
    if limit is None:
        return list(NETWORK_ADAPTIVE)
    return [share * (limit if 0 < limit < np.inf else 1.0) for share in NETWORK_SHARES]


def distance(landscape: Landscape) -> float:
    """Return how far the weights have to go, 1 where the optimum is unknown: an adaptive rule moves by about lr a step."""
    if landscape.optimum.weights is None:
        return 1.0
    return float(np.abs(landscape.optimum.weights).max(initial=0.0)) or 1.0
