"""by_sample: the optimum of a large smooth problem by Newton's method on a sample, and few gradients of all rows.

The Hessian of a sample is that of all rows to within a few per cent, so a step by it removes all but a few per cent of
the distance to the optimum (Byrd, Chin, Neveitt and Nocedal 2011): about as many digits a pass as a full Newton step
would gain on the first ones, at the price of a gradient.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from descend.arrays import Array
from descend.optimum.hessians import hessian, solve_system
from descend.optimum.standardised import StandardisedView
from descend.problem import Problem
from descend.sparse import is_sparse

LARGE_CELLS = 1 << 20  # of features, from which a pass costs more than Newton's method on a sample
FEWEST_ROWS, ROWS_A_WEIGHT = 1 << 14, 256  # of a sample: its Hessian is off by about root(params / rows), 6 %
LARGEST_PART = 0.25  # of the rows, that a sample may be
SEED = 0  # of the sample, for which any would do
MOST_PASSES = 20  # over all rows; arbitrary: six are usual
SLOWEST = 0.5  # part of the distance that a pass may leave: above it the sample does not know the Hessian
PROVEN = 1e-10  # distance of the objective to its minimum, as a part of the objective, at which the passes end
FLOOR = 1e-8  # the same, where float32 allows no better


def sample_rows(rows: int, params: int) -> int:
    """Return how many of so many rows the sample has for a model of so many weights; 0 where these are too many of them."""
    enough = max(FEWEST_ROWS, ROWS_A_WEIGHT * params)
    return enough if enough <= LARGEST_PART * rows else 0


def fits(problem: Problem) -> bool:
    """Tell whether a sample is enough to begin with: a large dense table, a smooth loss, and not too many weights."""
    data, smooth = problem.data, problem.loss.name in ("logistic", "softmax", "poisson", "squared")
    enough = data.cells >= LARGE_CELLS and sample_rows(data.rows, problem.params) > 0
    return smooth and problem.l1 == 0 and enough and not is_sparse(data.X)


def newton_by_sample(problem: Problem, solve: Callable[[Problem], Array | None], threads: int = 1) -> Array | None:
    """Return the optimum's weights (params,) float64, or None where this way does not lead there.

    Args:
        solve: returns the optimum of a small problem, or None.
        threads: over which the passes are spread; they change no bits.

    Where g is the gradient of all rows, H the Hessian of the sample and each step leaves a part q of |g| in the norm of
    H^-1, the objective is at most g' H^-1 g / (2 (1 - q)) above its minimum, as far as the Hessian stays what it is
    between here and there.
    """
    from descend.engines.full_pass import full_gradient  # Numba is loaded when it is first needed

    sample = replace(problem, data=problem.data.drawn(sample_rows(problem.data.rows, problem.params), SEED))
    w = solve(sample)
    if w is None:
        return None
    H = hessian(StandardisedView.plain(sample), w)
    gradient, before, value = full_gradient(problem, threads), np.inf, None
    for _ in range(MOST_PASSES):
        w = w.astype(problem.dtype).astype(np.float64)
        g = gradient(w)
        step = solve_system(H, g)
        square = float(g @ step)
        if not np.isfinite(square):
            return None
        value = value or _scale(problem, sample, w)
        part = np.sqrt(square / before)
        if square / 2 <= PROVEN * value or (part > SLOWEST and square / 2 <= FLOOR * value):
            return np.asarray(w - step)
        if part > SLOWEST:
            return None
        before, w = square, w - step
    return None


def _scale(problem: Problem, sample: Problem, w: Array) -> float:
    """The objective of the sample at these weights, which is that of all rows to a few digits."""
    return abs(StandardisedView.plain(sample).evaluate(w)[0]) or 1e-300
