"""evidence: all that the checks read about one run."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from descend.arrays import Array
from descend.diagnosis.layers import Replay, replay
from descend.diagnosis.rows import positions_within
from descend.engines import State
from descend.optimum import limit, stability_limit
from descend.optimum.landscape import Landscape
from descend.options import Options, read_options
from descend.outcome import Outcome
from descend.plan import Setting
from descend.plan.order import next_batch
from descend.problem import Problem, flat, losses_and_slopes, moments, penalty, scores
from descend.problem.initialise import initial
from descend.problem.layer_stats import KINDS
from descend.table.data import Data
from descend.table.prepare import Prepared
from descend.training.trace import Trace

LEARNED = 0.5  # share of the baseline's loss that a run which learns has removed (arbitrary)
NO_GAIN = (
    1e-3  # share of the baseline's loss: tables show three digits, in which such a model equals the constant prediction
)
MIN_POSSIBLE_GAIN = (
    1e-2  # of the optimum over the baseline: where less can be learned, learning nothing is no fault (arbitrary)
)
MORE_TIME = 4.0  # times the budget that is proposed where the time was not enough (arbitrary)
SOME_ROWS = 1 << 16  # training rows from which a mean loss and its standard error are known well enough
VERY_FAR = 1e-2  # gap above which it matters (arbitrary: 1 % of what can be learned is missing)
FAR = 1e-3  # gap to the optimum above which a run is not at it: ten times the default tol, and far above rounding


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """One run, and what is known about its data and objective.

    Args:
        problem, landscape, setting: what was minimised, what was known of it, and how.
        outcome, steps, epochs: how it ended.
        weights: those that are kept (params,), or the initial ones where the run failed.
        kept_epoch: the epoch of those weights.
        guided: whether the validation loss decided when to stop and which weights are kept.
        loss: the training objective of the kept weights.
        trace: of this run alone; it may have no weights.
        state: of the run at its end; None for a run that was read from a folder.
        prepared: the table; None for arrays.
        options: the value of every option.
        restarts: final losses of the same setting from other initial weights.
        cut: whether the time, not its epochs, ended the run.
        left_out: whether there was no time for some of the variants.
        places: of training rows that stand for all of an array, where they stood in it (rows,); None where they are all.
    """

    problem: Problem
    landscape: Landscape
    setting: Setting
    outcome: Outcome
    steps: int
    epochs: int
    weights: Array
    loss: float
    trace: Trace
    kept_epoch: int = 0
    guided: bool = False
    state: State | None = None
    prepared: Prepared | None = None
    options: Options = field(default_factory=lambda: read_options({}))
    restarts: tuple[float, ...] = ()
    cut: bool = False
    left_out: bool = False
    places: Array | None = None

    @property
    def user_set(self) -> frozenset[str]:
        """The options that the user gave."""
        return self.options.user_set

    @property
    def batch_size(self) -> int:
        """Rows per step."""
        return self.setting.rows_a_step(self.problem.data.rows)

    @property
    def last_step(self) -> int:
        """The step at which the run ended, counted from 1; a step whose gradient was NaN or inf was not taken."""
        return self.steps + (self.outcome == Outcome.NONFINITE)

    @property
    def full_batch(self) -> bool:
        """Whether every step takes all rows."""
        return self.batch_size == self.problem.data.rows

    @cached_property
    def has_limit(self) -> bool:
        """Whether there is a stability limit; of a rule without one no curvature is measured, and never that of each row."""
        rule, constants = self.setting.rule, self.setting.constants
        if limit(rule, constants, 1.0) is None:
            return False
        whole = limit(rule, constants, max(self.landscape.curvature.largest, 1e-300))
        return whole is not None and math.isfinite(whole)

    @cached_property
    def limit(self) -> float | None:
        """The stability limit: the learning rate above which the rule diverges; None where it is not known."""
        if not self.has_limit:
            return None
        rows = self.problem.data.rows
        batch_size = self.batch_size if self.problem.network is None else rows
        return stability_limit(self.setting.rule, self.setting.constants, self.landscape.curvature, batch_size, rows)

    @property
    def gap(self) -> float | None:
        """The excess training loss over the optimum, see `Landscape.gap`."""
        return self.landscape.gap(self.loss)

    @property
    def unfinished(self) -> bool:
        """Whether more or better training could lower the objective: it is not at the optimum, or out of budget."""
        if self.outcome.failed:
            return True
        if self.gap is not None:
            return self.gap > FAR and self.outcome != Outcome.CONVERGED
        return self.outcome in (Outcome.BUDGET, Outcome.INTERRUPTED)

    @property
    def near_optimum(self) -> bool:
        """Whether the kept weights are at the exact optimum, within FAR."""
        return self.gap is not None and self.gap <= FAR and not self.outcome.failed

    @property
    def poor(self) -> bool:
        """Whether the run missed what it could learn: more than VERY_FAR from the optimum, or where that is not known has not learned."""
        return self.outcome.failed or (
            not self.learned if self.gap is None else self.unfinished and self.gap > VERY_FAR
        )

    @property
    def premature(self) -> bool:
        """Whether training stopped improving far from the optimum.

        Early stopping at a minimum of the validation loss is meant; where the weights that are kept are the last ones,
        no such minimum was reached.
        """
        still_falling = not self.guided or self.kept_epoch == self.epochs
        return self.outcome == Outcome.STOPPED and self.gap is not None and self.gap > FAR and still_falling

    @cached_property
    def floor(self) -> float:
        """The lowest possible mean loss of any prediction, 0 for all losses but poisson."""
        if self.problem.loss.name != "poisson":
            return 0.0
        y = self.problem.data.y.astype(np.float64)
        return mean_loss(y - y * np.log(np.maximum(y, 1e-300)), self.problem.data.sample_weight)

    @property
    def gain(self) -> float:
        """The share of the baseline's loss, above the lowest possible one, that training has removed."""
        possible = self.landscape.baseline - self.floor
        return (self.landscape.baseline - self.loss) / possible if possible > 0 and np.isfinite(self.loss) else 0.0

    @cached_property
    def train_loss(self) -> float:
        """The mean loss of the training rows under the kept weights, without penalty."""
        if moments.measures(self.problem):
            return float(moments.measured(replace(self.problem, l2=0.0, l1=0.0), self.weights[None])[0])
        if self.places is not None:  # all rows were measured when they were there
            return self.loss - float(penalty(self.problem, self.weights))
        return mean_loss(self.train_losses, self.problem.data.sample_weight)

    @cached_property
    def learned_nothing(self) -> bool:
        """Whether the model fits its own training rows no better than the constant prediction, where a better one may exist."""
        baseline, optimum = self.landscape.baseline, self.landscape.optimum
        unit = max(baseline - self.floor, 1e-300)
        possible = optimum.weights is None or baseline - optimum.objective > MIN_POSSIBLE_GAIN * unit
        return not self.outcome.failed and possible and not self.train_loss < baseline - NO_GAIN * unit

    @property
    def more_time(self) -> tuple[str, ...]:
        """The flag that gives the training more time, where it was short of it."""
        budget = self.options.time_budget
        if budget is None or not (self.cut or self.left_out):
            return ()
        return (f"--time {max(MORE_TIME * budget, 1.0):.0f}s",)

    @property
    def learned(self) -> bool:
        """Whether training has removed more than LEARNED of the baseline's objective."""
        return self.gain >= LEARNED

    @cached_property
    def largest_column(self) -> tuple[str, float]:
        """The column of the feature with the largest mean square, and its share of the sum of all."""
        squares = self.problem.data.mean_squares()
        at = int(np.argmax(squares))
        return self.column_of(at), float(squares[at] / max(squares.sum(), 1e-300))

    @cached_property
    def predictions(self) -> Array:
        """The scores of the training rows under the kept weights, before any link (rows,) or (rows, outputs)."""
        return scores(self.problem, self.weights.astype(self.problem.dtype))

    @cached_property
    def train_losses(self) -> Array:
        """The loss of each training row under the kept weights, without penalty (rows,)."""
        value = losses_and_slopes(self.problem, self.predictions, self.problem.data.y)[0]
        return np.asarray(value, np.float64)

    @cached_property
    def some_train_losses(self) -> Array:
        """The losses of at most SOME_ROWS training rows, evenly spread (rows,)."""
        data = self.problem.data
        rows = slice(None, None, -(-data.rows // SOME_ROWS))
        z = scores(self.problem, self.weights.astype(self.problem.dtype), data.X[rows])
        return np.asarray(losses_and_slopes(self.problem, z, data.y[rows])[0], np.float64)

    @cached_property
    def test_losses(self) -> Array | None:
        """The loss of each test row of the table under the kept weights (rows,); None without such rows."""
        data = None if self.prepared is None else self.prepared.test
        if data is None:
            return None
        return self._losses(self.weights, data)

    @cached_property
    def test_baseline_losses(self) -> Array | None:
        """The loss of each test row under the best constant prediction of the training rows (rows,)."""
        data = None if self.prepared is None else self.prepared.test
        if data is None:
            return None
        if self.problem.network is not None:
            return self._losses(self.landscape.baseline_weights, data)
        bias = self.problem.split(self.landscape.baseline_weights.astype(self.problem.dtype))[1]
        z = flat(self.problem, np.repeat(bias[None], data.rows, axis=0))  # whatever the features are
        return np.asarray(losses_and_slopes(self.problem, z, data.y)[0], np.float64)

    def _losses(self, weights: Array, data: Data) -> Array:
        z = scores(self.problem, weights.astype(self.problem.dtype), data.X)
        return np.asarray(losses_and_slopes(self.problem, z, data.y)[0], np.float64)

    @property
    def test_weight(self) -> Array | None:
        """The weights of the test rows (rows,), as those of the training rows count in the loss; or None."""
        if self.prepared is None or self.prepared.test is None:
            return None
        return self.prepared.as_trained(self.prepared.test).sample_weight

    @cached_property
    def residuals(self) -> Array:
        """The negative slope of the loss in the scores of the training rows (rows,) or (rows, outputs).

        For squared loss, twice target minus prediction; for classes, outcome minus probability. At the exact optimum
        of a linear model where it is known, else at the kept weights.
        """
        return self.residuals_of(slice(None))

    def residuals_of(self, rows: slice) -> Array:
        """Return the residuals of some training rows."""
        optimum = None if self.problem.network is not None else self.landscape.optimum.weights
        weights, data = self.weights if optimum is None else optimum, self.problem.data
        z = scores(self.problem, weights.astype(self.problem.dtype), data.X[rows])
        return -np.asarray(losses_and_slopes(self.problem, z, data.y[rows])[1], np.float64)

    @property
    def losses(self) -> Array:
        """The objective at the record points (points,)."""
        return np.asarray(self.trace.loss[0], np.float64)

    def layer_stat(self, kind: str) -> Array:
        """Return one of `layer_stats.KINDS` at the record points after the first step (points, layers), output last."""
        return np.asarray(self.trace.layer_stats[0, 1:, :, KINDS.index(kind)], np.float64)

    @cached_property
    def start(self) -> Replay | None:
        """The first batch of a network, replayed at the initial weights."""
        if self.problem.network is None:
            return None
        weights = initial(self.problem.network, self.setting.init, self.setting.seed).astype(self.problem.dtype)
        return replay(self.problem, weights, self.batch_after(0))

    def batch_after(self, seen: int) -> Array:
        """Return the indices of the training rows in the batch that follows after `seen` rows."""
        data = self.problem.data
        return next_batch(data.rows, self.batch_size, self.setting.seed, seen, "auto", data.row_bytes)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each feature."""
        return self.problem.data.names or tuple(f"column {j + 1}" for j in range(self.problem.data.features))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The column of the table from which each feature is made; the feature's own name for arrays."""
        if self.prepared is None:
            return self.names
        return tuple(f.column for f in self.prepared.schema.features for _ in f.names)

    def column_of(self, feature: int) -> str:
        """Return the column of the table from which a feature is made."""
        return self.columns[feature]

    @cached_property
    def table_rows(self) -> Array | None:
        """The row of the table of each training row, counted from 0 (rows,); None for arrays."""
        if self.prepared is None:
            return None
        rows, data = self.prepared.rows[0], self.problem.data
        if len(rows) == data.rows:
            return rows
        positions = positions_within(data, self.prepared.train)
        return None if positions is None else rows[positions]

    def row_numbers(self, rows: Array) -> Array:
        """Return the rows of the file, counted from 1 below the header, of these training rows; of the array for arrays."""
        if self.prepared is None or self.table_rows is None:
            return (rows if self.places is None else self.places[rows]) + 1
        return self.prepared.numbers_of(self.table_rows[rows])


def mean_loss(losses: Array, weight: Array | None) -> float:
    """Return the weighted mean of losses (rows,), or of those of several targets (rows, targets)."""
    each = losses.mean(axis=1) if losses.ndim == 2 else losses
    return float(np.average(each, weights=weight))
