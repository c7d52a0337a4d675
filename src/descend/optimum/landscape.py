"""landscape: what is known of an objective before training."""

from dataclasses import dataclass

from descend import optimum as exact
from descend.arrays import Array
from descend.problem import Problem
from descend.problem.initialise import initial

NOT_CONVEX = "a network has many minima"


@dataclass(frozen=True, eq=False)
class Landscape:
    """What is known of the objective before training.

    Args:
        curvature: its bound on the second derivative; of a network, the sharpness where it starts.
        optimum: the exact optimum, or why there is none.
        baseline: the weights (params,) and objective of the best constant prediction.
    """

    curvature: exact.Curvature
    optimum: exact.Optimum
    baseline_weights: Array
    baseline: float

    @classmethod
    def of(cls, problem: Problem, start: Array | None = None) -> "Landscape":
        """Survey a problem; of a network from its start weights (params,)."""
        weights, objective = exact.baseline(problem)
        if problem.network is not None:
            begin = initial(problem.network, "auto", 0) if start is None else start
            nowhere = exact.Optimum(None, float("inf"), float("inf"), "none", NOT_CONVEX)
            return cls(exact.sharpness(problem, begin), nowhere, weights, objective)
        return cls(exact.curvature(problem), exact.optimum(problem), weights, objective)

    def aim(self, tol: float) -> float | None:
        """Return the objective at which a run has converged: within `tol` of the optimum, relative to the optimum
        itself or, where that is nearly zero, to a thousandth of what can be gained; None when it is unknown."""
        if self.optimum.weights is None:
            return None
        gain = max(self.baseline - self.optimum.objective, 0.0)
        near = min(gain, max(abs(self.optimum.objective), 1e-3 * gain))
        return self.optimum.objective + tol * near + 1e-13 * abs(self.baseline)

    def gap(self, objective: float) -> float | None:
        """Return (objective - optimum) / (baseline - optimum), or None."""
        if self.optimum.weights is None:
            return None
        return exact.gap(objective, self.optimum.objective, self.baseline)
