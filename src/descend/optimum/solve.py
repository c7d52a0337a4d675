"""solve: the exact optimum of a convex objective, by methods that are not gradient descent."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.optimum import by_sample
from descend.optimum.baseline import baseline
from descend.optimum.bound import bound
from descend.optimum.first_order import fista, lbfgs
from descend.optimum.interior_point import interior_point
from descend.optimum.least_squares import least_squares
from descend.optimum.linear_program import linear_program
from descend.optimum.newton import newton
from descend.optimum.orthogonal import orthonormal
from descend.optimum.standardised import StandardisedView, has_several_targets, one_target_each
from descend.optimum.status import FOUND, SEPARABLE, OptimumStatus, SolverResult
from descend.problem import Problem, moments
from descend.sparse import is_wide

MAX_NEWTON_PARAMS = 1500  # up to which a Hessian is factorised: 18 MB (arbitrary)
PROVEN = 1e-7  # of what can be gained over the baseline: a larger proven distance is not accepted as the optimum
ROUNDING = 1e-13  # of an objective: 500 times that of float64, for sums over rows


@dataclass(frozen=True, eq=False, kw_only=True)
class Optimum:
    """The minimum of an objective.

    Args:
        weights: (params,) float64, or None when there is none or it is not known.
        objective: its value; infinity when not known.
        gradient_norm: of the smallest subgradient there, in the problem's own units; NaN for piecewise linear losses.
        method: how it was found, "none" where it was not.
        status: whether it was found, and if not, why.
        reason: the same in words; empty where it was found.
    """

    weights: Array | None
    objective: float
    gradient_norm: float
    method: str
    status: OptimumStatus = OptimumStatus.FOUND
    reason: str = ""

    @classmethod
    def unknown(cls, result: SolverResult) -> "Optimum":
        """Return an optimum that was not found, or does not exist."""
        return cls(
            weights=None,
            objective=float("inf"),
            gradient_norm=float("inf"),
            method="none",
            status=result.status,
            reason=result.reason,
        )


def optimum(problem: Problem, threads: int = 1) -> Optimum:
    """Return the exact optimum of a linear model.

    Args:
        threads: over which passes over a large table are spread; they change no bits.

    Squares by Cholesky of the Gram matrix, or from the singular values of the data where that is unsafe; quantile and
    hinge by a linear program, with l2 by an interior-point method; the others by Newton's method, proximal with l1, to a
    gradient of 1e-10 of the root mean square slope in standardised features; with more than 1,500 weights, or sparse
    features that would take many cells as dense ones, by L-BFGS, with l1 by FISTA. Where the minimum is not unique, it is
    one of the minima: for squares and softmax that of smallest weights.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # targets such as 1e200, whose squares are infinite
        weights, method, result = _solve(problem, threads)
        if result.status is not OptimumStatus.FOUND:
            return Optimum.unknown(result)
        view = StandardisedView.plain(problem)
        value, g = _evaluated(problem, view, weights, threads)
        left = (
            float("nan")
            if method in ("linear program", "interior point")
            else _norm(view.smallest_subgradient(weights, g))
        )
    if not np.isfinite(value):
        return Optimum.unknown(SolverResult(OptimumStatus.NOT_SOLVED, "not computed: the objective overflows float64"))
    return Optimum(weights=weights, objective=value, gradient_norm=left, method=method)


def _evaluated(problem: Problem, view: StandardisedView, weights: Array, threads: int) -> tuple[float, Array]:
    """The objective and the gradient of its smooth part; from moments, where these have kept their digits; of the weights
    that `by_sample` has found, by the passes with which it has found them."""
    if moments.measures(problem):
        gram = problem.data.gram()
        value = float(moments.objectives(gram, problem, weights[None])[0])
        if np.isfinite(value):
            return value, moments.gradient(gram, problem, weights)
    if by_sample.fits(problem):
        from descend.engines import full_pass  # Numba is loaded when it is first needed

        if full_pass.measures(problem):
            objective = float(full_pass.full_objectives(problem, threads)(weights[None])[0])
            return objective, full_pass.full_gradient(problem, threads)(weights)
    return view.evaluate(weights)


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


def _solve(problem: Problem, threads: int = 1) -> tuple[Array, str, SolverResult]:
    """Weights (params,), the method, and how it ended."""
    if problem.params == 0:
        return np.zeros(0), "nothing to choose", FOUND
    wide = is_wide(problem.data.X)
    if problem.loss.name == "squared" and problem.l1 == 0 and not wide:
        return *least_squares(problem), FOUND
    if has_several_targets(problem):
        return _solve_each_target(problem)
    if problem.loss.name in ("quantile", "hinge"):
        if wide:
            text = "not computed: a linear program of so many sparse features would be made dense"
            return np.zeros(0), "none", SolverResult(OptimumStatus.NOT_SOLVED, text)
        if problem.l2 > 0 and problem.l1 == 0:
            weights, result = interior_point(problem)
            return weights, "interior point", result
        weights, result = linear_program(problem)
        return weights, "linear program", result
    existence = _existence(problem)
    if existence.status is not OptimumStatus.FOUND:
        return np.zeros(0), "none", existence
    return (
        (baseline(problem)[0], "best constant", FOUND)
        if problem.data.features == 0
        else _solve_smooth(problem, threads)
    )


def _existence(problem: Problem) -> SolverResult:
    """Why an intercept without penalty has no optimum: a class, or for poisson any event, without an example."""
    if not problem.intercept or problem.loss.name not in ("logistic", "softmax", "poisson"):
        return FOUND
    y, weight = problem.data.y, problem.data.sample_weight
    if problem.loss.name == "poisson":
        events = y if weight is None else y * weight
        return FOUND if events.any() else _unbounded("every count is 0")
    present = np.bincount(y.astype(np.int64), weights=weight, minlength=max(problem.outputs, 2)) > 0
    if present.all():
        return FOUND
    single_class = problem.l2 == 0 and problem.l1 == 0 and present.sum() == 1
    return SEPARABLE if single_class else _unbounded("a class has no example")


def _unbounded(why: str) -> SolverResult:
    return SolverResult(OptimumStatus.UNBOUNDED, f"no finite optimum: {why}")


def _solve_smooth(problem: Problem, threads: int = 1) -> tuple[Array, str, SolverResult]:
    if by_sample.fits(problem):
        solved = by_sample.newton_by_sample(problem, _solved_sample, threads)
        if solved is not None:
            return _centred(problem, solved), "newton on a sample, then gradients of all rows", FOUND
    few = problem.params <= MAX_NEWTON_PARAMS and not is_wide(problem.data.X)
    if problem.l1 > 0:
        solve, method = (newton, "proximal newton") if few else (fista, "fista")
    else:
        solve, method = (newton, "newton") if few else (lbfgs, "l-bfgs")
    view = StandardisedView.of(problem)
    view = orthonormal(view) if few and problem.l1 == 0 else view
    v, result = solve(view)
    weights = view.original(_centred(problem, v))
    penalised = problem.l1 > 0 or problem.l2 > 0
    if penalised and (result.status is not OptimumStatus.FOUND or method != "newton"):
        result = _certify(problem, weights)
    return weights, method, result


def _solved_sample(sample: Problem) -> Array | None:
    """The optimum of a sample, where there is one."""
    weights, _, result = _solve_smooth(sample)
    return weights if result.status is OptimumStatus.FOUND else None


def _certify(problem: Problem, weights: Array) -> SolverResult:
    """FOUND where the bound proves that this is the optimum, for methods that bad conditioning can mislead."""
    excess, objective = bound(problem, weights), StandardisedView.plain(problem).evaluate(weights)[0]
    reference = baseline(problem)[1]
    allowed = PROVEN * max(reference - objective, 0.0) + ROUNDING * max(abs(reference), abs(objective))
    if excess <= allowed:
        return FOUND
    text = f"not found: the best weights found are only proven to be within {excess:.1g} of the optimum"
    return SolverResult(OptimumStatus.NOT_PROVEN, text)


def _solve_each_target(problem: Problem) -> tuple[Array, str, SolverResult]:
    """Solve each target by itself."""
    parts = [_solve(column) for column in one_target_each(problem)]
    result = next((r for _, _, r in parts if r.status is not OptimumStatus.FOUND), FOUND)
    found = result.status is OptimumStatus.FOUND
    weights = np.column_stack([w for w, _, _ in parts]).ravel() if found else np.zeros(0)
    return weights, parts[0][1], result


def _centred(problem: Problem, v: Array) -> Array:
    """The smallest of the equal optima of softmax: adding the same to all classes changes no loss, except with l1."""
    if problem.loss.outputs != "classes" or problem.l1 > 0:
        return v
    by_class = v.reshape(-1, problem.outputs)
    return np.asarray((by_class - by_class.mean(axis=1, keepdims=True)).ravel())
