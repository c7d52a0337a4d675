"""closing: the full-batch phase that ends a training by batches under an l1 penalty, for its exact zeros.

A rule that sees some rows a step moves a weight across zero and back for ever: at the optimum it is zero, in the run
hardly ever. Proximal gradient steps on all rows find the zeros of the optimum in finitely many steps (Liang, Fadili and
Peyre 2017), most often in a few.
"""

import numpy as np

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.problem import Problem, gradient, mean_losses, objectives

MOST_PASSES = 100  # over the rows; arbitrary, as much as a hundred epochs
SETTLED_PASSES = 10  # passes in which no weight becomes zero or leaves it, after which the phase is over; arbitrary
MOST_HALVINGS = 60  # of a step size: from 1 down to the last digit of float64


def closing_phase(problem: Problem, weights: Array) -> Array:
    """Return weights (params,) after proximal gradient steps on all rows; the same ones where these do not help.

    The step size halves until the loss falls as its quadratic bound promises (Beck and Teboulle 2009), and may grow
    again. The objective never rises.
    """
    w, size, settled = weights, 1.0, 0
    with np.errstate(all="ignore"), one_blas_thread():
        for _ in range(MOST_PASSES):
            after, size = _step(problem, w, 2 * size)
            settled = settled + 1 if np.array_equal(after == 0, w == 0) else 0
            w = after
            if settled == SETTLED_PASSES:
                break
        before, now = objectives(problem, np.stack([weights, w]))
    return w if now <= before else weights


def _step(problem: Problem, w: Array, size: float) -> tuple[Array, float]:
    """One proximal gradient step, and its size: the given one or the first of its halves that is small enough."""
    value, g = _smooth(problem, w), gradient(problem, w)[1]
    for _ in range(MOST_HALVINGS):
        moved = w - size * g
        after = np.sign(moved) * np.maximum(np.abs(moved) - size * problem.l1 * problem.penalised, 0)
        after = after.astype(w.dtype) + 0  # no zero has a sign
        d = (after - w).astype(np.float64)
        if _smooth(problem, after) <= value + float(g @ d) + float(d @ d) / (2 * size):
            return after, size
        size /= 2
    return w, size


def _smooth(problem: Problem, w: Array) -> float:
    """The mean loss and the quadratic penalty."""
    square = float(np.square(w.astype(np.float64) * problem.penalised).sum())
    return float(mean_losses(problem, w[None])[0]) + problem.l2 / 2 * square
