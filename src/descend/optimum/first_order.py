"""first_order: the optimum of models with too many weights for a Hessian."""

import numpy as np

from descend.arrays import Array
from descend.optimum.newton import NOISE, SMALL, Point, point, separates, steepness, unfinished
from descend.optimum.view import View

MOST_STEPS = 20_000


def lbfgs(view: View) -> tuple[Array, str]:
    """Return what L-BFGS (Liu and Nocedal 1989) finds, and a reason in place of an empty text when it is no optimum."""
    from scipy.optimize import minimize

    unit = steepness(view)  # SciPy's tolerances are absolute
    options = {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "ftol": 0.0, "gtol": SMALL / 10, "maxcor": 30}
    v = view.start()
    for _ in range(3):  # afresh, since rounding ends the first line search early
        v = minimize(lambda w: _scaled(view, w, unit), v, jac=True, method="L-BFGS-B", options=options).x
        if separates(view, v):
            return v, "separable: no finite optimum"
    return v, unfinished(view, point(view, v), SMALL * unit)


def _scaled(view: View, v: Array, unit: float) -> tuple[float, Array]:
    value, g = view.evaluate(v)
    return (value / unit, g / unit) if np.isfinite(value) else (1e300, np.zeros_like(g))


def fista(view: View) -> tuple[Array, str]:
    """Return what accelerated proximal steps find (Beck and Teboulle 2009), and a reason as `lbfgs` does.

    The curvature is found by doubling; the momentum starts afresh where it points uphill (O'Donoghue and Candes 2015).
    """
    at = ahead = point(view, view.start())
    small, L, t = SMALL * steepness(view), 1e-3, 1.0
    for _ in range(MOST_STEPS):
        new, L = _proximal(view, ahead, L)
        if np.linalg.norm(view.left(new.v, new.g)) <= small:
            return new.v, ""
        later = (1 + np.sqrt(1 + 4 * t * t)) / 2
        uphill = float((ahead.v - new.v) @ (new.v - at.v)) > 0
        ahead = new if uphill else point(view, new.v + (t - 1) / later * (new.v - at.v))
        at, t = new, 1.0 if uphill else later
    return at.v, unfinished(view, at, small)


def _proximal(view: View, ahead: Point, L: float) -> tuple[Point, float]:
    """A step of length 1/L with the proximal operator of the l1 penalty, L doubled until the step is safe."""
    smooth = ahead.value - float(view.l1 @ np.abs(ahead.v))
    while True:
        moved = ahead.v - ahead.g / L
        new = point(view, np.sign(moved) * np.maximum(np.abs(moved) - view.l1 / L, 0))
        d = new.v - ahead.v
        model = smooth + float(ahead.g @ d) + L / 2 * float(d @ d)
        if new.value - float(view.l1 @ np.abs(new.v)) <= model + NOISE * abs(smooth) or L > 1e30:
            return new, L
        L *= 2
