"""baseline: the best constant prediction."""

import numpy as np

from descend.arrays import Array
from descend.problem import Problem, objectives


def baseline(problem: Problem) -> tuple[Array, float]:
    """Return the weights (params,) that predict the best constant, and their objective; all zero without intercept."""
    weights = np.zeros(problem.params)
    if problem.intercept:
        weights[problem.data.features * problem.outputs :] = _constant(problem)
    return weights, float(objectives(problem, weights[None])[0])


def _constant(problem: Problem) -> Array:
    """The best bias of each output (outputs,), in closed form where there is one."""
    y, s, name = problem.data.y, problem.data.weight, problem.loss.name
    if problem.loss.outputs == "classes":
        counts: Array = np.bincount(y.astype(np.int64), weights=s, minlength=problem.outputs)
        shares: Array = np.maximum(counts, 1e-12 * counts.sum()) / counts.sum()
        return np.log(shares)
    mean = np.atleast_1d(np.average(y, axis=0, weights=s)).astype(np.float64)
    if name == "squared":
        return mean
    if name == "logistic":
        return np.log(np.maximum(mean, 1e-12) / np.maximum(1 - mean, 1e-12))
    if name == "poisson":
        return np.log(np.maximum(mean, 1e-12))
    return np.array([_searched(problem, y.astype(np.float64), s)])


def _searched(problem: Problem, y: Array, weight: Array | None) -> float:
    """The best constant by golden section: the losses left are convex."""
    low, high, ratio = float(y.min()) - 1, float(y.max()) + 1, (np.sqrt(5) - 1) / 2
    share = np.full(len(y), 1 / len(y)) if weight is None else weight / weight.sum()

    def cost(z: float) -> float:
        return float(share @ problem.loss.evaluate(np.full(len(y), z), y, **problem.constants)[0])

    for _ in range(100):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, b) if cost(a) <= cost(b) else (a, high)
    return (low + high) / 2
