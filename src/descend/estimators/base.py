"""DescentRegressor and DescentClassifier: scikit-learn's contract, thin, over the same path as everything else."""

import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.diagnosis.verdict import judge
from descend.engines import State, choose, start
from descend.errors import DivergenceError, UsageError
from descend.losses import LOSSES, Loss, loss
from descend.optimum.landscape import Landscape
from descend.options import Options, read_options
from descend.outcome import Outcome
from descend.plan import Plan
from descend.problem import Problem
from descend.problem.build import build_problem, initial_weights
from descend.problem.network import scores
from descend.problem.response import class_indices, probabilities
from descend.search.candidates import settings
from descend.search.search import search
from descend.sparse import dense, is_sparse
from descend.table.data import Data
from descend.table.scale import fit_scale, scaled_data
from descend.table.split import split

FEWEST_TO_SPLIT = 20  # rows of which a tenth may be held out


class _Descent(BaseEstimator):  # type: ignore[misc]
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

    @one_blas_thread()
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on X (rows, features) and y (rows,), with example weights (rows,).

        Raises UsageError for a bad parameter and DivergenceError when training left the finite range. A training
        that ends before it converged warns with ConvergenceWarning.
        """
        for name in ("_state", "_given_classes"):
            self.__dict__.pop(name, None)
        X, targets, weight = self._read(X, y, sample_weight, reset=True)
        problem, held_out, options = self._problem(X, targets, weight)
        deep = problem.network is not None
        landscape = Landscape.of(problem, initial_weights(problem, options))
        begin = self._start(problem) if self.warm_start and hasattr(self, "weights_" if deep else "coef_") else None
        found = search(problem, held_out, options, landscape, start=begin)
        verdict, findings = judge(found, user_set=options.user_set)
        fit, best = found.fit, found.best
        if fit.outcomes[best].failed:
            raise DivergenceError(verdict.text, fix=" or ".join(findings[0].fix), code=findings[0].code)
        if fit.outcomes[best] == Outcome.BUDGET:
            warnings.warn(
                f"{findings[0].code} {findings[0].text}" if findings else verdict.text, ConvergenceWarning, stacklevel=3
            )
        self._keep(problem, fit.weights[best])
        trace = fit.trace.until(best, int(fit.epochs[best]))
        setting = fit.plan.settings[best]
        self.n_iter_ = int(fit.epochs[best])
        self.loss_curve_ = trace.loss[0].tolist()
        self.val_curve_ = trace.held_out[0].tolist() if held_out is not None else None
        self.history_ = [
            {"epoch": int(e), "loss": float(a), "val": float(b)}
            for e, a, b in zip(trace.epochs[0], trace.loss[0], trace.held_out[0], strict=True)
        ]
        self.optimizer_, self.lr_ = setting.label, setting.lr
        self.batch_size_ = setting.rows_a_step(problem.data.rows)
        self.curvature_ = float(landscape.curvature.largest)
        self.stability_limit_ = found.why["lr"]["stability_limit"]
        self.why_ = found.why
        self.verdict_, self.findings_ = verdict, findings
        return self

    @one_blas_thread()
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one more epoch on these examples; the first call decides scale and learning rate."""
        return self._partial(X, y, sample_weight, first=not hasattr(self, "_state"))

    def _partial(self, X: Any, y: Any, sample_weight: Any, first: bool) -> Self:
        X, targets, weight = self._read(X, y, sample_weight, reset=first)
        if first:
            self._fit_scale(X, targets, weight)
        problem = self._scaled(X, targets, weight)
        if first:
            options = self._options()
            if self.optimizer == "auto":
                options = options.replace(optimizer="adam")
            if self.lr == "auto":
                options = options.replace(lr=0.01 if problem.network is None else 0.001)
            self._plan = Plan(tuple(settings(problem, options, Landscape.of(problem))[:1]))
            self._state = start(problem, self._plan)
        self._epoch(problem)
        self._keep(problem, self._state.weights[0])
        self.n_iter_ = getattr(self, "n_iter_", 0) + 1
        return self

    def _epoch(self, problem: Problem) -> None:
        state = self._state
        fresh = State(state.weights, state.memory, state.steps, np.zeros_like(state.seen), state.outcome)
        self._state, _ = choose(problem, self._plan).advance(problem, self._plan, fresh, np.array([problem.data.rows]))
        if self._state.outcome[0] != Outcome.RUNNING:
            raise DivergenceError(
                f"a loss, gradient or weight left the finite range at step {int(self._state.steps[0])}",
                fix="use a smaller lr",
                code="D103",
            )

    def _read(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> tuple[Array, Array, Array | None]:
        self._check_shape(X)
        X, y = validate_data(
            self, X, y, reset=reset, dtype=[np.float64, np.float32], order="C", y_numeric=not self._classifies,
            accept_sparse="csr", multi_output=not self._classifies,
        )  # fmt: skip
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        y, weight = self._read_target(y, weight)
        if weight is not None:
            if not (weight > 0).any():
                raise ValueError("sample_weight is 0 for every row; give some rows a weight above 0")
            kept = weight > 0
            X, y, weight = X[kept], y[kept], weight[kept]
        return X, y, weight

    def _check_shape(self, X: Any) -> None:
        """Raise UsageError for what this version cannot train."""
        if self.averaging is not False:
            raise UsageError(
                f"averaging is {self.averaging!r}, this version takes False alone",
                fix="leave averaging at False", code="no-averaging",
            )  # fmt: skip
        deep = bool(self._options().hidden_layer_sizes)
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
        given: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("optimizer", "lr", "batch_size", "momentum", "betas", "eps", "l2", "l1", "scale", "clip",
                         "max_epochs", "tol", "patience", "time_budget", "hidden_layer_sizes", "activation", "init",
                         "batch_norm", "dropout", "restarts")
        }  # fmt: skip
        given["schedule"] = "none" if self.schedule is None else self.schedule
        return read_options(given).replace(random_state=self._seed(), threads=1, seeds=1)

    def _seed(self) -> int:
        if self.random_state is None:
            return 0
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _problem(self, X: Array, y: Array, weight: Array | None) -> tuple[Problem, Data | None, Options]:
        options = self._options()
        waits = self.early_stopping is True or (self.early_stopping == "auto" and bool(options.hidden_layer_sizes))
        share = self.validation_fraction if waits and X.shape[0] >= FEWEST_TO_SPLIT else 0.0
        rows, held = split(
            X.shape[0], share, options.random_state, stratify=y.astype(np.int64) if self._classifies else None
        )
        own = None if weight is None else weight[rows]
        self._fit_scale(X[rows], y[rows], own)
        problem = self._scaled(X[rows], y[rows], own)
        held_out = self._scaled(X[held], y[held], None if weight is None else weight[held]).data if len(held) else None
        return problem, held_out, options

    def _fit_scale(self, X: Array, y: Array, weight: Array | None) -> None:
        form, _ = self._form()
        self._scale = fit_scale(
            X, y, weight, scale=bool(self.scale), target=form.scales_target, intercept=self.fit_intercept
        )

    def _scaled(self, X: Array, y: Array, weight: Array | None) -> Problem:
        form, constants = self._form()
        if not np.asarray(form.allows(y)).all():
            raise ValueError(f"y holds values that the loss {form.name} does not allow, it takes {form.allowed}")
        data = scaled_data(self._scale, X, y, weight, target=form.scales_target, dtype=X.dtype)
        outputs = len(self.classes_) if form.outputs == "classes" else 1 if y.ndim == 1 else y.shape[1]
        return build_problem(data, form, constants, outputs, self._options(), intercept=self.fit_intercept)

    def _start(self, problem: Problem) -> Array | None:
        if problem.network is not None:
            return np.asarray(self.weights_) if problem.network == self.network_ else None
        W, b = self._scale.to_scaled_units(np.atleast_2d(self.coef_).T, np.atleast_1d(self.intercept_))
        return np.concatenate([W.ravel(), b]) if problem.intercept else W.ravel()

    def _keep(self, problem: Problem, weights: Array) -> None:
        if problem.network is not None:
            self.network_, self.weights_ = problem.network, weights.copy()
            self.coefs_ = [weights[k.W].reshape(k.fan_in, k.fan_out) for k in problem.network.layers]
            self.intercepts_ = [weights[k.shift if k.b is None else k.b] for k in problem.network.layers]
            return
        W, b = problem.split(weights.astype(np.float64))
        W, b = self._scale.to_file_units(W, b)
        several = self._classifies or self._columns > 0
        self.coef_ = W.T if several else W[:, 0]
        self.intercept_: Any = b if several else float(b[0])

    def _scores(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32], accept_sparse="csr")
        if hasattr(self, "network_") and self.hidden_layer_sizes:
            z: Array = scores(self.network_, self.weights_.astype(np.float64), self._scale.transform(X, np.float64))
            return z * self._scale.target_width + self._scale.target_center
        return np.asarray((X.astype(np.float64) @ np.atleast_2d(self.coef_).T) + self.intercept_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    _classifies = False
    _columns = 0  # of a target with two dimensions; 0 for one dimension

    def _form(self) -> tuple[Loss, dict[str, float]]:
        raise NotImplementedError

    def _read_target(self, y: Array, weight: Array | None) -> tuple[Array, Array | None]:
        raise NotImplementedError


class DescentRegressor(RegressorMixin, _Descent):  # type: ignore[misc]
    """Regression by gradient descent, linear or by a network: squared, huber, poisson or quantile loss.

    A target of several columns has weights for each, `coef_` (targets, features); the loss is their mean.

    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = DescentRegressor(l2=0).fit(X, 2 * X[:, 0] + 1)
    >>> model.predict([[10.0]]).round(2)
    array([21.])
    """

    @one_blas_thread()
    def predict(self, X: Any) -> Array:
        """Return the expected target (rows,), or (rows, targets), of X (rows, features), float64."""
        z = self._scores(X)
        mean: Array = np.asarray(self._form()[0].mean(z if self._columns else z[:, 0]))
        return mean

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _form(self) -> tuple[Loss, dict[str, float]]:
        form = loss("squared" if self.loss == "auto" else self.loss)
        return _of_task(form, "regression"), dict(form.constants)

    def _read_target(self, y: Array, weight: Array | None) -> tuple[Array, Array | None]:
        y = dense(y).astype(np.float64)
        self._columns = y.shape[1] if y.ndim == 2 else 0
        return y[:, 0] if self._columns == 1 else y, weight


class DescentClassifier(ClassifierMixin, _Descent):  # type: ignore[misc]
    """Classification by gradient descent, linear or by a network: logistic loss for two classes, softmax for more.

    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> DescentClassifier().fit(X, ["no", "no", "yes", "yes"]).predict([[2.5]])
    array(['yes'], dtype='<U3')
    """

    _classifies = True

    @one_blas_thread()
    def partial_fit(  # type: ignore[override]
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train one more epoch on these examples; the first call names all classes, and decides scale and rate."""
        first = not hasattr(self, "_state")
        if first:
            self._given_classes = None if classes is None else np.unique(classes)
        return self._partial(X, y, sample_weight, first)

    @one_blas_thread()
    def decision_function(self, X: Any) -> Array:
        """Return log-odds (rows,) for two classes, else scores (rows, classes)."""
        z = self._scores(X)
        return z[:, 0] if z.shape[1] == 1 else z

    @one_blas_thread()
    def predict_proba(self, X: Any) -> Array:
        """Return the classes' probabilities (rows, classes)."""
        z = self._scores(X)
        return probabilities(self._form()[0], z)

    @one_blas_thread()
    def predict(self, X: Any) -> Array:
        """Return the most probable class (rows,)."""
        at = class_indices(self._scores(X))
        labels: Array = self.classes_[at]
        return labels

    def _form(self) -> tuple[Loss, dict[str, float]]:
        several = len(self.classes_) > 2
        form = loss(("softmax" if several else "logistic") if self.loss == "auto" else self.loss)
        if several and form.outputs != "classes":
            raise UsageError(
                f"the loss {form.name} takes two classes, y has {len(self.classes_)}",
                fix="use loss='softmax'",
                code="bad-loss",
            )
        return _of_task(form, "classification"), dict(form.constants)

    def _read_target(self, y: Array, weight: Array | None) -> tuple[Array, Array | None]:
        check_classification_targets(y)
        given = getattr(self, "_given_classes", None)
        if not hasattr(self, "_state"):
            present = y if weight is None else y[weight > 0]
            self.classes_ = np.unique(present) if given is None else given
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; training needs at least two classes")
        at = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        known = self.classes_[at] == y
        if not (known | (np.zeros(len(y), bool) if weight is None else weight == 0)).all():
            raise ValueError(f"y has the class {y[~known][0]!r}, which was not among the classes of the first call")
        if self.class_weight is not None:
            balance = compute_class_weight(self.class_weight, classes=self.classes_, y=y)[at]
            weight = balance if weight is None else weight * balance
        return at.astype(np.float64), weight


def _of_task(form: Loss, task: str) -> Loss:
    if form.task != task:
        known = ", ".join(name for name, known in LOSSES.items() if known.task == task)
        raise UsageError(f"the loss {form.name} is for {form.task}", fix=f"use one of {known}", code="bad-loss")
    return form


__all__ = ["DescentClassifier", "DescentRegressor"]
