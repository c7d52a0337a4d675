"""hessians: second derivatives of the losses, and the Hessians that they add up to."""

import numpy as np

from descend.arrays import Array
from descend.optimum.standardised import StandardisedView, blocks, shares, targets
from descend.problem import Problem

REGULAR = 1e-6  # smallest pivot of a matrix with unit diagonal for which Cholesky is used: half of the digits are left
SINGULAR = 1e-14  # eigenvalue of a matrix with unit diagonal, relative to size and largest, below which a direction is null: rounding
HUBER = {
    "true": 0.0,
    "slight": 1e-3,
    "between": 0.1,
    "majorant": 1.0,
}  # second derivative of rows beyond delta, relative to the majorant


def hessian_kinds(view: StandardisedView) -> tuple[str, ...]:
    """Return the names of the Hessians that Newton's method tries.

    Huber also has a majorant, since its own Hessian is zero on far rows, and mixtures of both. The majorant has the
    slope over the residual as its weights (Huber 1981, section 7.8): a step by it never rises. It alone is slow where
    delta is far smaller than the residuals; the true one then curves along too few directions.
    """
    return tuple(HUBER) if view.problem.loss.name == "huber" else ("true",)


def hessian(view: StandardisedView, v: Array, kind: str = "true") -> Array:
    """Return the Hessian of the smooth part of the objective (params, params) at v."""
    problem, k = view.problem, view.problem.outputs
    size, d = view.width + problem.intercept, view.width
    H = np.zeros((size, k, size, k))
    for rows in blocks(problem):
        X, share = view.features(rows), shares(problem, rows)
        z, y = view.scores(v, X), targets(problem, rows)
        X = np.column_stack([X, np.ones(len(X))]) if problem.intercept else X
        if k == 1 and problem.loss.outputs == "one":
            X *= np.sqrt(share * second_derivatives(problem, z, y, kind))[:, None]
            H[:, 0, :, 0] += X.T @ X
        else:
            _add_classes(H, X, share, problem.loss.mean(z), 0.0 if view.l1.any() else 1 / k**2)
    for j in range(k):
        H[:d, j, :d, j] += view.l2 if view.basis is not None else np.diag(view.l2)
    return H.reshape(size * k, size * k)


def solve_system(H: Array, g: Array) -> Array:
    """Return H^-1 g, of smallest norm in scaled weights where H is singular."""
    if not len(H):
        return g
    diagonal = np.diagonal(H)
    unit = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
    scaled, right = H * unit[:, None] * unit, unit * g
    try:
        pivots = np.linalg.cholesky(scaled)
        if np.diagonal(pivots).min() ** 2 > REGULAR:
            from scipy.linalg import cho_solve

            return np.asarray(unit * cho_solve((pivots, True), right))
    except np.linalg.LinAlgError:
        pass
    values, vectors = np.linalg.eigh(scaled)
    kept = values > SINGULAR * len(H) * values[-1]
    return np.asarray(unit * (vectors[:, kept] @ ((vectors[:, kept].T @ right) / values[kept])))


def second_derivatives(problem: Problem, z: Array, y: Array, kind: str = "true") -> Array:
    """Return the second derivative of the loss of each row (rows,) in its prediction z; softmax has a matrix instead."""
    name, mean = problem.loss.name, problem.loss.mean
    if name == "logistic":
        return np.asarray(mean(z) * mean(-z))
    if name == "poisson":
        return np.asarray(mean(z))
    if name == "huber":
        size, delta = np.abs(z - y), problem.constants["delta"]
        return np.asarray(np.where(size <= delta, 1.0, HUBER[kind] * delta / np.maximum(size, delta)))
    return np.full(len(z), 2.0)


def _add_classes(H: Array, X: Array, share: Array, p: Array, lift: float) -> None:
    """Add a block's part to the Hessian of softmax.

    To add the same to all classes changes no loss. A lift in that direction makes it regular and, where no gradient
    points there, which is so without l1, leaves every step as it was.
    """
    k = p.shape[1]
    for a in range(k):
        for c in range(a, k):
            block = X.T @ (X * (share * (p[:, a] * ((a == c) - p[:, c]) + lift))[:, None])
            H[:, a, :, c] += block
            if a != c:
                H[:, c, :, a] += block
