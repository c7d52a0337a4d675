"""curvature: the eigenvalues of a bound on the Hessian, which limit the learning rate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.optimum.standardised import StandardisedView, blocks, shares
from descend.problem import Problem
from descend.sparse import dense, is_wide, row_squares
from descend.table.scaled_rows import ScaledRows

MAX_EXACT = (
    2000  # weights of an output up to which all eigenvalues are computed; arbitrary: the work grows with the cube
)
RELATIVE = 1e-6  # above the penalty alone, beyond which the smallest eigenvalue needs the data (arbitrary)
ROUNDING = (
    10 * float(np.finfo(np.float64).eps) / 2
)  # eigenvalues below this, times size and largest, are 0 up to rounding


@dataclass(frozen=True, kw_only=True)
class Curvature:
    """Eigenvalues of a bound on the Hessian of the objective.

    Args:
        largest: of the whole objective, penalty included.
        smallest: 0 where it is zero up to rounding; NaN where only the largest was computed.
        smallest_determined: of the directions that change some prediction: those that change none, such as the sum of
            all levels of a one-hot category against the intercept, have the penalty's curvature alone, and do not slow
            training down; NaN where only the largest was computed.
        bound: the loss's largest second derivative that was used; at given weights, the mean over the rows.
        method: how it was found.
        rows: returns `row_largest` and `row_mean`, in a pass over the rows.
    """

    largest: float
    smallest: float
    smallest_determined: float
    bound: float
    method: str
    rows: Callable[[], tuple[float, float]] = field(repr=False)

    @property
    def row_largest(self) -> float:
        """The curvature of the steepest single row, for batches of one."""
        return self._rows[0]

    @property
    def row_mean(self) -> float:
        """The mean over the rows of the curvature of each."""
        return self._rows[1]

    @cached_property
    def _rows(self) -> tuple[float, float]:
        return self.rows()

    @property
    def condition(self) -> float:
        """largest / smallest_determined; infinity without such a direction, NaN when it is not known."""
        return self.largest / self.smallest_determined if self.smallest_determined != 0 else float("inf")


def curvature(problem: Problem, weights: Array | None = None) -> Curvature:
    """Return the largest and smallest curvature of a problem, of the matrix c/n sum s x x' + l2, x with a 1 appended.

    c bounds the loss's second derivative, so that the largest is a bound wherever the weights are. Poisson's has no
    bound: its curvature is that at the weights (params,), or at the best constant prediction. Quantile and hinge are
    piecewise linear: c = 1 gives a scale. All eigenvalues up to 2,000 weights an output, by Lanczos the largest beyond.

    >>> from descend.table.data import Data
    >>> from descend.losses import loss
    >>> x = np.arange(100.0)
    >>> round(curvature(Problem(Data(x[:, None], 0.1 * x + 0.3), loss("squared"))).largest, 2)
    6568.49
    """
    c, source = _curve(problem, weights)
    size = problem.data.features + problem.intercept
    if size <= MAX_EXACT:
        H = _matrix(problem, c)
        smallest, largest = _extreme(H)
        determined = smallest if smallest > problem.l2 * (1 + RELATIVE) else _smallest_determined(problem, H)
        method = "all eigenvalues"
    else:
        smallest, largest, determined, method = float("nan"), _top(problem, c), float("nan"), "Lanczos"
    return Curvature(
        largest=largest, smallest=smallest, smallest_determined=determined, bound=float(np.mean(c)),
        method=f"{method}, {source}", rows=lambda: _rows(problem, c),
    )  # fmt: skip


def _curve(problem: Problem, weights: Array | None) -> tuple[float | Array, str]:
    """The second derivative of the loss in its prediction: one number, or one a row, and where it is from."""
    targets = problem.outputs if problem.loss.outputs == "one" else 1
    if problem.loss.curvature is not None:
        return problem.loss.curvature / targets, "bound of the loss"
    if problem.loss.name != "poisson":
        return 1.0 / targets, "a scale, not a limit: the loss is piecewise linear"
    if weights is not None:
        return _means(problem, weights) / targets, "at the given weights"
    y = problem.data.y.astype(np.float64)
    means = np.average(y, axis=0, weights=problem.data.sample_weight) if problem.intercept else 1.0
    return float(np.max(means)) / targets, "at the best constant prediction"


def _means(problem: Problem, weights: Array) -> Array:
    """The largest mean of each row (rows,) at these weights."""
    view, w = StandardisedView.plain(problem), weights.astype(np.float64)
    with np.errstate(over="ignore"):
        means = [problem.loss.mean(view.scores(w, view.features(rows))) for rows in blocks(problem)]
    largest: Array = np.concatenate(means).reshape(problem.data.rows, -1).max(axis=1)
    return largest


def _rows(problem: Problem, c: float | Array) -> tuple[float, float]:
    """The largest and the mean over the rows of s c |x|^2 + l2."""
    penalty = problem.l2 if problem.data.features else 0.0
    most, total, squares = 0.0, 0.0, _squares(problem)
    with np.errstate(over="ignore"):
        for rows in blocks(problem):
            share = shares(problem, rows) * (c if isinstance(c, float) else c[rows])
            heights = (squares(rows) + problem.intercept) * share
            most, total = max(most, float(heights.max())), total + float(heights.sum())
    return most * problem.data.rows + penalty, total + penalty


def _squares(problem: Problem) -> Callable[[slice], Array]:
    """The sums of squares of a block of rows; of a large table, which is scaled as it is read, by a compiled pass."""
    X = problem.data.X
    if not isinstance(X, ScaledRows) or not X.readable:
        return lambda rows: row_squares(X[rows])
    from descend.engines import full_pass  # Numba is loaded where it is needed

    return full_pass.row_squares(X, X.threads).__getitem__


def _matrix(problem: Problem, c: float | Array) -> Array:
    """The matrix whose eigenvalues are asked for."""
    d, one = problem.data.features, int(problem.intercept)
    with np.errstate(over="ignore", invalid="ignore"):
        if is_wide(problem.data.X):
            H = _sparse_matrix(problem, c)
        elif isinstance(c, float):
            moments = problem.data.gram()
            mean = np.append(moments.mean, 1.0) if one else moments.mean
            H = c * moments.mass * np.outer(mean, mean)
            H[:d, :d] += c * moments.G
        else:
            H = np.zeros((d + one, d + one))
            for rows in blocks(problem):
                X = _extended(problem, rows)
                H += X.T @ (X * (shares(problem, rows) * c[rows])[:, None])
        H[range(d), range(d)] += problem.l2
    return H


def _sparse_matrix(problem: Problem, c: float | Array) -> Array:
    """The matrix without penalty, by products of the non-zeros."""
    X, every = _extended(problem, slice(0, problem.data.rows)), slice(0, problem.data.rows)
    return dense(X.T @ X.multiply((shares(problem, every) * c)[:, None]).tocsr())


def _extreme(H: Array) -> tuple[float, float]:
    """The smallest and the largest eigenvalue."""
    if not len(H):
        return 0.0, 0.0
    if not np.isfinite(H).all():
        return 0.0, float("inf")
    values = np.linalg.eigvalsh(H)
    smallest, largest = float(values[0]), max(float(values[-1]), 0.0)
    return smallest if smallest > len(H) * ROUNDING * largest else 0.0, largest


def _smallest_determined(problem: Problem, H: Array) -> float:
    """The smallest eigenvalue of H in the directions in which the data have any curvature; 0 without one."""
    if not len(H) or not np.isfinite(H).all():
        return 0.0
    data = H.copy()
    data[range(problem.data.features), range(problem.data.features)] -= problem.l2
    values, vectors = np.linalg.eigh(data)
    rounding = max(
        ROUNDING, 10 * float(np.finfo(problem.dtype).eps) ** 2
    )  # moments square the rounding of float32 features
    used = values > len(H) * rounding * max(values[-1], H.diagonal().max())
    basis = vectors[:, used]
    return float(np.linalg.eigvalsh(basis.T @ H @ basis)[0]) if used.any() else 0.0


def _top(problem: Problem, c: float | Array) -> float:
    """The largest eigenvalue, by Lanczos on products with the data."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    d, size = problem.data.features, problem.data.features + problem.intercept

    def times(v: Array) -> Array:
        v = v.ravel()
        total = problem.l2 * np.where(np.arange(size) < d, v, 0)
        for rows in blocks(problem):
            X = _extended(problem, rows)
            share = shares(problem, rows) * (c if isinstance(c, float) else c[rows])
            total = total + X.T @ (share * (X @ v))
        return np.asarray(total)

    start = np.random.Generator(np.random.Philox(key=0)).standard_normal(size)
    operator = LinearOperator((size, size), times, dtype=np.float64)
    return float(eigsh(operator, 1, which="LA", v0=start, return_eigenvectors=False)[0])


def _extended(problem: Problem, rows: slice) -> Any:
    """A block of rows in float64, with a column of ones when there is an intercept."""
    if is_wide(problem.data.X):
        from scipy.sparse import hstack

        X = problem.data.X[rows].astype(np.float64)
        return hstack([X, np.ones((X.shape[0], 1))], format="csr") if problem.intercept else X
    X = dense(problem.data.X[rows]).astype(np.float64, copy=False)
    return np.column_stack([X, np.ones(len(X))]) if problem.intercept else X
