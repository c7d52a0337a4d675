"""limits: the largest stable learning rates."""

import math
from collections.abc import Mapping

from descend.optimum.curvature import Curvature
from descend.plan.rule import Rule
from descend.plan.rule import rule as rule_of

SCALED = ("adagrad", "rmsprop", "adadelta", "adagrad_keras", "rmsprop_keras")  # a scaled gradient, no momentum
AVERAGED = ("adam", "adamw", "amsgrad", "adam_keras")  # a scaled average of gradients


def limit(rule: str | Rule, constants: Mapping[str, float], largest: float) -> float | None:
    """Return the learning rate above which a rule diverges on a quadratic whose largest curvature is `largest`.

    Gradient descent 2/L; heavy ball 2(1 + beta)/L (Polyak 1964); nesterov (2 + 2 beta)/((1 + 2 beta) L), the root -1
    of its recursion. None for adaptive rules, whose limit moves with their memory, and for rules of the user's own;
    infinity where there is no curvature.

    >>> limit("momentum", {"beta": 0.9}, 1.0)
    3.8
    """
    name, beta = rule_of(rule).name, constants.get("beta", 0.0)
    factor = {
        "sgd": 2.0,
        "momentum": 2 * (1 + beta),
        "momentum_keras": 2 * (1 + beta),
        "nesterov": (2 + 2 * beta) / (1 + 2 * beta),
    }
    return _over(factor[name], largest) if name in factor else None


def frozen_limit(rule: str | Rule, constants: Mapping[str, float], preconditioned: float) -> float | None:
    """Return the limit of an adaptive rule while its preconditioner P stands still.

    `preconditioned` is the largest eigenvalue of P^-1 H, H the Hessian and P the denominator of the step. 2 for a
    scaled gradient, times (1 + beta1)/(1 - beta1) for a scaled average; for nadam with its momentum grown to beta1,
    which is the largest that its limit becomes. A rule with a limit of its own keeps it (P = 1). None for lion, which
    sees signs alone, and for rules of the user's own.

    >>> round(frozen_limit("adam", {"beta1": 0.9}, 1.0), 9)
    38.0
    """
    name, beta = rule_of(rule).name, constants.get("beta1", 0.0)
    if name in SCALED:
        return _over(2.0, preconditioned)
    if name in AVERAGED:
        return _over(2 * (1 + beta) / (1 - beta), preconditioned)
    if name == "nadam":
        return _over((2 + 2 * beta) / ((1 + 2 * beta) * (1 - beta)), preconditioned)
    return limit(rule, constants, preconditioned)


def batch_limit(curvature: Curvature, batch_size: int) -> float:
    """Return a rate of plain descent at which batches of so many rows, drawn at random, converge in mean square.

    B / (row + (B - 1) L), with `row` the largest curvature of a single row and L that of the whole: 1/row for one row
    a step, and towards 1/L for many. Where all rows can be fitted at once, squares shrink in the mean at every rate
    below twice this one, and fastest, by the bound, at this one (Ma, Bassily and Belkin 2018); where they cannot,
    the weights settle at a distance from the optimum that falls with the rate.
    """
    return _over(batch_size, curvature.row_largest + (batch_size - 1) * curvature.largest)


def stability_limit(
    rule: str | Rule, constants: Mapping[str, float], curvature: Curvature, batch: int, rows: int
) -> float | None:
    """Return the rate above which a rule diverges on batches of so many of all rows; None where that is not known.

    For batches drawn at random the limit of the rule is shortened as that of plain descent is: to twice `batch_limit`.
    """
    whole = limit(rule, constants, max(curvature.largest, 1e-300))
    if whole is None or not math.isfinite(whole):
        return None
    return whole if batch >= rows else whole * curvature.largest * batch_limit(curvature, batch)


def _over(value: float, curvature: float) -> float:
    return value / curvature if curvature > 0 else float("inf")
