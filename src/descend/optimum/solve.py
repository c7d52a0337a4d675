"""solve: the exact optimum of a convex objective, by methods that are not gradient descent."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.data import Data
from descend.optimum.baseline import baseline
from descend.optimum.moments import blocks, extended, penalties, second_moment, shares
from descend.problem import Problem, gradient, objectives

SAFE_CONDITION = 1e12  # of the Gram matrix: its square root is the condition of the data
MOST_NEWTON = 1500  # weights up to which Newton's equations are solved
SMALL = 1e-10  # gradient norm at which the search ends, relative to where it began
LINEAR_PROGRAM_ROWS = 5000


@dataclass(frozen=True, eq=False)
class Optimum:
    """The minimum of an objective.

    Args:
        weights: (params,) float64, or None when there is none or it is not known.
        objective: its value; infinity when not known.
        gradient_norm: what is left there.
        method: how it was found.
        reason: why there are no weights, else empty.
    """

    weights: Array | None
    objective: float
    gradient_norm: float
    method: str
    reason: str = ""


def optimum(problem: Problem) -> Optimum:
    """Return the exact optimum of a linear model.

    Squares by Cholesky of the Gram matrix, or by the singular values of the data where that is unsafe; other smooth
    losses by Newton's method with backtracking, or L-BFGS for many weights; an l1 penalty by accelerated proximal
    steps; lines in pieces by a linear program.
    """
    if problem.l1 > 0:
        return (
            _proximal(problem)
            if problem.loss.curvature is not None
            else _unknown("l1 with a loss of unbounded curvature")
        )
    if problem.loss.name in ("quantile", "hinge"):
        return _program(problem)
    if problem.loss.name == "squared":
        return _squares(problem)
    return _newton(problem) if problem.params <= MOST_NEWTON else _lbfgs(problem)


def gap(objective: float, optimal: float, reference: float) -> float:
    """Return (objective - optimal) / (reference - optimal), the part of what can be gained that is still missing.

    >>> gap(1.5, 1.0, 2.0)
    0.5
    """
    gain, missing = reference - optimal, objective - optimal
    if missing <= 1e-14 * max(abs(optimal), abs(reference)):
        return 0.0
    return missing / gain if gain > 0 else float("inf")


def _found(problem: Problem, weights: Array, method: str) -> Optimum:
    if problem.loss.outputs == "classes":  # adding the same to every class changes nothing: take the smallest
        by_class = weights.reshape(-1, problem.outputs)
        weights = (by_class - by_class.mean(axis=1, keepdims=True)).ravel()
    data = problem.data
    wide = problem if data.X.dtype == np.float64 or data.X.nbytes > 1 << 28 else _wide(problem)
    objective = float(objectives(wide, weights[None])[0])
    g = gradient(wide, weights)[1]
    return Optimum(weights, objective, float(np.linalg.norm(g)), method)


def _wide(problem: Problem) -> Problem:
    from dataclasses import replace

    data = problem.data
    return replace(problem, data=Data(data.X.astype(np.float64), data.y.astype(np.float64), data.weight, data.names))


def _unknown(reason: str) -> Optimum:
    return Optimum(None, float("inf"), float("inf"), "none", reason)


def _squares(problem: Problem) -> Optimum:
    G, mask = second_moment(problem), penalties(problem)
    c = np.zeros((len(G), problem.outputs))
    for rows in blocks(problem.data.rows):
        y = problem.data.y[rows].astype(np.float64).reshape(-1, problem.outputs)
        c += extended(problem, rows).T @ (y * shares(problem, rows)[:, None])
    H = 2 * G / problem.outputs + problem.l2 * np.diag(mask)
    values, vectors = np.linalg.eigh(H) if len(H) else (np.ones(1), np.zeros((0, 0)))
    if values[0] > values[-1] / SAFE_CONDITION:
        W = np.linalg.solve(H, 2 * c / problem.outputs)
        W += np.linalg.solve(H, 2 * c / problem.outputs - H @ W)
        return _found(problem, W.ravel(), "cholesky")
    return _found(problem, _least_squares(problem, mask).ravel(), "svd")


def _least_squares(problem: Problem, mask: Array) -> Array:
    """The least squares of smallest norm, from the data themselves."""
    everything = slice(0, problem.data.rows)
    root = np.sqrt(shares(problem, everything) / problem.outputs)[:, None]
    X = extended(problem, everything) * root
    y = problem.data.y.astype(np.float64).reshape(-1, problem.outputs) * root
    if problem.l2 > 0:
        X = np.vstack([X, np.sqrt(problem.l2 / 2) * np.diag(mask)])
        y = np.vstack([y, np.zeros((len(mask), problem.outputs))])
    least: Array = np.linalg.lstsq(X, y, rcond=None)[0]
    return least


def _newton(problem: Problem) -> Optimum:
    """Newton's method with backtracking, in float64, damped where the Hessian is singular."""
    problem = _wide(problem) if problem.data.X.dtype != np.float64 else problem
    w, value = baseline(problem)
    g, first = gradient(problem, w)[1], None
    for _ in range(200):
        size = float(np.linalg.norm(g))
        first = size if first is None else first
        if size <= SMALL * max(1.0, first):
            break
        H = _hessian(problem, w)
        H[np.diag_indices_from(H)] += 1e-12 * max(float(np.trace(H)) / len(H), 1e-300)
        direction, slope = _descent(H, g)
        t, moved = 1.0, False
        for _ in range(60):
            trial = w - t * direction
            lower = float(objectives(problem, trial[None])[0])
            if np.isfinite(lower) and lower <= value - 1e-4 * t * slope + 1e-15 * abs(value):
                w, moved, value = trial, True, lower
                break
            t /= 2
        if not moved:
            break
        g = gradient(problem, w)[1]
        if _separates(problem, w, value):
            return _unknown("separable: no finite optimum")
    return _found(problem, w, "newton")


def _descent(H: Array, g: Array) -> tuple[Array, float]:
    direction = np.linalg.lstsq(H, g, rcond=1e-14)[0]
    slope = float(g @ direction)
    return (direction, slope) if slope > 0 else (g, float(g @ g))


def _separates(problem: Problem, w: Array, value: float) -> bool:
    """Whether a classifier without penalty tells all rows apart, so that its loss can be driven to zero."""
    if problem.loss.task != "classification" or problem.l2 > 0:
        return False
    W, b = problem.split(w)
    z = problem.data.X @ W + b
    used = slice(None) if problem.data.weight is None else problem.data.weight > 0
    y = problem.data.y[used]
    if problem.loss.outputs == "classes":
        at = y.astype(np.int64)
        own = np.take_along_axis(z[used], at[:, None], 1)[:, 0]
        others = z[used].copy()
        np.put_along_axis(others, at[:, None], -np.inf, 1)
        return bool((own > others.max(axis=1)).all())
    return bool(((z[used, 0] > 0) == (y == 1)).all() and (z[used, 0] != 0).all())


def _hessian(problem: Problem, w: Array) -> Array:
    """The Hessian (params, params) at w."""
    mask = np.repeat(penalties(problem), problem.outputs)
    if problem.loss.outputs == "classes":
        H = _softmax_hessian(problem, w)
    else:
        W, b = problem.split(w)
        z = (problem.data.X @ W + b)[:, 0]
        H = second_moment(problem, _second_slope(problem, z))
    return H + problem.l2 * np.diag(mask)


def _second_slope(problem: Problem, z: Array) -> Array:
    """The second derivative of the loss in z (rows,)."""
    name = problem.loss.name
    if name == "logistic":
        p = problem.loss.mean(z)
        return np.asarray(p * (1 - p))
    if name == "poisson":
        return np.asarray(problem.loss.mean(z))
    if name == "huber":
        inside: Array = (np.abs(z - problem.data.y) <= problem.constants["delta"]).astype(np.float64)
        return inside
    return np.full(len(z), 2.0)


def _softmax_hessian(problem: Problem, w: Array) -> Array:
    k, size = problem.outputs, problem.data.features + problem.intercept
    W, b = problem.split(w)
    p = problem.loss.mean(problem.data.X @ W + b)
    H = np.zeros((size, k, size, k))
    for a in range(k):
        for c in range(a, k):
            block = second_moment(problem, p[:, a] * ((a == c) - p[:, c]))
            H[:, a, :, c] = block
            H[:, c, :, a] = block
    return H.reshape(size * k, size * k)


def _lbfgs(problem: Problem) -> Optimum:
    from scipy.optimize import minimize

    wide = _wide(problem) if problem.data.X.nbytes <= 1 << 28 else problem
    start, reference = baseline(wide)

    def both(w: Array) -> tuple[float, Array]:
        return float(objectives(wide, w[None])[0]), gradient(wide, w)[1].astype(np.float64)

    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 0.0, "gtol": 1e-10, "maxcor": 30}
    result = minimize(both, start, jac=True, method="L-BFGS-B", options=options)
    if _separates(wide, result.x, result.fun) and result.fun < 1e-3 * reference:
        return _unknown("separable: no finite optimum")
    return _found(problem, result.x, "l-bfgs")


def _proximal(problem: Problem) -> Optimum:
    """FISTA with restarts (Beck and Teboulle 2009, O'Donoghue and Candes 2015)."""
    from descend.optimum.curvature import curvature

    wide = _wide(problem) if problem.data.X.dtype != np.float64 else problem
    L, mask = max(curvature(wide).largest, 1e-300), wide.penalised
    w, _ = baseline(wide)
    ahead, t = w.copy(), 1.0
    for _ in range(200_000):
        g = gradient(wide, ahead)[1]
        moved = ahead - g / L
        new = np.sign(moved) * np.maximum(np.abs(moved) - wide.l1 * mask / L, 0)
        if (ahead - new) @ (new - w) > 0:
            ahead, t = w.copy(), 1.0
            continue
        if np.linalg.norm(L * (ahead - new)) <= SMALL * max(1.0, float(np.linalg.norm(g))):
            w = new
            break
        t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead, w, t = new + (t - 1) / t_next * (new - w), new, t_next
    found = _found(problem, w, "fista")
    return Optimum(found.weights, found.objective, float(np.linalg.norm(L * (ahead - new))), "fista")


def _program(problem: Problem) -> Optimum:
    """Quantile and hinge losses without penalty as linear programs."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack

    n = problem.data.rows
    if problem.l2 > 0 and problem.loss.name in ("quantile", "hinge"):
        return _unknown(f"no exact solver for {problem.loss.name} with a quadratic penalty")
    if n > LINEAR_PROGRAM_ROWS:
        return _unknown(f"a linear program of {n:,} rows would take too long")
    X, share = extended(problem, slice(0, n)), shares(problem, slice(0, n))
    y, p, unit = problem.data.y.astype(np.float64), X.shape[1], eye_array(n, format="csr")
    if problem.loss.name == "quantile":
        tau = problem.constants["tau"]
        cost = np.r_[np.zeros(p), tau * share, (1 - tau) * share]
        result = linprog(
            cost, A_eq=hstack([csr_array(X), unit, -unit]), b_eq=y, bounds=[(None, None)] * p + [(0, None)] * (2 * n)
        )
    else:
        side = 2 * y - 1
        result = linprog(
            np.r_[np.zeros(p), share], A_ub=hstack([csr_array(-side[:, None] * X), -unit]), b_ub=-np.ones(n),
            bounds=[(None, None)] * p + [(0, None)] * n,
        )  # fmt: skip
    if not result.success:
        return _unknown(f"the linear program ended with: {result.message[:80]}")
    weights = np.asarray(result.x[:p])
    return Optimum(weights, float(objectives(problem, weights[None])[0]), 0.0, "linear program")
