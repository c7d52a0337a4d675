"""Trained models of every kind, the rows that they are compared on, and prediction from the JSON document alone."""

import json
import math
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

import descend as ds
from descend.export.json import render
from descend.run.export import exportable
from descend.table.prepare import load
from descend.table.reading import Kind

DATA = Path(__file__).parents[2] / "examples" / "data"
QUICK = {"optimizer": "adam", "lr": 0.05, "max_epochs": 8, "seeds": 1, "progress": False, "test": 0}
RAW = {"kinds": ("Sample Number=number",), "drop": ("Individual ID", "Comments")}
ODD = {"null": ("-999", "gone"), "kinds": ("code=text",), "max_levels": 6}
JOBS = {
    "number": ("penguins", "body_mass_g", {}),
    "huber": ("penguins", "body_mass_g", {"loss": "huber", "l1": 0.05}),
    "quantile": ("penguins", "body_mass_g", {"loss": "quantile:0.9"}),
    "count": ("penguins", "year", {"loss": "poisson"}),
    "two classes": ("penguins", "sex", {"threshold": 0.3}),
    "two of softmax": ("penguins", "sex", {"loss": "softmax"}),
    "hinge": ("penguins", "sex", {"loss": "hinge"}),
    "classes": ("penguins", "species", {}),
    "dates": ("penguins_raw", "Body Mass (g)", RAW),
    "dates, classes": ("penguins_raw", "Species", {**RAW, "hidden_layer_sizes": (4,)}),
    "odd": ("odd", "y", ODD),
    "odd booleans": ("odd", "yes", {**ODD, "hidden_layer_sizes": (3,), "threshold": 0.7}),
    "odd whole numbers": ("odd", "k", {**ODD, "task": "classification"}),
    "any text": ("texts", "y", {"max_levels": 14}),
    "network": ("penguins", "body_mass_g", {"hidden_layer_sizes": (6, 4), "activation": "tanh"}),
    "network, two classes": ("penguins", "sex", {"hidden_layer_sizes": (5,), "activation": "sigmoid"}),
    "network, classes": ("penguins", "species", {"hidden_layer_sizes": (5, 5), "activation": "relu"}),
    "network, count": ("penguins", "year", {"loss": "poisson", "hidden_layer_sizes": (5,)}),
    "network, hinge": ("penguins", "sex", {"loss": "hinge", "hidden_layer_sizes": (5,)}),
    "normalised": ("penguins", "sex", {"hidden_layer_sizes": (5, 5), "batch_norm": True}),
    "residual": (
        "penguins", "species",
        {"hidden_layer_sizes": (5, 5, 5), "residual": True, "batch_norm": True, "activation": "gelu"},
    ),
    "elu": ("penguins", "species", {"hidden_layer_sizes": (5,), "activation": "elu"}),
    "softplus": ("penguins", "body_mass_g", {"hidden_layer_sizes": (5,), "activation": "softplus"}),
    "leaky_relu": ("penguins", "body_mass_g", {"hidden_layer_sizes": (5,), "activation": "leaky_relu"}),
}  # fmt: skip


@cache
def run(name):
    """The trained run of a job."""
    table, target, options = JOBS[name]
    others = {"y", "yes", "k"} - {target} if table == "odd" else set()
    drop = (*options.get("drop", ()), *sorted(others))
    data = {"odd": odd, "texts": texts}.get(table, lambda: DATA / f"{table}.csv")()
    return ds.train(data, target, **QUICK, **{**options, "drop": drop})


@cache
def odd():
    """A table of missing cells, quotes, booleans, times, rare levels, and codes that count as they are written."""
    rng = np.random.default_rng(3)
    n = 150
    x = np.round(rng.normal(5, 2, n), 2)
    tags = np.array(
        ["O'Brien", 'a"b', " padded", "NA", "gone", "c--d", "; drop", *(f"rare{k}" for k in range(9))], object
    )
    frame = pd.DataFrame({
        """it's "x" """: np.where(rng.random(n) < 0.1, -999, x),
        "day, hour": pd.to_datetime("2024-01-31 06:30") + pd.to_timedelta(rng.integers(0, 500_000, n), unit="min"),
        "flag": rng.choice(np.array([True, False, None], object), n),
        "tag": tags[np.minimum(rng.geometric(0.15, n) - 1, len(tags) - 1)],
        "code": rng.choice(np.array(["007", "7", " 7", "NA", ""], object), n),
    })  # fmt: skip
    frame.loc[rng.random(n) < 0.1, ["day, hour", "tag"]] = None
    frame["y"] = x + frame["flag"].eq(True) + rng.normal(size=n)
    frame["yes"] = frame["y"] > 5.5
    frame["k"] = np.select([frame["y"] < 4, frame["y"] < 6], [3, 5], 9)
    return frame


@cache
def texts():
    """A table whose text and names hold what could end a literal, a comment or a template."""
    levels = [
        "a\\b",
        "a\nb",
        "''",
        '""',
        "--",
        "/* x",
        "$$",
        "\u00e9\U0001f600",
        "{0}",
        "%s",
        "a\u00a0b",
        "x" * 2000,
        "\u00df",
        "A",
        "a",
    ]
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({'c {0} % \\ "': rng.choice(np.array(levels, object), 200), "-- z\n": rng.normal(size=200)})
    return frame.assign(y=frame.iloc[:, 1] + 3 * frame.iloc[:, 0].eq("''"))


def strange(frame):
    """Rows of a table in which every cell is missing, or every text is one that training never saw."""
    texts = [None, """Atlantis's "lost" one""", "(missing)"]
    cells = {
        name: [None, True, False]
        if name == "flag"
        else texts
        if frame[name].dtype.kind == "O"
        else [None, *frame[name][1:3]]
        for name in frame
    }
    return pd.DataFrame(cells).astype(frame.drop(columns=frame.select_dtypes(["int", "bool"]).columns).dtypes)


@cache
def frame(name):
    """The rows that a model is compared on: all of its table, and strange ones."""
    table = JOBS[name][0]
    made = {"odd": odd, "texts": texts}
    read = partial(pd.read_csv, DATA / f"{table}.csv", keep_default_na=False, na_values=["NA"])
    whole = made.get(table, read)()
    for column in whole:
        if column.startswith("Date"):
            whole[column] = pd.to_datetime(whole[column])
    return pd.concat([whole, strange(whole)], ignore_index=True)


@cache
def table(name):
    """The same rows as descend reads them."""
    return load(frame(name), run(name).options, run(name).model.readings)


@cache
def expected(name):
    """What descend predicts for them."""
    return run(name).predict(frame(name))


def export(name):
    """The model as every format writes it."""
    return exportable(run(name).model, run(name).options.null)


def cells(name):
    """The columns that the model reads: numbers with NaN where missing, text with None."""
    return {c.name: table(name)[c.name].values.tolist() for c in export(name).columns}


def agrees(name, values, probabilities):
    """Assert that another runtime predicts the same for every row: to 1e-6, and the same classes."""
    own = expected(name)
    assert len(values) == own.rows == len(frame(name))
    if own.classes:
        assert list(values) == own.values.tolist()
    else:
        np.testing.assert_allclose(np.asarray(values, float), own.values, rtol=1e-6)
    assert (probabilities is None) == (own.probabilities is None)
    if own.probabilities is not None:
        np.testing.assert_allclose(np.asarray(probabilities, float), own.probabilities, atol=1e-6)


ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "relu": lambda z: max(z, 0.0),
    "leaky_relu": lambda z: z if z > 0 else 0.01 * z,
    "elu": lambda z: z if z > 0 else math.expm1(z),
    "gelu": lambda z: z * (1 + math.erf(z / math.sqrt(2))) / 2,
    "softplus": lambda z: math.log1p(math.exp(z)),
}


class Document:
    """Prediction from the JSON document alone, with Python's own numbers: the reference that docs/export.md describes."""

    def __init__(self, data):
        self.model = json.loads(data)

    def encoded(self, row):
        """The features of a row, a mapping of columns to cells."""
        features = []
        for column in self.model["columns"]:
            cell = row[column["name"]]
            if isinstance(cell, str) and column.get("trimmed"):
                cell = cell.strip()
            missing = cell is None or cell != cell or cell in column["null"]
            if column["kind"] == "category":
                levels, at = column["levels"], column["other"]
                if missing:
                    at = column["missing"]
                elif cell in levels:
                    at = levels.index(cell)
                features += [float(k == at) for k in range(len(levels))]
            else:
                features += [column["median"] if missing else cell] + [float(missing)] * column["flag"]
        return features

    def predict(self, row):
        """The prediction of a row, and the probabilities of its classes or None."""
        model = self.model
        h = [(x - c) / w for x, c, w in zip(self.encoded(row), model["center"], model["width"], strict=True)]
        for layer in model["layers"]:
            z = [sum(x * W[k] for x, W in zip(h, layer["W"], strict=True)) + b for k, b in enumerate(layer["b"])]
            out = [ACTIVATIONS[layer["activation"]](value) for value in z]
            h = [a + x for a, x in zip(out, h, strict=True)] if layer["residual"] else out
        if model["link"] in ("identity", "exp"):
            return (math.exp(h[0]) if model["link"] == "exp" else h[0]), None
        if model["link"] == "softmax":
            grown = [math.exp(z - max(h)) for z in h]
            return model["classes"][h.index(max(h))], [g / sum(grown) for g in grown]
        label = model["classes"][h[0] > model["cut"]]
        p = 1 / (1 + math.exp(-h[0]))
        return label, None if model["link"] == "step" else [1 - p, p]


def document(name):
    """The JSON document of a model."""
    return Document(render(export(name)))


def rows(name):
    """The rows as mappings of columns to cells, where a date is in days and a boolean 0 or 1."""
    columns = cells(name)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def kinds(name):
    """The kind of each column that the model reads."""
    return {c.name: c.kind for c in export(name).columns}


def is_text(name, column):
    """Whether a column holds text."""
    return kinds(name)[column] == Kind.CATEGORY
