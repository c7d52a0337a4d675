"""limits: the largest stable learning rates."""

from collections.abc import Mapping

from descend.optimum.curvature import Curvature
from descend.rule import Rule

ADAPTIVE_GAIN = {"adam": "beta1", "adamw": "beta1", "amsgrad": "beta1", "adam_keras": "beta1"}


def limit(rule: Rule, constants: Mapping[str, float], largest: float) -> float | None:
    """Return the learning rate above which a rule diverges on a quadratic of this curvature; None for adaptive rules.

    Gradient descent 2/L; heavy ball 2(1 + beta)/L (Polyak 1964); nesterov (2 + 2 beta)/((1 + 2 beta) L).

    >>> from descend.rule import rule
    >>> limit(rule("momentum"), {"beta": 0.9}, 1.0)
    3.8
    """
    beta = constants.get("beta", 0.0)
    if rule.name == "sgd":
        return 2 / largest
    if rule.name in ("momentum", "momentum_keras"):
        return 2 * (1 + beta) / largest
    if rule.name == "nesterov":
        return (2 + 2 * beta) / ((1 + 2 * beta) * largest)
    return None


def frozen_limit(rule: Rule, constants: Mapping[str, float], preconditioned: float) -> float:
    """Return the limit of an adaptive rule whose preconditioner stands still, for the largest eigenvalue of P^-1 H."""
    beta = constants[ADAPTIVE_GAIN[rule.name]] if rule.name in ADAPTIVE_GAIN else 0.0
    return 2 * (1 + beta) / ((1 - beta) * preconditioned)


def batch_limit(curvature: Curvature, batch_size: int) -> float:
    """Return a rate that is safe for batches: B / (row + (B - 1) L) (Ma, Bassily and Belkin 2018).

    `row` is the largest curvature of a single row and L that of the whole; it is 1/row for one row a step and tends
    to 1/L for all of them.
    """
    top = max(curvature.row_largest + (batch_size - 1) * curvature.largest, 1e-300)
    return batch_size / top
