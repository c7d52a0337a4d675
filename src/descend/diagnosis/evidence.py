"""evidence: all that the checks read about one run."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from descend.arrays import Array
from descend.diagnosis.layers import Replay, replay
from descend.engines import State
from descend.optimum import stability_limit
from descend.optimum.landscape import Landscape
from descend.outcome import Outcome
from descend.plan import Setting
from descend.plan.order import next_batch
from descend.problem import Problem, losses_and_slopes, scores
from descend.problem.initialise import initial
from descend.sparse import column_squares
from descend.table.prepare import Prepared
from descend.training.trace import Trace

LEARNED = 0.5  # of the baseline's loss: a run that has removed more is learning
UNFINISHED = 1e-3  # a gap to the optimum, as a part of the way from the baseline, that is more than rounding


@dataclass(frozen=True, eq=False)
class Evidence:
    """One run, and what is known beside it.

    Args:
        problem, landscape, setting: what was minimised, what was known of it, and how.
        outcome, steps, epochs: how it ended.
        weights: those that are kept (params,), or those of the start where none are.
        loss, held_out: their training objective, and their loss on the data that were watched.
        trace: of this run alone; its weights may be missing.
        state: where the run stood at its end; None of a run that was read from a folder.
        prepared: the table; None for arrays.
        user_set: the options that the user gave.
        restarts: the final losses of the same setting from other seeds.
    """

    problem: Problem
    landscape: Landscape
    setting: Setting
    outcome: Outcome
    steps: int
    epochs: int
    weights: Array
    loss: float
    held_out: float
    trace: Trace
    state: State | None = None
    prepared: Prepared | None = None
    user_set: frozenset[str] = frozenset()
    restarts: tuple[float, ...] = ()

    @property
    def batch(self) -> int:
        """Rows a step."""
        return self.setting.rows_a_step(self.problem.data.rows)

    @property
    def ended(self) -> int:
        """The step at which the run ended, counted from 1: one whose gradient was not finite was not taken."""
        return self.steps + (self.outcome == Outcome.NONFINITE)

    @property
    def full(self) -> bool:
        """Whether every step takes all rows."""
        return self.batch == self.problem.data.rows

    @cached_property
    def limit(self) -> float | None:
        """The rate above which the rule diverges, or None."""
        batch = self.batch if self.problem.network is None else self.problem.data.rows
        return stability_limit(
            self.setting.rule, self.setting.constants, self.landscape.curvature, batch, self.problem.data.rows
        )

    @property
    def gap(self) -> float | None:
        """What is missing to the optimum, as a part of the way from the baseline."""
        return self.landscape.gap(self.loss)

    @property
    def unfinished(self) -> bool:
        """Whether more or better training could lower the objective: not at the optimum, or out of budget."""
        if self.outcome.failed:
            return True
        if self.gap is not None:
            return self.gap > UNFINISHED and self.outcome != Outcome.CONVERGED
        return self.outcome in (Outcome.BUDGET, Outcome.INTERRUPTED)

    @property
    def gained(self) -> float:
        """The part of the baseline's objective that training has removed."""
        baseline = self.landscape.baseline
        return (baseline - self.loss) / baseline if baseline > 0 and np.isfinite(self.loss) else 0.0

    @property
    def learned(self) -> bool:
        """Whether training has removed a good part of the baseline's objective."""
        return self.gained >= LEARNED

    @cached_property
    def largest(self) -> tuple[str, float]:
        """The feature with the largest mean square, and its share of the sum of all."""
        squares = column_squares(self.problem.data.X)
        at = int(np.argmax(squares))
        return self.names[at], float(squares[at] / max(squares.sum(), 1e-300))

    @cached_property
    def predictions(self) -> Array:
        """What the kept weights predict for the training rows, before any link (rows,) or (rows, outputs)."""
        return scores(self.problem, self.weights.astype(self.problem.dtype))

    @cached_property
    def own_losses(self) -> Array:
        """The loss of each training row at the kept weights, without penalty (rows,)."""
        value = losses_and_slopes(self.problem, self.predictions, self.problem.data.y)[0]
        return np.asarray(value, np.float64)

    @cached_property
    def held_out_losses(self) -> Array | None:
        """The same of the held-out rows of the table, or None."""
        data = None if self.prepared is None else self.prepared.test
        if data is None:
            return None
        z = scores(self.problem, self.weights.astype(self.problem.dtype), data.X)
        return np.asarray(losses_and_slopes(self.problem, z, data.y)[0], np.float64)

    @property
    def losses(self) -> Array:
        """The objective at the record points (points,)."""
        return np.asarray(self.trace.loss[0], np.float64)

    @property
    def layer_stats(self) -> Array:
        """What layers showed at the record points (points, layers, kinds), without the point before the first step."""
        return np.asarray(self.trace.layer_stats[0, 1:], np.float64)

    @cached_property
    def start(self) -> Replay | None:
        """What a network showed in its first batch."""
        if self.problem.network is None:
            return None
        weights = initial(self.problem.network, self.setting.init, self.setting.seed).astype(self.problem.dtype)
        return replay(self.problem, weights, self.rows_of(0))

    def rows_of(self, seen: int) -> Array:
        """The rows of the batch that follows after so many rows were seen."""
        data = self.problem.data
        return next_batch(data.rows, self.batch, self.setting.seed, seen, "auto", data.row_bytes)

    @property
    def names(self) -> tuple[str, ...]:
        """A name a feature."""
        given = self.problem.data.names
        return given or tuple(f"column {j + 1}" for j in range(self.problem.data.features))
