"""bound: a proven upper bound on the distance of an objective to its minimum, without knowing the minimum."""

import numpy as np

from descend.arrays import Array
from descend.problem import Problem, gradient


def bound(problem: Problem, weights: Array) -> float:
    """Return an upper bound on objective(weights) - minimum; infinity when none can be proven.

    With l2 > 0 the objective is strongly convex in the penalised weights with constant l2, and, where the bias is
    free, in all weights with the smallest eigenvalue of the curvature *below*, which is not known for every loss. So
    the bias is first moved to its own optimum: the objective minimised over the bias is again strongly convex with
    constant l2 in the rest, and its gradient there is the partial one. Then |g|^2 / (2 l2) bounds what is left, and
    the descent of the bias step is added (Boyd and Vandenberghe 2004, section 9.1.2).
    """
    from descend.problem import objectives

    if problem.l2 <= 0 or problem.l1 > 0:
        return float("inf")
    w = _with_best_bias(problem, weights.astype(np.float64))
    g = gradient(problem, w)[1]
    before, after = objectives(problem, np.stack([weights.astype(np.float64), w]))
    inner = float(np.square(g * problem.penalised).sum()) / (2 * problem.l2)
    return max(float(before - after), 0.0) + inner


def _with_best_bias(problem: Problem, w: Array) -> Array:
    """The same weights with the biases that minimise the objective, by Newton's method on central differences."""
    if not problem.intercept:
        return w
    free = np.flatnonzero(problem.penalised == 0)
    w = w.copy()
    for _ in range(50):
        g = gradient(problem, w)[1][free]
        if np.abs(g).max() < 1e-13:
            break
        H = np.empty((len(free), len(free)))
        for j, at in enumerate(free):
            up, down = w.copy(), w.copy()
            up[at] += 1e-5
            down[at] -= 1e-5
            H[:, j] = (gradient(problem, up)[1] - gradient(problem, down)[1])[free] / 2e-5
        w[free] -= np.linalg.lstsq(H, g, rcond=1e-10)[0]
    return w
