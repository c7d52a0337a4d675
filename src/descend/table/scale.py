"""Scale: centre and width of every feature and of the target, and the way back to the units of the file."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from descend.arrays import Array
from descend.sparse import canonical, is_sparse
from descend.table.data import Data

ROUNDING = 1e-13  # a spread below this part of the mean is rounding, not spread


@dataclass(frozen=True, eq=False)
class Scale:
    """What is subtracted from, and then divided into, each feature and the target.

    Args:
        center: (features,), in the units of the file; 0 for sparse features, whose zeros stay zero.
        width: (features,), above 0.
        target_center, target_width: the same for the target, or for each of several (targets,); 0 and 1 when it is not
            scaled.
    """

    center: Array
    width: Array
    target_center: float | Array = 0.0
    target_width: float | Array = 1.0

    @classmethod
    def fit(cls, X: Any, y: Array, weight: Array | None = None, *, target: bool) -> "Scale":
        """Return the weighted means and population standard deviations of X (rows, features) and, if asked, of y.

        The width of a sparse column is its standard deviation too, about the mean that is not taken away.

        Both are taken in two passes in float64. A column without spread has width 1.
        """
        center, width = _sparse_spread(X, weight) if is_sparse(X) else _mean_and_spread(X, weight)
        if not target:
            return cls(center, width)
        if y.ndim == 2:
            return cls(center, width, *_mean_and_spread(y, weight))
        (target_center,), (target_width,) = _mean_and_spread(y[:, None], weight)
        return cls(center, width, float(target_center), float(target_width))

    @classmethod
    def none(cls, features: int) -> "Scale":
        """Return the scale that changes nothing."""
        return cls(np.zeros(features), np.ones(features))

    def transform(self, X: Any, dtype: DTypeLike | None = None) -> Any:
        """Return X centred and scaled, as a new C-contiguous array; centred before any cast to a smaller dtype.

        Sparse features stay sparse; their center must be 0.
        """
        if is_sparse(X):
            rows = canonical(X).copy()
            rows.data = (rows.data / self.width[rows.indices]).astype(dtype or rows.dtype)
            return rows
        scaled = (X - self.center) / self.width
        return np.ascontiguousarray(scaled, dtype or (X.dtype if X.dtype.kind == "f" else np.float64))

    def transform_target(self, y: Array) -> Array:
        """Return y centred and scaled, float64."""
        scaled: Array = (y - self.target_center) / self.target_width
        return scaled

    def to_file_units(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Return weights (features, outputs) and biases (outputs,) for unscaled features and target."""
        W = W * self.target_width / self.width[:, None]
        return W, b * self.target_width + self.target_center - self.center @ W

    def to_scaled_units(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Undo `to_file_units`."""
        scaled = W * self.width[:, None] / self.target_width
        return scaled, (b - self.target_center + self.center @ W) / self.target_width


def _mean_and_spread(X: Array, weight: Array | None) -> tuple[Array, Array]:
    share = np.full(len(X), 1.0 / len(X)) if weight is None else weight / weight.sum()
    unit = _power_of_two(X)
    X = X / unit
    mean = share @ X
    mean = mean + share @ (X - mean)
    spread = np.sqrt(share @ np.square(X - mean))
    flat = spread <= ROUNDING * np.abs(mean)
    return mean * unit, np.where(flat, 1.0, spread * unit)


def _sparse_spread(X: Any, weight: Array | None) -> tuple[Array, Array]:
    """No center, and each column's spread about its mean; a column of zeros has width 1."""
    rows, features = canonical(X), X.shape[1]
    share = np.full(X.shape[0], 1.0 / X.shape[0]) if weight is None else weight / weight.sum()
    own = np.repeat(share, np.diff(rows.indptr))
    there = np.bincount(rows.indices, own, features)
    mean = np.bincount(rows.indices, own * rows.data, features)
    apart = np.bincount(rows.indices, own * np.square(rows.data - mean[rows.indices]), features)
    spread = np.sqrt(apart + np.maximum(1 - there, 0) * np.square(mean))
    flat = spread <= ROUNDING * np.abs(mean)
    return np.zeros(features), np.where(flat, 1.0, spread)


def _power_of_two(X: Array) -> Array:
    """The power of two at the largest value of each column, by which it divides without rounding; squares then stay in range."""
    exponent = np.frexp(np.abs(X).max(axis=0, initial=0.0).astype(np.float64))[1]
    power: Array = np.ldexp(1.0, np.clip(exponent, -1000, 1000))
    return power


def fit_scale(
    X: Any, y: Array, sample_weight: Array | None, *, scale: bool, target: bool, intercept: bool = True
) -> Scale:
    """Return the scale of features X (rows, features) and target y (rows,), or the one that changes nothing.

    Args:
        sample_weight: (rows,), or None.
        scale: whether anything is scaled at all.
        target: whether the target is scaled too, as far as its loss allows.
        intercept: whether the model has a bias; without one nothing may be centred, and the target stays as it is.
    """
    if not scale:
        return Scale.none(X.shape[1])
    fitted = Scale.fit(X, y, sample_weight, target=target and intercept)
    return fitted if intercept else Scale(np.zeros_like(fitted.center), fitted.width)


def scaled_data(
    scale: Scale, X: Any, y: Array, sample_weight: Array | None, *, target: bool, dtype: DTypeLike,
    names: tuple[str, ...] = (),
) -> Data:  # fmt: skip
    """Return what training reads: scaled features and target of one dtype, and weights of mean 1.

    Args:
        target: whether the loss allows its target to be scaled.
        names: a name a feature.
    """
    y = scale.transform_target(y) if target else y
    weight = None if sample_weight is None else sample_weight / sample_weight.mean()
    return Data(scale.transform(X, dtype), np.ascontiguousarray(y, dtype), weight, names)
