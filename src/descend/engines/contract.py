"""contract: what every engine does. `plain` defines it, the others agree with it."""

from typing import Protocol

from descend.arrays import Array
from descend.engines.state import State
from descend.plan import Plan
from descend.problem import Problem


class Advance(Protocol):
    """Trains the runs of a plan, from a state to record points."""

    def __call__(
        self, problem: Problem, plan: Plan, state: State, record_points: Array, threads: int = 1, layer_stats: Array | None = None
    ) -> tuple[State, Array]:  # fmt: skip
        """Train every running run until it has seen record_points[-1] rows.

        Returns the new state, and the weights (runs, points, params) as they were at each record point.

        Args:
            problem: what is minimised.
            plan: how each run trains.
            state: where the runs stand; it is not changed.
            record_points: rows seen at which to record the weights, increasing, int64 (points,); a step never crosses
                one of them.
            threads: threads at most.
            layer_stats: for a network, filled with what the last step before each point shows of each layer, (runs,
                points, layers, kinds) as `layer_stats.KINDS` says; NaN where there was no step.
        """


class Measure(Protocol):
    """Measures weights."""

    def __call__(self, weights: Array) -> Array:
        """Return one value a run, float64 (runs,), of weights (runs, params)."""
