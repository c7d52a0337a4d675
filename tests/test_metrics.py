"""Metrics against scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from descend.metrics import auc, classification_metrics, mean_auc, regression_metrics

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
    assert ours["logloss"] == pytest.approx(theirs.log_loss(y, p, sample_weight=weight))
    assert ours["auc"] == pytest.approx(theirs.roc_auc_score(y, p, sample_weight=weight))


def test_what_has_no_value_is_nan():
    assert np.isnan(regression_metrics(np.ones(3), np.ones(3))["r2"])
    assert np.isnan(auc(np.zeros(3), np.arange(3.0)))


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
        "auc": pytest.approx(theirs.roc_auc_score(y, score)),
    }


def test_a_class_without_rows_does_not_count_in_the_auc():
    y, score = np.array([0, 0, 1, 1]), RNG.random((4, 3))
    expected = np.mean([theirs.roc_auc_score(y == k, score[:, k]) for k in (0, 1)])
    assert mean_auc(y, score) == pytest.approx(expected)
    assert np.isnan(mean_auc(np.zeros(4), score))
