"""Scale: centre and width of every feature and of the target, and the way back to the units of the file."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from descend.arrays import Array
from descend.sparse import canonical, is_sparse
from descend.table.data import Data, mean_one
from descend.table.moments import Accumulate, Gram, Rows, accumulate
from descend.table.scaled_rows import LARGE_CELLS, ScaledRows, scaled

ROUNDING = 1e-13  # a spread below this part of the mean is rounding: 450 roundings of float64 (arbitrary)
ROUNDINGS = 4  # the same for values of a narrower dtype, in roundings of that dtype (arbitrary)
CENTRED = 0.5  # a sparse column with more non-zeros than this part of the rows is centred: it at most doubles
MOST_COLUMNS = 2000  # up to which all second moments are taken: as many as the curvature needs them for
COLUMNS_AT_ONCE = 256  # whose squares are taken in float64 at once: a table is not copied whole (arbitrary)
SMALLEST = 1e-280  # variance below which squares lose digits to underflow, and the inverse of the largest


@dataclass(frozen=True, eq=False)
class Scale:
    """What is subtracted from, and then divided into, each feature and the target.

    Args:
        center: (features,), in the units of the file; 0 for a sparse column of which half the rows or more are zero,
            whose zeros stay zero.
        width: (features,), above 0.
        target_center, target_width: the same for the target, or for each of several (targets,); 0 and 1 when it is not
            scaled.
    """

    center: Array
    width: Array
    target_center: float | Array = 0.0
    target_width: float | Array = 1.0

    @classmethod
    def none(cls, features: int) -> "Scale":
        """Return the scale that changes nothing."""
        return cls(np.zeros(features), np.ones(features))

    def transform(self, X: Any, dtype: DTypeLike | None = None) -> Any:
        """Return X centred and scaled, as a new C-contiguous array; centred before any cast to a smaller dtype.

        Sparse features stay sparse; a column that is centred is filled.
        """
        if is_sparse(X):
            return _transform_sparse(self, canonical(X), dtype)
        return scaled(X, self.center, self.width, dtype or (X.dtype if X.dtype.kind == "f" else np.float64))

    def transform_target(self, y: Array) -> Array:
        """Return y centred and scaled, float64."""
        return np.asarray((y - self.target_center) / self.target_width)

    def to_file_units(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Return weights (features, outputs) and biases (outputs,) for unscaled features and target."""
        W = W * self.target_width / self.width[:, None]
        return W, b * self.target_width + self.target_center - self.center @ W

    def to_scaled_units(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Undo `to_file_units`."""
        scaled = W * self.width[:, None] / self.target_width
        return scaled, (b - self.target_center + self.center @ W) / self.target_width


def _moments(X: Array, share: Array, mean: Array, variance: Array) -> tuple[Array, Array]:
    """The mean and the width of each column of X (rows, columns), from their moments.

    Squares of columns whose variance is out of range are taken anew, in units of the column's largest value.
    """
    again = np.flatnonzero(_out_of_range(variance))
    mean, spread, unit = mean.copy(), np.sqrt(np.where(_out_of_range(variance), 0.0, variance)), np.ones(len(mean))
    for at in np.array_split(again, -(-len(again) // COLUMNS_AT_ONCE)) if len(again) else []:
        columns = X[:, at].astype(np.float64)
        unit[at] = _power_of_two(np.abs(columns).max(axis=0, initial=0.0))
        columns /= unit[at]
        about = share @ columns
        about += share @ (columns - about)
        mean[at] = about * unit[at]
        spread[at] = np.sqrt(share @ np.square(columns - about))
    return mean, _width(mean / unit, spread, unit, X.dtype)


def _out_of_range(variance: Array) -> Array:
    """Where squares may have overflowed, or have lost digits by underflow."""
    return np.asarray(~((variance > SMALLEST) & (variance < 1 / SMALLEST)))


def _sparse_moments(X: Any, share: Array) -> tuple[Array, Array]:
    """The centre and the spread about its mean of each column of non-zeros; the centre is 0 where the zeros stay.

    A column is centred where more than half of its rows are non-zero: filled, it is at most twice as large, and the mean
    of the columns that stay is at most one spread away from 0.
    """
    rows, (n, features) = canonical(X), X.shape
    unit = _power_of_two(abs(rows).max(axis=0).toarray().ravel() if n else np.zeros(features))
    own, values = np.repeat(share, np.diff(rows.indptr)), rows.data / unit[rows.indices]
    filled, weighted = np.bincount(rows.indices[own > 0], minlength=features), int((share > 0).sum())
    absent = np.where(filled < weighted, np.maximum(share.sum() - np.bincount(rows.indices, own, features), 0), 0)
    mean = np.bincount(rows.indices, own * values, features)
    mean = np.asarray(mean + np.bincount(rows.indices, own * (values - mean[rows.indices]), features) - absent * mean)
    apart = np.bincount(rows.indices, own * np.square(values - mean[rows.indices]), features)
    spread = np.sqrt(apart + absent * np.square(mean))
    return np.where(filled > CENTRED * weighted, mean * unit, 0.0), _width(mean, spread, unit, rows.dtype)


def _width(mean: Array, spread: Array, unit: Array, dtype: Any) -> Array:
    """The spread in the units of the file, and 1 for a column that is constant up to rounding."""
    narrow = dtype.kind == "f" and dtype.itemsize < 8
    rounding = ROUNDINGS * float(np.finfo(dtype).eps) if narrow else ROUNDING
    return np.where(spread <= rounding * np.abs(mean), 1.0, spread * unit)


def _transform_sparse(scale: Scale, rows: Any, dtype: DTypeLike | None) -> Any:
    """Rows of non-zeros, scaled; the columns that are centred are filled and put back in their places."""
    from scipy.sparse import csc_array, hstack

    scaled = rows.copy()
    scaled.data = (rows.data / scale.width[rows.indices]).astype(dtype or rows.dtype)
    centred = scale.center != 0
    if not centred.any():
        return scaled
    full = (rows[:, np.flatnonzero(centred)].toarray() - scale.center[centred]) / scale.width[centred]
    order = np.argsort(np.r_[np.flatnonzero(~centred), np.flatnonzero(centred)])
    parts = [scaled.tocsc()[:, np.flatnonzero(~centred)], csc_array(full.astype(scaled.dtype))]
    return hstack(parts, format="csc")[:, order].tocsr()


def _power_of_two(largest: Array) -> Array:
    """The power of two at the largest value of each column, by which it divides without rounding; squares then stay in range."""
    exponent = np.frexp(largest.astype(np.float64))[1]
    power: Array = np.ldexp(1.0, np.clip(exponent, -1000, 1000))
    return power


def fit_scale(
    X: Any,
    y: Array,
    sample_weight: Array | None,
    *,
    scale: bool,
    target: bool,
    intercept: bool = True,
    threads: int = 1,
    moments: Accumulate = accumulate,
    gram: Gram | None = None,
) -> tuple[Scale, Gram | None]:
    """Return the scale of features X (rows, features) and target y (rows,) or (rows, targets), and their moments.

    Args:
        sample_weight: (rows,), or None.
        scale: whether anything is scaled at all.
        target: whether the target is scaled too, as far as its loss allows.
        intercept: whether the model has a bias; without one nothing may be centred, and the target stays as it is.
        threads: threads at most; they do not change the bits.
        moments: takes the moments, with others where several processes share the rows.
        gram: the moments of the rows as they are, with weights of mean 1, where they are known already.

    The scale is the weighted means and population standard deviations, in float64. A column that is constant up to
    rounding has width 1. The width of a sparse column is its standard deviation too, whether it is centred or not. The
    moments are those of the scaled rows, with weights of mean 1; None where they are not known.
    """
    if not scale:
        return Scale.none(X.shape[1]), None
    weight, targets = None if sample_weight is None else mean_one(sample_weight), y.reshape(len(y), -1)
    share = np.broadcast_to(1 / X.shape[0], X.shape[0]) if weight is None else weight / X.shape[0]
    alone = (
        is_sparse(X) or X.shape[1] > MOST_COLUMNS
    )  # products of so many columns would take more than all that follows
    gram = gram or moments([Rows(np.empty((len(y), 0)) if alone else X, targets, weight)], threads)
    mean, variance = (np.zeros(X.shape[1]),) * 2 if alone else (gram.mean, np.diagonal(gram.G))
    center, width = _sparse_moments(X, share) if is_sparse(X) else _moments(X, share, mean, variance)
    fitted = Scale(center if intercept else np.zeros_like(center), width)
    if target and intercept:
        centers, widths = _moments(targets, share, gram.target, gram.yy)
        single = y.ndim == 1
        fitted = Scale(center, width, *((float(centers[0]), float(widths[0])) if single else (centers, widths)))
    return fitted, None if alone else scaled_gram(gram, fitted)


def scaled_gram(gram: Gram, scale: Scale) -> Gram | None:
    """Return the moments of the scaled rows; None where some have left the range of float64."""
    ones = np.ones(len(gram.target))
    target_center, target_width = scale.target_center * ones, scale.target_width * ones
    variance, width = np.append(np.diagonal(gram.G), gram.yy), np.append(scale.width, target_width)
    constant = (variance == 0) & (width == 1)
    if (_out_of_range(variance) & ~constant).any() or not gram.finite:
        return None
    return gram.rescaled(scale.center, scale.width, target_center, target_width)


def scaled_data(
    scale: Scale, X: Any, y: Array, sample_weight: Array | None, *, target: bool, dtype: DTypeLike,
    names: tuple[str, ...] = (), unit: float | None = None, gram: Gram | None = None, threads: int = 1,
) -> Data:  # fmt: skip
    """Return what training reads: scaled features and target of one dtype, and weights of mean 1.

    A large table is not copied: its rows are scaled where they are read.

    Args:
        target: whether the loss allows its target to be scaled.
        names: a name a feature.
        unit: the weight that counts as 1; the mean of these weights when None.
        gram: the moments of the scaled rows, where they are known.
        threads: over which passes over a large table are spread; they change no bits.
    """
    y = scale.transform_target(y) if target else y
    weight = sample_weight
    if weight is not None:
        weight = mean_one(weight) if unit is None else weight / unit
    rows = _rows(scale, X, dtype, threads)
    gram = gram if isinstance(rows, ScaledRows) else None  # a small table has the bits of its own scaled rows
    return Data(rows, np.ascontiguousarray(y, dtype), weight, names).with_gram(gram)


def _rows(scale: Scale, X: Any, dtype: DTypeLike, threads: int) -> Any:
    """The scaled features; those of a large table as they are read."""
    large = not is_sparse(X) and X.size > LARGE_CELLS
    return ScaledRows(X, scale.center, scale.width, dtype, threads) if large else scale.transform(X, dtype)
