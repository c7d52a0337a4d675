"""bound: a proven upper bound on the distance of an objective to its minimum, without knowing the minimum."""

from collections.abc import Callable

import numpy as np

from descend.arrays import Array
from descend.optimum.conjugate import FENCHEL_YOUNG, balanced, balanced_classes
from descend.optimum.least_squares import SAFE_CONDITION, normal_equations
from descend.optimum.standardised import StandardisedView, blocks, has_several_targets, one_target_each, shares
from descend.problem import Problem
from descend.sparse import is_wide

MAX_SCALING_ITERATIONS = 30  # arbitrary: any biases give a valid bound, and better ones a tighter one


def bound(problem: Problem, weights: Array) -> float:
    """Return an upper bound on objective(weights) - minimum of weights (params,); infinity when none can be proven.

    Squares without l1: g'H^-1 g / 2, which is the distance itself, where H is safe to invert. Else, with l2 > 0 or
    l1 > 0: the duality gap (Boyd and Vandenberghe 2004, section 5.5.1). Its dual point is the losses' slopes at the
    weights with their best biases, shortened until they add up to 0, as a free bias asks for, and, without l2, until
    no feature's correlation with them is above l1. It holds for any weights, up to the rounding of float64.

    >>> from descend.table.data import Data
    >>> from descend.losses import loss
    >>> problem = Problem(Data(np.array([[-1.0], [1.0]]), np.array([0.0, 2.0])), loss("squared"))
    >>> bound(problem, np.array([0.0, 1.0]))
    1.0
    """
    w = weights.astype(np.float64)
    if has_several_targets(problem):
        each = w.reshape(-1, problem.outputs).T
        return float(np.mean([bound(p, column) for p, column in zip(one_target_each(problem), each, strict=True)]))
    if not np.isfinite(w).all():
        return float("inf")
    if problem.loss.name == "squared" and problem.l1 == 0 and not is_wide(problem.data.X):
        exact = _of_squares(problem, w)
        if exact is not None:
            return exact
    with np.errstate(all="ignore"):
        gap = _duality_gap(problem, w) if problem.l2 > 0 or problem.l1 > 0 else np.nan
    return max(gap, 0.0) if np.isfinite(gap) else float("inf")


def _of_squares(problem: Problem, w: Array) -> float | None:
    """The distance itself, the bias and the centred features apart; None where H is not safe to invert."""
    moments = problem.data.gram()
    H, _ = normal_equations(problem, moments)
    g, bias = StandardisedView.plain(problem).evaluate(w)[1], 0.0
    if problem.intercept:
        bias, g = float(g[-1] ** 2 / (4 * moments.mass)), g[:-1] - moments.mean * g[-1]
    with np.errstate(all="ignore"):
        unit = 1 / np.sqrt(np.diagonal(H))
        scaled, g = H * unit[:, None] * unit, g * unit
    if not (np.isfinite(scaled).all() and np.isfinite(g).all()):
        return None
    values, vectors = np.linalg.eigh(scaled) if len(H) else (np.ones(1), np.zeros((0, 1)))
    if values[0] * SAFE_CONDITION < values[-1]:
        return None
    return bias + float((np.square(vectors.T @ g) / values).sum()) / 2


def _duality_gap(problem: Problem, w: Array) -> float:
    y, every = problem.data.y.astype(np.float64), slice(0, problem.data.rows)
    share, view = shares(problem, every), StandardisedView.plain(problem)
    z = np.concatenate([view.scores(w, view.features(rows)) for rows in blocks(problem)])
    value = _mean_loss(problem, z, y, share)
    if problem.intercept:
        better = z + _best_shift(problem, z, y, share)
        z = better if _mean_loss(problem, better, y, share) < value else z
    d = problem.loss.evaluate(z, y, **problem.constants)[1]
    if problem.intercept:
        d = balanced(d, share) if d.ndim == 1 else balanced_classes(d, y, share)
    correlation = -_correlation(view, d, share)
    if problem.l2 == 0:
        part = min(1.0, problem.l1 / max(float(np.abs(correlation).max(initial=0.0)), 1e-300))
        d, correlation = part * d, part * correlation
    excess = share @ np.maximum(FENCHEL_YOUNG[problem.loss.name](z, y, d, **problem.constants), 0)
    return float(value - _mean_loss(problem, z, y, share) + excess + _penalty_excess(problem, w, correlation))


def _mean_loss(problem: Problem, z: Array, y: Array, share: Array) -> float:
    return float(share @ problem.loss.evaluate(z, y, **problem.constants)[0])


def _penalty_excess(problem: Problem, w: Array, correlation: Array) -> float:
    """penalty(w) + conjugate(correlation) - w correlation, 0 where the weights are optimal for this correlation."""
    w = w[: correlation.size]
    beyond = np.maximum(np.abs(correlation) - problem.l1, 0)
    if problem.l2 == 0:
        return float((problem.l1 * np.abs(w) - w * correlation).sum())
    if problem.l1 == 0:
        return float(np.square(w - correlation / problem.l2).sum()) * problem.l2 / 2
    parts = problem.l2 / 2 * w * w + problem.l1 * np.abs(w) + beyond**2 / (2 * problem.l2) - w * correlation
    return float(np.maximum(parts, 0).sum())


def _correlation(view: StandardisedView, d: Array, share: Array) -> Array:
    """The sum over the rows of share * features * slope (features * outputs,)."""
    total = np.zeros((view.problem.data.features, view.problem.outputs))
    for rows in blocks(view.problem):
        total += view.features(rows).T @ (d[rows].reshape(-1, view.problem.outputs) * share[rows, None])
    return total.ravel()


def _best_shift(problem: Problem, z: Array, y: Array, share: Array) -> Array | float:
    """A nearly optimal change of the biases; any gives a bound, the best one a tight bound."""
    if z.ndim == 1:
        return _root(lambda b: float(share @ problem.loss.evaluate(z + b, y, **problem.constants)[1]))
    target = np.bincount(y.astype(np.int64), weights=share, minlength=problem.outputs)
    shift = np.zeros(problem.outputs)
    for _ in range(MAX_SCALING_ITERATIONS):  # iterative scaling (Darroch and Ratcliff 1972)
        current = share @ problem.loss.mean(z + shift)
        shift += np.log(np.maximum(target, 1e-12) / np.maximum(current, 1e-300))
    return shift


def _root(slope: Callable[[float], float]) -> float:
    """Where a rising function crosses 0, or 0 when it does not within the reach of float64."""
    from scipy.optimize import brentq

    at = slope(0.0)
    if at == 0:
        return 0.0
    far = -1.0 if at > 0 else 1.0
    while np.isfinite(far) and slope(far) * at > 0:
        far *= 2
        if abs(far) > 1e12:
            return 0.0
    return float(brentq(slope, min(0.0, far), max(0.0, far), xtol=1e-15, rtol=1e-15, disp=False))
