"""newton: Newton's method, proximal where there is an l1 penalty, for smooth convex losses."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.optimum.hessians import hessian, hessian_kinds, solve_system
from descend.optimum.lasso import lasso
from descend.optimum.standardised import StandardisedView, blocks, shares, targets
from descend.optimum.status import FOUND, SEPARABLE, OptimumStatus, SolverResult

MAX_ITERATIONS = 300  # arbitrary: convergence is quadratic, and takes tens at most
GRADIENT_TOL = (
    1e-10  # norm of the subgradient at the end, relative to the root mean square slope: 6 digits above rounding
)
POLISH_STEPS = 3  # steps beyond the tolerance: they reach the level of rounding, and show whether an optimum exists
OBJECTIVE_ROUNDING = 1e-14  # relative rounding of an objective: 50 times that of float64, for sums over rows
SLOPE_FLOOR = 1e-8  # of the root mean square target, below which slopes of an exact fit are rounding
SETTLED = 1e-4  # largest change of a prediction after which Newton's next step is at the level of rounding (1e-8)
RECEDES = 0.1  # change of a prediction by a Newton step at a vanishing gradient: the optimum is at infinity (arbitrary)
RECEDING = "no finite optimum: some predictions keep improving as the weights grow"


@dataclass(frozen=True, eq=False)
class Point:
    """Where the search is.

    Args:
        v: weights of the view (params,).
        value: the objective.
        g: the gradient of its smooth part (params,).
    """

    v: Array
    value: float
    g: Array


def newton(view: StandardisedView) -> tuple[Array, SolverResult]:
    """Return the weights of the view (params,) at the optimum, and whether that is the optimum.

    Every step is searched by halving (Lee, Sun and Saunders 2014); near the end it is taken whole.
    """
    at, polished, stalled, moved = point(view, view.start()), 0, 0, np.inf
    small = GRADIENT_TOL * steepness(view)
    for _ in range(MAX_ITERATIONS):
        done = bool(np.linalg.norm(view.smallest_subgradient(at.v, at.g)) <= small)
        if POLISH_STEPS in (polished, stalled):
            break
        after = _step(view, at)
        if separates_classes(view, after.v):
            return after.v, SEPARABLE
        if after is at:
            break
        moved = _farthest(view, after.v - at.v) if done else np.inf
        stalled = 0 if after.value < at.value else stalled + 1
        at, polished = after, polished + done
        if moved < SETTLED:
            break
    penalised = view.problem.l2 > 0 or view.problem.l1 > 0  # classes without examples are excluded before
    bounded = penalised or moved <= RECEDES or view.problem.loss.name in ("huber", "squared")
    if not bounded and _recedes(view, at, small):
        return at.v, SolverResult(OptimumStatus.UNBOUNDED, RECEDING)
    return at.v, solver_result(view, at, small)


def point(view: StandardisedView, v: Array) -> Point:
    """Return the point at these weights."""
    return Point(v, *view.evaluate(v))


def steepness(view: StandardisedView) -> float:
    """Return the root mean square slope of the loss at the best constant prediction, at least SLOPE_FLOOR.

    No gradient of the view is larger.
    """
    v, total, size = view.start(), 0.0, 0.0
    for rows in blocks(view.problem):
        z = view.scores(v, view.features(rows))
        share, y = shares(view.problem, rows), targets(view.problem, rows)
        slope = view.problem.loss.evaluate(z, y, **view.problem.constants)[1]
        total += float(share @ np.square(slope).reshape(len(slope), -1).sum(axis=1))
        size += float(share @ np.square(y).reshape(len(y), -1).sum(axis=1))
    return max(float(np.sqrt(total)), SLOPE_FLOOR * float(np.sqrt(size)), 1e-300)


def solver_result(view: StandardisedView, at: Point, small: float) -> SolverResult:
    """Return FOUND, or NOT_PROVEN where the gradient is more than a thousand times the tolerance `small`."""
    left = float(np.linalg.norm(view.smallest_subgradient(at.v, at.g))) * GRADIENT_TOL / small
    if left <= 1e3 * GRADIENT_TOL:
        return FOUND
    return SolverResult(OptimumStatus.NOT_PROVEN, f"not found: the solver stopped at a relative gradient of {left:.1g}")


def separates_classes(view: StandardisedView, v: Array) -> bool:
    """Return whether a classifier without penalty classifies all rows correctly, so that its loss can be driven to 0."""
    problem = view.problem
    if problem.loss.name not in ("logistic", "softmax") or problem.l2 > 0 or problem.l1 > 0:
        return False
    least, most = np.inf, 0.0
    for rows in blocks(problem):
        z, y = view.scores(v, view.features(rows)), targets(problem, rows)
        used = shares(problem, rows) > 0
        margin = _margin(z, y)[used]
        least, most = min(least, float(margin.min(initial=np.inf))), max(most, float(np.abs(z[used]).max(initial=0)))
        if not least > 0:
            return False
    return bool(least > 1e-10 * most)


def _margin(z: Array, y: Array) -> Array:
    """By how much the score of the right class is above every other (rows,)."""
    if z.ndim == 1:
        return (2 * y - 1) * z
    at = y.astype(np.int64)[:, None]
    others = z.copy()
    np.put_along_axis(others, at, -np.inf, 1)
    return np.asarray(np.take_along_axis(z, at, 1)[:, 0] - others.max(axis=1))


def _step(view: StandardisedView, at: Point) -> Point:
    """The best of the steps by each Hessian; the same point when none goes down."""
    candidates = [_searched(view, at, target(view, at, hessian(view, at.v, kind))) for kind in hessian_kinds(view)]
    return min(candidates, key=lambda p: p.value)


def target(view: StandardisedView, at: Point, H: Array) -> Array:
    """Return where the quadratic model of the objective at this point is smallest (params,)."""
    if view.l1.any():
        return lasso(H, H @ at.v - at.g, view.l1, at.v)
    return at.v - solve_system(H, at.g)


def _searched(view: StandardisedView, at: Point, aim: Array) -> Point:
    """The first point on the way from the aim back that is low enough; the same point when there is none."""
    direction = aim - at.v
    if not np.isfinite(direction).all():
        return at
    predicted = float(at.g @ direction + view.l1 @ (np.abs(aim) - np.abs(at.v)))
    noise, t = OBJECTIVE_ROUNDING * abs(at.value), 1.0
    for _ in range(50):
        trial = point(view, at.v + t * direction)
        if np.isfinite(trial.value) and trial.value <= at.value + 1e-4 * t * min(predicted, 0.0) + noise:
            return trial
        t /= 2
    return at


def _farthest(view: StandardisedView, direction: Array) -> float:
    """How far these changes of the weights move the prediction of a row at most."""
    far = 0.0
    for rows in blocks(view.problem):
        far = max(far, float(np.abs(view.scores(direction, view.features(rows))).max()))
    return far


def _recedes(view: StandardisedView, at: Point, small: float) -> bool:
    """Whether the optimum is at infinity: the gradient vanishes, but the Newton step is long."""
    if np.linalg.norm(view.smallest_subgradient(at.v, at.g)) > 1e3 * small:
        return False
    return _farthest(view, target(view, at, hessian(view, at.v)) - at.v) > RECEDES
