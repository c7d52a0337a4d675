"""moments: sums over the rows of a problem, in float64, by blocks."""

from collections.abc import Iterator

import numpy as np

from descend.arrays import Array
from descend.problem import Problem

BLOCK_ROWS = 1 << 14


def blocks(rows: int) -> Iterator[slice]:
    """Return slices that cover the rows in order."""
    return (slice(lo, lo + BLOCK_ROWS) for lo in range(0, rows, BLOCK_ROWS))


def extended(problem: Problem, rows: slice) -> Array:
    """Return a block of X in float64, with a column of ones when there is an intercept."""
    X = problem.data.X[rows].astype(np.float64)
    return np.column_stack([X, np.ones(len(X))]) if problem.intercept else X


def shares(problem: Problem, rows: slice) -> Array:
    """Return each row's weight divided by the number of rows (rows,), float64."""
    weight = problem.data.weight
    if weight is None:
        return np.full(len(range(*rows.indices(problem.data.rows))), 1 / problem.data.rows)
    share: Array = weight[rows].astype(np.float64) / problem.data.rows
    return share


def second_moment(problem: Problem, curve: Array | None = None) -> Array:
    """Return (1/n) sum s c x~ x~', x~ = (x, 1), of rows with weights s and curvatures c (rows,), 1 when None."""
    size = problem.data.features + problem.intercept
    total = np.zeros((size, size))
    for rows in blocks(problem.data.rows):
        X, share = extended(problem, rows), shares(problem, rows)
        scaled = X * (share if curve is None else share * curve[rows])[:, None]
        total += X.T @ scaled
    return total


def penalties(problem: Problem) -> Array:
    """Return 1 for each feature and 0 for the intercept (features + 1,)."""
    mask: Array = np.r_[np.ones(problem.data.features), np.zeros(int(problem.intercept))]
    return mask
