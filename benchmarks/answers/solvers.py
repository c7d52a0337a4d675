"""solvers: fits against what independent solvers bring, and what is reported against the formulas."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from benchmarks.answers.check import (
    OPTIMUM,
    ROUNDING,
    STEPS,
    TOL,
    Compared,
    Tamper,
    an_optimizer,
    apart_of,
    brief,
    check,
    dtypes,
    penalties,
    some_steps,
    sparse_word,
)
from benchmarks.answers.data import CLASSIFICATION, REGRESSION, Rows, pick, rows
from benchmarks.answers.oracles import Objective
from benchmarks.answers.product import (
    Answer,
    Refusal,
    call,
    estimator,
    fitted,
    frame,
    predictions,
    stated_gap,
    trained,
)


@check("a fit that says nothing is at the optimum of the stated objective", OPTIMUM)
def optimum(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    kinked = loss in ("quantile", "hinge")
    case = rows(rng, loss, most=300 if kinked else 2000)
    l2, l1 = penalties(rng, loss)
    options = {"l2": l2, "l1": l1, "max_epochs": 2000, "loss": loss, **an_optimizer(rng)}
    if rng.random() < 0.1:
        options["fit_intercept"] = False
    X: Any = case.X
    if rng.random() < 0.15:
        X = csr_array(case.X)
        options["max_epochs"] = 500
    return _at_the_optimum(case, X, options, tamper)


@check("a fit of several targets is at the optimum of the mean of their losses", OPTIMUM)
def several_targets(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, "squared", "squared", "huber", "poisson")
    case = rows(rng, loss, most=1000)
    more = [rows(rng, loss, most=len(case.X), fewest=len(case.X)).y for _ in range(int(rng.integers(1, 4)))]
    case = replace(case, y=np.column_stack([case.y, *(y[: len(case.X)] for y in more if len(y) >= len(case.X))]))
    l2, l1 = penalties(rng, loss)
    options = {"l2": l2, "l1": l1, "max_epochs": 2000, "loss": loss, **an_optimizer(rng)}
    return _at_the_optimum(case, case.X, options, tamper)


def _at_the_optimum(case: Rows, X: Any, options: dict[str, Any], tamper: Tamper) -> Compared:
    answer = fitted(X, case.y, case.weight, classifies=case.classifies, **options)
    objective = Objective.of(
        case,
        l2=options["l2"],
        l1=options["l1"],
        intercept=options.get("fit_intercept", True),
        sparse=hasattr(X, "tocsr"),
    )
    value = objective.value(*objective.standard(tamper(answer.model.coef_), answer.model.intercept_))
    return _excess(objective, value, case.X.dtype.itemsize, f"{case.shape}{sparse_word(X)} {brief(options)}", answer)


def _excess(objective: Objective, value: float, itemsize: int, detail: str, answer: Answer) -> Compared:
    best, baseline = objective.minimum(), objective.constant_value()
    gain = max(baseline - best, 0.0)
    rounding = (1e-9 if itemsize == 8 else 1e-5) * max(abs(baseline), 1e-3)
    return Compared(
        apart=value - best - gain * stated_gap(answer),
        allowed=1.5 * TOL * min(gain, max(abs(best), 1e-3 * gain)) + rounding,
        detail=f"{detail}; optimum {best:.6g}, came {value:.6g}, constant {baseline:.6g}; {answer.verdict}",
        words=answer.words,
    )


@check(
    "the lowest of the losses that are reported is the stated objective at the fitted weights",
    "1e-6 of the objective (1e-3 in float32): sums in another order",
)
def reported_loss(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=2000)
    l2, l1 = penalties(rng, loss)
    options = {"l2": l2, "l1": l1, "loss": loss, **some_steps(rng, case, batches=True)}
    answer = fitted(case.X, case.y, case.weight, classifies=case.classifies, **options)
    objective = Objective.of(case, l2=l2, l1=l1)
    value = objective.value(*objective.standard(answer.model.coef_, answer.model.intercept_))
    reported = tamper(np.array(answer.model.loss_curve_))
    rounding = 1e-6 if case.X.dtype.itemsize == 8 else 1e-3
    return Compared(
        apart=float(abs(reported.min() - value)),
        allowed=rounding * abs(value) + 1e-3 * rounding * objective.constant_value(),
        detail=f"{case.shape} {brief(options)}; came {reported.min():.9g}, right {value:.9g}",
    )


@check(
    "predictions are the link of X @ coef_ + intercept_; a network's those of its layers, worked with NumPy",
    "1e-9 of the spread (1e-4 for a network in float32): one product",
)
def prediction(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, "squared", "huber", "poisson", "quantile", "logistic", "softmax")
    case = rows(rng, loss, most=1000)
    deep = loss not in ("huber", "quantile") and rng.random() < 0.4
    options: dict[str, Any] = {"loss": loss, **some_steps(rng, case)}
    if deep:
        options |= {
            "hidden_layer_sizes": pick(rng, (5,), (4, 3)),
            "activation": pick(rng, "relu", "tanh", "sigmoid"),
            "lr": 0.01,
        }
    answer = fitted(case.X, case.y, case.weight, classifies=case.classifies, early_stopping=False, **options)
    model, X = answer.model, case.X.astype(np.float64)
    z = (
        _layers(model, Objective.of(case, l2=0, l1=0), X)
        if deep
        else X @ np.atleast_2d(model.coef_).T + model.intercept_
    )
    right = _linked(loss, z)
    got = model.predict_proba(case.X) if case.classifies else model.predict(case.X)
    apart = apart_of(tamper(np.asarray(got).reshape(right.shape)), right, case)
    return Compared(
        apart=apart,
        allowed=1e-9 if not deep or case.X.dtype != np.float32 else 1e-4,
        detail=f"{case.shape} {brief(options)}",
    )


def _layers(model: Any, objective: Objective, X: np.ndarray) -> np.ndarray:
    activation = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh, "sigmoid": lambda v: 1 / (1 + np.exp(-v))}[
        model.activation
    ]
    h = (X - objective.center) / objective.width
    for k, (W, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        h = h @ W.astype(np.float64) + b
        h = activation(h) if k < len(model.coefs_) - 1 else h
    return h if hasattr(model, "classes_") else h * objective.target_width + objective.target_center


def _linked(loss: str, z: np.ndarray) -> np.ndarray:
    if loss == "poisson":
        return np.exp(z[:, 0])
    if loss == "softmax":
        p = np.exp(z - z.max(axis=1, keepdims=True))
        return p / p.sum(axis=1, keepdims=True)
    if loss == "logistic":
        p = 1 / (1 + np.exp(-z[:, 0]))
        return np.column_stack([1 - p, p])
    return z[:, 0]


@check(
    "a table with text, missing cells and weights is fitted as its one-hot and median columns are by least squares",
    OPTIMUM + "; training RMSE against NumPy's lstsq",
)
def messy_table(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case = rows(rng, "squared", most=2000, fewest=30, wild=False, weighted=None)
    table, columns = frame(case.X), [case.X]
    names = list(table)
    for name in names:
        if rng.random() < 0.4:
            gone = rng.random(len(table)) < pick(rng, 0.02, 0.3)
            if 0 < gone.sum() < len(table):
                table.loc[gone, name] = np.nan
                columns.append(gone[:, None].astype(float))
    X = table.fillna(table.median()).to_numpy()
    if rng.random() < 0.7:
        words = np.array(pick(rng, ["a", "b", "c"], ["North", "South", "nörd"], ["x1", "x2", "x10"]))[
            rng.integers(0, 2 + (rng.random() < 0.5), len(table))
        ]
        cells = words.astype(object)
        if rng.random() < 0.4:
            cells[rng.random(len(table)) < 0.1] = None
        table["word"] = cells
        columns += [
            np.array([[c == level for level in sorted({w for w in cells if w})] for c in cells], float),
            np.array([[c is None] for c in cells], float),
        ]
        case = replace(case, y=case.y + 2.0 * (words == words[0]))
    design = np.column_stack([X, *columns[1:], np.ones(len(X))])
    weight = np.ones(len(X)) if case.weight is None else case.weight
    options: dict[str, Any] = {"l2": 0, "max_epochs": 3000, **an_optimizer(rng)}
    table["y"] = case.y
    if case.weight is not None:
        table["w"], options["weight"] = weight, "w"
    answer = trained(table, "y", **options)
    root = np.sqrt(weight / weight.sum())
    best = np.linalg.lstsq(design * root[:, None], case.y * root, rcond=None)[0]

    def error(p):
        return float(np.square((p - case.y) * root).sum())

    mean = (weight @ case.y) / weight.sum()
    right, came = error(design @ best), error(tamper(predictions(answer.model, table)))
    gain = error(np.full(len(X), mean)) - right
    allowed = 1.5 * TOL * max(right, 1e-3 * gain) + 1e-9 * (gain + right)
    return Compared(
        apart=came - right - gain * stated_gap(answer),
        allowed=allowed,
        words=answer.words,
        detail=f"{case.shape}, {dtypes(table)} {brief(options)}; squared error {came:.6g}, right {right:.6g}; {answer.verdict}",
    )


@check(
    "the metrics of a run are those that scikit-learn computes from its predictions, of training rows and of test rows",
    "1e-6 of each: one sum",
)
def metrics(rng: np.random.Generator, tamper: Tamper) -> Compared:
    from sklearn import metrics as theirs

    loss = pick(rng, "squared", "logistic", "softmax", "poisson", "quantile")
    case = rows(rng, loss, most=2000, fewest=40, weighted=False)
    table = frame(case.X, np.array([f"k{c}" for c in case.y]) if case.classifies else case.y)
    options: dict[str, Any] = {"loss": loss, "test": pick(rng, 0, 0.2, 0.3), **some_steps(rng, case)}
    answer = trained(table, "y", **options)
    run, worst, worst_name = answer.model, 0.0, ""
    for part, own in zip(("train", "test"), run.prepared.rows, strict=True):
        if not len(own):
            continue
        got = run.predict(table.iloc[own])
        y, values = table["y"].to_numpy()[own], got.values
        if case.classifies:
            right = {
                "accuracy": theirs.accuracy_score(y, values.astype(str)),
                "logloss": theirs.log_loss(y, np.clip(got.probabilities, 1e-300, 1), labels=list(run.model.classes)),
            }
            if len(run.model.classes) == 2 and len(set(y)) == 2:
                right["auc"] = theirs.roc_auc_score(y, got.probabilities[:, 1])
        else:
            right = {
                "rmse": theirs.root_mean_squared_error(y, values),
                "mae": theirs.mean_absolute_error(y, values),
                "r2": theirs.r2_score(y, values),
            }
        for name, value in right.items():
            came = float(tamper(np.array(run.metrics[part][name])))
            apart = abs(came - value) / max(abs(value), 1e-3)
            if not apart <= worst:
                worst, worst_name = apart, f"{part} {name} came {came:.9g}, right {value:.9g}"
    return Compared(apart=worst, allowed=1e-6, detail=f"{case.shape} {brief(options)}; {worst_name}")


@check("partial_fit by whole chunks takes the steps of gradient descent on each chunk, worked with NumPy", STEPS)
def stream_of_steps(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, "squared", "huber", "logistic", "softmax", "poisson")
    case = rows(rng, loss, most=1000, wild=False, weighted=False, fewest=20)
    l2, lr = pick(rng, 0.0, 0.01, 0.1), 0.05 / (case.X.shape[1] + 1)
    model = estimator(case.classifies, loss=loss, optimizer="gd", lr=lr, l2=l2, scale=False)
    outputs = int(case.y.max()) + 1 if loss == "softmax" else 1
    W, b = np.zeros((case.X.shape[1], outputs)), np.zeros(outputs)
    narrow = rng.random() < 0.3
    cuts = np.sort(rng.choice(np.arange(1, len(case.X)), int(rng.integers(1, 6)), replace=False))
    for k, own in enumerate(np.split(np.arange(len(case.X)), cuts)):
        chunk = case.take(own)
        kind = np.float32 if narrow and k % 2 else np.float64
        extra = {"classes": np.unique(case.y)} if case.classifies else {}
        call(lambda: model.partial_fit(chunk.X.astype(kind), chunk.y, **extra))  # noqa: B023
        objective = replace(Objective.of(chunk, l2=l2, l1=0, scale=False), outputs=outputs)
        gW, gb = objective.gradient(W, b)
        W, b = W - lr * gW, b - lr * gb
    came = np.append(np.atleast_2d(tamper(model.coef_)).T.ravel(), model.intercept_)
    right = np.append(W.ravel(), b)
    allowed = ROUNDING[4 if narrow else 8]
    return Compared(
        apart=float(np.abs(came - right).max() / max(np.abs(right).max(), 1e-12)),
        allowed=allowed,
        detail=f"{case.shape} lr={lr:.3g} l2={l2} cuts {cuts.tolist()}{', float32 every second' if narrow else ''}",
    )


@check(
    "the optimum that is stated is the minimum of the stated objective, neither above nor below",
    "1e-6 of what can be gained, or 2e-8 of the constant's objective: two solvers of a convex problem",
)
def stated_optimum(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=200 if loss in ("quantile", "hinge") else 2000, fewest=20, weighted=False)
    l2, l1 = penalties(rng, loss)
    X = case.X.astype(np.float64)
    case = replace(case, X=X[:, X.std(axis=0) > 1e-12 * np.abs(X.mean(axis=0))])
    task = "classification" if case.classifies else "regression"
    run = trained(case.X, case.y, task=task, loss=loss, l2=l2, l1=l1, optimizer="gd", max_epochs=5).model
    stated, objective = run.search_result.landscape.optimum, Objective.of(case, l2=l2, l1=l1)
    best = objective.minimum()
    if stated.weights is None:
        return Compared(apart=0.0, allowed=1.0, detail=f"not stated: {stated.reason}")
    gain = objective.constant_value() - best
    came = float(tamper(np.array(stated.objective)))
    value = objective.value(*_of_weights(objective, stated.weights))
    return Compared(
        apart=max(abs(came - value), came - best),  # what its weights give cannot lie below the minimum
        allowed=1e-6 * gain + 2e-8 * objective.constant_value() + 1e-12,
        detail=f"{case.shape} l2={l2} l1={l1} {stated.method}; stated {came:.9g}, its weights give {value:.9g}, ours {best:.9g}",
    )


def _of_weights(objective: Objective, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cut = objective.X.shape[1] * objective.outputs
    return weights[:cut].reshape(-1, objective.outputs), weights[cut:]


@check(
    "every rule takes the steps of its formula, worked with NumPy: full batches, weights, penalties, clipping, schedules",
    STEPS,
)
def steps_by_hand(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss, intercept = (
        pick(rng, "squared", "huber", "poisson", "logistic", "softmax", "hinge"),
        bool(rng.random() < 0.85),
    )
    case = rows(rng, loss, most=1000, fewest=10, wild=intercept)
    rule = pick(rng, "gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "amsgrad", "adadelta")
    options: dict[str, Any] = {
        "loss": loss,
        "optimizer": rule,
        "l2": pick(rng, 0.0, 0.05),
        "l1": pick(rng, 0.0, 0.02) if rule == "gd" else 0.0,
        "tol": 0.0,
        "lr": (0.4 if loss != "poisson" else 0.02) / (case.X.shape[1] + 10),
        "max_epochs": int(rng.integers(1, 20)),
        "clip": pick(rng, None, None, 0.1),
        **({} if rule == "gd" else {"batch_size": "full"}),
        "fit_intercept": intercept,
    }
    if rule not in ("gd", "momentum", "nesterov"):
        options["eps"] = 0.5
    answer = fitted(case.X, case.y, case.weight, classifies=case.classifies, **options)
    objective = Objective.of(case, l2=options["l2"], l1=options["l1"], intercept=options["fit_intercept"])
    path = _walk(objective, options)
    came = np.concatenate(
        [part.ravel() for part in objective.standard(tamper(answer.model.coef_), answer.model.intercept_)]
    )
    scale = max(float(np.abs(path[-1]).max(initial=0.0)), 1e-3)
    nearest = min(float(np.abs(came[: len(w)] - w).max(initial=0.0)) for w in path[1:])  # the best epoch is kept
    return Compared(
        apart=nearest / scale,
        allowed=10 * ROUNDING[case.X.dtype.itemsize],
        detail=f"{case.shape} {brief(options)}; came {came[:4]}, right {path[-1][:4]}",
    )


def _walk(objective: Objective, options: dict[str, Any]) -> list[np.ndarray]:
    """The weights after each step, W row by row and then b, by docs/formulas.md."""
    d, T, intercept = objective.X.shape[1], objective.outputs, options["fit_intercept"]
    w = np.zeros((d + intercept) * T)
    m, v, s = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    lr, rule, eps, path = options["lr"], options["optimizer"], options.get("eps", 1e-10), [w]
    for t in range(1, options["max_epochs"] + 1):
        W, b = w[: d * T].reshape(d, T), w[d * T :] if intercept else np.zeros(T)
        gW, gb = objective.gradient(W, b)
        g = np.append(gW.ravel(), gb) if intercept else gW.ravel()
        if options["clip"] is not None:
            g = g * min(1.0, options["clip"] / max(np.linalg.norm(g), 1e-300))
        if rule == "gd":
            step = lr * g
        elif rule in ("momentum", "nesterov"):
            m = 0.9 * m + g
            step = lr * (m if rule == "momentum" else g + 0.9 * m)
        elif rule == "adagrad":
            s = s + g**2
            step = lr * g / (np.sqrt(s) + eps)
        elif rule == "rmsprop":
            s = 0.99 * s + 0.01 * g**2
            step = lr * g / (np.sqrt(s) + eps)
        elif rule == "adadelta":
            s = 0.9 * s + 0.1 * g**2
            step = g * np.sqrt(v + eps) / np.sqrt(s + eps)
            v = 0.9 * v + 0.1 * step**2
            step = lr * step
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            hat = v / (1 - 0.999**t)
            if rule == "amsgrad":
                s = np.maximum(s, v)
                hat = s / (1 - 0.999**t)
            if rule == "adamw":
                w = np.append(w[: d * T] * (1 - lr * 0.01), w[d * T :])
            step = lr * (m / (1 - 0.9**t)) / (np.sqrt(hat) + eps)
        if options["l1"]:  # the step of gradient and penalty together, which is what is clipped
            to = w - lr * (np.append(gW.ravel(), gb) if intercept else gW.ravel())
            to[: d * T] = np.sign(to[: d * T]) * np.maximum(np.abs(to[: d * T]) - lr * options["l1"], 0)
            step = w - to
            if options["clip"] is not None:
                step = step * min(1.0, lr * options["clip"] / max(np.linalg.norm(step), 1e-300))
        w = w - step
        path.append(w)
    return path


@check(
    "the stability limit of gradient descent is 2 over the largest eigenvalue of the Hessian, by NumPy",
    "1e-3: it is found by iteration",
)
def stability_limit(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case = rows(rng, "squared", most=2000, fewest=5)
    l2, intercept, scale = pick(rng, 0.0, 0.1, 10.0), bool(rng.random() < 0.8), bool(rng.random() < 0.8)
    sparse = rng.random() < 0.2
    X: Any = csr_array(case.X) if sparse else case.X
    try:
        model = fitted(
            X,
            case.y,
            case.weight,
            classifies=False,
            optimizer="gd",
            l2=l2,
            fit_intercept=intercept,
            scale=scale,
            max_epochs=3,
        ).model
    except Refusal:
        return Compared(apart=0.0, allowed=1.0, detail="diverged: no model to ask")
    objective = Objective.of(case, l2=l2, l1=0, intercept=intercept, scale=scale, sparse=sparse)
    A = np.column_stack([objective.X, np.ones((len(objective.X), int(intercept)))])
    H = 2 * A.T @ (A * objective.share[:, None]) + l2 * np.diag([1.0] * case.X.shape[1] + [0.0] * intercept)
    right = 2 / np.linalg.eigvalsh(H)[-1]
    came = float(tamper(np.array(model.stability_limit_)))
    return Compared(
        apart=abs(came - right) / right,
        allowed=1e-3,
        detail=f"{case.shape}{sparse_word(X)} l2={l2} intercept={intercept} scale={scale}; came {came:.6g}, right {right:.6g}",
    )


@check(
    "the losses that a network reports are its objective, worked with NumPy: weights penalised, biases not",
    "1e-6 of the objective (1e-3 in float32)",
)
def network_loss(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, "squared", "logistic", "softmax", "poisson", "huber")
    case = rows(rng, loss, most=500, fewest=20)
    l2, l1 = pick(rng, 0.0, 0.01, 0.5), pick(rng, 0.0, 0.0, 0.01)
    options: dict[str, Any] = {
        "loss": loss,
        "l2": l2,
        "l1": l1,
        **some_steps(rng, case, batches=True),
        "lr": 0.01,
        "early_stopping": False,
        "hidden_layer_sizes": pick(rng, (5,), (4, 3)),
        "activation": pick(rng, "relu", "tanh", "sigmoid"),
    }
    model = fitted(case.X, case.y, case.weight, classifies=case.classifies, **options).model
    objective = Objective.of(case, l2=l2, l1=l1)
    z = objective_scores(model, objective)
    square, total = (sum(float(f(W.astype(float)).sum()) for W in model.coefs_) for f in (np.square, np.abs))
    value = float(objective.share @ objective.losses(z)) + l2 / 2 * square + l1 * total
    reported = tamper(np.array(model.loss_curve_))
    rounding = 1e-6 if case.X.dtype.itemsize == 8 else 1e-3
    return Compared(
        apart=float(np.abs(reported - value).min()),
        allowed=rounding * abs(value),
        detail=f"{case.shape} {brief(options)}; came {reported[-3:]}, right {value:.9g}",
    )


def objective_scores(model: Any, objective: Objective) -> np.ndarray:
    """The predictions of a network in standardised units (rows, outputs)."""
    return _layers(
        model,
        replace(
            objective, target_width=np.ones_like(objective.target_width), target_center=0 * objective.target_center
        ),
        objective.X * objective.width + objective.center,
    )


@check(
    "test rows are disjoint from training rows, of the share that was asked, the last in time, of whole groups",
    "none: a count",
)
def split_of_rows(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case = rows(rng, pick(rng, "squared", "softmax"), most=500, fewest=30, weighted=False, wild=False)
    n, share, how = len(case.X), pick(rng, 0.1, 0.2, 0.5), pick(rng, "plain", "time", "group")
    table = frame(case.X, np.array([f"k{c}" for c in case.y]) if case.classifies else case.y)
    when = rng.permutation(n).astype(float)
    if rng.random() < 0.4:
        when[rng.integers(0, n, 3)] = when[rng.integers(0, n, 3)]
    group = rng.integers(0, 9, n)
    dates = rng.random() < 0.5
    table["t"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(when * 3, unit="h") if dates else when * 1.5
    table["g"] = [f"g{v}" for v in group] if rng.random() < 0.5 else group
    options = {"time": {"time": "t"}, "group": {"group": "g"}}.get(how, {})
    run = trained(
        table, "y", test=share, optimizer="gd", lr=1e-3, max_epochs=1, random_state=int(rng.integers(5)), **options
    ).model
    own, held = (np.asarray(tamper(part.astype(float))).round().astype(int) for part in run.prepared.rows)
    wrong = 0.0 if sorted([*own, *held]) == list(range(n)) else 1.0
    if how == "time":
        wrong += float(when[held].min() < when[own].max())
    if how == "group":
        wrong += len(set(group[held]) & set(group[own]))
    if how != "group":
        wrong += float(abs(len(held) - share * n) > (len(set(case.y)) if case.classifies else 1))
    return Compared(apart=wrong, allowed=0.0, detail=f"{n} rows, {how}, test={share}, {len(held)} held out")


@check("one to five rows are fitted to the optimum as many are, with and without an intercept", OPTIMUM)
def few_rows(rng: np.random.Generator, tamper: Tamper) -> Compared:
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=6)
    case = case.take(np.arange(int(rng.integers(2 if case.classifies else 1, 6))))
    l2, l1 = penalties(rng, loss)
    options = {"l2": l2, "l1": l1, "max_epochs": 2000, "loss": loss, "fit_intercept": bool(rng.random() < 0.6)}
    return _at_the_optimum(case, case.X, options, tamper)
