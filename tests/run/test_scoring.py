"""Which metrics a model has, and that weights count in those of a file of test rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import descend as ds
from descend.errors import UsageError
from descend.losses import LOSSES
from descend.run.scoring import metric_of

RNG = np.random.default_rng(0)
X = RNG.standard_normal((300, 3))


@pytest.mark.parametrize(
    ("loss", "metric", "text"),
    [
        ("squared", "auc", "metric is 'auc', which does not apply to regression with the loss squared; it has rmse, mae, r2; "
         'use metric="rmse"'),
        ("logistic", "rmse", "metric is 'rmse', which does not apply to classification with the loss logistic; it has accuracy, "
         'balanced_accuracy, auc, logloss; use metric="accuracy"'),
        ("hinge", "logloss", "metric is 'logloss', which does not apply to classification with the loss hinge; it has accuracy, "
         'balanced_accuracy, auc; use metric="accuracy"'),
    ],
)  # fmt: skip
def test_a_metric_that_does_not_apply_is_refused(loss, metric, text):
    y = X[:, 0] if loss == "squared" else np.where(X[:, 0] > 0, "yes", "no")
    with pytest.raises(UsageError) as caught:
        ds.train(X, y, loss=loss, metric=metric, progress=False)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("loss", "metric"),
    [("squared", "r2"), ("poisson", "mae"), ("softmax", "auc"), ("softmax", "logloss"), ("hinge", "auc")],
)
def test_a_metric_that_applies_is_kept(loss, metric):
    assert metric_of(LOSSES[loss], metric) == metric


def test_the_auc_of_several_classes_is_that_of_scikit_learn():
    y = np.array(["a", "b", "c"])[np.digitize(X[:, 0] + RNG.standard_normal(300), [-0.5, 0.5])]
    run = ds.train(X, y, optimizer="nesterov", metric="auc", test="none", seeds=1, progress=False)
    p = run.predict(X).probabilities
    assert run.metrics["train"]["auc"] == pytest.approx(roc_auc_score(y, p, multi_class="ovr"))


@pytest.mark.parametrize("target", ["body_mass_g", "sex", "species"])
def test_the_test_rows_are_evaluated_as_their_rows_of_the_file_are(target, penguins):
    run = ds.train(penguins, target, optimizer="gd", max_epochs=50, progress=False)
    again = run.evaluate(run.prepared.table.take(run.prepared.rows[1]))
    assert dict(run.held_out) == run.metrics["test"] == pytest.approx(dict(again))
    assert run.intervals["test"] == run.held_out.intervals
    for name, ends in again.intervals.items():
        assert run.intervals["test"][name] == pytest.approx(ends)
    np.testing.assert_array_equal(run.held_out.rows, run.prepared.rows[1])


def test_without_test_rows_nothing_is_held_out():
    run = ds.train(X, X @ np.arange(3.0), optimizer="gd", max_epochs=20, test="none", progress=False)
    assert (run.held_out, run.intervals) == (None, {})


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_weights_of_a_file_of_test_rows_count_in_its_metrics(task, tmp_path):
    y = X[:, 0] + RNG.standard_normal(300)
    data = pd.DataFrame(X, columns=["p", "q", "r"]).assign(
        y=y if task == "regression" else np.where(y > 0, "yes", "no")
    )
    data["w"] = RNG.uniform(0.1, 5, 300) * (RNG.random(300) < 0.8)
    train, test = data[:200], data[200:].reset_index(drop=True)
    junk = test.assign(w=0.0, p=1e6)
    options = {"weight": "w", "optimizer": "gd", "seeds": 1, "progress": False, "max_epochs": 200}
    one, two = (ds.train(train, "y", test=rows, **options).metrics["test"]
                for rows in (test, pd.concat([test, junk], ignore_index=True)))  # fmt: skip
    run = ds.train(train, "y", test=test, **options)
    prediction, weight = np.asarray(run.predict(test)), test["w"].to_numpy()

    assert one == two == pytest.approx(run.evaluate(test))
    if task == "regression":
        expected = np.sqrt(np.average((prediction - test["y"]) ** 2, weights=weight))
        assert one["rmse"] == pytest.approx(expected, rel=1e-9)
    else:
        assert one["accuracy"] == pytest.approx(np.average(prediction == test["y"], weights=weight))
