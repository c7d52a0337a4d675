"""lasso: a quadratic plus an absolute penalty, from its Gram matrix, to full precision."""

import numpy as np

from descend.arrays import Array

MAX_ITERATIONS = 5000  # arbitrary: each lets in or removes a weight
SWEEPS = 20  # of coordinate descent, which find most of the zero weights (arbitrary)
TOL = 1e-13  # subgradient at the end, relative to the sum of its terms: 500 times rounding
REGULAR = 1e-8  # smallest pivot of a matrix with unit diagonal for which Cholesky is used: half of the digits are left
FLOOR = 1e-14  # curvature given to null directions: the step is long and ends where a sign changes


def lasso(H: Array, q: Array, l1: Array, start: Array) -> Array:
    """Return the v (params,) that minimises v'Hv/2 - q'v + sum l1 |v|, H positive semidefinite.

    Coordinate descent comes near; the feature-sign search (Lee, Battle, Raina and Ng 2007) ends exactly: it solves for
    the weights that are not zero as if their signs were known, stops where one changes its sign, and lets in the
    zero weight with the largest subgradient. The objective falls with each step, so no pattern of signs comes back.

    >>> lasso(np.eye(2), np.array([3.0, 0.5]), np.ones(2), np.zeros(2)).tolist()
    [2.0, 0.0]
    """
    v = _coordinate_descent(H, q, l1, start)
    for _ in range(MAX_ITERATIONS):
        g = H @ v - q
        small = TOL * float((np.abs(H) @ np.abs(v) + np.abs(q) + l1).max(initial=0.0))
        signs = np.sign(v) * (l1 > 0)
        used = (signs != 0) | (l1 == 0)
        violation = np.where(used, 0.0, np.abs(g) - l1)
        stationary = bool((np.abs(g + l1 * signs)[used] <= small).all())
        if stationary and violation.max(initial=0.0) <= small:
            return v
        if stationary:
            most = int(np.argmax(violation))
            signs[most], used[most] = -np.sign(g[most]), True
        after = _toward(H, q, l1, v, np.flatnonzero(used), signs)
        if after is None:
            return v
        v = after
    return v


def _toward(H: Array, q: Array, l1: Array, v: Array, used: Array, signs: Array) -> Array | None:
    """The best point on the way to the minimum for these signs, among its end and where signs turn; None when stuck."""
    aim = np.zeros_like(v)
    aim[used] = _solved(H[np.ix_(used, used)], (q - l1 * signs)[used])
    direction = aim - v
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = np.where((l1 > 0) & (v * aim < 0), -v / direction, np.inf)
    steps = np.unique(np.append(crossings[np.isfinite(crossings)], 1.0))
    curve, slope = float(direction @ H @ direction), float((H @ v - q) @ direction)
    rises = np.abs(v + steps[:, None] * direction) @ l1 - np.abs(v) @ l1
    changes = steps * slope + steps**2 * curve / 2 + rises
    best = int(np.argmin(changes))
    if changes[best] >= 0:
        return None
    return np.where(crossings == steps[best], 0.0, v + steps[best] * direction)


def _solved(H: Array, right: Array) -> Array:
    curves = np.diagonal(H)
    unit = 1 / np.sqrt(np.maximum(curves, FLOOR * (float(curves.max(initial=0.0)) or 1.0)))
    scaled, right = H * unit[:, None] * unit, unit * right
    try:
        lower = np.linalg.cholesky(scaled)
        if len(H) and np.diagonal(lower).min() ** 2 > REGULAR:
            return np.asarray(unit * np.linalg.solve(lower.T, np.linalg.solve(lower, right)))
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(scaled)
    return np.asarray(unit * (vectors @ ((vectors.T @ right) / np.maximum(values, FLOOR))))


def _coordinate_descent(H: Array, q: Array, l1: Array, v: Array) -> Array:
    """Coordinate descent (Friedman, Hastie and Tibshirani 2010)."""
    v, g = v.copy(), H @ v - q
    for _ in range(SWEEPS):
        for j in np.flatnonzero(np.diagonal(H) > 0):
            target = H[j, j] * v[j] - g[j]
            new = np.sign(target) * max(abs(target) - l1[j], 0.0) / H[j, j]
            if new != v[j]:
                g += H[:, j] * (new - v[j])
                v[j] = new
    return v
