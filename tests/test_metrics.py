"""Metrics against scikit-learn's."""

import mpmath
import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn import metrics as theirs

from descend.metrics import RegressionSums, auc, classification_metrics, mean_auc, regression_metrics

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("weight", [None, RNG.uniform(0, 2, 50)])
def test_regression(weight):
    y, p = RNG.standard_normal(50), RNG.standard_normal(50)
    ours = regression_metrics(y, p, weight)
    assert ours["rmse"] == pytest.approx(theirs.mean_squared_error(y, p, sample_weight=weight) ** 0.5)
    assert ours["mae"] == pytest.approx(theirs.mean_absolute_error(y, p, sample_weight=weight))
    assert ours["r2"] == pytest.approx(theirs.r2_score(y, p, sample_weight=weight))


@pytest.mark.parametrize("weight", [None, RNG.uniform(0, 2, 50)])
def test_classification_with_ties(weight):
    y, p = RNG.integers(0, 2, 50), RNG.choice([0.1, 0.4, 0.6, 0.9], 50)
    ours = classification_metrics(y, np.log(p / (1 - p)), np.column_stack([1 - p, p]), weight)
    assert ours["accuracy"] == pytest.approx(theirs.accuracy_score(y, p > 0.5, sample_weight=weight))
    assert ours["balanced_accuracy"] == pytest.approx(theirs.balanced_accuracy_score(y, p > 0.5, sample_weight=weight))
    assert ours["logloss"] == pytest.approx(theirs.log_loss(y, p, sample_weight=weight))
    assert ours["auc"] == pytest.approx(theirs.roc_auc_score(y, p, sample_weight=weight))


def test_what_has_no_value_is_nan():
    assert np.isnan(regression_metrics(np.ones(3), np.ones(3))["r2"])
    assert np.isnan(auc(np.zeros(3), np.arange(3.0)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", ["rows", "two", "three"])
def test_from_scores_the_log_loss_is_that_of_the_scores_where_probabilities_underflow(shape, weighted):
    """Against 50 digits: a score of 3,000 on the wrong side costs 3,000, though 1 - p is 0."""
    rng = np.random.default_rng(0)
    k = {"three": 3}.get(shape, 2)
    z = 3000 * rng.normal(size=(40, k))
    y, weight = rng.integers(0, k, 40), rng.uniform(size=40) if weighted else None
    scores = z[:, 1] - z[:, 0] if shape == "rows" else z
    with mpmath.workdps(50):
        each = [
            mpmath.log(sum(mpmath.exp(mpmath.mpf(v)) for v in row)) - mpmath.mpf(row[c])
            for row, c in zip(z, y, strict=True)
        ]
        total = [1.0] * 40 if weight is None else weight
        exact = float(sum(w * v for w, v in zip(total, each, strict=True)) / sum(total))
    p = softmax(z, axis=1)
    found = classification_metrics(y, scores, p, weight)
    underflowed = -np.log(np.maximum(p[np.arange(40), y], np.finfo(np.float64).tiny))

    assert found["logloss"] == pytest.approx(exact, rel=1e-12)
    assert float(np.average(underflowed, weights=weight)) != pytest.approx(exact, rel=1e-3)


def test_from_scores_the_auc_orders_rows_whose_probabilities_are_both_one():
    y, z = np.array([0, 1, 0, 1]), np.array([40.0, 50.0, 45.0, 60.0])
    p = np.column_stack([1 - expit(z), expit(z)])
    assert auc(y, p[:, 1]) == 0.5
    assert classification_metrics(y, z, p)["auc"] == 1.0


@pytest.mark.parametrize("weight", [None, RNG.uniform(0, 2, 60)])
def test_the_auc_of_several_classes_is_one_against_the_rest(weight):
    y, z = np.arange(60) % 3, RNG.standard_normal((60, 3)).round(1)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    ours = classification_metrics(y, z, p, weight)
    expected = np.mean([theirs.roc_auc_score(y == k, p[:, k], sample_weight=weight) for k in range(3)])
    assert ours["auc"] == pytest.approx(expected)
    assert ours["auc"] == pytest.approx(theirs.roc_auc_score(y, p, multi_class="ovr", sample_weight=weight))
    assert ours["accuracy"] == pytest.approx(theirs.accuracy_score(y, z.argmax(axis=1), sample_weight=weight))


def test_scores_without_probabilities_have_no_log_loss():
    y, score = RNG.integers(0, 2, 50), RNG.standard_normal(50)
    ours = classification_metrics(y, score, None)
    assert ours == {
        "accuracy": pytest.approx(theirs.accuracy_score(y, score > 0)),
        "balanced_accuracy": pytest.approx(theirs.balanced_accuracy_score(y, score > 0)),
        "auc": pytest.approx(theirs.roc_auc_score(y, score)),
    }


def test_a_class_without_rows_does_not_count_in_the_auc():
    y, score = np.array([0, 0, 1, 1]), RNG.random((4, 3))
    expected = np.mean([theirs.roc_auc_score(y == k, score[:, k]) for k in (0, 1)])
    assert mean_auc(y, score) == pytest.approx(expected)
    assert np.isnan(mean_auc(np.zeros(4), score))


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_that_are_added_up_block_by_block_are_those_of_all_rows(weighted):
    rng = np.random.default_rng(0)
    y, predicted = rng.normal(5, 2, 1000), rng.normal(5, 2, 1000)
    weight = rng.uniform(0, 2, 1000) if weighted else None
    sums = RegressionSums(float(np.average(y, weights=weight)))
    for lo in range(0, 1000, 300):
        rows = slice(lo, lo + 300)
        sums.add(y[rows], predicted[rows], None if weight is None else weight[rows])
    squared = np.average((predicted - y) ** 2, weights=weight)
    spread = np.average((y - np.average(y, weights=weight)) ** 2, weights=weight)
    expected = {
        "rmse": np.sqrt(squared),
        "mae": np.average(np.abs(predicted - y), weights=weight),
        "r2": 1 - squared / spread,
    }
    assert sums.metrics() == pytest.approx(expected, rel=1e-12)
