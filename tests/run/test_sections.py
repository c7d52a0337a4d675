"""The plain values of a run's record are those of its data, its setting and its trace."""

import dataclasses
import hashlib
import platform

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.losses import loss
from descend.optimum.landscape import Landscape
from descend.options import read_options
from descend.problem import Problem
from descend.problem.layer_stats import KINDS
from descend.problem.network import Network
from descend.run.sections import chosen_section, curvature_note, data_section, environment_section, trace_section
from descend.table.data import Data

QUICK = {"optimizer": "gd", "max_epochs": 5, "progress": False}


@pytest.fixture(scope="module")
def table():
    """Three classes, a constant column and two missing cells."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90), "same": 1.0, "y": ["p", "q", "r"] * 30})
    frame.loc[[1, 7], "b"] = np.nan
    return frame


def test_data_are_described_as_they_were_read_and_used(table, tmp_path):
    path = tmp_path / "three.csv"
    table.to_csv(path, index=False, sep=";")
    run = ds.train(path, "y", test=0.2, **QUICK)
    section = data_section(run.prepared, path, run.search_result.fit)

    assert section["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (section["name"], section["path"], section["delimiter"]) == ("three.csv", str(path), ";")
    assert (section["rows"], section["columns"], section["target"]) == (90, 4, "y")
    assert list(section["dropped"]) == ["same"]
    assert section["features"][:2] == ["a", "b"]
    assert section["train_rows"] + section["validation_rows"] + section["test_rows"] == 90
    assert section["test_rows"] == 18
    assert data_section(run.prepared, table, run.search_result.fit)["path"] is None
    assert data_section(run.prepared, "-", run.search_result.fit)["path"] is None


def test_what_was_chosen_is_the_setting_of_the_kept_run(table):
    run = ds.train(table, "y", lr=0.25, batch_size="full", **QUICK)
    section = chosen_section(run.search_result)

    assert (section["optimizer"], section["lr"], section["batch"], section["network"]) == ("gd", 0.25, "full", None)
    assert section["gap"] == run.gap
    assert section["why"]["lr"]["rule"] == "typed"


def test_the_trace_of_a_linear_model_has_a_column_a_weight(table):
    run = ds.train(table, "y", lr=0.25, missing="drop", test=0.2, **QUICK)
    columns = trace_section(run.search_result, run.prepared)
    names = [f"w:{feature} [{c}]" for feature in ("a", "b", "intercept") for c in ("p", "q", "r")]

    assert list(columns) == ["epoch", "loss", "test", "lr", "seconds", *names]
    assert columns["epoch"] == [0, 1, 2, 3, 4, 5]
    fit = run.search_result.fit
    np.testing.assert_allclose([columns[n][-1] for n in names], fit.state.weights[run.search_result.best], rtol=1e-12)


def test_the_trace_of_a_network_has_the_statistics_of_each_layer(table):
    run = ds.train(table, "y", hidden_layer_sizes=(3,), lr=0.1, **QUICK)
    columns = trace_section(run.search_result, run.prepared)

    assert list(columns) == [
        "epoch",
        "loss",
        "val",
        "lr",
        "seconds",
        *(f"{kind}:{layer}" for kind in KINDS for layer in (1, 2)),
    ]
    assert chosen_section(run.search_result)["network"]["sizes"] == (2 + 1, 3, 3)  # b has a column for missing cells


def test_the_environment_is_this_machine():
    section = environment_section(read_options({"random_state": 5}), 2)

    assert (section["python"], section["numpy"]) == (platform.python_version(), np.__version__)
    assert (section["system"], section["threads"], section["seed"]) == (platform.system(), 2, 5)


def test_the_curvature_in_words_worked_by_hand():
    """x = -1, 1 without intercept: the Hessian is 2, so that gradient descent is stable below 1."""
    X, y = np.array([[-1.0], [1.0]]), np.array([0.0, 4.0])
    known = Landscape.of(Problem(Data(X, y), loss("squared"), intercept=False))
    infinite = dataclasses.replace(known.curvature, largest=np.inf)
    steep = dataclasses.replace(known, measure=lambda: infinite)
    flat = Landscape.of(Problem(Data(0 * X, y), loss("squared"), intercept=False))
    deep = Landscape.of(Problem(Data(X, y), loss("squared"), network=Network((1, 2, 1))))
    sharp = deep.curvature.largest

    assert curvature_note(known) == "λmax 2 → plain gradient descent is stable below lr 1"
    assert curvature_note(steep) == "the curvature at the start is beyond the finite range"
    assert curvature_note(flat) == "flat: no column has any slope"
    assert curvature_note(deep) == (
        f"λmax {sharp:.3g} at the start → plain gradient descent begins well below lr {2 / sharp:.3g}"
    )


def test_the_trace_has_the_learning_rate_at_every_record_point():
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = X @ [1.0, 2.0, 3.0] + np.random.default_rng(1).normal(size=200)
    run = ds.train(
        X, y, optimizer="minibatch", batch_size=20, lr=0.05, schedule="cosine", max_epochs=12, progress=False
    )
    rates = run.trace["lr"]

    assert rates[0] == pytest.approx(0.05)
    assert (np.diff(rates) <= 0).all()
    assert rates[-1] < 0.5 * rates[0]
