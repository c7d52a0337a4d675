"""newton: Newton's method, proximal where there is an l1 penalty, for smooth convex losses."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.optimum.curves import hessian, kinds, solved
from descend.optimum.lasso import lasso
from descend.optimum.view import View, blocks, shares, targets

MOST_STEPS = 300
SMALL = 1e-10  # the subgradient at which the search ends, relative to the root mean square slope
POLISH = 3  # steps beyond that: they take what rounding leaves, and show whether there is an optimum at all
NOISE = 1e-14  # of an objective
FITTED = 1e-8  # slopes of so small a part of the targets count as if they were as large: rounding alone leaves some
SETTLED = 1e-4  # a change of all predictions after which Newton's next step changes nothing
RECEDES = 0.1  # a step that still moves a prediction so far, where nothing is to be gained, leads to infinity


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


def newton(view: View) -> tuple[Array, str]:
    """Return the weights of the view (params,) at the optimum, and a reason in place of an empty text when there is none.

    Every step is searched by halving (Lee, Sun and Saunders 2014); near the end it is taken whole.
    """
    at, polished, resting, moved = point(view, view.start()), 0, 0, np.inf
    small = SMALL * steepness(view)
    for _ in range(MOST_STEPS):
        done = bool(np.linalg.norm(view.left(at.v, at.g)) <= small)
        if POLISH in (polished, resting):
            break
        after = _step(view, at)
        if separates(view, after.v):
            return after.v, "separable: no finite optimum"
        if after is at:
            break
        moved = _farthest(view, after.v - at.v) if done else np.inf
        resting = 0 if after.value < at.value else resting + 1
        at, polished = after, polished + done
        if moved < SETTLED:
            break
    held = view.problem.l2 > 0 or view.problem.l1 > 0  # what no penalty holds is told before: a class without examples
    bounded = held or moved <= RECEDES or view.problem.loss.name in ("huber", "squared")
    if not bounded and _recedes(view, at, small):
        return at.v, "no finite optimum: some predictions improve for ever as the weights grow"
    return at.v, unfinished(view, at, small)


def point(view: View, v: Array) -> Point:
    """Return the point at these weights."""
    return Point(v, *view.evaluate(v))


def steepness(view: View) -> float:
    """Return the root mean square slope of the loss at the best constant, and what rounding leaves of it at least.

    No gradient of the view is larger.
    """
    v, total, size = view.start(), 0.0, 0.0
    for rows in blocks(view.problem):
        z = view.scores(v, view.features(rows))
        share, y = shares(view.problem, rows), targets(view.problem, rows)
        slope = view.problem.loss.evaluate(z, y, **view.problem.constants)[1]
        total += float(share @ np.square(slope).reshape(len(slope), -1).sum(axis=1))
        size += float(share @ np.square(y).reshape(len(y), -1).sum(axis=1))
    return max(float(np.sqrt(total)), FITTED * float(np.sqrt(size)), 1e-300)


def unfinished(view: View, at: Point, small: float) -> str:
    """Return an empty text, or why a point is not called the optimum: a thousand times the gradient aimed at is left."""
    left = float(np.linalg.norm(view.left(at.v, at.g))) * SMALL / small
    return "" if left <= 1e3 * SMALL else f"not found: a relative gradient of {left:.1g} was left"


def separates(view: View, v: Array) -> bool:
    """Tell whether a classifier without penalty tells all rows apart, so that its loss can be driven to zero."""
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


def _step(view: View, at: Point) -> Point:
    """The best of the steps by each Hessian; the same point when none goes down."""
    found = [_searched(view, at, target(view, at, hessian(view, at.v, kind))) for kind in kinds(view)]
    return min(found, key=lambda p: p.value)


def target(view: View, at: Point, H: Array) -> Array:
    """Return where the quadratic model of the objective at this point is smallest (params,)."""
    if view.l1.any():
        return lasso(H, H @ at.v - at.g, view.l1, at.v)
    return at.v - solved(H, at.g)


def _searched(view: View, at: Point, aim: Array) -> Point:
    """The first point on the way from the aim back that is low enough; the same point when there is none."""
    way = aim - at.v
    if not np.isfinite(way).all():
        return at
    promised = float(at.g @ way + view.l1 @ (np.abs(aim) - np.abs(at.v)))
    noise, t = NOISE * abs(at.value), 1.0
    for _ in range(50):
        trial = point(view, at.v + t * way)
        if np.isfinite(trial.value) and trial.value <= at.value + 1e-4 * t * min(promised, 0.0) + noise:
            return trial
        t /= 2
    return at


def _farthest(view: View, way: Array) -> float:
    """How far these changes of the weights move the prediction of a row at most."""
    far = 0.0
    for rows in blocks(view.problem):
        far = max(far, float(np.abs(view.scores(way, view.features(rows))).max()))
    return far


def _recedes(view: View, at: Point, small: float) -> bool:
    """Whether the optimum is at infinity: hardly a gradient is left, and Newton's step is long all the same."""
    if np.linalg.norm(view.left(at.v, at.g)) > 1e3 * small:
        return False
    return _farthest(view, target(view, at, hessian(view, at.v)) - at.v) > RECEDES
