"""interior_point: the optimum of piecewise linear losses with a quadratic penalty, by a primal-dual interior-point method."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.optimum.hessians import solve_system
from descend.optimum.orthogonal import orthonormal
from descend.optimum.standardised import StandardisedView
from descend.optimum.status import FOUND, OptimumStatus, SolverResult
from descend.problem import Problem

MAX_WORK = 5e7  # rows * params^2 of one step (arbitrary: a fraction of a second)
MAX_STEPS = 200  # arbitrary: 20 to 40 are usual
CENTRING = 0.1  # target of a step for the complementarity, over the present one (arbitrary, within 0 and 1)
TO_BOUNDARY = 0.99  # of the way to the nearest bound that a step may take (Nocedal and Wright 2006, section 14.2)
PROVEN = 1e-8  # duality gap at the end, over the loss of the best constant prediction


@dataclass(frozen=True, eq=False)
class _Lines:
    """The loss up max(r, 0) + down max(-r, 0) of residuals r = offset - sign * z, weighted by share (rows,)."""

    up: float
    down: float
    offset: Array
    sign: Array
    share: Array

    def loss(self, z: Array) -> float:
        """Return the weighted sum over the rows."""
        r = self.offset - self.sign * z
        return float(self.share @ (self.up * np.maximum(r, 0) + self.down * np.maximum(-r, 0)))


def interior_point(problem: Problem) -> tuple[Array, SolverResult]:
    """Return the weights (params,) of quantile or hinge loss with l2 > 0 and without l1, and whether they are the optimum.

    Minimises the sum of share (up u + down v) + penalty over u - v = r and u, v >= 0 (Nocedal and Wright 2006, section
    16.6). The slopes of the loss are the dual point, which proves how far the weights are from the optimum.
    """
    if problem.data.rows * problem.params**2 > MAX_WORK:
        text = (
            f"an interior-point method on {problem.data.rows:,} rows of {problem.params:,} weights would take too long"
        )
        return np.zeros(0), SolverResult(OptimumStatus.NOT_SOLVED, text)
    view, lines = orthonormal(StandardisedView.of(problem)), _lines(problem)
    X = view.features(slice(0, problem.data.rows))
    X = np.column_stack([X, np.ones(len(X))]) if problem.intercept else X
    l2 = np.zeros((X.shape[1], X.shape[1]))
    l2[: view.width, : view.width] = np.diag(view.l2) if view.basis is None else view.l2
    w = view.start()
    reference = lines.loss(X @ w)
    r = lines.offset - lines.sign * (X @ w)
    start = max(float(np.abs(r).mean()), 1e-300)
    u, v, slope = np.maximum(r, 0) + start, np.maximum(-r, 0) + start, np.full(len(r), (lines.up - lines.down) / 2)
    gap = np.inf
    for _ in range(MAX_STEPS):
        gap = _duality_gap(lines, X, w, slope, l2, view.width)
        if gap <= PROVEN * reference:
            return view.original(w), FOUND
        a, b = lines.up - slope, lines.down + slope  # multipliers of u >= 0 and v >= 0
        mu = CENTRING * float(lines.share @ (u * a + v * b)) / (2 * float(lines.share.sum()))
        with np.errstate(divide="ignore"):
            curve = 1 / (u / a + v / b)
        if not np.isfinite(curve).all():  # the residual of a row and its slope have no digits left
            break
        r = lines.offset - lines.sign * (X @ w)
        change = curve * (r - mu / a + mu / b)
        H = X.T @ (X * (lines.share * curve)[:, None]) + l2
        dw = solve_system(H, X.T @ (lines.share * lines.sign * (slope + change)) - l2 @ w)
        dslope = change - curve * lines.sign * (X @ dw)
        du, dv = (mu + u * dslope) / a - u, (mu - v * dslope) / b - v
        t = min(1.0, *(TO_BOUNDARY * _to_zero(x, dx) for x, dx in ((u, du), (v, dv), (a, -dslope), (b, dslope))))
        w, u, v, slope = w + t * dw, u + t * du, v + t * dv, slope + t * dslope
    text = f"not found: the best weights found are only proven to be within {gap:.1g} of the optimum"
    return view.original(w), SolverResult(OptimumStatus.NOT_PROVEN, text)


def _lines(problem: Problem) -> _Lines:
    y, weight = problem.data.y.astype(np.float64), problem.data.sample_weight
    share = (np.ones(len(y)) if weight is None else weight.astype(np.float64)) / len(y)
    if problem.loss.name == "hinge":
        return _Lines(up=1.0, down=0.0, offset=np.ones(len(y)), sign=2 * y - 1, share=share)
    tau = problem.constants["tau"]
    return _Lines(up=tau, down=1 - tau, offset=y, sign=np.ones(len(y)), share=share)


def _to_zero(x: Array, dx: Array) -> float:
    """The step at which the first of these positive numbers becomes 0; infinity where none does."""
    falling = dx < 0
    return float((-x[falling] / dx[falling]).min(initial=np.inf))


def _duality_gap(lines: _Lines, X: Array, w: Array, slope: Array, l2: Array, penalised: int) -> float:
    """The objective minus that of the dual point (rows,); infinity where its correlation with a free bias is not 0."""
    correlation = X.T @ (lines.share * lines.sign * slope)
    if np.abs(correlation[penalised:]).max(initial=0.0) > PROVEN:
        return float("inf")
    own = correlation[:penalised]
    dual = float(lines.share @ (slope * lines.offset)) - float(own @ solve_system(l2[:penalised, :penalised], own)) / 2
    return lines.loss(X @ w) + float(w @ l2 @ w) / 2 - dual
