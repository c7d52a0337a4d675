"""Steps too small for the dtype: a weight that moves by less than half its last digit does not move at all."""

from dataclasses import dataclass

import numpy as np

from descend.engines import State
from descend.engines.plain import prepare, rule_step
from descend.plan import Setting
from descend.plan.order import next_batch
from descend.problem import Problem, gradient


@dataclass(frozen=True)
class Stagnation:
    """How many weights a further step would leave where they are.

    Args:
        lost: weights whose step is not zero but rounds away.
        moving: weights whose step is not zero.
        step: the median size of the steps that round away.
        place: the median of half a unit in the last place of their weights.
    """

    lost: int
    moving: int
    step: float
    place: float

    @property
    def stuck(self) -> bool:
        """True when most of the weights that should move do not."""
        return 2 * self.lost > self.moving


def stagnation(problem: Problem, setting: Setting, state: State) -> Stagnation:
    """Return what the next step would change, computed in float64.

    Args:
        state: where the run stands, of one run alone; not the weights that are kept.
    """
    w, data = state.weights[0], problem.data
    batch = setting.rows_a_step(data.rows)
    rows = next_batch(data.rows, batch, setting.seed, int(state.seen[0]), "auto", data.row_bytes)
    with np.errstate(all="ignore"):
        _, g = gradient(problem, w, rows)
        g = prepare(problem, setting, w, g).astype(np.float64)
        memory = state.memory[0, : len(setting.rule.memory)].astype(np.float64)
        step = np.abs(rule_step(setting, g, memory, int(state.steps[0]) + 1)[0])
    place = np.spacing(np.abs(w)).astype(np.float64) / 2
    moving = step > 0
    lost = moving & (step < place)
    return Stagnation(
        int(lost.sum()), int(moving.sum()), float(np.median(step[lost])) if lost.any() else 0.0,
        float(np.median(place[lost])) if lost.any() else 0.0,
    )  # fmt: skip
