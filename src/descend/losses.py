"""Losses of one linear prediction z against a target y: (value, slope in z), safe at any finite z.

The conventions are those of `docs/formulas.md`: squared is (z - y)**2 with slope 2 (z - y); scikit-learn's SGD and
MLP use half of it. Constants have defaults, as in rules.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend.errors import UsageError, nearest
from descend.ops import exp, log1p, maximum, where

Number = Any


def squared(z: Number, y: Number) -> tuple[Number, Number]:
    """Squared error."""
    e = z - y
    return e * e, 2 * e


def logistic(z: Number, y: Number) -> tuple[Number, Number]:
    """Logistic loss of a target in {0, 1}: log(1 + e^z) - y z."""
    small = exp(-abs(z))
    value = maximum(z, 0.0) - y * z + log1p(small)
    return value, where(z >= 0, 1.0, small) / (1 + small) - y


def huber(z: Number, y: Number, delta: float = 1.0) -> tuple[Number, Number]:
    """Huber loss (Huber 1964): half the square inside delta, a line outside."""
    e = z - y
    size = abs(e)
    inside = size <= delta
    return where(inside, 0.5 * e * e, delta * (size - 0.5 * delta)), where(inside, e, where(e > 0, delta, -delta))


def poisson(z: Number, y: Number) -> tuple[Number, Number]:
    """Poisson deviance up to a constant of y: e^z - y z, for counts y >= 0."""
    mean = exp(z)
    return mean - y * z, mean - y


def quantile(z: Number, y: Number, tau: float = 0.5) -> tuple[Number, Number]:
    """Pinball loss of the tau-quantile (Koenker and Bassett 1978)."""
    e = y - z
    above = e > 0
    return where(above, tau * e, (tau - 1) * e), where(above, -tau, where(e < 0, 1 - tau, 0.0 * e))


def hinge(z: Number, y: Number) -> tuple[Number, Number]:
    """Hinge loss of a target in {0, 1}, read as -1 and 1."""
    side = 2 * y - 1
    short = 1 - side * z
    return where(short > 0, short, 0.0 * short), where(short > 0, -side, 0.0 * side)


def softmax(z: Number, y: Number) -> tuple[Number, Number]:
    """Cross-entropy of scores z (..., classes) for class indices y (...), by a stable log-sum-exp."""
    shifted = z - z.max(axis=-1, keepdims=True)
    grown = np.exp(shifted)
    total = grown.sum(axis=-1, keepdims=True)
    at = np.asarray(y).astype(np.int64)[..., None]
    slope = grown / total
    np.put_along_axis(slope, at, np.take_along_axis(slope, at, -1) - 1, -1)
    return np.log(total)[..., 0] - np.take_along_axis(shifted, at, -1)[..., 0], slope


@dataclass(frozen=True, eq=False)
class Loss:
    """A loss and what training must know about it.

    Args:
        evaluate: maps (z, y, constants) to (value, slope).
        curvature: the largest second derivative in z, or None when there is no bound.
        task: "regression" or "classification".
        mean: the inverse link, from z to the expected target.
        allowed: says in words which targets are allowed.
        allows: tells which targets of an array are allowed.
        scales_target: whether a target may be centred and scaled before training.
        outputs: "one", or "classes" when z has a column a class.
    """

    evaluate: Callable[..., tuple[Any, Any]]
    curvature: float | None
    task: str
    mean: Callable[[Any], Any]
    allowed: str
    allows: Callable[[Any], Any]
    scales_target: bool
    outputs: str = "one"

    @property
    def name(self) -> str:
        """The function's name."""
        return self.evaluate.__name__

    @property
    def constants(self) -> dict[str, float]:
        """Constants with their defaults, such as {"delta": 1.0}."""
        parameters = list(inspect.signature(self.evaluate).parameters.values())[2:]
        return {p.name: p.default for p in parameters}


def identity(z: Number) -> Number:
    """The mean is z itself."""
    return z


def sigmoid(z: Number) -> Number:
    """1 / (1 + e^-z), safe at both ends."""
    small = exp(-abs(z))
    return where(z >= 0, 1.0, small) / (1 + small)


def step(z: Number) -> Number:
    """1 where z is above 0, else 0: the hinge loss gives no probabilities."""
    return where(z > 0, 1.0, 0.0 * z)


def probabilities(z: Number) -> Number:
    """The softmax of scores z (..., classes)."""
    grown = np.exp(z - z.max(axis=-1, keepdims=True))
    return grown / grown.sum(axis=-1, keepdims=True)


def _real(y: Any) -> Any:
    return np.isfinite(y)


def _binary(y: Any) -> Any:
    return (y == 0) | (y == 1)


def _index(y: Any) -> Any:
    return np.isfinite(y) & (y >= 0) & (y == np.round(y))


def _count(y: Any) -> Any:
    return np.isfinite(y) & (y >= 0)


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(squared, 2.0, "regression", identity, "a finite number", _real, True),
        Loss(logistic, 0.25, "classification", sigmoid, "0 or 1", _binary, False),
        Loss(huber, 1.0, "regression", identity, "a finite number", _real, True),
        Loss(poisson, None, "regression", exp, "a number of at least 0", _count, False),
        Loss(quantile, None, "regression", identity, "a finite number", _real, True),
        Loss(hinge, None, "classification", step, "0 or 1", _binary, False),
        Loss(softmax, 0.5, "classification", probabilities, "a class index", _index, False, "classes"),
    )
}

ALIASES = {"mse": "squared", "logloss": "logistic", "log_loss": "logistic", "squared_error": "squared"}


def loss(given: str) -> Loss:
    """Return the loss of that name; raises UsageError for an unknown one.

    >>> loss("mse").name
    'squared'
    """
    name = ALIASES.get(given, given)
    if name not in LOSSES:
        known = [*LOSSES, "mse", "logloss"]
        raise UsageError(
            f"there is no loss {given!r}, there are {', '.join(known)}",
            fix=f"try {(nearest(str(given), known) or ['squared'])[0]!r}",
            code="unknown-loss",
        )
    return LOSSES[name]
