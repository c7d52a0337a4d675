"""base: what both estimators share: their parameters, fit, partial_fit, and the scores behind predictions."""

import html
import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, estimator_html_repr
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.diagnosis.evidence import FAR
from descend.diagnosis.finding import Finding
from descend.diagnosis.verdict import Verdict
from descend.engines import State
from descend.errors import DivergenceError, UsageError
from descend.estimators.callbacks import CallbackSupportMixin, FitTasks, with_callbacks
from descend.estimators.fitted import Fitted, Model
from descend.estimators.insights import Insights
from descend.estimators.verbosity import LOGGER, progress_log, speaking
from descend.losses import LOSSES, Loss
from descend.optimum.landscape import Landscape
from descend.options import Options, read_options
from descend.options.flags import in_keywords
from descend.options.readers import Read, number, refuse, switch
from descend.outcome import Outcome
from descend.problem.build import initial_weights
from descend.problem.network import scores
from descend.search.result import SearchResult
from descend.search.search import search
from descend.sparse import is_sparse
from descend.table.data import Data
from descend.table.scaled_rows import LARGE_CELLS
from descend.table.split import split
from descend.table.target import check_labels
from descend.table.target_loss import loss_with_constants
from descend.training.trace import record_points

THREADED_CELLS = 1 << 20  # of features, above which threads save more than they cost: a few milliseconds (arbitrary)
FEWEST_TO_SPLIT = 20  # rows of which a tenth may be validation rows (arbitrary)
OPTIONS_OF_PARAMETERS = (
    "optimizer", "lr", "batch_size", "momentum", "betas", "eps", "l2", "l1", "scale", "clip", "max_epochs", "tol",
    "patience", "time_budget", "hidden_layer_sizes", "activation", "init", "batch_norm", "dropout", "restarts",
)  # fmt: skip


def _early_stopping(name: str, given: Any) -> Any:
    if isinstance(given, str) and given != "auto":
        raise refuse(name, given, "'auto', True or False", "try 'auto'")
    return given if isinstance(given, str) else switch(name, given)


def _verbosity(name: str, given: Any) -> Any:
    return number(0, 1e9, "0, 1 or 2", "try 1")(name, int(given) if isinstance(given, bool) else given)


# Parameters that are no options of `train`, with their readers.
OWN_PARAMETERS: dict[str, Read] = {
    "fit_intercept": switch, "warm_start": switch, "early_stopping": _early_stopping, "verbose": _verbosity,
    "validation_fraction": number(0, 1, "a number above 0 and below 1", "try 0.1", open_low=True, open_high=True),
}  # fmt: skip
PRIVATE = ("_fitted", "_insights", "_class_weights", "_target_columns", "_warned")  # what a fit sets


class Descent(CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators share; a subclass says which losses it takes and how it reads y."""

    def __init__(  # type: ignore[no-untyped-def]
        self, *, hidden_layer_sizes=(), activation="relu", init="auto", batch_norm=False, dropout=0.0, restarts=1,
        loss="auto", optimizer="auto", lr="auto", batch_size="auto", momentum=0.9, betas=(0.9, 0.999), eps=1e-8,
        l2=1e-4, l1=0.0, scale=True, fit_intercept=True, schedule=None, clip=None, max_epochs=1000, tol=1e-4,
        patience=10, time_budget=None, validation_fraction=0.1, early_stopping="auto", averaging=False,
        warm_start=False, class_weight=None, random_state=None, verbose=0,
    ) -> None:  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.init = init
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.restarts = restarts
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.batch_size = batch_size
        self.momentum = momentum
        self.betas = betas
        self.eps = eps
        self.l2 = l2
        self.l1 = l1
        self.scale = scale
        self.fit_intercept = fit_intercept
        self.schedule = schedule
        self.clip = clip
        self.max_epochs = max_epochs
        self.tol = tol
        self.patience = patience
        self.time_budget = time_budget
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.averaging = averaging
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (rows, features) and y (rows,), with example weights (rows,).

        Raises UsageError for a bad parameter and DivergenceError when training left the finite range. A training
        that ends before it converged, or far from a known optimum, warns with ConvergenceWarning.
        """
        with in_keywords(), one_blas_thread(), speaking(self.verbose):
            return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one more epoch on these rows, going on from `fit` or from the last call.

        Without a fit before, the first call decides the scale and the unit of the weights, and trains adam at its usual
        rate where optimizer and lr are "auto". Raises UsageError and DivergenceError as `fit` does.
        """
        with in_keywords(), one_blas_thread(), speaking(self.verbose):
            return self._partial_fit(X, y, sample_weight)

    def _fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        before = self.__dict__.get("_fitted") if self.warm_start else None
        self._forget()
        tasks = FitTasks(self, X, y, sample_weight)
        options = self._options()
        X, y, weight = self._read(X, y, sample_weight, options)
        y = np.array(y)  # of the caller's own nothing is kept, which could change before `findings_` are read
        train, held = self._split(X, y, options)
        options = options.replace(threads=_threads(X))
        of_train, of_held = (
            (_taken(X, rows), _taken(y, rows), None if weight is None else _taken(weight, rows))
            for rows in (train, held)
        )
        model, data = self._model(*of_train, options)
        problem = model.problem(data)
        validation = model.data(*of_held) if len(held) else None
        landscape = Landscape.of(problem, initial_weights(problem, options), options.threads or 1)
        start = None if before is None else _warm_start(before, model, problem.network)
        on_event = tasks.listener(progress_log(self.verbose))
        result = search(problem, validation, options, landscape, on_event=on_event, start=start, quick=True)
        insights = Insights(result, options)
        self._report(result, insights)
        self._keep(Fitted.of_search(model, result))
        self._describe(result, validation)
        if data.cells > LARGE_CELLS:
            insights.let_go()
        self._insights = insights
        tasks.end()
        return self

    def _report(self, result: SearchResult, insights: Insights) -> None:
        """Raise DivergenceError where a search failed, and warn where it ended early."""
        outcome, gap = result.fit.outcomes[result.best], insights.gap
        if self.verbose:
            self._log(insights.verdict.text)
        if outcome.failed:
            cause = insights.findings[0]
            raise DivergenceError(insights.verdict.text, fix=" or ".join(cause.fix), code=cause.code)
        far = gap is not None and gap > FAR and not result.fit.guided
        far = far and outcome == Outcome.STOPPED and insights.verdict.status != "separable"
        if outcome == Outcome.BUDGET or far:
            slow = insights.slowness if outcome == Outcome.BUDGET else None
            text = insights.verdict.text if slow is None else f"{slow.code} {slow.text}"
            warnings.warn(text, ConvergenceWarning, stacklevel=4)

    def _describe(self, result: SearchResult, validation: Data | None) -> None:
        fit, best = result.fit, result.best
        trace = fit.trace.until(best, int(fit.epochs[best]))
        self.history_ = [
            {"epoch": int(e), "loss": float(a), "val": float(b)}
            for e, a, b in zip(trace.epochs[0], trace.loss[0], trace.held_out[0], strict=True)
        ]
        self.loss_curve_ = [point["loss"] for point in self.history_]
        self.val_curve_ = None if validation is None else [point["val"] for point in self.history_]

    def _html_repr(self) -> str:
        """The diagram of scikit-learn, and below it how the fit ended; static, and with nothing from elsewhere."""
        diagram: str = estimator_html_repr(self)
        insights: Insights | None = self.__dict__.get("_insights")
        if insights is None:
            return diagram
        lines = [insights.verdict.text, *(f"{f.code} {f.text}" for f in insights.findings)]
        return diagram + "".join(f"<p>{html.escape(line)}</p>" for line in lines)

    @property
    def verdict_(self) -> Verdict:
        """How the fit ended."""
        return self._known.verdict

    @property
    def findings_(self) -> tuple[Finding, ...]:
        """What was found about the fit, the most severe first."""
        return self._known.findings

    @property
    def gap_(self) -> float | None:
        """The excess training loss over the optimum; None where that is unknown."""
        return self._known.gap

    @property
    def curvature_(self) -> float:
        """The largest curvature of the objective."""
        return self._known.curvature

    @property
    def stability_limit_(self) -> float | None:
        """The learning rate above which the rule diverges; None where it is not known."""
        return self._known.stability_limit

    @property
    def why_(self) -> dict[str, dict[str, Any]]:
        """For each value that was chosen: how it was found, and the evidence."""
        return self._known.why

    @property
    def _known(self) -> Insights:
        """What is known about the last fit; nothing before it, and nothing of rows that came after it."""
        insights: Insights | None = self.__dict__.get("_insights")
        if insights is None:
            raise AttributeError(f"{type(self).__name__} knows this of a fit alone, until partial_fit moves on")
        return insights

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Array | None = None) -> Self:
        before: Fitted | None = self.__dict__.get("_fitted")
        if before is None:
            self._forget()
        options = self._options() if before is None else before.model.options
        X, y, weight = self._read(X, y, sample_weight, options, classes)
        if before is None:
            model, data = self._model(X, y, weight, options)
            before = Fitted.at_start(model, model.problem(data))
        else:
            data = self._data_like(before.model, X, y, weight)
        for kind, text in self._remarks(before, data).items():
            if kind not in (warned := self.__dict__.setdefault("_warned", set())):
                warned.add(kind)
                warnings.warn(text, UserWarning, stacklevel=3)
        after, loss_before, loss = before.after_an_epoch(data)
        self._keep(after)
        for name in ("_insights", "val_curve_"):
            self.__dict__.pop(name, None)  # of the fit, and not of the rows that came after it
        self._append(after.epochs, loss_before, loss)
        self._log(f"epoch {after.epochs:,}: loss {loss:.6g} on {data.rows:,} rows")
        return self

    def _append(self, epoch: int, loss_before: float, loss: float) -> None:
        """Record the loss of an epoch, thinned as a fit records its own."""
        history = self.__dict__.get("history_", [{"epoch": 0, "loss": loss_before, "val": float("nan")}])
        points = {0, *record_points(0, epoch).tolist()}
        history = [point for point in history if point["epoch"] in points]
        self.history_ = [*history, {"epoch": epoch, "loss": loss, "val": float("nan")}]
        self.loss_curve_ = [point["loss"] for point in self.history_]

    def _remarks(self, before: Fitted, data: Data) -> dict[str, str]:
        """Return what is worth a warning, once a stream, about the rows of a chunk: kind to text."""
        differs = before.first_rows_differ(data)
        advice = "shuffle the rows, so that the first chunk is like the rest, or scale the columns beforehand"
        return {} if differs is None else {"scale": f"{differs}; {advice}"}

    def _log(self, text: str) -> None:
        if self.verbose:
            LOGGER.info("%s", text)

    def _forget(self) -> None:
        """Drop everything that an earlier fit left."""
        for name in [n for n in vars(self) if n in PRIVATE or (n.endswith("_") and not n.startswith("_"))]:
            delattr(self, name)

    def _read(
        self, X: Any, y: Any, sample_weight: Any, options: Options, classes: Array | None = None
    ) -> tuple[Any, Array, Array | None]:
        """Check the data and return the rows whose weight is above 0: the others are absent.

        Args:
            classes: all labels, where they are given.
        """
        self._check_shape(X, options)
        if self._classifies and y is not None:
            check_labels(y)
        X, y = validate_data(
            self, X, y, reset="_fitted" not in vars(self), dtype=[np.float64, np.float32], order="C",
            y_numeric=not self._classifies, accept_sparse="csr", multi_output=not self._classifies,
        )  # fmt: skip
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        if weight is not None:
            X, y, weight = _present(X, y, weight, "sample_weight")
        y, by_class = self._read_target(y, weight, classes)
        if by_class is not None:
            X, y, weight = _present(
                X, y, by_class if weight is None else weight * by_class, "sample_weight times class_weight"
            )
        loss = self._loss()[0]
        if not np.asarray(loss.allows(y)).all():
            raise ValueError(f"y holds values that the loss {loss.name} does not allow, it takes {loss.allowed}")
        return X, y, weight

    def _check_shape(self, X: Any, options: Options) -> None:
        """Raise UsageError for what this version cannot train."""
        if self.averaging is not False:
            raise UsageError(
                f"averaging is {self.averaging!r}, this version takes False alone",
                fix="leave averaging at False", code="no-averaging",
            )  # fmt: skip
        deep = bool(options.hidden_layer_sizes)
        if deep and not self.fit_intercept:
            raise UsageError(
                "fit_intercept is False, but a network has biases in every layer",
                fix="leave fit_intercept at True", code="contradiction",
            )  # fmt: skip
        if deep and is_sparse(X):
            raise UsageError(
                "X is sparse, but a network takes dense features", fix="use X.toarray()", code="sparse-network"
            )

    def _options(self) -> Options:
        """Read the parameters, and draw the seed where it is not given."""
        given = {name: getattr(self, name) for name in OPTIONS_OF_PARAMETERS}
        given["schedule"] = "none" if self.schedule is None else self.schedule
        given["random_state"] = self._seed()
        options = read_options(given).replace(threads=1, seeds=1)
        for name, read in OWN_PARAMETERS.items():
            read(name, getattr(self, name))
        self.seed_ = options.random_state
        return options

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _split(self, X: Any, y: Array, options: Options) -> tuple[Array, Array]:
        """Return the indices of the training rows and of the validation rows, of which there may be none."""
        share, rows = self.validation_fraction, X.shape[0]
        early = _early_stopping("early_stopping", self.early_stopping)
        if early is True and rows < FEWEST_TO_SPLIT:
            raise UsageError(
                f"early_stopping is True, but {rows} rows are too few to take validation rows from: at least "
                f"{FEWEST_TO_SPLIT} are needed",
                fix="use early_stopping=False or more rows", code="too-few-rows",
            )  # fmt: skip
        waits = early is True or (early == "auto" and bool(options.hidden_layer_sizes))
        share = float(share) if waits and rows >= FEWEST_TO_SPLIT else 0.0
        classes = y.astype(np.int64) if self._classifies else None
        return split(rows, share, options.random_state, stratify=classes)

    def _model(self, X: Any, y: Array, weight: Array | None, options: Options) -> tuple[Model, Data]:
        loss, constants = self._loss()
        columns = y.shape[1] if y.ndim == 2 else 0
        outputs = len(self.classes_) if loss.outputs == "classes" else max(columns, 1)
        return Model.of(
            X, y, weight, loss=loss, constants=constants, outputs=outputs, columns=self._target_columns, options=options,
            intercept=self.fit_intercept,
        )  # fmt: skip

    def _data_like(self, model: Model, X: Any, y: Array, weight: Array | None) -> Data:
        if self._target_columns != model.columns:
            raise UsageError(
                f"y has {_columns(self._target_columns)}, the model was fitted on {_columns(model.columns)}",
                fix="pass y in the same shape, or call fit", code="target-shape",
            )  # fmt: skip
        return model.data(X, y, weight)

    @property
    def _state(self) -> State:
        """Where the training stands."""
        state: State = self._fitted.state
        return state

    def _loss(self) -> tuple[Loss, dict[str, float]]:
        """The loss of the fitted model, else of the parameters, and its constants."""
        fitted: Fitted | None = self.__dict__.get("_fitted")
        return self._loss_of_parameters() if fitted is None else (fitted.model.loss, fitted.model.constants)

    def _keep(self, fitted: Fitted) -> None:
        """Keep a fitted model, and show its weights in the units of the data."""
        self._fitted = fitted
        self.n_iter_, self.optimizer_, self.lr_ = fitted.epochs, fitted.setting.label, fitted.setting.lr
        self.batch_size_ = fitted.setting.rows_a_step(fitted.rows)
        weights, model = fitted.weights, fitted.model
        if fitted.network is not None:
            self.network_, self.weights_ = fitted.network, weights.copy()
            self.coefs_ = [weights[k.W].reshape(k.fan_in, k.fan_out) for k in fitted.network.layers]
            self.intercepts_ = [weights[k.shift if k.b is None else k.b] for k in fitted.network.layers]
            return
        W, b = model.scale.to_file_units(*fitted.linear)
        several = self._classifies or model.columns > 0
        self.coef_ = W.T if several else W[:, 0]
        self.intercept_: Any = b if several else float(b[0])

    def _scores(self, X: Any) -> Array:
        """Return the scores (rows, outputs) of X, before any link, float64."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], accept_sparse="csr")
        fitted: Fitted = self._fitted
        if fitted.network is None:
            return np.asarray((X.astype(np.float64) @ np.atleast_2d(self.coef_).T) + self.intercept_)
        scale = fitted.model.scale
        z: Array = scores(fitted.network, self.weights_.astype(np.float64), scale.transform(X, np.float64))
        return z * scale.target_width + scale.target_center

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    _classifies = False
    _target_columns = 0  # of a target with two dimensions; 0 for one dimension

    def _loss_of_parameters(self) -> tuple[Loss, dict[str, float]]:
        raise NotImplementedError

    def _read_target(self, y: Array, weight: Array | None, classes: Array | None) -> tuple[Array, Array | None]:
        """Return the target as numbers, and a weight a row that follows from its class."""
        raise NotImplementedError


def _taken(values: Any, rows: Array) -> Any:
    """Some rows, in increasing order; the values themselves, not a copy, where these are all of them."""
    return values if len(rows) == values.shape[0] else values[rows]


def _threads(X: Any) -> int:
    """Threads for a fit: one on a small table, else as many as scikit-learn's own estimators take, joblib's limit among
    them. They change no bits."""
    return int(_openmp_effective_n_threads()) if X.shape[0] * X.shape[1] > THREADED_CELLS else 1


def loss_of_task(text: str, task: str) -> tuple[Loss, dict[str, float]]:
    """Return the loss of that name, and its constants; raises UsageError when it is for another task."""
    loss, constants = loss_with_constants(text)
    if loss.task != task:
        known = ", ".join(name for name, other in LOSSES.items() if other.task == task)
        raise UsageError(f"the loss {loss.name} is for {loss.task}", fix=f"use one of {known}", code="bad-loss")
    return loss, constants


def _present(X: Any, y: Array, weight: Array, what: str) -> tuple[Any, Array, Array]:
    """The rows whose weight is above 0."""
    present = weight > 0
    if not present.any():
        raise ValueError(f"{what} is 0 for every row; give some rows a weight above 0")
    return (X, y, weight) if present.all() else (X[present], y[present], weight[present])


def _columns(count: int) -> str:
    return "one dimension" if count == 0 else f"{count} columns"


def _warm_start(before: Fitted, model: Model, network: Any) -> Array:
    """Return the weights that a warm start goes on from (params,), in the units of the new scale."""
    shapes = [(len(m.scale.center), m.outputs, m.intercept) for m in (before.model, model)]
    if before.network != network or shapes[0] != shapes[1]:
        raise UsageError(
            f"warm_start goes on from {before.model.describe(before.network)}, and this is {model.describe(network)}",
            fix="set warm_start=False to start afresh", code="warm-start",
        )  # fmt: skip
    if network is not None:
        return before.weights
    W, b = model.scale.to_scaled_units(*before.model.scale.to_file_units(*before.linear))
    return np.concatenate([W.ravel(), b]) if model.intercept else W.ravel()
