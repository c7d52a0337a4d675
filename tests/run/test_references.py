"""Other models beside the one that was trained, on the same test rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

import descend as ds
from descend.evaluation.reference import ReferenceModel

COMMON = {"progress": False, "threads": 1, "optimizer": "nesterov"}
NETWORK = {"hidden_layer_sizes": (8,), "optimizer": "adam", "lr": 0.01, "max_epochs": 40, "progress": False}
CONSTANT, LINEAR, TREES = ReferenceModel


@pytest.fixture(scope="module")
def table():
    """A line with noise, and a step that no line follows."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    return pd.DataFrame(
        {"a": a, "b": b, "line": 2 * a - b + 0.3 * rng.normal(size=400), "step": 4.0 * (a * b > 0) + 0.1 * b}
    )


def by_model(run):
    return {r.model: r for r in run.references}


def test_a_linear_model_stands_beside_a_constant_and_its_optimum(table):
    run = ds.train(table[["a", "b", "line"]], "line", **COMMON)
    found = by_model(run)

    assert set(found) == {CONSTANT, LINEAR}
    assert found[CONSTANT].value == pytest.approx(run.metrics["baseline"]["rmse"])
    assert found[LINEAR].value == pytest.approx(run.metrics["optimum"]["rmse"])
    assert (found[CONSTANT].verdict.verdict, found[LINEAR].verdict.verdict) == ("better", "tie")
    assert found[CONSTANT].low < found[CONSTANT].value < found[CONSTANT].high


def test_trees_are_those_of_scikit_learn_at_its_defaults(table):
    run = ds.train(table[["a", "b", "step"]], "step", trees=True, **COMMON)
    rows, held = run.prepared.rows
    X, y = table[["a", "b"]].to_numpy(), table["step"].to_numpy()
    with threadpool_limits(1, user_api="openmp"):
        trees = HistGradientBoostingRegressor(random_state=0).fit(X[rows], y[rows])
    expected = np.sqrt(np.mean((trees.predict(X[held]) - y[held]) ** 2))

    assert run.references[0].model is TREES
    assert run.references[0].value == pytest.approx(expected, rel=0.02)  # scaled columns have other bins, by rounding
    assert run.references[0].verdict.verdict == "worse"
    assert run.references[0].verdict.difference > 0


def test_a_network_stands_beside_the_exact_linear_model(table):
    run = ds.train(table[["a", "b", "step"]], "step", random_state=0, **NETWORK)
    linear = ds.train(table[["a", "b", "step"]], "step", random_state=0, **COMMON)

    assert by_model(run)[LINEAR].value == pytest.approx(linear.metrics["optimum"]["rmse"], rel=1e-6)
    assert by_model(run)[LINEAR].verdict.verdict == "better"


def test_classes_are_compared_by_what_tables_show(table):
    kinds = table[["a", "b"]].assign(y=np.array(["low", "mid", "high"])[np.digitize(table["line"], [-1, 1])])
    run = ds.train(kinds, "y", trees=True, **COMMON)
    values = [r.value for r in run.references]

    assert values == sorted(values, reverse=True)
    assert by_model(run)[CONSTANT].value == run.metrics["baseline"]["accuracy"]
    assert by_model(run)[TREES].value > 0.7


def test_classes_that_a_plane_separates_have_no_exact_linear_model(table):
    kinds = table[["a", "b"]].assign(y=np.where(table["a"] > 0, "up", "down"))
    run = ds.train(kinds, "y", l2=0.0, max_epochs=20, **COMMON)
    assert set(by_model(run)) == {CONSTANT}


def test_without_test_rows_there_are_none(table):
    assert ds.train(table[["a", "b", "line"]], "line", test=None, trees=True, **COMMON).references == ()


def test_counts_and_quantiles_are_what_trees_minimise(table):
    rng = np.random.default_rng(1)
    counts = table[["a", "b"]].assign(y=rng.poisson(np.exp(1 + 0.5 * table["a"])))
    for loss in ("poisson", "quantile"):
        run = ds.train(counts, "y", loss=loss, trees=True, **COMMON)
        assert by_model(run)[TREES].value < by_model(run)[CONSTANT].value


def test_they_are_in_the_folder(table, tmp_path):
    run = ds.train(table[["a", "b", "line"]], "line", trees=True, **COMMON)
    run.save(tmp_path / "run")
    assert ds.load(tmp_path / "run").references == run.references
