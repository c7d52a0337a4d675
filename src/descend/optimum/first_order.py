"""first_order: the optimum of models with too many weights for a Hessian."""

import numpy as np

from descend.arrays import Array
from descend.optimum.newton import (
    GRADIENT_TOL,
    OBJECTIVE_ROUNDING,
    Point,
    point,
    separates_classes,
    solver_result,
    steepness,
)
from descend.optimum.standardised import StandardisedView
from descend.optimum.status import FOUND, SEPARABLE, SolverResult

MAX_ITERATIONS = 20_000  # arbitrary: well-conditioned problems end after hundreds


def lbfgs(view: StandardisedView) -> tuple[Array, SolverResult]:
    """Return what L-BFGS (Liu and Nocedal 1989) finds, and how it ended."""
    from scipy.optimize import minimize

    unit = steepness(view)  # SciPy's tolerances are absolute
    options = {
        "maxiter": MAX_ITERATIONS,
        "maxfun": 2 * MAX_ITERATIONS,
        "ftol": 0.0,
        "gtol": GRADIENT_TOL / 10,
        "maxcor": 30,
    }
    v = view.start()
    for _ in range(3):  # restarted, since rounding ends the first line search early
        v = minimize(lambda w: _scaled(view, w, unit), v, jac=True, method="L-BFGS-B", options=options).x
        if separates_classes(view, v):
            return v, SEPARABLE
    return v, solver_result(view, point(view, v), GRADIENT_TOL * unit)


def _scaled(view: StandardisedView, v: Array, unit: float) -> tuple[float, Array]:
    value, g = view.evaluate(v)
    return (value / unit, g / unit) if np.isfinite(value) else (1e300, np.zeros_like(g))


def fista(view: StandardisedView) -> tuple[Array, SolverResult]:
    """Return what accelerated proximal steps find (Beck and Teboulle 2009), and how they ended.

    The curvature is found by doubling; the momentum starts afresh where it points uphill (O'Donoghue and Candes 2015).
    """
    at = ahead = point(view, view.start())
    small, L, t = GRADIENT_TOL * steepness(view), 1e-3, 1.0
    for _ in range(MAX_ITERATIONS):
        new, L = _proximal(view, ahead, L)
        if np.linalg.norm(view.smallest_subgradient(new.v, new.g)) <= small:
            return new.v, FOUND
        later = (1 + np.sqrt(1 + 4 * t * t)) / 2
        uphill = float((ahead.v - new.v) @ (new.v - at.v)) > 0
        ahead = new if uphill else point(view, new.v + (t - 1) / later * (new.v - at.v))
        at, t = new, 1.0 if uphill else later
    return at.v, solver_result(view, at, small)


def _proximal(view: StandardisedView, ahead: Point, L: float) -> tuple[Point, float]:
    """A step of length 1/L with the proximal operator of the l1 penalty, L doubled until the step is safe."""
    smooth = ahead.value - float(view.l1 @ np.abs(ahead.v))
    while True:
        moved = ahead.v - ahead.g / L
        new = point(view, np.sign(moved) * np.maximum(np.abs(moved) - view.l1 / L, 0))
        d = new.v - ahead.v
        model = smooth + float(ahead.g @ d) + L / 2 * float(d @ d)
        if new.value - float(view.l1 @ np.abs(new.v)) <= model + OBJECTIVE_ROUNDING * abs(smooth) or L > 1e30:
            return new, L
        L *= 2
