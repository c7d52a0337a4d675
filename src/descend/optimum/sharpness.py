"""sharpness: the largest curvature of a network's objective where it starts, which limits the rates that can begin."""

import numpy as np

from descend.arrays import Array
from descend.optimum.curvature import Curvature
from descend.problem import Problem, gradient

ROUNDS = 24  # of the power iteration
ENOUGH = 0.02  # a change of the estimate by less than this part ends it
STEP = 1e-4  # of the weights' length, to either side
WORK = 1 << 27  # multiplications of one gradient at most
FEWEST, MOST = 64, 1024  # rows of the sample


def sharpness(problem: Problem, weights: Array) -> Curvature:
    """Return the curvature at these weights (params,): the largest eigenvalue of the Hessian, in size, on a sample.

    By power iteration on differences of gradients (Pearlmutter 1994 gives the product its name). Training at a rate
    far above 2 / largest leaves the neighbourhood at once; below it, the curvature may still grow to meet the rate
    (Cohen et al. 2021).
    """
    rows = _sample(problem)
    w = weights.astype(np.float64)
    unit = max(float(np.linalg.norm(w)), 1e-3)
    v = np.random.Generator(np.random.Philox(key=0)).standard_normal(problem.params) * problem_trained(problem)
    v, largest = v / np.linalg.norm(v), 0.0
    with np.errstate(all="ignore"):
        for _ in range(ROUNDS):
            h = STEP * unit
            Hv = (gradient(problem, w + h * v, rows)[1] - gradient(problem, w - h * v, rows)[1]) / (2 * h)
            before, largest = largest, float(np.linalg.norm(Hv))
            if not np.isfinite(largest) or largest == 0:
                break
            v = Hv / largest
            if abs(largest - before) < ENOUGH * largest:
                break
    nothing = float("nan")
    largest = largest if np.isfinite(largest) else nothing
    return Curvature(largest, nothing, nothing, nothing, nothing, f"power iteration at the start, {len(rows)} rows")


def problem_trained(problem: Problem) -> Array:
    """Return 1.0 for the coordinates that a rule moves, else 0.0 (params,)."""
    if problem.network is None:
        return np.ones(problem.params)
    return problem.network.trained.astype(np.float64)


def _sample(problem: Problem) -> Array:
    """Rows spread over the data, few enough for the size of the network."""
    n = problem.data.rows
    size = min(n, max(FEWEST, min(MOST, WORK // max(1, 6 * problem.params))))
    return np.unique(np.linspace(0, n - 1, size).round().astype(np.int64))
