"""influence: how far each row moves a figure (Hampel 1974): the derivative towards a table that holds more of that row.

The weighted mean of an influence is 0, and the figure's variance is that of the mean of `value + influence`.
"""

import numpy as np

from descend.arrays import Array


def of_rmse(error: Array, rmse: float) -> Array:
    """Return the influence on the root of the mean square of errors (rows,)."""
    return np.asarray((np.square(error) - rmse**2) / (2 * rmse)) if rmse > 0 else np.zeros(len(error))


def of_r2(y: Array, error: Array, r2: float, weight: Array | None) -> Array:
    """Return the influence on R² = 1 − A / B, A the mean square of the errors (rows,), B the variance of y (rows,)."""
    squares = np.square(y - np.average(y, weights=weight))
    spread = float(np.average(squares, weights=weight))
    # d(A/B) = dA / B − A dB / B²; A / B is 1 − R². Divided by the spread first: squares of 1e155 would overflow.
    return np.asarray((1 - r2) * (squares / spread) - np.square(error) / spread)


def of_auc(positive: Array, score: Array, auc: float, weight: Array | None) -> Array:
    """Return the influence on the area under the ROC curve: the components of DeLong, DeLong and Clarke-Pearson (1988).

    Args:
        positive: whether a row is of the class (rows,).
        score: the higher, the more likely it is (rows,).
    """
    weight = np.ones(len(score)) if weight is None else weight
    levels, at = np.unique(score, return_inverse=True)
    ones, zeros = (np.bincount(at, weight * of, len(levels)) for of in (positive, ~positive))
    # the share of the other class on the right side of each row, ties counted half
    below, above = (np.cumsum(zeros) - zeros / 2) / zeros.sum(), 1 - (np.cumsum(ones) - ones / 2) / ones.sum()
    total = weight.sum()
    moved = np.where(positive, (below[at] - auc) / ones.sum(), (above[at] - auc) / zeros.sum())
    return np.asarray(moved * total)


def of_average_precision(positive: Array, score: Array, weight: Array | None) -> tuple[float, Array]:
    """Return the average precision, and the influence of each row on it.

    AP = 1/π ∫ Q dP, with π the share of positives, P(s) and N(s) the shares of positives and negatives scored s or above,
    Q = P / (P + N) the precision there. A row scored x adds to P, if it is positive, or to N, at every s ≤ x.
    """
    weight = np.ones(len(score)) if weight is None else weight
    levels, at = np.unique(-score, return_inverse=True)  # the highest score first
    total = weight.sum()
    steps = np.bincount(at, weight * positive, len(levels)) / total
    P, N = np.cumsum(steps), np.cumsum(np.bincount(at, weight * ~positive, len(levels))) / total
    share = P[-1]
    Q = P / (P + N)
    value = float((Q * steps).sum() / share)
    slope = steps / np.square(P + N)  # of Q towards P and N, times dP
    towards_positive, towards_negative = (np.cumsum((slope * part)[::-1])[::-1] for part in (N, -P))
    moved = np.where(positive, Q[at] + towards_positive[at] - value, towards_negative[at])
    return value, moved / share


def of_ratio(above: Array, below: Array, weight: Array | None) -> tuple[float, Array]:
    """Return Σ above / Σ below of two columns (rows,), and the influence of each row on it; NaN where Σ below is 0."""
    bottom = float(np.average(below, weights=weight))
    if bottom == 0:
        return np.nan, np.zeros(len(below))
    value = float(np.average(above, weights=weight)) / bottom
    return value, (above - value * below) / bottom
