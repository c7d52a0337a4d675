"""least_squares: the optimum of squared loss for a linear model, with or without a quadratic penalty."""

import numpy as np

from descend.arrays import Array
from descend.optimum.orthogonal import significant, triangular_factor
from descend.optimum.standardised import StandardisedView
from descend.problem import Problem
from descend.table.moments import Gram

SAFE_CONDITION = (
    1e12  # condition number of the Gram matrix up to which Cholesky keeps 4 digits; that of the data is its square root
)


def least_squares(problem: Problem) -> tuple[Array, str]:
    """Return the weights (params,) of the least-squares optimum, and the method.

    By Cholesky of the centred Gram matrix where the condition of the scaled features is below 1e6. Else by an
    orthogonal decomposition of the features themselves, block after block (Golub and Van Loan 2013, section 5.3), and
    of all solutions the one whose weights, the bias apart, have the smallest norm.
    """
    solved = _by_cholesky(problem, problem.data.gram())
    return (solved, "cholesky") if solved is not None else (_by_orthogonalisation(problem), "svd")


def _by_cholesky(problem: Problem, moments: Gram) -> Array | None:
    """The solution of the normal equations, or None where they would lose too many digits."""
    H, c = normal_equations(problem, moments)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        unit = 1 / np.sqrt(np.diagonal(H))
        scaled = H * unit[:, None] * unit
    if not (np.isfinite(scaled).all() and np.isfinite(c).all()):
        return None
    if len(H):
        values = np.linalg.eigvalsh(scaled)
        if values[0] * SAFE_CONDITION < values[-1]:
            return None

    def solve(right: Array) -> Array:
        return np.asarray(unit[:, None] * np.linalg.solve(scaled, unit[:, None] * right))

    W = solve(c)
    return _weights(problem, moments.mean, moments.target, W + solve(c - H @ W))


def normal_equations(problem: Problem, moments: Gram) -> tuple[Array, Array]:
    """Return the Hessian (features, features) and right side (features, targets) that the weights solve."""
    H, c = moments.G.copy(), moments.c
    with np.errstate(over="ignore", invalid="ignore"):
        if not problem.intercept:
            H += moments.mass * np.outer(moments.mean, moments.mean)
            c = c + moments.mass * np.outer(moments.mean, moments.target)
        H, c = 2 * H / problem.outputs, 2 * c / problem.outputs
    H[np.diag_indices_from(H)] += problem.l2
    return H, c


def _weights(problem: Problem, mean: Array, target: Array, W: Array) -> Array:
    """All weights, with the biases that follow from W (features, targets)."""
    return np.concatenate([W.ravel(), target - mean @ W]) if problem.intercept else W.ravel()


def _by_orthogonalisation(problem: Problem) -> Array:
    view, d = StandardisedView.of(problem), problem.data.features
    target = _mean_target(problem)
    both = triangular_factor(view, target, np.sqrt(view.l2 / 2))
    R, right = both[:, :d], both[:, d:]
    U, values, Vt = np.linalg.svd(R, full_matrices=True)
    used = significant(view, values, Vt)
    W = Vt[used].T @ ((U.T @ right)[:d][used] / values[used, None]) / view.scale[:, None]
    null_space, _ = np.linalg.qr(Vt[~used].T / view.scale[:, None])  # directions in which no prediction changes
    return _weights(problem, view.mean, target, W - null_space @ (null_space.T @ W))


def _mean_target(problem: Problem) -> Array:
    """The mean of each target (targets,), which the intercept takes up."""
    if not problem.intercept:
        return np.zeros(problem.outputs)
    y = problem.data.y.astype(np.float64).reshape(problem.data.rows, -1)
    return np.asarray(np.average(y, axis=0, weights=problem.data.sample_weight))
