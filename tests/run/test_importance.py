"""What a model uses: permuted columns against a formula and scikit-learn, and the dependence on one column."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance

import descend as ds
from descend.errors import UsageError
from descend.run.importance import importances

COMMON = {"optimizer": "nesterov", "progress": False}


@pytest.fixture(scope="module")
def table():
    """y depends on a strongly, on the level of c, hardly on b, and not on noise."""
    rng = np.random.default_rng(0)
    a, b, noise = rng.normal(size=(3, 1500))
    c = rng.choice(["red", "green", "blue"], 1500)
    y = 3 * a + 0.3 * b + 2.0 * (c == "red") + 0.5 * rng.normal(size=1500)
    return pd.DataFrame({"a": a, "b": b, "c": c, "noise": noise, "y": y})


@pytest.fixture(scope="module")
def run(table):
    return ds.train(table, "y", **COMMON)


def test_the_columns_of_the_file_come_in_the_order_of_their_use(run):
    assert [one.column for one in run.importances] == ["a", "c", "b", "noise"]
    assert run.importances[0].mean > 4 * run.importances[1].mean > 0
    assert abs(run.importances[3].mean) < 0.01


def test_a_permuted_column_adds_twice_its_variance_to_the_squared_error(run):
    """Residual and permuted part are independent: mse rises by 2 w^2 var(x), and rmse follows."""
    rmse = run.metrics["test"]["rmse"]
    expected = np.sqrt(rmse**2 + 2 * 3.0**2) - rmse
    assert run.importances[0].mean == pytest.approx(expected, rel=0.1)


def test_scikit_learn_finds_the_same_on_the_same_rows(table, run):
    class Predictor(RegressorMixin, BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return run.predict(X).values

    test = table.iloc[run.prepared.rows[1]]
    columns = ["a", "b", "c", "noise"]
    found = permutation_importance(
        Predictor(), test[columns], test["y"], scoring="neg_root_mean_squared_error", n_repeats=10, random_state=1
    )
    ours = {one.column: one for one in run.importances}
    for column, mean, std in zip(columns, found.importances_mean, found.importances_std, strict=True):
        assert ours[column].mean == pytest.approx(mean, abs=4 * (std + ours[column].std) + 1e-3)


def test_of_classes_it_is_the_accuracy_that_is_lost(table):
    run = ds.train(table.assign(y=np.where(table["y"] > 0, "up", "down")), "y", **COMMON)
    assert run.importances[0].column == "a"
    assert 0.2 < run.importances[0].mean < 0.5


def test_a_network_is_measured_in_the_same_way(table):
    run = ds.train(
        table, "y", hidden_layer_sizes=(16,), optimizer="adam", lr=0.01, max_epochs=30, random_state=0, progress=False
    )
    assert [one.column for one in run.importances][:2] == ["a", "c"]
    curve = run.dependence("a")
    assert np.polyfit(curve.values, curve.mean[:, 0], 1)[0] == pytest.approx(3.0, rel=0.2)


def test_the_same_data_give_the_same_figures(run):
    assert importances(run.model, run.prepared, "rmse") == run.importances


def test_wide_tables_are_measured_at_their_largest_weights():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 250))
    run = ds.train(X, X[:, 7] * 5 + rng.normal(size=400), **COMMON)
    assert len(run.importances) == 200
    assert run.importances[0].column == "x8"


def test_the_dependence_of_a_linear_model_is_its_line(table, run):
    found = run.dependence("a")
    slope = next(c.value for c in run.coefficients if c.feature == "a")
    np.testing.assert_allclose(np.diff(found.mean[:, 0]) / np.diff(found.values), slope, rtol=1e-9)
    assert found.values.min() >= table["a"].min()
    assert found.values.max() <= table["a"].max()


def test_the_dependence_on_a_category_has_its_levels(run):
    found = run.dependence("c")
    assert set(found.values) == {"red", "green", "blue"}
    red = found.mean[found.values.index("red"), 0]
    assert red - found.mean[found.values.index("blue"), 0] == pytest.approx(2.0, abs=0.1)


def test_the_dependence_of_classes_is_a_probability_of_each(table):
    run = ds.train(table.assign(y=np.where(table["y"] > 0, "up", "down")), "y", **COMMON)
    found = run.dependence("a")
    assert found.outputs == ("down", "up")
    np.testing.assert_allclose(found.mean.sum(axis=1), 1)
    assert (np.diff(found.mean[:, 1]) > 0).all()


def test_a_flag_of_missing_cells_belongs_to_its_column(table):
    rng = np.random.default_rng(2)
    holes = table.assign(a=np.where(rng.random(1500) < 0.2, np.nan, table["a"]))
    run = ds.train(holes, "y", **COMMON)
    assert [one.column for one in run.importances].count("a") == 1
    assert run.dependence("a").values.max() <= table["a"].max()


def test_what_cannot_be_predicted_is_said(run, tmp_path):
    with pytest.raises(UsageError) as error:
        run.dependence("nois")
    assert str(error.value) == "the model does not use a column 'nois'; try 'noise'"
    run.save(tmp_path / "run")
    loaded = ds.load(tmp_path / "run")
    assert loaded.importances == run.importances
    with pytest.raises(UsageError) as error:
        loaded.dependence("a")
    assert (
        str(error.value) == "nothing can be predicted: the run was loaded, and its folder holds no rows; train it again"
    )
