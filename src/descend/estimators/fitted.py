"""fitted: what a fit leaves for prediction and for further training, and the one further epoch of a stream."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines import State, choose, start
from descend.errors import DivergenceError, UsageError
from descend.losses import Loss
from descend.options import Options
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.problem.build import build_problem
from descend.problem.network import Network
from descend.search.candidates import batch_size, candidates
from descend.search.result import SearchResult
from descend.table.data import Data
from descend.table.moments import Gram
from descend.table.scale import Scale, fit_scale, scaled_data

FAR = 10.0  # spreads by which the rows of a chunk differ from those that the scale was fitted on (arbitrary)


@dataclass(frozen=True, eq=False)
class Model:
    """What is decided before training starts, and holds as long as the estimator is not fitted anew.

    Args:
        loss, constants: the loss of one prediction.
        outputs: columns of the prediction.
        columns: of a target of two dimensions; 0 for one dimension.
        options: every option, as it was when the fit began.
        intercept: whether a linear model has biases.
        scale: of features and target.
        unit: the example weight that counts as 1.
        dtype: of the training data.
    """

    loss: Loss
    constants: dict[str, float]
    outputs: int
    columns: int
    options: Options
    intercept: bool
    scale: Scale
    unit: float
    dtype: np.dtype[Any]

    @classmethod
    def of(
        cls, X: Any, y: Array, weight: Array | None, *, loss: Loss, constants: dict[str, float], outputs: int,
        columns: int, options: Options, intercept: bool,
    ) -> tuple["Model", Data]:  # fmt: skip
        """Return the model of training rows, whose scale and mean weight it keeps, and these rows as training reads them."""
        scale, gram = fit_scale(
            X, y, weight, scale=options.scale, target=loss.scales_target, intercept=intercept,
            threads=options.threads or 1,
        )  # fmt: skip
        exponent = 0 if weight is None else int(np.frexp(weight.max())[1])
        unit = 1.0 if weight is None else float(np.ldexp(np.ldexp(weight, -exponent).mean(), exponent))
        model = cls(loss, constants, outputs, columns, options, intercept, scale, unit, X.dtype)
        return model, model.data(X, y, weight, gram)

    def describe(self, network: Network | None) -> str:
        """Return the shape of the model in words."""
        hidden = (
            "no hidden layers" if network is None else f"hidden layers of {', '.join(map(str, network.sizes[1:-1]))}"
        )
        return f"a model of {len(self.scale.center)} features, {self.outputs} outputs and {hidden}"

    def data(self, X: Any, y: Array, weight: Array | None, gram: Gram | None = None) -> Data:
        """Return rows as training reads them; weights are absolute, and count in units of `unit`.

        Args:
            gram: the moments of the scaled rows, where they are known.
        """
        if weight is None and self.unit != 1.0:
            weight = np.ones(X.shape[0])
        return scaled_data(
            self.scale, X, y, weight, target=self.loss.scales_target, dtype=self.dtype, unit=self.unit, gram=gram,
            threads=self.options.threads or 1,
        )  # fmt: skip

    def problem(self, data: Data) -> Problem:
        """Return the problem of these rows."""
        return build_problem(data, self.loss, self.constants, self.outputs, self.options, intercept=self.intercept)


@dataclass(frozen=True, eq=False, kw_only=True)
class Fitted:
    """A trained model, and where its training stands.

    Args:
        model: what was decided before.
        network: its shape; None for a linear model.
        weights: those that are kept, in scaled units (params,).
        setting: rule, rate and order of the rows.
        state: of the one run, at its last epoch.
        epochs: trained so far.
        rows: that the last epoch went over.
    """

    model: Model
    network: Network | None
    weights: Array
    setting: Setting
    state: State
    epochs: int
    rows: int

    @property
    def linear(self) -> tuple[Array, Array]:
        """The weights (features, outputs) and biases (outputs,) of a linear model, in scaled units, float64."""
        weights, outputs = self.weights.astype(np.float64), self.model.outputs
        cut = len(self.model.scale.center) * outputs
        return weights[:cut].reshape(-1, outputs), weights[cut:] if self.model.intercept else np.zeros(outputs)

    @classmethod
    def of_search(cls, model: Model, result: SearchResult) -> "Fitted":
        """Return the best run of a search.

        Where validation rows decided which weights are kept, training goes on from those; else from the last ones, as if
        the fit had not ended. A plateau may have lowered the rate.
        """
        fit, best = result.fit, result.best
        setting, lr = fit.plan.settings[best], fit.trace.until(best, int(fit.epochs[best])).lr[0, -1]
        if setting.schedule == "plateau" and np.isfinite(lr):
            setting = setting.at(lr=float(lr))
        state = fit.state.take([best])
        if fit.guided:
            state = replace(state, weights=fit.weights[[best]].copy())
        return cls(
            model=model, network=fit.problem.network, weights=fit.weights[best].copy(), setting=setting,
            state=state, epochs=int(fit.epochs[best]), rows=fit.problem.data.rows,
        )  # fmt: skip

    @classmethod
    def at_start(cls, model: Model, problem: Problem) -> "Fitted":
        """Return a model that is not trained yet: adam at its usual rate, where nothing else is asked for.

        Raises UsageError for what a stream cannot choose or wait for.
        """
        options = model.options
        _check_stream(options)
        if options.optimizer == "auto":
            options = options.replace(optimizer="adam")
        lr = (0.01 if problem.network is None else 0.001) if isinstance(options.lr, str) else options.lr
        setting = candidates(problem, options)[0].at(lr=lr)
        state = start(problem, Plan((setting,)))
        weights = state.weights[0].copy()
        return cls(
            model=model,
            network=problem.network,
            weights=weights,
            setting=setting,
            state=state,
            epochs=0,
            rows=problem.data.rows,
        )

    def after_an_epoch(self, data: Data) -> tuple["Fitted", float, float]:
        """Return the model after one more epoch, on these rows, and their objective before and after it.

        Of the weights so far and those after the epoch, the ones with the lower objective on these rows are kept: on the
        same rows that is what a fit keeps. The state moves on in any case.

        Raises DivergenceError when a loss, gradient or weight left the finite range.
        """
        problem = self.model.problem(data)
        setting = replace(
            self.setting, batch_size=batch_size(problem, self.setting.label, self.model.options.batch_size)
        )
        plan, rows = Plan((setting,)), data.rows
        engine = choose(problem, plan)
        begin = replace(self.state, seen=np.array([self.epochs * rows]), outcome=np.full(1, Outcome.RUNNING, np.int64))
        state, _ = engine.advance(problem, plan, begin, np.array([(self.epochs + 1) * rows]))
        if state.outcome[0] != Outcome.RUNNING:
            raise self._diverged(data, int(state.steps[0]))
        before, after = (float(engine.objectives(w[None])[0]) for w in (self.weights, state.weights[0]))
        better = after < before or not np.isfinite(before)
        weights = state.weights[0].copy() if better else self.weights
        after_it = replace(self, weights=weights, setting=setting, state=state, epochs=self.epochs + 1, rows=rows)
        return after_it, before, after

    def far_column(self, data: Data) -> tuple[int, float] | None:
        """Return the column whose scaled values are farthest from those of the first rows, and their root mean square.

        None where no column is as far as `FAR`, or where nothing is scaled.
        """
        if not self.model.options.scale:
            return None
        with np.errstate(over="ignore"):
            sizes = np.sqrt(data.mean_squares())
        at = int(np.argmax(sizes))
        return (at, float(sizes[at])) if sizes[at] > FAR else None

    def first_rows_differ(self, data: Data) -> str | None:
        """Return in words how these rows differ from those that the scale was fitted on, or None."""
        far, scale = self.far_column(data), self.model.scale
        if far is None:
            return None
        at, size = far
        return (
            f"the first chunk, on which the scale is fitted, is unlike this one: column {at + 1} had centre "
            f"{scale.center[at]:.4g} and spread {scale.width[at]:.4g} there, and lies {size:,.0f} spreads away here"
        )

    def _diverged(self, data: Data, step: int) -> DivergenceError:
        first = self.first_rows_differ(data)
        what = f"a loss, gradient or weight is NaN or inf at step {step + 1}"
        if first is None:
            return DivergenceError(what, fix="use a smaller lr", code="D103")
        fix = "shuffle the rows, so that the first chunk is like the rest, or scale the columns beforehand"
        return DivergenceError(f"{what}; {first}", fix=fix, code="D103")


def _check_stream(options: Options) -> None:
    """Raise UsageError for options that compare runs, or epochs on the same rows, which a stream does not have."""
    if isinstance(options.optimizer, str) and "," in options.optimizer:
        raise UsageError(
            f"optimizer is {options.optimizer!r}, but partial_fit trains one optimizer",
            fix="name one, such as 'adam', or call fit first", code="stream",
        )  # fmt: skip
    if options.schedule in ("plateau", "auto"):
        raise UsageError(
            f"schedule is {options.schedule!r}, which compares losses on the same rows, and chunks differ",
            fix="use another schedule, such as 'inverse_scaling', or call fit first", code="stream",
        )  # fmt: skip
