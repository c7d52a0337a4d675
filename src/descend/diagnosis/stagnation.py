"""stagnation: steps too small for the dtype; adding less than half a unit in the last place leaves a weight unchanged."""

from dataclasses import dataclass

import numpy as np

from descend.engines import State
from descend.engines.plain import prepare, rule_step
from descend.plan import Setting
from descend.plan.order import next_batch
from descend.problem import Problem, gradient

MOST_GRADIENT = 0.5  # share of the squared gradient: the larger part of what could be gained (arbitrary)


@dataclass(frozen=True, kw_only=True)
class Stagnation:
    """How many weights the next step would leave unchanged.

    Args:
        lost: number of weights whose step is not zero but rounds to no change.
        moving: number of weights whose step is not zero.
        gradient_share: share of the squared gradient in the weights whose step is lost.
        step: median size of the steps that are lost.
        half_ulp: median of half a unit in the last place of their weights.
    """

    lost: int
    moving: int
    gradient_share: float
    step: float
    half_ulp: float

    @property
    def stuck(self) -> bool:
        """Whether the weights that do not change have most of the gradient; one of them is enough."""
        return self.gradient_share > MOST_GRADIENT


def stagnation(problem: Problem, setting: Setting, state: State) -> Stagnation:
    """Return what the next step would change, computed in float64.

    Args:
        state: of one run, at its end; not the weights that are kept.
    """
    w, data = state.weights[0], problem.data
    batch_size = setting.rows_a_step(data.rows)
    rows = next_batch(data.rows, batch_size, setting.seed, int(state.seen[0]), "auto", data.row_bytes)
    with np.errstate(all="ignore"):
        _, g = gradient(problem, w, rows)
        g = prepare(problem, setting, w, g).astype(np.float64)
        memory = state.memory[0, : len(setting.rule.memory)].astype(np.float64)
        step = np.abs(rule_step(setting, g, memory, int(state.steps[0]) + 1)[0])
    half_ulp = np.spacing(np.abs(w)).astype(np.float64) / 2
    moving = step > 0
    lost = moving & (step < half_ulp)
    total, any_lost = float(np.square(g).sum()), bool(lost.any())
    return Stagnation(
        lost=int(lost.sum()),
        moving=int(moving.sum()),
        gradient_share=float(np.square(g[lost]).sum()) / total if total > 0 else 0.0,
        step=float(np.median(step[lost])) if any_lost else 0.0,
        half_ulp=float(np.median(half_ulp[lost])) if any_lost else 0.0,
    )
