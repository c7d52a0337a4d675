"""Curves and calibration, against scikit-learn."""

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve as pr_of_sklearn
from sklearn.metrics import roc_curve as roc_of_sklearn

from descend.evaluation.curves import calibration, precision_recall_curve, roc_curve

RNG = np.random.default_rng(0)
POSITIVE = RNG.random(200) < 0.3
SCORE = np.round(1 / (1 + np.exp(-1.0 * POSITIVE - RNG.normal(size=200))), 2)
WEIGHT = RNG.uniform(0.1, 3, 200)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_the_roc_curve_is_that_of_scikit_learn(weight):
    found = roc_curve(POSITIVE, SCORE, weight)
    fpr, tpr, _ = roc_of_sklearn(POSITIVE, SCORE, sample_weight=weight, drop_intermediate=False)
    np.testing.assert_allclose(found.false_positive, fpr)
    np.testing.assert_allclose(found.true_positive, tpr)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_the_precision_recall_curve_is_that_of_scikit_learn(weight):
    found = precision_recall_curve(POSITIVE, SCORE, weight)
    precision, recall, _ = pr_of_sklearn(POSITIVE, SCORE, sample_weight=weight)
    np.testing.assert_allclose(found.precision, precision[-2::-1])  # scikit-learn adds the point (0, 1) at its end
    np.testing.assert_allclose(found.recall, recall[-2::-1])


def test_calibration_has_the_quantile_bins_of_scikit_learn_and_exact_intervals():
    probability = RNG.random(200)
    observed, predicted = calibration_curve(POSITIVE, probability, n_bins=10, strategy="quantile")
    bins = calibration(POSITIVE, probability)
    assert [b.predicted for b in bins] == pytest.approx(predicted.tolist())
    assert [b.observed.value for b in bins] == pytest.approx(observed.tolist())
    assert [b.rows for b in bins] == [20] * 10
    exact = stats.binomtest(round(bins[0].observed.value * 20), 20).proportion_ci(0.95, "exact")
    assert (bins[0].observed.low, bins[0].observed.high) == pytest.approx((exact.low, exact.high))


def test_rows_of_one_probability_share_a_bin():
    (only,) = calibration(POSITIVE, np.full(200, 0.3))
    assert (only.predicted, only.observed.value, only.rows) == (pytest.approx(0.3), POSITIVE.mean(), 200)
