"""tables: the same data from another place, in other words, saved and loaded."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.answers.check import (
    BITS,
    EXACT,
    ROUNDING,
    STEPS,
    Compared,
    Tamper,
    brief,
    check,
    dtypes,
    pair,
    some_steps,
)
from benchmarks.answers.data import CLASSIFICATION, REGRESSION, Rows, pick, rows
from benchmarks.answers.product import Refusal, call, csv, frame, jsonl, predictions, trained


@check(
    "a frame, a CSV file, a Parquet file, polars and Arrow: the same predictions, in training and in prediction",
    "1e-12 of the spread: numbers come back from text as they were",
)
def file_is_frame(rng: np.random.Generator, tamper: Tamper) -> Compared:
    import polars
    import pyarrow

    case, table, options = _table(rng, digits=False)
    kind = pick(rng, "csv", "parquet", "jsonl", "polars", "arrow")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"t.{kind}"
        data: Any = str(place)
        if kind == "csv":
            place.write_bytes(csv(table))
        elif kind == "parquet":
            table.to_parquet(place)
        elif kind == "jsonl":
            place.write_text(jsonl(table))
        else:
            data = polars.from_pandas(table) if kind == "polars" else pyarrow.Table.from_pandas(table)
        apart = rng.random() < 0.5  # train on one, predict the other

        def other() -> np.ndarray:
            run = trained(data, "y", **options).model
            return tamper(predictions(run, table if apart else data))

        return pair(
            lambda: predictions(trained(table, "y", **options).model, table),
            other,
            case,
            f"{case.shape} {kind} {dtypes(table)} {brief(options)}",
            1e-12,
        )


@check("names of columns, their order, and columns that the model does not use do not matter", STEPS)
def dressed_table(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case, table, options = _table(rng)
    names = {
        name: pick(rng, f"{name} (kg)", f"Größe {name}", f"1{name}", f"{name}=x", f"a.{name}")
        for name in table
        if name != "y"
    }
    order = [str(n) for n in rng.permutation(list(names.values()))]
    dressed = table.rename(columns=names)

    def other() -> np.ndarray:
        run = trained(dressed, "y", **options).model
        return tamper(predictions(run, dressed[order].assign(extra=1.0)))

    return pair(
        lambda: predictions(trained(table, "y", **options).model, table),
        other,
        case,
        f"{case.shape} {dtypes(table)} {brief(options)}",
        1e-12,
    )


@check("a run that was saved and loaded predicts the same bits, and evaluates the same", BITS)
def saved(rng: np.random.Generator, tamper: Tamper) -> Compared:
    import descend as ds

    case, table, options = _table(rng)
    options |= {"validation": 0} if rng.random() < 0.3 else {}
    if rng.random() < 0.3:
        options |= {"hidden_layer_sizes": (5,), "max_epochs": 8}
    run = trained(table, "y", **options).model
    with tempfile.TemporaryDirectory() as folder:
        run.save(Path(folder) / "run", report=bool(rng.random() < 0.2))
        detail = f"{case.shape} {dtypes(table)} {brief(options)}"
        return pair(
            lambda: predictions(run, table),
            lambda: tamper(predictions(call(lambda: ds.load(Path(folder) / "run"))[0], table)),
            case,
            detail,
            EXACT,
        )


@check(
    "a row is predicted as it is alone or in a part of its table, from a frame or from a file",
    "1e-12 of the spread: a product of other shape",
)
def row_by_row(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case, table, options = _table(rng)
    run = trained(table, "y", **options).model
    some = np.sort(rng.choice(len(table), min(len(table), int(rng.integers(1, 6))), replace=False))
    part = table.iloc[some].drop(columns="y")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "part.csv"
        place.write_bytes(csv(part))
        data: Any = str(place) if rng.random() < 0.5 else part
        detail = f"{case.shape} {dtypes(table)} rows {some.tolist()} of a {'frame' if data is part else 'file'} {brief(options)}"
        whole = predictions(run, table)

        def part_alone() -> np.ndarray:
            other = whole.copy()
            other[some] = tamper(predictions(run, data))
            return other

        return pair(lambda: whole, part_alone, case, detail, 1e-12)


def _table(rng: np.random.Generator, digits: bool = True) -> tuple[Rows, pd.DataFrame, dict[str, Any]]:
    """A random table of numbers, text, booleans and missing cells, and options of a few steps.

    Args:
        digits: whether text may be whole numbers without a leading zero, which a CSV file cannot tell from numbers.
    """
    loss = pick(rng, *REGRESSION, *CLASSIFICATION)
    case = rows(rng, loss, most=1000, fewest=25, weighted=False)
    y: Any = case.y
    if case.classifies:
        y = (
            pick(rng, np.array([f"k{c}" for c in case.y]), case.y)
            if loss == "softmax"
            else pick(rng, np.array(["no", "yes"])[case.y], case.y, case.y == 1)
        )
    table, n = frame(case.X), len(case.X)
    if rng.random() < 0.4:
        words = pick(
            rng, ["a", "b", "c"], ["01", "02", "10"], ["yes", "no", "maybe"], ["1", "2", "3"], ["é", "x y", 'q"u']
        )
        words = ["one", "two", "three"] if words[0] == "1" and not digits else words
        table["word"] = np.array(words, object)[rng.integers(0, 3, n)]
    if rng.random() < 0.2:
        table["flag"] = rng.random(n) < 0.5
    if rng.random() < 0.2:
        table["count"] = rng.integers(0, 50, n)
    if rng.random() < 0.4:
        name = str(rng.choice(list(table)))
        if table[name].dtype.kind == "f":
            table.loc[rng.random(n) < 0.1, name] = np.nan
        elif table[name].dtype.kind == "O" or str(table[name].dtype).startswith("str"):
            table.loc[rng.random(n) < 0.1, name] = None
    options = {
        "loss": loss,
        "l2": 0.01,
        "task": "classification" if case.classifies else "regression",
        **some_steps(rng, case),
    }
    options["lr"] = options["lr"] / 2
    return case, table.assign(y=y), options


@check("a CSV file in another dialect is the same table", "1e-12 of the spread")
def dialect(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case, table, options = _table(rng, digits=False)
    sep, decimal = pick(rng, (",", "."), (";", ","), ("\t", "."), ("|", "."), (";", "."), ("\t", ","))
    encoding, end, null = (
        pick(rng, "utf-8", "utf-8-sig", "utf-16", "latin-1"),
        pick(rng, "\n", "\r\n"),
        pick(rng, "", "NA", "NaN", "null", "N/A"),
    )
    quoting = pick(rng, 0, 0, 2)
    wide = table.astype({name: np.float64 for name in table if table[name].dtype == np.float32})
    text = wide.to_csv(index=False, sep=sep, decimal=decimal, lineterminator=end, na_rep=null, quoting=quoting)
    text = text if rng.random() < 0.8 else text.rstrip("\r\n")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "t.csv"
        place.write_bytes(text.encode(encoding))
        told = (
            {}
            if rng.random() < 0.7 and encoding.startswith("utf-8")
            else {
                "delimiter": sep,
                "decimal": decimal,
                **({} if encoding.startswith("utf-8") else {"encoding": encoding}),
            }
        )
        written = f"sep={sep!r} decimal={decimal} {encoding} {end!r} null={null!r} quoting={quoting} {told}"
        detail = f"{case.shape} {dtypes(table)} {written} {brief(options)}"
        return pair(
            lambda: predictions(trained(wide, "y", **options).model, wide),
            lambda: tamper(predictions(trained(str(place), "y", **told, **options).model, str(place))),
            case,
            detail,
            1e-12,
        )


@check(
    "a data frame in another dress is the same table: index, nullable and categorical columns, objects, Series as target",
    "1e-12 of the spread",
)
def frame_in_dress(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case, table, options = _table(rng)
    other = table.copy()
    for name in [c for c in other if rng.random() < 0.5]:
        kind, column = other[name].dtype.kind, other[name]
        if kind == "f":
            other[name] = pick(rng, column.astype("Float64"), column.astype(object), column)
        elif kind in "iu":
            other[name] = pick(rng, column.astype("Int64"), column.astype(object), column.astype(np.int32), column)
        elif kind == "b":
            other[name] = pick(rng, column.astype("boolean"), column.astype(object))
        else:
            other[name] = pick(rng, column.astype("category"), column.astype("string"), column.astype(object))
    other.index = pick(
        rng,
        rng.permutation(len(other)),
        np.arange(len(other)) * 0,
        pd.date_range("2020", periods=len(other)),
        np.array([f"r{i}" for i in range(len(other))]),
    )
    apart = rng.random() < 0.5
    data, target = (other.drop(columns="y"), other["y"]) if apart else (other, "y")
    plain = (table.drop(columns="y"), table["y"]) if apart else (table, "y")
    return pair(
        lambda: predictions(trained(*plain, **options).model, table),
        lambda: tamper(predictions(trained(data, target, **options).model, other)),
        case,
        f"{case.shape} {dtypes(table)} as {dtypes(other)} index {other.index.dtype}{' Series' if apart else ''} {brief(options)}",
        1e-12,
    )


@check(
    "what an option leaves out is as if it had never been there: drop, features, missing='drop', rows without a target",
    "1e-12 of the spread",
)
def left_out(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case, table, options = _table(rng, digits=False)
    how = pick(rng, "drop", "features", "missing", "target", "null")
    names = [c for c in table if c != "y"]
    more = table.copy()
    told: dict[str, Any] = {}
    if how in ("drop", "features"):
        more.insert(0, "more", case.y + rng.normal(size=len(table)))
        told = {"drop": "more"} if how == "drop" else {"features": names}
    elif how == "missing":
        told = {"missing": "drop"}
        table = table.dropna()
        case = case.take(more.notna().all(axis=1).to_numpy())
    elif how == "target":
        extra = table.iloc[rng.integers(0, len(table), 7)].copy()
        extra[[c for c in names if extra[c].dtype.kind == "f"]] *= 3
        extra["y"] = extra["y"].astype(object)
        extra["y"] = None
        more = pd.concat([table.astype({"y": object}), extra], ignore_index=True)
        if not case.classifies:
            more["y"] = more["y"].astype(float)
    else:
        told = {"null": ("?", "-9")}
        for name in names:
            if table[name].dtype.kind == "f":
                cells = table[name].astype(np.float64).astype(object)
                more[name] = cells.where(table[name].notna(), pick(rng, "?", "-9"))
    with tempfile.TemporaryDirectory() as folder:
        data: Any = more
        if how == "null":
            data = str(Path(folder) / "t.csv")
            Path(data).write_bytes(csv(more))
        same = (
            table.astype({name: np.float64 for name in names if table[name].dtype == np.float32})
            if how == "null"
            else table
        )
        detail = f"{case.shape} {how} {dtypes(table)} {brief(options)}"
        return pair(
            lambda: predictions(trained(same, "y", **options).model, same),
            lambda: tamper(predictions(trained(data, "y", **told, **options).model, same)),
            case,
            detail,
            1e-12,
        )


@check("a row of weight 0 in a table is as if it were absent", STEPS)
def weight_of_zero_in_a_table(rng: np.random.Generator, tamper: Tamper) -> Compared:
    case, table, options = _table(rng)
    table["w"] = rng.uniform(0.5, 2, len(table))
    extra = table.iloc[rng.integers(0, len(table), int(rng.integers(1, 9)))].copy()
    extra["w"] = 0.0
    for name in extra:
        if extra[name].dtype.kind == "f" and name not in ("w", "y"):
            extra[name] = extra[name] * 100 + 1
    if "word" in extra:
        extra["word"] = pick(rng, "never seen", extra["word"].iloc[0])
    more = pd.concat([table, extra], ignore_index=True).iloc[rng.permutation(len(table) + len(extra))]
    return pair(
        lambda: predictions(trained(table, "y", weight="w", **options).model, table),
        lambda: tamper(predictions(trained(more, "y", weight="w", **options).model, table)),
        case,
        f"{case.shape} {dtypes(table)} {brief(options)}",
        ROUNDING[4 if case.X.dtype == np.float32 else 8],
    )


@check(
    "the command trains, predicts and evaluates what Python does",
    "1e-9 of the spread: numbers are written with enough digits",
)
def command(rng: np.random.Generator, tamper: Tamper) -> Compared:
    import contextlib
    import io

    from descend.cli import main

    case, table, options = _table(rng, digits=False)
    wide = table.astype({name: np.float64 for name in table if table[name].dtype == np.float32})
    with tempfile.TemporaryDirectory() as folder:
        place, run_dir = Path(folder) / "t.csv", str(Path(folder) / "run")
        place.write_bytes(csv(wide))
        flags = [
            "--loss",
            options["loss"],
            "--l2",
            "0.01",
            "--task",
            options["task"],
            "--optimizer",
            options["optimizer"],
            "--lr",
            repr(options["lr"]),
            "--epochs",
            str(options["max_epochs"]),
            "--tol",
            "0",
            "--eps",
            repr(options["eps"]),
            "--test",
            "none",
            "--val",
            "none",
            "--seeds",
            "1",
        ]
        flags += [] if options["optimizer"] == "gd" else ["--batch", "full"]

        def ran(*words: str) -> str:
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()) as err:
                code = call(lambda: main(list(words)))[0]
            if code not in (0, None):
                raise Refusal(f"exit {code}: {err.getvalue()[-300:]}")
            return out.getvalue()

        def commanded() -> np.ndarray:
            ran("train", str(place), "--target", "y", *flags, "--run-dir", run_dir, "--no-report")
            got = pd.read_csv(io.StringIO(ran("predict", run_dir, str(place))), keep_default_na=False)
            shares = [c for c in got if c.startswith("p_")]
            if not shares and case.classifies:
                return tamper(numbers(got["prediction"]))
            return tamper(got[shares or ["prediction"]].to_numpy(float))

        def numbers(labels: Any) -> np.ndarray:
            """The index of each label; of a loss without probabilities the command writes nothing else."""
            known = sorted({str(label) for label in table["y"]})
            return np.array([[known.index(str(label))] for label in labels], float)

        def python() -> np.ndarray:
            run = trained(str(place), "y", **options).model
            if run.verdict.status in ("diverged", "nonfinite"):
                raise Refusal(run.verdict.text)  # what the command exits with
            if case.classifies and not hasattr(run.predict(str(place)).probabilities, "shape"):
                return numbers(run.predict(str(place)).values)
            return predictions(run, str(place)).reshape(len(table), -1)

        return pair(python, commanded, case, f"{case.shape} {dtypes(table)} {brief(options)}", 1e-9)
