"""standardised: a problem in centred and scaled features, evaluated in float64 by blocks of rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.optimum.baseline import baseline
from descend.problem import Problem, losses_and_slopes
from descend.sparse import dense, is_wide
from descend.table.data import Data

BLOCK_CELLS = 1 << 18  # cells of a block of rows: 2 MB in float64, which stays in a level-2 cache
CONSTANT = 1e-13  # standard deviation / mean below which a column is constant: 1e3 times the rounding of float64
UNUSED = 1.0  # curvature given to the weight of a constant column, so that it stays at 0 (any positive number does)


@dataclass(frozen=True, eq=False, kw_only=True)
class StandardisedView:
    """A problem in the features (x - mean) / scale @ basis, with weights v in these coordinates and biases b + mean @ w.

    Features that are sparse and many stay sparse and are not centred; other sparse features are read as dense blocks.

    Args:
        problem: of one output, or of classes, or squared with several targets.
        mean: subtracted from each feature (features,).
        scale: divides each feature (features,); infinity for a constant feature, which becomes 0.
        l2: the quadratic penalty of each feature's weights (features,), or a matrix (width, width) with a basis.
        l1: the absolute penalty of each weight (params,).
        basis: maps the features to the columns of the view (features, width); None for the identity.
    """

    problem: Problem
    mean: Array
    scale: Array
    l2: Array
    l1: Array
    basis: Array | None = None

    @classmethod
    def plain(cls, problem: Problem) -> "StandardisedView":
        """Return the problem in its own features."""
        ones = np.ones(problem.data.features)
        return cls(problem=problem, mean=0 * ones, scale=ones, l2=problem.l2 * ones, l1=problem.l1 * problem.penalised)

    @classmethod
    def of(cls, problem: Problem) -> "StandardisedView":
        """Return the problem with features of mean square 1, and of mean 0 where there is an intercept."""
        mean, scale = _spread(problem)
        l1 = np.concatenate([np.repeat(problem.l1 / scale, problem.outputs), np.zeros(_biases(problem))])
        return cls(
            problem=problem,
            mean=mean,
            scale=scale,
            l2=np.where(np.isinf(scale), UNUSED, problem.l2 / scale / scale),
            l1=l1,
        )

    def with_basis(self, basis: Array) -> "StandardisedView":
        """Return the same problem in another basis (features, width); the problem must have no l1 penalty."""
        across = basis / self.scale[:, None]
        l1 = np.zeros(basis.shape[1] * self.problem.outputs + _biases(self.problem))
        return replace(self, basis=basis, l1=l1, l2=self.problem.l2 * across.T @ across)

    @property
    def width(self) -> int:
        """The number of features of the view."""
        return self.problem.data.features if self.basis is None else int(self.basis.shape[1])

    def split(self, v: Array) -> tuple[Array, Array]:
        """Return weights (width, outputs) and biases (outputs,)."""
        k = self.problem.outputs
        V = v[: self.width * k].reshape(self.width, k)
        return V, v[self.width * k :] if self.problem.intercept else np.zeros(k)

    def start(self) -> Array:
        """Return the best constant prediction (params,)."""
        b = baseline(self.problem)[0][self.problem.data.features * self.problem.outputs :]
        return np.concatenate([np.zeros(self.width * self.problem.outputs), b])

    def original(self, v: Array) -> Array:
        """Return the weights (params,) in the features of the problem."""
        V, b = self.split(v)
        W = (V if self.basis is None else self.basis @ V) / self.scale[:, None]
        return np.concatenate([W.ravel(), b - self.mean @ W]) if self.problem.intercept else W.ravel()

    def features(self, rows: slice) -> Any:
        """Return a block of rows (rows, width)."""
        if is_wide(self.problem.data.X):
            return _divided(self.problem.data.X[rows], self.scale)
        X: Array = dense(self.problem.data.X[rows]).astype(np.float64)
        X -= self.mean
        X /= self.scale
        return X if self.basis is None else np.asarray(X @ self.basis)

    def scores(self, v: Array, X: Any) -> Array:
        """Return predictions (rows,) or (rows, outputs) of a block of features."""
        V, b = self.split(v)
        z: Array = X @ V + b
        return z[:, 0] if self.problem.loss.outputs == "one" and self.problem.outputs == 1 else z

    def evaluate(self, v: Array) -> tuple[float, Array]:
        """Return the objective, l1 included, and the gradient (params,) without it."""
        k, value = self.problem.outputs, 0.0
        W, b = np.zeros((self.width, k)), np.zeros(k)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in blocks(self.problem):
                X, share = self.features(rows), shares(self.problem, rows)
                losses, slopes = losses_and_slopes(self.problem, self.scores(v, X), targets(self.problem, rows))
                weighted = slopes.reshape(-1, k) * share[:, None]
                value, W, b = value + float(share @ losses), W + X.T @ weighted, b + weighted.sum(axis=0)
            V = self.split(v)[0]
            penalty_gradient = self.l2 @ V if self.basis is not None else self.l2[:, None] * V
            value += float((V * penalty_gradient).sum() / 2 + self.l1 @ np.abs(v))
            W = W + penalty_gradient
        return value, np.concatenate([W.ravel(), b]) if self.problem.intercept else W.ravel()

    def smallest_subgradient(self, v: Array, g: Array) -> Array:
        """Return the smallest subgradient (params,): the gradient itself where there is no l1."""
        at_zero = np.sign(g) * np.maximum(np.abs(g) - self.l1, 0)
        return np.asarray(np.where(v == 0, at_zero, g + self.l1 * np.sign(v)))


def has_several_targets(problem: Problem) -> bool:
    """Return whether the problem has several targets, each with its own weights."""
    return problem.outputs > 1 and problem.loss.outputs == "one"


def one_target_each(problem: Problem) -> Iterator[Problem]:
    """Yield one problem for each target; the mean of their objectives is the objective of the whole problem."""
    k = problem.outputs
    for y in problem.data.y.T:
        data = Data(problem.data.X, np.ascontiguousarray(y), problem.data.sample_weight, problem.data.names)
        yield replace(problem, data=data, outputs=1, l2=problem.l2 * k, l1=problem.l1 * k)


def blocks(problem: Problem) -> Iterator[slice]:
    """Return slices that cover the rows in order."""
    a_row = problem.data.cells // problem.data.rows if is_wide(problem.data.X) else problem.data.features
    size = max(64, BLOCK_CELLS // max(1, a_row, problem.outputs))
    return (slice(lo, min(lo + size, problem.data.rows)) for lo in range(0, problem.data.rows, size))


def shares(problem: Problem, rows: slice) -> Array:
    """Return each row's weight divided by the number of rows (rows,), float64."""
    if problem.data.sample_weight is None:
        return np.full(rows.stop - rows.start, 1 / problem.data.rows)
    share: Array = problem.data.sample_weight[rows].astype(np.float64) / problem.data.rows
    return share


def targets(problem: Problem, rows: slice) -> Array:
    """Return a block of targets in float64."""
    y: Array = problem.data.y[rows].astype(np.float64)
    return y


def _biases(problem: Problem) -> int:
    return problem.outputs if problem.intercept else 0


def _spread(problem: Problem) -> tuple[Array, Array]:
    """Mean and root mean square about it of each feature (features,), without overflow."""
    X, features = problem.data.X, problem.data.features
    if is_wide(X):
        return _spread_about_zero(problem)
    top, mean, square, mass = np.zeros(features), np.zeros(features), np.zeros(features), 0.0
    for rows in blocks(problem):
        top = np.maximum(top, np.abs(dense(X[rows])).max(axis=0))
    top[top == 0] = 1.0
    if problem.intercept:
        for rows in blocks(problem):
            share = shares(problem, rows)
            mean, mass = mean + share @ (dense(X[rows]) / top), mass + share.sum()
        mean /= mass
    for rows in blocks(problem):
        square += shares(problem, rows) @ np.square(dense(X[rows]) / top - mean)
    root = np.sqrt(square)
    return mean * top, np.where(root > CONSTANT * np.maximum(np.abs(mean), 1e-3), root * top, np.inf)


def _divided(X: Any, scale: Array) -> Any:
    """Rows of non-zeros with every column divided by its scale, float64."""
    X = X.astype(np.float64)
    X.data /= scale[X.indices]
    return X


def _spread_about_zero(problem: Problem) -> tuple[Array, Array]:
    """Means of 0, since centring would fill in the zeros, and the root mean square of each column; infinity for an empty one."""
    X = problem.data.X
    share = shares(problem, slice(0, problem.data.rows))
    top = np.maximum(np.asarray(abs(X).max(axis=0).todense(), np.float64).ravel(), 1e-300)
    each = np.repeat(share, np.diff(X.indptr)) * np.square(X.data / top[X.indices])
    root = np.sqrt(np.bincount(X.indices, each, problem.data.features)) * top
    return np.zeros(problem.data.features), np.where(root > 0, root, np.inf)
