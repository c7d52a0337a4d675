"""Healthy runs on real tables, and whether what is said of them is true of the table.

`healthy` lists the runs: nothing typed, on three splits; and sensibly typed ones, every rule at a rate in its band, with and
without scaling where columns allow it, and networks. `sound` trains one. A warning is a false alarm unless `natural` shows the
same of the table by scikit-learn or by a definition that the code does not share. What remains is judged by eye: where a look at the
table shows that the warning is right, healthy_judged.json holds table, code and the reason.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.planted import NET, Table
from benchmarks.real_tables import RealTable, hashed, linear_pipeline, parts_of

JUDGED = Path(__file__).parent / "healthy_judged.json"
SECONDS = 3.0
SPLITS = 3
BAND = (0.5, 1.0)  # of the rate that is found
ALIKE = 100.0  # mean squares of columns and intercept, up to which a run without scaling is sensible
NETWORK_RULES = ("adam", "momentum", "nesterov", "rmsprop")


def trained(data: Any, target: Any, options: dict[str, Any]) -> Any:
    import descend as ds

    given = {"seeds": 1, "time_budget": SECONDS, **options}
    return ds.train(data, target, progress=False, **{k: v for k, v in given.items() if v is not None})


def gain(run: Any, part: str = "train") -> float:
    """The share of the baseline's squared error, or log loss, that a run has removed on a part of its rows."""
    if run.failed:
        return -np.inf
    name = "logloss" if "logloss" in run.metrics[part] else "rmse"
    power = 1 if name == "logloss" else 2
    return float(1 - (run.metrics[part][name] / run.baseline_on(part, name)) ** power)


def healthy(tables: Iterable[RealTable]) -> Iterator[tuple[str, RealTable, dict[str, Any]]]:
    """Yield the name, the table and the options of each run."""
    from descend.plan import THE_EIGHT

    for table in tables:
        yield f"{table.name}, nothing typed", table, {}
        for k in range(1, SPLITS):
            yield f"{table.name}, nothing typed, split {k}", table, {"random_state": k}
        for rule in THE_EIGHT:
            share = BAND[hashed(f"{table.name}/{rule}") % len(BAND)]
            yield f"{table.name}, {rule}", table, {"optimizer": rule, "in_band": share}
        if columns_alike(table):
            rule = THE_EIGHT[hashed(table.name) % len(THE_EIGHT)]
            yield f"{table.name}, {rule}, not scaled", table, {"optimizer": rule, "in_band": 0.5, "scale": False}
        for k, activation in enumerate(("tanh", "relu")):
            rule = NETWORK_RULES[hashed(f"{table.name}/{activation}") % len(NETWORK_RULES)]
            how = {**NET, "activation": activation, "max_epochs": 200, "optimizer": rule, "in_band": BAND[k]}
            yield f"{table.name}, network, {activation}, {rule}", table, how


def columns_alike(table: RealTable) -> bool:
    """Whether columns have mean squares that differ from each other and from the intercept's by less than ALIKE."""
    X = parts_of(table.frame(), table.target)[0]
    if any(
        pd.to_datetime(X[c], errors="coerce", format="mixed").notna().mean() > 0.9
        for c in X.select_dtypes(exclude="number")
    ):
        return False  # days since a day long ago
    squares = np.append(np.nanmean(np.square(X.select_dtypes("number").to_numpy(float)), axis=0), 1.0)
    squares = squares[squares > 0]
    return bool(squares.max() < ALIKE * squares.min())


def sound(table: RealTable, options: dict[str, Any]) -> dict[str, Any]:
    """Train a healthy run, at a rate beside the one that is found where a rule is typed."""
    options, frame = dict(options), Table.of(table, 0).frame
    begun = time.perf_counter()
    factor = options.pop("in_band", None)
    if factor is not None:
        options["lr"] = factor * trained(frame, table.target, options).chosen["lr"]
    run = trained(frame, table.target, {**options, "time_budget": 2 * SECONDS})
    alarms = {f.code: f.text for f in run.findings if f.level != "note"}
    false = sorted(alarms.keys() - natural(run, frame, table)) if alarms else []
    for code in false:
        print(f"    {table.name}: {code} {alarms[code]}", file=sys.stderr)
    return {
        "table": table.name, "typed": sorted(set(options) - {"random_state"}), "status": run.verdict.status, "alarms": list(alarms),
        "false": false, "seconds": round(time.perf_counter() - begun, 2),
    }  # fmt: skip


def judged() -> dict[tuple[str, str], str]:
    """Return why an alarm is right: {(table, code): reason}."""
    return {(r["table"], r["code"]): r["reason"] for r in json.loads(JUDGED.read_text())} if JUDGED.exists() else {}


def wrongly_alarmed(row: dict[str, Any], by_eye: bool) -> bool:
    """Whether a run has a false alarm, or failed; `by_eye` leaves out what was judged to be right."""
    right = judged() if by_eye else {}
    return "failed" in row or any((row["table"], code) not in right for code in row["false"])


def natural(run: Any, frame: pd.DataFrame, table: RealTable) -> set[str]:
    """Return the codes of faults that the table has by nature, by scikit-learn and by definitions."""
    from sklearn.metrics import log_loss, recall_score
    from sklearn.preprocessing import PolynomialFeatures

    X, y = parts_of(frame, table.target)
    train, test = (X.index.intersection(frame.index[rows]) for rows in run.prepared.rows)
    gains = {part: gain(run, part) for part in ("train", "test")}
    found = {code for code, part in (("D305", "test"), ("D210", "train")) if gains[part] < 0.002}
    if gains["test"] < 0:
        found.add("D503")
    if gains["test"] < 0.5 * gains["train"]:
        found.add("D301")
    model = linear_pipeline(X, table.classes, 1e-4 * len(train)).fit(X.loc[train], y[train])

    def losses(rows: Any) -> tuple[float, float]:
        """The loss of the model and of the best constant."""
        if table.classes:
            shares = y[train].value_counts(normalize=True).reindex(model.classes_)
            constant = np.tile(shares.to_numpy(), (len(rows), 1))
            return tuple(
                log_loss(y[rows], p, labels=model.classes_) for p in (model.predict_proba(X.loc[rows]), constant)
            )  # type: ignore[return-value]
        return float(np.square(y[rows] - model.predict(X.loc[rows])).mean()), float(
            np.square(y[rows] - y[train].mean()).mean()
        )

    (fitted, constant), (unseen, unseen_constant) = losses(train), losses(test)
    if "hidden_layer_sizes" not in run.options.user_set and gains["train"] < 0.99 * (1 - fitted / constant):
        found |= {"D201", "D504"}
    if unseen > unseen_constant:
        found |= {"D305", "D306", "D308"}
    if 1 - unseen / unseen_constant < 0.5 * (1 - fitted / constant):
        found |= {"D301", "D308"}
    if unseen < fitted:
        found.add("D304")
    if table.classes:
        recalls = recall_score(y[train], model.predict(X.loc[train]), average=None, labels=model.classes_)
        shares = y[train].value_counts(normalize=True).reindex(model.classes_).to_numpy()
        if (recalls[shares < 0.1] < 0.5).any():
            found.add("D303")
    if _leaks(X, y, table.classes):
        found.add("D402")
    if not table.classes and _without_names_unseen(X, y) < 0.02:
        found |= {"D305", "D306"}
    if _follows_time(X, y, table.classes):
        found.add("D406")
    if not table.classes:
        design = model[:-1].transform(X)
        design = np.asarray(design.todense() if hasattr(design, "todense") else design)
        if design.shape[1] <= 60:
            from sklearn.linear_model import Ridge
            from sklearn.model_selection import KFold, cross_val_score

            squares = PolynomialFeatures(2, include_bias=False).fit_transform(design)
            plain, curved = (
                cross_val_score(Ridge(1.0), D, y, cv=KFold(5, shuffle=True, random_state=0)).mean()
                for D in (design, squares)
            )
            residual = np.asarray(y - Ridge(1e-6).fit(design, y).predict(design))
            fit = Ridge(1e-3).fit(squares, residual)
            if curved > plain + 0.01 or 1 - np.var(residual - fit.predict(squares)) / np.var(
                residual
            ) > 0.1 + squares.shape[1] / len(y):
                found.add("D302")
        distance = (y - y.median()).abs()
        if (distance > 20 * 1.4826 * distance.median()).any():
            found.add("D405")
    design = model[:-1].transform(X)
    values = np.linalg.eigvalsh(
        np.corrcoef(np.asarray(design.todense() if hasattr(design, "todense") else design).T + 1e-12)
    )
    if values[-1] / max(values[values > 1e-10].min(initial=np.inf), 1e-300) > 1e3:
        found.add("D203")
    return found


def _leaks(X: pd.DataFrame, y: pd.Series, classes: bool) -> bool:
    """Whether the other rows of its level tell the target of almost every row, or it is a sum of the columns of numbers."""
    wanted = pd.get_dummies(y) if classes else y.astype(float).to_frame()
    centred = wanted.astype(float) - wanted.mean()
    for c in X:
        groups, rows = centred.groupby(X[c]), X[c].map(X[c].value_counts())
        others = (groups.transform("sum") - centred).div(rows - 1, axis=0)[rows > 1]
        if (
            len(others) > 0.9 * len(X)
            and ((centred.loc[others.index] - others) ** 2).sum().sum() < 0.05 * (centred**2).sum().sum()
        ):
            return True
    numbers = X.select_dtypes("number").dropna(axis=1).to_numpy(float)
    if classes or not numbers.size or len(X) < 2 * numbers.shape[1]:
        return False
    design = np.column_stack([np.ones(len(X)), numbers])
    design = design / np.maximum(np.linalg.norm(design, axis=0), 1e-300)
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return bool(np.square(left).sum() < 1e-6 * np.square(y - y.mean()).sum())


def _without_names_unseen(X: pd.DataFrame, y: pd.Series) -> float:
    """The share of a target of numbers that a linear model explains in cross-validation without texts that are new in most rows."""
    from sklearn.model_selection import KFold, cross_val_score

    X = X[[c for c in X if pd.api.types.is_numeric_dtype(X[c]) or X[c].nunique() < len(X) / 2]]
    if not X.shape[1]:
        return 0.0
    return float(
        cross_val_score(linear_pipeline(X, False), X, y.astype(float), cv=KFold(5, shuffle=True, random_state=0)).mean()
    )


def _follows_time(X: pd.DataFrame, y: pd.Series, classes: bool) -> bool:
    """Whether residuals of a model of the other columns follow each other in the order of dates, by Durbin and Watson's statistic.

    Residuals of all rows, or their means of equal times, for any column of dates.
    """
    dates = {
        c: pd.to_datetime(X[c], errors="coerce", format="mixed") for c in X if not pd.api.types.is_numeric_dtype(X[c])
    }
    dates = {c: t for c, t in dates.items() if t.notna().mean() > 0.9 and t.nunique() > 20}
    others = X.drop(columns=list(dates))
    if not dates or not others.shape[1]:
        return False
    model = linear_pipeline(others, classes).fit(others, y.astype(str) if classes else y)
    if classes:
        residual = np.asarray((y.astype(str) == model.classes_[-1]) - model.predict_proba(others)[:, -1])
    else:
        residual = np.asarray(y - model.predict(others))
    for times in dates.values():
        means = pd.Series(residual).groupby(times.to_numpy()).mean().to_numpy()
        ordered = residual[np.argsort(times.to_numpy(), kind="stable")]
        if any(np.square(np.diff(r)).sum() / np.square(r).sum() < 1.7 for r in (ordered, means - means.mean())):
            return True
    return False
