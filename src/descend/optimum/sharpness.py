"""sharpness: the largest Hessian eigenvalue of a network, which limits the learning rate at its weights."""

import numpy as np

from descend.arrays import Array, evenly_spaced
from descend.optimum.curvature import Curvature
from descend.problem import Problem, gradient

MAX_ITERATIONS = 24  # of the power iteration (arbitrary)
RELATIVE_CHANGE = 0.02  # of the estimate that ends it: a limit on a rate needs no more
STEP = 1e-4  # of the weights' norm, of the central difference: near the cube root of rounding, 6e-6, on the safe side
MAX_WORK = 1 << 27  # multiplications of one gradient (arbitrary: a fraction of a second)
MIN_SAMPLE, MAX_SAMPLE = 64, 1024  # rows (arbitrary)


def sharpness(problem: Problem, weights: Array) -> Curvature:
    """Return the curvature at these weights (params,): the largest eigenvalue of the Hessian, in size, on a sample.

    By power iteration on differences of gradients (Pearlmutter 1994 gives the product its name). Training at a rate
    far above 2 / largest diverges from there; below it, the curvature may still grow to meet the rate
    (Cohen et al. 2021).
    """
    rows = _sample(problem)
    w = weights.astype(np.float64)
    unit = max(float(np.linalg.norm(w)), 1e-3)
    v = np.random.Generator(np.random.Philox(key=0)).standard_normal(problem.params) * _trained_mask(problem)
    v, largest = v / np.linalg.norm(v), 0.0
    with np.errstate(all="ignore"):
        for _ in range(MAX_ITERATIONS):
            h = STEP * unit
            Hv = (gradient(problem, w + h * v, rows)[1] - gradient(problem, w - h * v, rows)[1]) / (2 * h)
            before, largest = largest, float(np.linalg.norm(Hv))
            if not np.isfinite(largest) or largest == 0:
                break
            v = Hv / largest
            if abs(largest - before) < RELATIVE_CHANGE * largest:
                break
    unknown = float("nan")
    largest = largest if np.isfinite(largest) else unknown
    return Curvature(
        largest=largest, smallest=unknown, smallest_determined=unknown, bound=unknown,
        method=f"power iteration at the start, {len(rows)} rows", rows=lambda: (unknown, unknown),
    )  # fmt: skip


def _trained_mask(problem: Problem) -> Array:
    """Return 1.0 for the coordinates that a rule moves, else 0.0 (params,)."""
    if problem.network is None:
        return np.ones(problem.params)
    return problem.network.trained.astype(np.float64)


def _sample(problem: Problem) -> Array:
    """Rows spread over the data, few enough for the size of the network."""
    n = problem.data.rows
    size = min(n, max(MIN_SAMPLE, min(MAX_SAMPLE, MAX_WORK // max(1, 6 * problem.params))))
    return evenly_spaced(n, size)
