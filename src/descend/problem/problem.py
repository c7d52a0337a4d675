"""Problem: data, loss, shape of the model and penalty; what it costs and how the cost slopes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.losses import Loss
from descend.problem.network import ForwardCache, Network, backward, forward
from descend.problem.network import scores as network_scores
from descend.problem.shapes import check_shapes
from descend.table.data import Data

Predict = Callable[[Network, Array, Any], Array]  # of a network, weights (params,) and rows, the scores (rows, outputs)
BLOCK_CELLS = 1 << 19  # predictions held at once while a loss is evaluated
NETWORK_CELLS = 1 << 16  # of a layer's outputs: with what they are computed from they stay in a level-2 cache
SIDE_BY_SIDE = (
    8  # columns of one product while a loss is evaluated: with a fixed number a run's bits depend on no other run
)


@dataclass(frozen=True, eq=False)
class Problem:
    """Minimise the weighted mean loss plus l2/2 |w|^2 + l1 |w|, never penalising a bias.

    Args:
        data: the examples.
        loss: the loss of one prediction.
        constants: the loss's constants, such as {"delta": 1.0}.
        outputs: columns of the prediction: 1, or the number of classes or targets.
        intercept: whether there is a bias an output.
        l2: the coupled quadratic penalty.
        l1: the absolute penalty, applied as a proximal step.
        network: its shape, when the model is a network; None for a linear model.

    The weights of one run are one flat vector: W (features, outputs) row by row, then the biases (outputs,); of a
    network, layer after layer. Raises UsageError D608 when a target of another shape would silently broadcast against the predictions.
    """

    data: Data
    loss: Loss
    constants: dict[str, float] = field(default_factory=dict)
    outputs: int = 1
    intercept: bool = True
    l2: float = 0.0
    l1: float = 0.0
    network: Network | None = None

    def __post_init__(self) -> None:
        flat = self.outputs == 1 or self.loss.outputs == "classes"
        check_shapes((self.data.rows,) if flat else (self.data.rows, self.outputs), self.data.y.shape)

    @property
    def params(self) -> int:
        """The number of weights and biases."""
        if self.network is not None:
            return self.network.params
        return (self.data.features + self.intercept) * self.outputs

    @cached_property
    def penalised(self) -> Array:
        """1.0 for a weight, 0.0 for a bias (params,)."""
        if self.network is not None:
            return self.network.penalised
        return (np.arange(self.params) < self.data.features * self.outputs).astype(np.float64)

    @property
    def scaled(self) -> bool:
        """Whether no feature is far larger or smaller than 1, judged by the mean square of each."""
        squares = self.data.mean_squares()
        used = squares[squares > 0]
        return bool(len(used) == 0 or (used.max() < 10 and used.min() > 0.01))

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """The dtype of data and weights."""
        dtype: np.dtype[np.floating] = self.data.X.dtype
        return dtype

    def split(self, weights: Array) -> tuple[Array, Array]:
        """Return W (..., features, outputs) and b (..., outputs) of flat weights (..., params)."""
        cut = self.data.features * self.outputs
        W = weights[..., :cut].reshape(*weights.shape[:-1], self.data.features, self.outputs)
        b = weights[..., cut:] if self.intercept else np.zeros((*weights.shape[:-1], self.outputs), weights.dtype)
        return W, b


def scores(problem: Problem, weights: Array, X: Any = None) -> Array:
    """Return the predictions z (rows,) or (rows, outputs) of one run's weights (params,), before any link."""
    X = problem.data.X if X is None else X
    if problem.network is not None:
        return flat(problem, network_scores(problem.network, weights, X))
    W, b = problem.split(weights)
    return flat(problem, X @ W + b)


def flat(problem: Problem, z: Array) -> Array:
    """Return predictions as losses take them: a column of predictions (rows,) where there is only one."""
    return z[:, 0] if problem.loss.outputs == "one" and problem.outputs == 1 else z


def losses_and_slopes(problem: Problem, z: Array, y: Array) -> tuple[Array, Array]:
    """Return value (rows,) and slope, shaped as z, of predictions z for targets y; several targets are averaged."""
    value, slope = problem.loss.evaluate(z, y, **problem.constants)
    if value.ndim == 2:
        return value.mean(axis=1), slope / value.shape[1]
    return value, slope


def gradient(problem: Problem, weights: Array, rows: Array | slice = slice(None)) -> tuple[float, Array]:
    """Return the mean loss of these rows and the gradient (params,) of mean loss plus quadratic penalty.

    The mean divides by the number of rows; example weights have mean 1 over all of them.
    """
    if problem.network is not None:
        return network_gradient(problem, weights, rows)[:2]
    X, y = problem.data.X[rows], problem.data.y[rows]
    value, slope = _weighted(problem, scores(problem, weights, X), y, rows)
    parts = [(X.T @ slope).ravel()] + ([slope.sum(axis=0, keepdims=slope.ndim == 1)] if problem.intercept else [])
    g = np.concatenate(parts) / len(y) + problem.l2 * problem.penalised * weights
    return float(value.mean(dtype=np.float64)), g.astype(weights.dtype, copy=False)


def network_gradient(
    problem: Problem, weights: Array, rows: Array | slice = slice(None), masks: tuple[Array, ...] | None = None
) -> tuple[float, Array, list[ForwardCache]]:
    """Return what `gradient` does for a network in training, and what its pass forward left; masks are of dropout."""
    assert problem.network is not None
    X, y = problem.data.X[rows], problem.data.y[rows]
    z, caches, last = forward(problem.network, weights, X, masks)
    value, slope = _weighted(problem, flat(problem, z), y, rows)
    g = backward(problem.network, weights, caches, last, slope.reshape(z.shape)) / len(y)
    g = g + problem.l2 * problem.penalised * weights
    return float(value.mean(dtype=np.float64)), g.astype(weights.dtype, copy=False), caches


def _weighted(problem: Problem, z: Array, y: Array, rows: Array | slice) -> tuple[Array, Array]:
    """Losses and slopes of some rows, times their weights."""
    value, slope = losses_and_slopes(problem, z, y)
    if problem.data.sample_weight is None:
        return value, slope
    weight = problem.data.sample_weight[rows]
    return value * weight, slope * (weight if slope.ndim == 1 else weight[:, None])


def penalty(problem: Problem, weights: Array) -> Array:
    """Return l2/2 |w|^2 + l1 |w| of weights (..., params), in float64 (...)."""
    with np.errstate(over="ignore", invalid="ignore"):
        w = weights.astype(np.float64, copy=False) * problem.penalised
        total: Array = 0.5 * problem.l2 * np.square(w).sum(axis=-1) + problem.l1 * np.abs(w).sum(axis=-1)
    return total


def mean_losses(problem: Problem, weights: Array, data: Data | None = None, predict: Predict = network_scores) -> Array:
    """Return the weighted mean loss, without penalty, of each run's weights (runs, params) on data, float64 (runs,).

    Args:
        predict: what passes rows through a network.
    """
    data = data or problem.data
    if problem.network is not None:
        return np.array([_network_loss(problem, problem.network, own, data, predict) for own in weights])
    total = np.zeros(len(weights))
    at_once = max(1, SIDE_BY_SIDE // problem.outputs)
    for lo in range(0, len(weights), at_once):
        group = np.zeros((at_once, problem.params), weights.dtype)
        count = len(weights[lo : lo + at_once])
        group[:count] = weights[lo : lo + at_once]
        total[lo : lo + count] = _total_losses(problem, _columns(problem, group), data, count)
    return total / data.rows


def _total_losses(problem: Problem, runs: tuple[Array, Array], data: Data, count: int) -> Array:
    """The weighted sums of the losses of the first `count` runs of a group (count,)."""
    total = np.zeros(count)
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in _blocks(data.rows, max(SIDE_BY_SIDE, problem.outputs)):
            value = np.ascontiguousarray(_values(problem, runs, data.X[rows], data.y[rows], count).T, np.float64)
            if data.sample_weight is not None:
                value *= data.sample_weight[rows]
            total += value.sum(axis=1)
    return total


def _network_loss(problem: Problem, network: Network, weights: Array, data: Data, predict: Predict) -> float:
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in _blocks(data.rows, max(network.sizes), NETWORK_CELLS):
            z = flat(problem, predict(network, weights, data.X[rows]))
            value = losses_and_slopes(problem, z, data.y[rows])[0].astype(np.float64)
            total += float(value.sum() if data.sample_weight is None else data.sample_weight[rows] @ value)
    return total / data.rows


def objectives(problem: Problem, weights: Array, predict: Predict = network_scores) -> Array:
    """Return mean loss plus penalty on the training data, float64 (runs,), of weights (runs, params); see `mean_losses`."""
    return mean_losses(problem, weights, predict=predict) + penalty(problem, weights)


def _columns(problem: Problem, weights: Array) -> tuple[Array, Array]:
    W, b = problem.split(weights)
    return np.ascontiguousarray(W.transpose(1, 0, 2).reshape(problem.data.features, b.size)), b.reshape(-1)


def _values(problem: Problem, runs: tuple[Array, Array], X: Any, y: Array, count: int) -> Array:
    """Losses (rows, count) of the first runs of a group on a block of rows."""
    W, b = runs
    z = (X @ W + b)[:, : count * problem.outputs]
    if problem.loss.outputs == "one" and problem.outputs == 1:
        value: Array = problem.loss.evaluate(z, y[:, None], **problem.constants)[0]
        return value
    z = z.reshape(X.shape[0], count, problem.outputs)
    if problem.loss.outputs == "classes":
        return np.asarray(problem.loss.evaluate(z, np.broadcast_to(y[:, None], z.shape[:2]))[0])
    return np.asarray(problem.loss.evaluate(z, y[:, None, :], **problem.constants)[0].mean(axis=-1))


def _blocks(rows: int, columns: int, cells: int = BLOCK_CELLS) -> Iterator[slice]:
    size = max(256, cells // columns)
    return (slice(lo, lo + size) for lo in range(0, rows, size))
