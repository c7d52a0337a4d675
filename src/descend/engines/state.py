"""State: where every run of a plan stands between two calls of an engine."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.errors import UsageError
from descend.outcome import Outcome
from descend.plan import Plan
from descend.problem import Problem
from descend.problem.initialise import initial


@dataclass(frozen=True, eq=False)
class State:
    """All that a run needs in order to go on exactly where it was.

    Args:
        weights: (runs, params).
        memory: the rules' memories (runs, slots, params); a rule uses the first of them.
        steps: steps taken (runs,); the next step has t = steps + 1.
        seen: rows visited since the start (runs,); an epoch is `rows` of them.
        outcome: Outcome (runs,); only RUNNING runs are trained.
    """

    weights: Array
    memory: Array
    steps: Array
    seen: Array
    outcome: Array

    def copy(self) -> "State":
        """Return a state that shares nothing with this one."""
        return State(*(getattr(self, name).copy() for name in self.__dataclass_fields__))

    def take(self, runs: list[int]) -> "State":
        """Return the state of these runs alone."""
        return State(*(getattr(self, name)[runs] for name in self.__dataclass_fields__))

    def beside(self, other: "State") -> "State":
        """Return the runs of both states; a rule of fewer memories leaves the last of them unused."""
        slots = max(self.memory.shape[1], other.memory.shape[1])
        padded = [np.pad(s.memory, ((0, 0), (0, slots - s.memory.shape[1]), (0, 0))) for s in (self, other)]
        joined = {
            n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in ("weights", "steps", "seen", "outcome")
        }
        return State(memory=np.concatenate(padded), **joined)


def start(problem: Problem, plan: Plan) -> State:
    """Return the state before the first step: the plan's start weights and the rules' start memories.

    Raises UsageError when a start weight of a network is not finite; a linear run ends at its first step instead.
    """
    runs, params, dtype = len(plan), problem.params, problem.dtype
    weights = np.zeros((runs, params), dtype)
    if plan.start is not None:
        if problem.network is not None and not np.isfinite(plan.start).all():
            raise UsageError(
                f"the start has {int((~np.isfinite(plan.start)).sum())} weights that are not finite",
                fix="start from finite weights", code="bad-start",
            )  # fmt: skip
        weights[:] = plan.start
    elif problem.network is not None:
        for r, s in enumerate(plan.settings):
            weights[r] = initial(problem.network, s.init, s.seed)
    memory = np.zeros((runs, max(len(s.rule.memory) for s in plan.settings), params), dtype)
    for r, s in enumerate(plan.settings):
        memory[r, : len(s.rule.memory)] = np.array(list(s.rule.memory.values()))[:, None]
    counters = np.zeros(runs, np.int64)
    return State(weights, memory, counters, counters.copy(), np.full(runs, Outcome.RUNNING, np.int64))
