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

    On all rows it is `limit`; on fewer, drawn at random, `mean_square_limit`.
    """
    whole = limit(rule, constants, max(curvature.largest, 1e-300))
    if whole is None or not math.isfinite(whole):
        return None
    return whole if batch >= rows else mean_square_limit(rule, constants, curvature, batch)


def mean_square_limit(rule: str | Rule, constants: Mapping[str, float], curvature: Curvature, batch: int) -> float:
    """Return the rate above which the mean square of the weights grows on batches of so many rows, drawn at random.

    Along a direction of curvature h the curvature of a batch has mean h and a variance of at most (R - h) h / B, with
    R the largest curvature of a single row. The second moments of heavy ball, w' = w - lr v' with v' = beta v + a w,
    are stationary where

        lr = 2 (1 + beta) / (h + (1 + beta) / (1 - beta) (R - h) / B),

    so that momentum amplifies the noise of batches by (1 + beta) / (1 - beta): 19 for beta 0.9. With beta 0 this is
    twice `batch_limit`. Nesterov's recursion ends where a quadratic in lr h does. Of all h the smallest and the
    largest bind; as h goes to 0 both rules have the limit 2 (1 - beta) B / R.

    >>> import numpy as np
    >>> from descend.losses import loss
    >>> from descend.optimum.curvature import curvature
    >>> from descend.problem import Problem
    >>> from descend.table.data import Data
    >>> rows = curvature(Problem(Data(np.array([[1.0], [-3.0]]), np.array([1.0, 2.0])), loss("squared")))
    >>> rows.row_largest, round(mean_square_limit("momentum", {"beta": 0.9}, rows, 1), 6)
    (20.0, 0.01)
    """
    beta, steepest = constants.get("beta", 0.0), max(curvature.largest, 1e-300)
    if not math.isfinite(curvature.row_largest):
        return 0.0
    excess = max(curvature.row_largest / steepest - 1, 0.0) / batch  # variance / h² of the steepest direction
    if rule_of(rule).name == "nesterov":
        at_steepest = _nesterov_root(beta, excess)
    else:
        at_steepest = 2 * (1 + beta) / (1 + (1 + beta) / (1 - beta) * excess)
    return min(at_steepest / steepest, _over(2 * (1 - beta) * batch, curvature.row_largest))


def _nesterov_root(beta: float, excess: float) -> float:
    """The x = lr h at which nesterov's second moments are stationary, for curvatures of variance `excess` h²."""
    if beta == 0:
        return 2 / (1 + excess)
    a = (1 + excess) * beta * (1 + 2 * beta)
    b = (1 + excess) * (1 + beta) - 2 * beta * (1 + 2 * beta)
    return (math.sqrt(b * b + 8 * a * (1 - beta * beta)) - b) / (2 * a)


def _over(value: float, curvature: float) -> float:
    return value / curvature if curvature > 0 else float("inf")
