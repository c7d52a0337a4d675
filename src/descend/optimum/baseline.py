"""baseline: the best constant prediction."""

import numpy as np

from descend.arrays import Array
from descend.problem import Problem, losses_and_slopes

BLOCK_ROWS = 1 << 16  # 512 kB in float64, which stays in the cache
MIN_SHARE = (
    1e-12  # share of a class, or mean count, without any example: a score of -27.6 instead of infinity (arbitrary)
)


def baseline(problem: Problem) -> tuple[Array, float]:
    """Return the weights (params,) that predict the best constant, and their objective; all zero without intercept.

    In closed form for each loss: mean, log-odds, log-shares, log-mean, quantile, the larger class, or the root of
    Huber's piecewise linear slope. Where the best constant is infinite, it is that of a share of 1e-12.
    """
    weights, bias = np.zeros(problem.params), np.zeros(problem.outputs)
    if problem.network is not None:
        weights[problem.network.layers[-1].b] = bias = _constant(problem)
    elif problem.intercept:
        weights[problem.data.features * problem.outputs :] = bias = _constant(problem)
    return weights, _objective(problem, bias)


def _objective(problem: Problem, bias: Array) -> float:
    """The mean loss of a constant prediction, block after block of rows."""
    y, weight, total = problem.data.y, problem.data.sample_weight, 0.0
    for lo in range(0, len(y), BLOCK_ROWS):
        block = y[lo : lo + BLOCK_ROWS].astype(np.float64)
        z = np.tile(bias, (len(block), 1)) if problem.outputs > 1 else np.full(len(block), bias[0])
        with np.errstate(over="ignore", invalid="ignore"):  # a target such as 1e200, whose square is infinite
            s = np.ones(len(block)) if weight is None else weight[lo : lo + BLOCK_ROWS].astype(np.float64)
            total += float(s @ losses_and_slopes(problem, z, block)[0])
    return total / len(y)


def _weights(problem: Problem) -> Array:
    weight = problem.data.sample_weight
    return np.ones(problem.data.rows) if weight is None else weight.astype(np.float64)


def _constant(problem: Problem) -> Array:
    """The best bias of each output (outputs,)."""
    y, weight = problem.data.y, problem.data.sample_weight
    if problem.loss.outputs == "classes":
        counts: Array = np.bincount(y.astype(np.int64), weights=weight, minlength=problem.outputs)
        return np.asarray(np.log(np.maximum(counts / counts.sum(), MIN_SHARE)))
    columns = y.astype(np.float64, copy=False).reshape(len(y), -1).T
    return np.array([_best(problem, column, weight) for column in columns])


def _best(problem: Problem, y: Array, weight: Array | None) -> float:
    name = problem.loss.name
    if name == "quantile":
        return _quantile(y, _weights(problem), problem.constants["tau"])
    if name == "huber":
        return _huber(y, _weights(problem), problem.constants["delta"])
    mean = float(np.average(y, weights=weight))
    if name == "logistic":
        return float(np.log(max(mean, MIN_SHARE)) - np.log(max(1 - mean, MIN_SHARE)))
    if name == "poisson":
        return float(np.log(max(mean, MIN_SHARE)))
    return float(np.sign(mean - 0.5)) if name == "hinge" else mean


def _quantile(y: Array, s: Array, tau: float) -> float:
    """The weighted quantile: the smallest target with at least a share tau at or below it."""
    order = np.argsort(y, kind="stable")
    below = np.cumsum(s[order])
    at = int(np.searchsorted(below, tau * below[-1] * (1 - 1e-15)))
    return float(y[order[min(at, len(y) - 1)]])


def _huber(y: Array, s: Array, delta: float) -> float:
    """The root of sum s clip(z - y, -delta, delta), which is linear between the corners y - delta and y + delta."""
    corners, bends = np.concatenate([y - delta, y + delta]), np.concatenate([s, -s])
    order = np.argsort(corners, kind="stable")
    corners, steepness = corners[order], np.cumsum(bends[order])
    slope = np.concatenate([[0.0], np.cumsum(steepness[:-1] * np.diff(corners))]) - delta * s.sum()
    after = min(max(int(np.searchsorted(slope, 0.0)), 1), len(corners) - 1)
    if steepness[after - 1] <= 1e-12 * s.sum():
        return float(corners[after])
    z = corners[after - 1] - slope[after - 1] / steepness[after - 1]
    return float(np.clip(z, corners[after - 1], corners[after]))
