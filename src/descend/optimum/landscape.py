"""landscape: what is known of an objective before training."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

from descend import optimum as exact
from descend.arrays import Array
from descend.optimum.status import NOT_CONVEX
from descend.problem import Problem
from descend.problem.initialise import initial


@dataclass(frozen=True, eq=False)
class Landscape:
    """What is known of the objective before training.

    Args:
        measure: measures `curvature`, when it is first asked for.
        optimum: the exact optimum, or why there is none.
        baseline: the weights (params,) and objective of the best constant prediction.
    """

    measure: Callable[[], exact.Curvature]
    optimum: exact.Optimum
    baseline_weights: Array
    baseline: float

    @classmethod
    def of(cls, problem: Problem, start: Array | None = None, threads: int = 1) -> "Landscape":
        """Return the landscape of a problem; of a network at its initial weights (params,). Threads change no bits."""
        weights, objective = exact.baseline(problem)
        if problem.network is not None:
            initial_weights = initial(problem.network, "auto", 0) if start is None else start
            sharpness = partial(exact.sharpness, problem, initial_weights)
            return cls(sharpness, exact.Optimum.unknown(NOT_CONVEX), weights, objective)
        return cls(partial(exact.curvature, problem), exact.optimum(problem, threads), weights, objective)

    @cached_property
    def curvature(self) -> exact.Curvature:
        """The largest eigenvalue of a bound on the Hessian; of a network, the sharpness where it starts."""
        return self.measure()

    def on_some(self, problem: Problem) -> "Landscape":
        """Return what is known, to go on with some of the rows, which have the moments of all, in place of all."""
        if "curvature" not in self.__dict__ and problem.loss.curvature is not None:
            return replace(self, measure=partial(exact.curvature, problem))
        known = self.curvature
        some = replace(known, rows=lambda: exact.curvature(problem).rows())
        return replace(self, measure=lambda: some)

    def aim(self, tol: float) -> float | None:
        """Return the objective at which a run has converged: within `tol` of the optimum, relative to the optimum
        itself or, where that is nearly zero, to a thousandth of what can be gained; None when it is unknown."""
        if self.optimum.weights is None:
            return None
        gain = max(self.baseline - self.optimum.objective, 0.0)
        near = min(gain, max(abs(self.optimum.objective), 1e-3 * gain))
        return self.optimum.objective + tol * near + 1e-13 * abs(self.baseline)

    def gap(self, objective: float) -> float | None:
        """Return the excess training loss over the optimum, as a share of what the optimum gains over the baseline.

        The one definition of the gap: (objective - optimum) / (baseline - optimum); None where the optimum is unknown.
        """
        if self.optimum.weights is None:
            return None
        return exact.gap(objective, self.optimum.objective, self.baseline)
