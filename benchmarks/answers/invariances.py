"""invariances: the same steps on the same problem in another dress must bring the same model."""

import contextlib
import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from benchmarks.answers.check import (
    BITS,
    EXACT,
    ROUNDING,
    STEPS,
    Compared,
    Tamper,
    brief,
    check,
    pair,
    some_steps,
    sparse_word,
)
from benchmarks.answers.data import CLASSIFICATION, REGRESSION, Rows, pick, rows
from benchmarks.answers.product import Refusal, call, estimator, fitted, predictions, trained


def _same(
    rng: np.random.Generator,
    tamper: Tamper,
    change: Callable[[Rows], Rows],
    *,
    losses: tuple[str, ...] = (),
    batches: bool = False,
    weighted: bool | None = None,
    wild: bool = True,
    deep: bool = True,
    back: Callable[[np.ndarray], np.ndarray] = lambda p: p,
    look: Callable[[Rows], Any] | None = None,
) -> Compared:
    """Fit a problem and a changed one with the same steps, and compare the predictions.

    Args:
        change: what must not matter.
        back: from predictions of the changed model to those that are compared.
        look: the rows that the changed model predicts, made of the problem; the changed rows when None.
    """
    loss = pick(rng, *(losses or (*REGRESSION, *CLASSIFICATION)))
    case = rows(rng, loss, weighted=weighted, wild=wild, fewest=10)
    options: dict[str, Any] = {
        "loss": loss,
        "l2": pick(rng, 0.0, 1e-4, 0.1),
        "l1": pick(rng, 0.0, 0.0, 0.01),
        **some_steps(rng, case, batches=batches),
    }
    if deep and rng.random() < 0.25 and loss != "quantile":
        options |= {"hidden_layer_sizes": (6,), "activation": "tanh", "early_stopping": False, "lr": 0.02}
    changed = change(case)
    seen = changed.X if look is None else look(case)
    detail = f"{case.shape} {brief(options)}"
    return pair(
        lambda: predictions(fitted(case.X, case.y, case.weight, classifies=case.classifies, **options).model, case.X),
        lambda: back(
            tamper(
                predictions(
                    fitted(changed.X, changed.y, changed.weight, classifies=case.classifies, **options).model, seen
                )
            )
        ),
        case,
        detail,
        ROUNDING[min(case.X.dtype.itemsize, changed.X.dtype.itemsize)],
    )


@check("the order of rows does not matter to full batches", STEPS)
def permuted_rows(rng: np.random.Generator, tamper: Tamper) -> Compared:
    order: list[Any] = []

    def change(case: Rows) -> Rows:
        order.append(rng.permutation(len(case.X)))
        return case.take(order[0])

    return _same(rng, tamper, change, back=lambda p: p[np.argsort(order[0])])


@check("the order of columns does not matter", STEPS)
def permuted_columns(rng: np.random.Generator, tamper: Tamper) -> Compared:
    return _same(
        rng, tamper, lambda case: replace(case, X=case.X[:, rng.permutation(case.X.shape[1])]), batches=True, deep=False
    )


@check("the unit of a column does not matter where columns are scaled", STEPS)
def unit_of_a_column(rng: np.random.Generator, tamper: Tamper) -> Compared:
    def change(case: Rows) -> Rows:
        unit = pick(rng, 2.0 ** rng.integers(-40, 41), 10.0 ** rng.integers(-6, 7), -3.0)
        at = int(rng.integers(case.X.shape[1]))
        X = case.X.astype(np.float64)
        X[:, at] = X[:, at] * unit
        return replace(case, X=X)

    def deep_is_signed(case: Rows) -> Rows:
        return change(replace(case, X=case.X.astype(np.float64)))

    return _same(rng, tamper, deep_is_signed, batches=True, deep=False)


@check(
    "where a column's zero lies does not matter where columns are centred",
    STEPS + "; the offset is at most 100 spreads",
)
def zero_of_a_column(rng: np.random.Generator, tamper: Tamper) -> Compared:
    def change(case: Rows) -> Rows:
        X = case.X.astype(np.float64)
        return replace(case, X=X + X.std(axis=0) * rng.uniform(-100, 100, X.shape[1]))

    return _same(rng, tamper, change, batches=True, wild=False)


@check("unit and zero of the target do not matter to losses whose target is scaled", STEPS)
def unit_of_the_target(rng: np.random.Generator, tamper: Tamper) -> Compared:
    unit, zero = pick(rng, 2.0 ** rng.integers(-30, 31), 10.0 ** rng.integers(-9, 10)), pick(rng, 0.0, 5.0)
    return _same(
        rng,
        tamper,
        lambda case: replace(case, y=case.y * unit + zero * unit),
        losses=("squared", "huber", "quantile"),
        batches=True,
        wild=False,
        back=lambda p: p / unit - zero,
    )


@check("a weight of k is the row k times", STEPS)
def weight_is_repetition(rng: np.random.Generator, tamper: Tamper) -> Compared:
    def change(case: Rows) -> Rows:
        own = case.take(np.repeat(np.arange(len(case.X)), case.weight.astype(int)))
        return replace(own, weight=None)

    return _weighted(rng, tamper, lambda case: rng.integers(0, 4, len(case.X)).astype(float), change)


@check("a row of weight 0 is as if it were absent, whatever it holds", STEPS)
def weight_of_zero(rng: np.random.Generator, tamper: Tamper) -> Compared:
    def change(case: Rows) -> Rows:
        X = case.X.astype(np.float64)
        gone = case.weight == 0
        X[gone] = X[gone] * 1e6 + 7
        y = case.y.copy()
        y[gone] = y[~gone][0]
        return replace(
            case,
            X=np.vstack([X[~gone], X[gone]]),
            y=np.append(y[~gone], y[gone]),
            weight=np.append(case.weight[~gone], case.weight[gone]),
        )

    return _weighted(
        rng,
        tamper,
        lambda case: rng.uniform(0.5, 2, len(case.X)) * (rng.random(len(case.X)) < 0.7),
        lambda case: case.take(case.weight > 0),
        other=change,
    )


@check("the unit of weights does not matter", STEPS)
def unit_of_weights(rng: np.random.Generator, tamper: Tamper) -> Compared:
    unit = pick(rng, 2.0, 1e-3, 1e9, 1e-200, 1e200)
    return _weighted(
        rng,
        tamper,
        lambda case: rng.uniform(0.5, 2, len(case.X)),
        lambda case: replace(case, weight=case.weight * unit),
        batches=True,
    )


def _weighted(
    rng: np.random.Generator,
    tamper: Tamper,
    weights: Callable[[Rows], np.ndarray],
    change: Callable[[Rows], Rows],
    other: Callable[[Rows], Rows] = lambda case: case,
    batches: bool = False,
) -> Compared:
    """Compare a weighted problem with another way to say the same; both predict the same rows."""
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, weighted=False, fewest=12, most=2000)
    weight = weights(case)
    k = int(case.y.max()) + 1 if case.classifies else 2
    weight[:k] = 1.0
    case = replace(case, weight=weight)
    options: dict[str, Any] = {"loss": loss, "l2": pick(rng, 0.0, 1e-2), **some_steps(rng, case, batches=batches)}
    if rng.random() < 0.25 and loss != "quantile":
        options |= {"hidden_layer_sizes": (6,), "activation": "tanh", "early_stopping": False, "lr": 0.02}
    first, second = other(case), change(case)
    seen = case.X[case.weight > 0]

    def of(own: Rows) -> np.ndarray:
        return predictions(fitted(own.X, own.y, own.weight, classifies=own.classifies, **options).model, seen)

    return pair(
        lambda: of(first),
        lambda: tamper(of(second)),
        case,
        f"{case.shape} {brief(options)}",
        ROUNDING[case.X.dtype.itemsize],
    )


@check("the names of classes do not matter", STEPS)
def names_of_classes(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case = rows(rng, pick(rng, *CLASSIFICATION), most=2000, fewest=10)
    k = int(case.y.max()) + 1
    names = pick(
        rng,
        np.array([f"k{j}" for j in range(k)]),
        np.arange(k) * 10 - 5,
        np.arange(k)[::-1].copy(),
        np.arange(k) + 0.0,
        np.array(["é", "a b", "", "Z", "~"])[:k],
    )
    order = np.argsort(np.argsort(names))
    options: dict[str, Any] = {"loss": case.loss, "l2": 0.01, **some_steps(rng, case, batches=True)}
    several = k > 2  # two classes have one score, above 0 for the second, whatever the loss
    signed = -1.0 if not several and order[0] == 1 else 1.0

    def plain(y):
        return predictions(fitted(case.X, y, case.weight, classifies=True, **options).model, case.X)

    return pair(
        lambda: plain(case.y),
        lambda: tamper(plain(names[case.y])[:, order] if several else signed * plain(names[case.y])),
        case,
        f"{case.shape} {brief(options)} names {names.tolist()}",
        ROUNDING[case.X.dtype.itemsize],
    )


@check(
    "float32 and whole numbers give what the same numbers give as float64",
    "2e-3 of the spread: float32 in tens of stable steps; none for whole numbers",
)
def dtype(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=2000, wild=False, fewest=10)
    kind = pick(rng, np.float32, np.int64, np.int8, np.uint8, np.bool_, np.float16)
    X = (
        case.X.astype(np.float16 if kind == np.float16 else np.float32)
        if kind in (np.float32, np.float16)
        else np.clip(np.abs(np.round(3 * case.X)), 0, 100 if kind != np.bool_ else 1).astype(kind)
    )
    options: dict[str, Any] = {"loss": loss, "l2": 0.01, "scale": bool(rng.random() < 0.8), **some_steps(rng, case)}
    options["lr"] = options["lr"] if options["scale"] else 1e-4
    case = replace(case, X=X)
    form: Any = csr_array if kind not in (np.float16, np.bool_) and rng.random() < 0.2 else np.asarray

    def of(A):
        return predictions(fitted(A, case.y, case.weight, classifies=case.classifies, **options).model, A)

    return pair(
        lambda: of(form(X.astype(np.float64))),
        lambda: tamper(of(form(X))),
        case,
        f"{case.shape}{sparse_word(form(X[:1].astype(float)))} {brief(options)}",
        ROUNDING[4] if kind == np.float32 else 1e-12,
    )


@check("sparse rows give what the same rows give as dense ones, unscaled step by step", STEPS)
def sparse_is_dense(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=2000, wild=False, fewest=10)
    X = case.X * (rng.random(case.X.shape) < 0.4)
    case = replace(case, X=X.astype(np.float32) if rng.random() < 0.2 else X)
    options: dict[str, Any] = {
        "loss": loss,
        "l2": pick(rng, 0.0, 0.01),
        "l1": pick(rng, 0.0, 0.01),
        "scale": False,
        **some_steps(rng, case, batches=True),
    }

    def of(A):
        return predictions(fitted(A, case.y, case.weight, classifies=case.classifies, **options).model, A)

    form = pick(rng, csr_array, lambda A: csr_array(A).tocsc(), lambda A: csr_array(A).tocoo())
    return pair(
        lambda: of(case.X),
        lambda: tamper(of(form(case.X))),
        case,
        f"{case.shape} {brief(options)}",
        ROUNDING[case.X.dtype.itemsize],
    )


@check("a fit on the same rows by partial_fit, k times, is a fit of k epochs", STEPS)
def stream_is_fit(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=1000, fewest=20)
    options: dict[str, Any] = {"loss": loss, "l2": 0.01, **some_steps(rng, case, batches=True)}
    epochs = options["max_epochs"] = int(rng.integers(1, 12))
    deep = rng.random() < 0.2
    if deep:
        options |= {"hidden_layer_sizes": (6,), "activation": "tanh", "early_stopping": False, "lr": 0.02}
    after_fit = rng.random() < 0.3

    def streamed() -> np.ndarray:
        model = estimator(case.classifies, **options)
        if after_fit:
            model.max_epochs = epochs - epochs // 2
            call(lambda: model.fit(case.X, case.y, sample_weight=case.weight))
        for _ in range(epochs // 2 if after_fit else epochs):
            extra = {"classes": np.unique(case.y)} if case.classifies else {}
            call(lambda: model.partial_fit(case.X, case.y, sample_weight=case.weight, **extra))  # noqa: B023
        return predictions(model, case.X)

    def whole() -> np.ndarray:
        answer = fitted(case.X, case.y, case.weight, classifies=case.classifies, **options)
        if (
            answer.model.n_iter_ != epochs
            or "the weights of epoch" in answer.verdict
            and f"epoch {epochs} " not in answer.verdict
        ):
            raise Refusal("the fit kept another epoch than the last")
        return predictions(answer.model, case.X)

    try:
        right = whole()
    except Refusal:
        return Compared(apart=0.0, allowed=1.0, detail="the fit ended before its last epoch: nothing to compare")
    return pair(
        lambda: right,
        lambda: tamper(streamed()),
        case,
        f"{case.shape} {brief(options)}{' after fit' if after_fit else ''}",
        ROUNDING[case.X.dtype.itemsize],
    )


@check("one thread or two, of every library: the same bits", BITS)
def threads(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, fewest=1000, weighted=False, wild=bool(rng.random() < 0.5))
    if rng.random() < 0.5:  # products of this size are where BLAS starts threads
        X = rng.normal(size=(20_000, 30))
        case = replace(case, X=X, y=np.resize(case.y, len(X)))
    steps = (
        some_steps(rng, case, batches=True) if rng.random() < 0.6 else {"optimizer": pick(rng, "auto", "gd", "adam")}
    )
    options: dict[str, Any] = {"loss": loss, **steps, "max_epochs": 5}
    if rng.random() < 0.25 and loss != "quantile":
        options |= {"hidden_layer_sizes": (16,), "max_epochs": 5}
    task, by_train = "classification" if case.classifies else "regression", rng.random() < 0.5

    def of(count: int) -> np.ndarray:
        with threadpool_limits(count):
            if by_train:
                return predictions(trained(case.X, case.y, threads=count, task=task, **options).model, case.X[:200])
            return predictions(fitted(case.X, case.y, classifies=case.classifies, **options).model, case.X[:200])

    return pair(
        lambda: of(1),
        lambda: tamper(of(2)),
        case,
        f"{case.shape} {'train' if by_train else 'estimator'} {brief(options)}",
        EXACT,
    )


@check("the same call twice, and a refit of a used estimator: the same bits", BITS)
def twice(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case, before = rows(rng, loss, most=1000, fewest=20), rows(rng, loss, most=300, fewest=20)
    options: dict[str, Any] = {
        "loss": loss,
        **(some_steps(rng, case, batches=True) if rng.random() < 0.7 else {"max_epochs": 100}),
    }
    if rng.random() < 0.3 and loss != "quantile":
        options |= {"hidden_layer_sizes": (5,), "max_epochs": 10}

    def again() -> np.ndarray:
        model = estimator(case.classifies, **options)
        extra = {"classes": np.unique(before.y)} if case.classifies else {}
        used = (
            (lambda: model.fit(before.X, before.y))
            if rng.random() < 0.5
            else lambda: model.partial_fit(before.X, before.y, **extra)
        )
        with contextlib.suppress(Refusal):
            call(used)
        call(lambda: model.fit(case.X, case.y, sample_weight=case.weight))
        return predictions(pickle.loads(pickle.dumps(model)), case.X)  # noqa: S301

    return pair(
        lambda: predictions(fitted(case.X, case.y, case.weight, classifies=case.classifies, **options).model, case.X),
        lambda: tamper(again()),
        case,
        f"{case.shape} {brief(options)}",
        EXACT,
    )


@check("`train` of arrays and the estimator are one path: the same options give the same model", STEPS)
def train_is_estimator(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=1000, fewest=20, weighted=False)
    X = case.X.astype(np.float64)
    case = replace(case, X=X[:, X.max(axis=0) > X.min(axis=0)])
    options: dict[str, Any] = {
        "loss": loss,
        "l2": pick(rng, 0.0, 0.01),
        "l1": pick(rng, 0.0, 0.01),
        **some_steps(rng, case, batches=True),
    }
    task = "classification" if case.classifies else "regression"

    def ran() -> np.ndarray:
        run = trained(case.X, case.y, task=task, **options).model
        z = run.model.scores(case.X)
        z = z * run.model.scale.target_width + run.model.scale.target_center
        two = z.shape[1] == 2 and case.classifies  # one score: the difference
        return tamper(z[:, 1] - z[:, 0] if two else z if z.shape[1] > 1 else z[:, 0])

    def fit() -> np.ndarray:
        model = fitted(case.X, case.y, classifies=case.classifies, **options).model
        return np.log(predictions(model, case.X)) if loss == "poisson" else predictions(model, case.X)

    return pair(fit, ran, case, f"{case.shape} {brief(options)}", ROUNDING[8])


@check("class weights are example weights of the classes", STEPS)
def class_weights(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case = rows(rng, pick(rng, *CLASSIFICATION), most=1000, fewest=12)
    k = int(case.y.max()) + 1
    table = dict(zip(range(k), rng.uniform(0.2, 4, k), strict=True))
    there = np.ones(len(case.y)) if case.weight is None else case.weight
    given: Any = table
    if rng.random() < 0.4:  # every class has the same sum of weights, as in scikit-learn's compute_class_weight
        given = "balanced"
        table = {c: there.sum() / (k * there[case.y == c].sum()) for c in range(k)}
    weight = there * np.array([table[c] for c in case.y])
    options: dict[str, Any] = {"loss": case.loss, "l2": 0.01, **some_steps(rng, case, batches=True)}
    return pair(
        lambda: predictions(fitted(case.X, case.y, weight, classifies=True, **options).model, case.X),
        lambda: tamper(
            predictions(
                fitted(case.X, case.y, case.weight, classifies=True, class_weight=given, **options).model, case.X
            )
        ),
        case,
        f"{case.shape} class_weight={given} {brief(options)}",
        ROUNDING[case.X.dtype.itemsize],
    )


@check("a batch of as many rows as there are, or more, is the full batch", STEPS)
def large_batch_is_full(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=1000, fewest=10)
    options: dict[str, Any] = {
        "loss": loss,
        "l2": 0.01,
        **some_steps(rng, case),
        "optimizer": pick(rng, "momentum", "nesterov", "adam", "rmsprop"),
    }
    if rng.random() < 0.25 and loss != "quantile":
        options |= {"hidden_layer_sizes": (6,), "activation": "tanh", "early_stopping": False, "lr": 0.02}
    large = len(case.X) + int(rng.integers(0, 3)) * 1000

    def of(size):
        return predictions(
            fitted(case.X, case.y, case.weight, classifies=case.classifies, **{**options, "batch_size": size}).model,
            case.X,
        )

    return pair(
        lambda: of("full"),
        lambda: tamper(of(large)),
        case,
        f"{case.shape} batch {large} {brief(options)}",
        ROUNDING[case.X.dtype.itemsize],
    )


@check("a target twice is the target once: with twice the rate, and without a penalty", STEPS)
def target_twice(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, "squared", "huber", "poisson", "quantile")
    case = rows(rng, loss, most=1000, fewest=10)
    options: dict[str, Any] = {
        "loss": loss,
        "l2": 0.0,
        **some_steps(rng, case),
        "optimizer": pick(rng, "gd", "momentum", "nesterov"),
    }
    options |= {"batch_size": "full"}
    both = np.column_stack([case.y, case.y])

    def of(y, lr):
        return predictions(fitted(case.X, y, case.weight, classifies=False, **{**options, "lr": lr}).model, case.X)

    return pair(
        lambda: np.column_stack([of(case.y, options["lr"])] * 2),
        lambda: tamper(of(both, 2 * options["lr"])),
        replace(case, y=both),
        f"{case.shape} {brief(options)}",
        ROUNDING[case.X.dtype.itemsize],
    )


@check("a stream may be cut anywhere where each chunk is one step: chunks of one size, in the order they come", STEPS)
def stream_in_chunks(rng: np.random.Generator, tamper: Tamper) -> Compared:
    """Chunks of 16 rows through a rule of batch 16 and one of full batches are the same steps."""
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=600, fewest=40)
    options: dict[str, Any] = {
        "loss": loss,
        "l2": 0.01,
        **some_steps(rng, case),
        "optimizer": pick(rng, "momentum", "adam", "nesterov", "rmsprop"),
    }
    cuts = np.arange(16, len(case.X), 16)

    def of(size: Any) -> np.ndarray:
        model = estimator(case.classifies, **{**options, "batch_size": size})
        for own in np.split(np.arange(len(case.X)), cuts):
            extra = {"classes": np.unique(case.y)} if case.classifies else {}
            call(lambda: model.partial_fit(case.X[own], case.y[own], **extra))  # noqa: B023
        return predictions(model, case.X)

    return pair(
        lambda: of("full"),
        lambda: tamper(of(16)),
        case,
        f"{case.shape} {brief(options)}",
        ROUNDING[case.X.dtype.itemsize],
    )
