"""conjugate: the Fenchel-Young loss of a slope, its distance from the slope of a loss at a prediction.

`FENCHEL_YOUNG[loss](z, y, d)` is loss(z) + conjugate(d) - z d (rows,): never negative, and 0 where d is the loss's slope at z. All
slopes that a loss allows form an interval about 0 (for softmax a simplex), so a slope may always be shortened.
"""

from collections.abc import Callable

import numpy as np

from descend.arrays import Array
from descend.losses import probabilities


def squared(z: Array, y: Array, d: Array) -> Array:
    """Conjugate d^2/4 + d y."""
    return np.asarray(np.square(z - y - d / 2))


def logistic(z: Array, y: Array, d: Array) -> Array:
    """The relative entropy of the probabilities y + d of a 1 and those predicted; |d| is that of the wrong class."""
    margin, wrong = (2 * y - 1) * z, np.abs(d)
    return np.asarray(
        wrong * np.logaddexp(0, margin) + (1 - wrong) * np.logaddexp(0, -margin) + _x_log_x(wrong) + _x_log_x(1 - wrong)
    )


def softmax(z: Array, y: Array, d: Array) -> Array:
    """The relative entropy of the probabilities onehot(y) + d and those predicted, d (rows, classes)."""
    q = d.copy()
    q[np.arange(len(q)), y.astype(np.int64)] += 1
    q = np.maximum(q, 0)
    top = z.max(axis=1, keepdims=True)
    log_p = z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True))
    return np.asarray((_x_log_x(q) - q * log_p - q + probabilities(z)).sum(axis=1))


def huber(z: Array, y: Array, d: Array, delta: float = 1.0) -> Array:
    """Conjugate d^2/2 + d y for |d| up to delta."""
    size = np.abs(z - y)
    value = np.where(size <= delta, size * size / 2, delta * (size - delta / 2))
    return np.asarray(value + d * d / 2 - d * (z - y))


def poisson(z: Array, y: Array, d: Array) -> Array:
    """Conjugate m log m - m of the mean m = y + d."""
    mean = np.exp(z)
    off = (y + d - mean) / mean
    return np.asarray(mean * (_x_log_x(1 + off) - off))


def quantile(z: Array, y: Array, d: Array, tau: float = 0.5) -> Array:
    """Conjugate d y for d from -tau to 1 - tau."""
    e = y - z
    return np.asarray(np.where(e > 0, tau * e, (tau - 1) * e) + d * e)


def hinge(z: Array, y: Array, d: Array) -> Array:
    """Conjugate d times the side, -1 or 1."""
    side = 2 * y - 1
    return np.asarray(np.maximum(1 - side * z, 0) + d * (side - z))


FENCHEL_YOUNG: dict[str, Callable[..., Array]] = {
    f.__name__: f for f in (squared, logistic, softmax, huber, poisson, quantile, hinge)
}


def balanced(d: Array, share: Array) -> Array:
    """Return slopes (rows,) that add up to 0, which a free bias asks for: those of the heavier sign shortened."""
    up, down = float(share @ np.maximum(d, 0)), float(share @ np.maximum(-d, 0))
    most, least = max(up, down), min(up, down)
    heavier = (d > 0) == (up > down)
    return np.asarray(np.where(heavier, d * (least / most), d)) if most > 0 else d


def balanced_classes(d: Array, y: Array, share: Array) -> Array:
    """Return slopes (rows, classes) that add up to 0 in each class: probability moves from the heavier ones."""
    onehot = np.zeros_like(d)
    onehot[np.arange(len(d)), y.astype(np.int64)] = 1
    q = onehot + d
    required, present = share @ onehot, share @ q
    factor = np.minimum(required / np.maximum(present, 1e-300), 1.0)
    lacking = np.maximum(required - present, 0)
    moved = (q * (1 - factor)).sum(axis=1, keepdims=True)
    return np.asarray(q * factor + moved * (lacking / max(float(lacking.sum()), 1e-300)) - onehot)


def _x_log_x(q: Array) -> Array:
    """q log q, 0 at 0."""
    return np.asarray(q * np.log(np.maximum(q, 1e-300)))
