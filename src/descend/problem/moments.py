"""moments: squared loss, its gradient and its curvature from second moments, whatever the number of rows."""

from collections.abc import Callable
from typing import Any

import numpy as np

from descend import rules
from descend.arrays import Array
from descend.plan import Plan, Setting
from descend.problem.problem import Problem, penalty
from descend.problem.problem import objectives as rows_objectives
from descend.sparse import is_wide
from descend.table.moments import Gram

CANCELLED = 1e-3  # below this ratio of residual to target the loss has lost too many digits
UNIT = float(np.finfo(np.float64).eps) / 2  # half a unit in the last place, the u of rounding bounds
NOISE = 10 * UNIT  # a gradient of so small a part of its terms is rounding
ROUNDINGS = 8 * UNIT  # the rounding of one step, relative to weights, trace and curvature; measured
MOST_BYTES = 1 << 28  # of the matrix of moments

# The rules that are linear in the gradient, as w'' = a w' - b w along an eigenvector, of x = lr times its curvature.
RECURSIONS: dict[Any, Callable[[Array, float], tuple[Array, Array | float]]] = {
    rules.sgd: lambda x, beta: (1 - x, 0.0),
    rules.momentum: lambda x, beta: (1 + beta - x, beta),
    rules.momentum_keras: lambda x, beta: (1 + beta - x, beta),
    rules.nesterov: lambda x, beta: ((1 + beta) * (1 - x), beta * (1 - x)),
}


def objectives(gram: Gram, problem: Problem, weights: Array) -> Array:
    """Return mean loss plus penalty, float64 (runs,), of weights (runs, params), or NaN where it has cancelled.

    It cancels where residuals are below a thousandth of the targets; there the caller takes a pass over the data.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        W, b = problem.split(weights.astype(np.float64, copy=False))
        W = W.transpose(0, 2, 1)  # (runs, targets, features)
        offset, reach = W @ gram.mean + b - gram.target, np.abs(W) @ np.abs(gram.mean) + np.abs(b) + np.abs(gram.target)
        squares, crossing = W * (W @ gram.G), W * gram.c.T
        terms = np.abs(W) * (np.abs(W) @ np.abs(gram.G)) + 2 * np.abs(crossing)
        loss = (squares - 2 * crossing).sum(axis=-1) + gram.yy + gram.mass * offset**2
        size, slip = terms.sum(axis=-1) + gram.yy, NOISE * reach
        lost = gram.mass * slip * (2 * np.abs(offset) + slip)  # by rounding the offset
        known = (CANCELLED**2 * size.sum(axis=-1) < loss.sum(axis=-1)) & (lost.sum(axis=-1) < 1e-9 * loss.sum(axis=-1))
        return np.where(known, loss.mean(axis=-1) + penalty(problem, weights), np.nan)


def measured(problem: Problem, weights: Array) -> Array:
    """Return objectives (runs,) of weights (runs, params): from moments where these serve, else from the rows."""
    if not measures(problem):
        return rows_objectives(problem, weights)
    values = objectives(problem.data.gram(), problem, weights)
    lost = np.isnan(values) & np.isfinite(weights).all(axis=1)
    if lost.any():
        values[lost] = rows_objectives(problem, weights[lost])
    return values


def gradient(gram: Gram, problem: Problem, weights: Array) -> Array:
    """Return the gradient (params,) of mean loss and quadratic penalty at one run's weights (params,), float64."""
    w = weights.astype(np.float64, copy=False)
    W, b = problem.split(w)
    bias = gram.mass * (gram.mean @ W + b - gram.target)
    slopes = gram.G @ W - gram.c + np.outer(gram.mean, bias)
    parts = [slopes.ravel(), bias] if problem.intercept else [slopes.ravel()]
    return np.asarray(2 / problem.outputs * np.concatenate(parts) + problem.l2 * problem.penalised * w)


def hessian(gram: Gram, problem: Problem) -> Array:
    """Return the second derivative in the weights of one target and their bias (features + intercept, same)."""
    mean = np.append(gram.mean, 1.0) if problem.intercept else gram.mean
    H = gram.mass * np.outer(mean, mean)
    d = len(gram.mean)
    H[:d, :d] += gram.G
    H *= 2 / problem.outputs
    H[range(d), range(d)] += problem.l2
    return H


def measures(problem: Problem) -> bool:
    """Tell whether moments give the loss for less than the rows do: squared loss of a table much longer than wide."""
    data, size = problem.data, problem.data.features + 1
    few = data.rows > 2 * size and 8 * size**2 <= MOST_BYTES and not is_wide(data.X)
    return problem.loss.name == "squared" and problem.network is None and few


def fits(problem: Problem, setting: Setting) -> bool:
    """Tell whether a run can be trained from moments: each step takes all rows."""
    return measures(problem) and setting.rows_a_step(problem.data.rows) == problem.data.rows


def safe(problem: Problem, plan: Plan, gram: Gram, steps: int, tolerance: float = 1e-9) -> Array:
    """Tell which runs engines.gram trains as a pass over the data a step would, bool (runs,).

    The tolerance is relative to max |w|.

    A rule that is linear in the gradient must be stable and keep 8 A u trace/L within the tolerance. A is the number
    of roundings that add up, min(steps, 1/(lr mu)) for gradient descent and min(steps**2, 1/(lr mu)) for the
    accelerated rules; mu and L are the smallest and largest curvature. For the other rules no such bound holds: they
    are safe in that the engine watches their gradient, and agree as far as engines.gram.determined says.
    """
    values = curvatures(problem, gram)
    if values is None:
        return np.zeros(len(plan), bool)
    return np.array([fits(problem, s) and _bounded(s, values, steps, tolerance) for s in plan.settings], bool)


def growth(setting: Setting, values: Array) -> float:
    """Return by how much a step multiplies the error, at worst, under these `curvatures`; NaN for a rule not linear.

    Above 1 the run diverges, and `safe` says no: what it blows up is, in the end, rounding.

    >>> from descend.plan import setting
    >>> growth(setting("sgd", lr=0.25), np.array([1.0, 2.0]))
    0.75
    """
    recursion = RECURSIONS.get(setting.rule.update)
    if recursion is None:
        return float("nan")
    a, b = recursion(setting.lr * float(np.max(setting.factors)) * values, setting.constants.get("beta", 0.0))
    square = a * a / 4 - b
    roots = np.where(square >= 0, np.abs(a) / 2 + np.sqrt(np.maximum(square, 0)), np.sqrt(np.maximum(b, 0)))
    return float(roots.max(initial=0.0))


def curvatures(problem: Problem, gram: Gram) -> Array | None:
    """Return the eigenvalues of the Hessian, increasing, those of rounding as 0; None when moments are not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        H = hessian(gram, problem)
    if not (np.isfinite(H).all() and np.isfinite(gram.c).all() and len(H)):
        return None
    values: Array = np.linalg.eigvalsh(H)
    values[values < len(H) * NOISE * values[-1]] = 0.0
    return values


def _bounded(setting: Setting, values: Array, steps: int, tolerance: float) -> bool:
    if setting.rule.update not in RECURSIONS:
        return True
    if not growth(setting, values) <= 1 + 1e-12:
        return False
    slowest = setting.lr * float(np.min(setting.factors)) * float(values[0])
    most = float(steps) if setting.rule.update is rules.sgd else float(steps) ** 2
    added = min(most, 1 / slowest) if slowest > 0 else most
    return bool(ROUNDINGS * added * values.sum() <= tolerance * values[-1])
