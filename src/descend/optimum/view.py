"""view: a problem in features that are centred and scaled, evaluated in float64 by blocks of rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.optimum.baseline import baseline
from descend.problem import Problem, losses_and_slopes
from descend.sparse import dense, is_wide
from descend.table.data import Data

BLOCK_CELLS = 1 << 18  # cells of a block of rows: its float64 copy stays in the cache
CONSTANT = 1e-13  # a column whose spread is so small a part of its size is constant up to rounding
UNUSED = 1.0  # the curvature given to a weight without effect, so that it stays at 0


@dataclass(frozen=True, eq=False)
class View:
    """A problem seen through (x - mean) / scale @ turn, with weights v of its own and biases b + mean @ w.

    Features that are sparse and many stay sparse, about 0; other sparse features are read as dense blocks.

    Args:
        problem: of one output, or of classes, or squared with several targets.
        mean: what is taken from each feature (features,).
        scale: what each feature is divided by (features,); infinity for one without effect, which becomes 0.
        l2: the quadratic penalty of each feature's weights (features,), or as a matrix (kept, kept) when turned.
        l1: the absolute penalty of each weight (params,).
        turn: maps features to the fewer that are kept (features, kept); None for as they are.
    """

    problem: Problem
    mean: Array
    scale: Array
    l2: Array
    l1: Array
    turn: Array | None = None

    @classmethod
    def plain(cls, problem: Problem) -> "View":
        """The problem as it is."""
        ones = np.ones(problem.data.features)
        return cls(problem, 0 * ones, ones, problem.l2 * ones, problem.l1 * problem.penalised)

    @classmethod
    def standard(cls, problem: Problem) -> "View":
        """Features of mean 0, where there is an intercept to take it up, and of mean square 1."""
        mean, scale = _spread(problem)
        l1 = np.concatenate([np.repeat(problem.l1 / scale, problem.outputs), np.zeros(_biases(problem))])
        return cls(problem, mean, scale, np.where(np.isinf(scale), UNUSED, problem.l2 / scale / scale), l1)

    def turned(self, turn: Array) -> "View":
        """The same view with its features turned into others; there must be no l1, which does not turn."""
        across = turn / self.scale[:, None]
        l1 = np.zeros(turn.shape[1] * self.problem.outputs + _biases(self.problem))
        return replace(self, turn=turn, l1=l1, l2=self.problem.l2 * across.T @ across)

    @property
    def kept(self) -> int:
        """The number of features of the view."""
        return self.problem.data.features if self.turn is None else int(self.turn.shape[1])

    def split(self, v: Array) -> tuple[Array, Array]:
        """Return weights (kept, outputs) and biases (outputs,)."""
        k = self.problem.outputs
        V = v[: self.kept * k].reshape(self.kept, k)
        return V, v[self.kept * k :] if self.problem.intercept else np.zeros(k)

    def start(self) -> Array:
        """Return the best constant prediction (params,)."""
        b = baseline(self.problem)[0][self.problem.data.features * self.problem.outputs :]
        return np.concatenate([np.zeros(self.kept * self.problem.outputs), b])

    def original(self, v: Array) -> Array:
        """Return the problem's own weights (params,)."""
        V, b = self.split(v)
        W = (V if self.turn is None else self.turn @ V) / self.scale[:, None]
        return np.concatenate([W.ravel(), b - self.mean @ W]) if self.problem.intercept else W.ravel()

    def features(self, rows: slice) -> Any:
        """Return a block of rows (rows, kept)."""
        if is_wide(self.problem.data.X):
            return _divided(self.problem.data.X[rows], self.scale)
        X: Array = dense(self.problem.data.X[rows]).astype(np.float64)
        X -= self.mean
        X /= self.scale
        return X if self.turn is None else np.asarray(X @ self.turn)

    def scores(self, v: Array, X: Any) -> Array:
        """Return predictions (rows,) or (rows, outputs) of a block of features."""
        V, b = self.split(v)
        z: Array = X @ V + b
        return z[:, 0] if self.problem.loss.outputs == "one" and self.problem.outputs == 1 else z

    def evaluate(self, v: Array) -> tuple[float, Array]:
        """Return the objective, l1 included, and the gradient (params,) without it."""
        k, value = self.problem.outputs, 0.0
        W, b = np.zeros((self.kept, k)), np.zeros(k)
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in blocks(self.problem):
                X, share = self.features(rows), shares(self.problem, rows)
                losses, slopes = losses_and_slopes(self.problem, self.scores(v, X), targets(self.problem, rows))
                weighted = slopes.reshape(-1, k) * share[:, None]
                value, W, b = value + float(share @ losses), W + X.T @ weighted, b + weighted.sum(axis=0)
            V = self.split(v)[0]
            pulled = self.l2 @ V if self.turn is not None else self.l2[:, None] * V
            value += float((V * pulled).sum() / 2 + self.l1 @ np.abs(v))
            W = W + pulled
        return value, np.concatenate([W.ravel(), b]) if self.problem.intercept else W.ravel()

    def left(self, v: Array, g: Array) -> Array:
        """Return the smallest subgradient (params,): the gradient itself where there is no l1."""
        resting = np.sign(g) * np.maximum(np.abs(g) - self.l1, 0)
        return np.asarray(np.where(v == 0, resting, g + self.l1 * np.sign(v)))


def several(problem: Problem) -> bool:
    """Tell whether there are several targets, each with weights of its own."""
    return problem.outputs > 1 and problem.loss.outputs == "one"


def columns(problem: Problem) -> Iterator[Problem]:
    """Return a problem for each of several targets; the mean of their objectives is the objective of the whole."""
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
    """The mean that is taken away and the root mean square of what is left (features,), without overflow."""
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
    """No mean, which would fill the zeros, and the root mean square of each column; of one without values infinity."""
    X = problem.data.X
    share = shares(problem, slice(0, problem.data.rows))
    top = np.maximum(np.asarray(abs(X).max(axis=0).todense(), np.float64).ravel(), 1e-300)
    each = np.repeat(share, np.diff(X.indptr)) * np.square(X.data / top[X.indices])
    root = np.sqrt(np.bincount(X.indices, each, problem.data.features)) * top
    return np.zeros(problem.data.features), np.where(root > 0, root, np.inf)
