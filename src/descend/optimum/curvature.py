"""curvature: how steeply the gradient may change, which limits the learning rate."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.optimum.moments import blocks, extended, penalties, second_moment, shares
from descend.problem import Problem

MOST_EXACT = 2000  # features up to which all eigenvalues are computed


@dataclass(frozen=True)
class Curvature:
    """Eigenvalues of a bound on the Hessian of the objective.

    Args:
        largest: of the whole objective, penalty included.
        smallest: 0 where only the largest was computed.
        row_largest: the same for the steepest single row, for batches of one.
        bound: the loss's largest second derivative that was used.
        method: how it was found.
    """

    largest: float
    smallest: float
    row_largest: float
    bound: float
    method: str

    @property
    def condition(self) -> float:
        """largest / smallest; infinity when the smallest is zero to rounding."""
        return self.largest / self.smallest if self.smallest > 1e-15 * self.largest else float("inf")


def curvature(problem: Problem) -> Curvature:
    """Return the curvature of a problem; for a loss without a bound, at its best constant prediction."""
    c, method = _bound(problem)
    c /= problem.outputs if problem.loss.outputs == "one" and problem.outputs > 1 else 1
    row_largest = 0.0
    for rows in blocks(problem.data.rows):
        X = extended(problem, rows)
        heights = np.einsum("ij,ij->i", X, X) * shares(problem, rows) * problem.data.rows
        row_largest = max(row_largest, float(heights.max(initial=0.0)))
    size = problem.data.features + problem.intercept
    solve = _all if size <= MOST_EXACT else _ends
    smallest, largest = solve(problem, c)
    return Curvature(largest, smallest, c * row_largest + problem.l2, c, method)


def _bound(problem: Problem) -> tuple[float, str]:
    if problem.loss.curvature is not None:
        return problem.loss.curvature, "bound of the loss"
    if problem.loss.name == "poisson":
        mean = float(np.average(problem.data.y, weights=problem.data.weight)) if problem.intercept else 1.0
        return max(mean, 1e-300), "at the best constant prediction"
    return 1.0, "the loss is a line in pieces: a scale, not a limit"


def _all(problem: Problem, c: float) -> tuple[float, float]:
    H = c * second_moment(problem) + problem.l2 * np.diag(penalties(problem))
    values = np.linalg.eigvalsh(H) if len(H) else np.zeros(1)
    return max(float(values[0]), 0.0), max(float(values[-1]), 0.0)


def _ends(problem: Problem, c: float) -> tuple[float, float]:
    """The largest alone, by Lanczos on products with the data."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    size, mask = problem.data.features + problem.intercept, penalties(problem)

    def times(v: Array) -> Array:
        total: Array = problem.l2 * mask * v.ravel()
        for rows in blocks(problem.data.rows):
            X = extended(problem, rows)
            total += c * (X.T @ (shares(problem, rows) * (X @ v.ravel())))
        return total

    start = np.random.Generator(np.random.Philox(key=0)).standard_normal(size)
    value = eigsh(
        LinearOperator((size, size), times, dtype=np.float64), 1, which="LA", v0=start, return_eigenvectors=False
    )
    return 0.0, float(value[0])
