"""solve: the exact optimum of a convex objective, by methods that are not gradient descent."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.optimum.baseline import baseline
from descend.optimum.bound import bound
from descend.optimum.first_order import fista, lbfgs
from descend.optimum.newton import newton
from descend.optimum.program import program
from descend.optimum.rotations import regular
from descend.optimum.squares import squares
from descend.optimum.view import View, columns, several
from descend.problem import Problem
from descend.sparse import is_wide

MOST_NEWTON = 1500  # weights up to which Newton's equations are solved
PROVEN = 1e-7  # of what can be gained: a larger proven distance is no optimum
ROUNDING = 1e-13  # of an objective


@dataclass(frozen=True, eq=False)
class Optimum:
    """The minimum of an objective.

    Args:
        weights: (params,) float64, or None when there is none or it is not known.
        objective: its value; infinity when not known.
        gradient_norm: of the smallest subgradient there, in the problem's own units; NaN from a linear program.
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

    Squares by Cholesky of the Gram matrix, or from the singular values of the data where that is unsafe; quantile
    and hinge by a linear program; the others by Newton's method, proximal with l1, to a gradient of 1e-10 of the root
    mean square slope in standardised features; with more than 1,500 weights, or sparse features that would take many
    cells as dense ones, by L-BFGS, with l1 by FISTA. Where the minimum is not unique, it is one of the minima: for
    squares and softmax that of smallest weights.
    """
    weights, method, reason = _solved(problem)
    if reason:
        return Optimum(None, float("inf"), float("inf"), "none", reason)
    view = View.plain(problem)
    value, g = view.evaluate(weights)
    left = float("nan") if method == "linear program" else _norm(view.left(weights, g))
    return Optimum(weights, value, left, method)


def gap(objective: float, optimal: float, reference: float) -> float:
    """Return (objective - optimal) / (reference - optimal), the part of what can be gained that is still missing.

    0 when nothing beyond rounding is missing, so never negative; infinity when there was nothing to gain.

    >>> gap(1.5, 1.0, 2.0)
    0.5
    """
    gain, missing = reference - optimal, objective - optimal
    if missing <= 1e-14 * max(abs(optimal), abs(reference)):
        return 0.0
    return missing / gain if gain > 0 else float("inf")


def _norm(g: Array) -> float:
    """The Euclidean norm, without overflow."""
    top = float(np.abs(g).max(initial=0.0)) or 1.0
    return top * float(np.linalg.norm(g / top))


def _solved(problem: Problem) -> tuple[Array, str, str]:
    """Weights (params,), the method, and why there are none."""
    if problem.params == 0:
        return np.zeros(0), "nothing to choose", ""
    wide = is_wide(problem.data.X)
    if problem.loss.name == "squared" and problem.l1 == 0 and not wide:
        return *squares(problem), ""
    if several(problem):
        return _one_by_one(problem)
    if problem.loss.name in ("quantile", "hinge"):
        if wide:
            return np.zeros(0), "none", "not computed: a linear program of so many sparse features would be made dense"
        weights, reason = program(problem)
        return weights, "linear program", reason
    unmet = _unmet(problem)
    if unmet:
        return np.zeros(0), "none", unmet
    return (baseline(problem)[0], "best constant", "") if problem.data.features == 0 else _smooth(problem)


def _unmet(problem: Problem) -> str:
    """Why a free bias has no optimum: a class, or for poisson any event, of which there is no example."""
    if not problem.intercept or problem.loss.name not in ("logistic", "softmax", "poisson"):
        return ""
    y, weight = problem.data.y, problem.data.sample_weight
    if problem.loss.name == "poisson":
        seen = y if weight is None else y * weight
        return "" if seen.any() else "no finite optimum: every count is 0"
    there = np.bincount(y.astype(np.int64), weights=weight, minlength=max(problem.outputs, 2)) > 0
    if there.all():
        return ""
    alone = problem.l2 == 0 and problem.l1 == 0 and there.sum() == 1
    return "separable: no finite optimum" if alone else "no finite optimum: a class has no example"


def _smooth(problem: Problem) -> tuple[Array, str, str]:
    few = problem.params <= MOST_NEWTON and not is_wide(problem.data.X)
    if problem.l1 > 0:
        solve, method = (newton, "proximal newton") if few else (fista, "fista")
    else:
        solve, method = (newton, "newton") if few else (lbfgs, "l-bfgs")
    view = regular(View.standard(problem)) if few and problem.l1 == 0 else View.standard(problem)
    v, reason = solve(view)
    weights = view.original(_centred(problem, v))
    penalised = problem.l1 > 0 or problem.l2 > 0
    if penalised and (reason or method != "newton"):
        reason = _unproven(problem, weights)
    return weights, method, reason


def _unproven(problem: Problem, weights: Array) -> str:
    """An empty text where the bound proves that this is the optimum, for methods that bad conditioning can fool."""
    left, objective = bound(problem, weights), View.plain(problem).evaluate(weights)[0]
    reference = baseline(problem)[1]
    enough = PROVEN * max(reference - objective, 0.0) + ROUNDING * max(abs(reference), abs(objective))
    return "" if left <= enough else f"not found: only within {left:.1g} of the optimum is proven"


def _one_by_one(problem: Problem) -> tuple[Array, str, str]:
    """Each target by itself."""
    parts = [_solved(column) for column in columns(problem)]
    reason = next((reason for _, _, reason in parts if reason), "")
    weights = np.zeros(0) if reason else np.column_stack([w for w, _, _ in parts]).ravel()
    return weights, parts[0][1], reason


def _centred(problem: Problem, v: Array) -> Array:
    """The smallest of the equal optima of softmax: to add the same to all classes changes nothing, but for l1."""
    if problem.loss.outputs != "classes" or problem.l1 > 0:
        return v
    by_class = v.reshape(-1, problem.outputs)
    return np.asarray((by_class - by_class.mean(axis=1, keepdims=True)).ravel())
