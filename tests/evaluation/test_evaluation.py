"""What every evaluation has: a mapping of metrics, and the verdict between two models."""

import json

import numpy as np
import pytest
from scipy import stats

from descend.errors import UsageError
from descend.evaluation import ClassificationEvaluation, RegressionEvaluation
from descend.evaluation.paired import Verdict

RNG = np.random.default_rng(0)
Y = RNG.normal(size=200)
NOISE = RNG.normal(size=200)


def regression(size, y=Y, noise=NOISE):
    return RegressionEvaluation(y=y, predicted=y + size * noise)


def classes(score):
    y = (Y > 0).astype(float)
    return ClassificationEvaluation(
        y=y, score=score, probabilities=None, predicted=(score > 0).astype(int), classes=("no", "yes")
    )


def test_it_is_a_mapping_of_the_metrics():
    found = regression(0.5)
    assert list(found) == ["rmse", "mae", "r2"]
    assert found == dict(found.items())
    assert json.loads(json.dumps(dict(found))) == found
    assert repr(found).startswith(f"Evaluation of 200 rows: rmse {found['rmse']:.4g} (")


def test_the_better_model_is_called_better_from_both_sides():
    near, far = regression(0.5), regression(1.0, noise=RNG.normal(size=200))
    for metric in near:
        assert near.compare(far, metric).verdict is Verdict.BETTER
        assert far.compare(near, metric).verdict is Verdict.WORSE
        assert near.compare(near, metric).verdict is Verdict.TIE
    found = near.compare(far)
    assert (found.metric, found.difference) == ("rmse", pytest.approx(near["rmse"] - far["rmse"]))
    assert found.low < found.difference < found.high < 0


def test_mae_and_accuracy_are_compared_by_the_paired_t_test():
    near, far = regression(0.9), regression(1.0, noise=RNG.normal(size=200))
    one, two = classes(Y + 0.5 * NOISE), classes(Y + NOISE)
    for metric, a, b, found in (
        ("mae", np.abs(near.residuals), np.abs(far.residuals), near.compare(far, "mae")),
        ("accuracy", one.hit * 1.0, two.hit * 1.0, one.compare(two)),
    ):
        exact, freedom = stats.ttest_rel(a, b), 400 / (stats.kurtosis(a - b, fisher=False) - 1)
        half = (a - b).mean() / exact.statistic * stats.t.ppf(0.975, min(freedom, 199))
        assert (found.metric, (found.high - found.low) / 2) == (metric, pytest.approx(half))
        assert found.difference == pytest.approx((a - b).mean())


def test_areas_are_compared_by_the_test_of_delong():
    one, two = Y + NOISE, Y + 1.5 * RNG.normal(size=200)
    parts = []
    for score in (one, two):
        up, down = score[Y > 0], score[Y <= 0]
        above = (up[:, None] > down) + 0.5 * (up[:, None] == down)
        parts.append((above.mean(), above.mean(axis=1), above.mean(axis=0)))
    (a, a1, a0), (b, b1, b0) = parts
    error = np.sqrt((a1 - b1).var(ddof=1) / len(a1) + (a0 - b0).var(ddof=1) / len(a0))
    moved = np.r_[(a1 - b1 - a + b) / len(a1), (a0 - b0 - a + b) / len(a0)]
    freedom = min(199, 400 / (stats.kurtosis(moved, fisher=False) - 1))
    found = classes(one).compare(classes(two), "auc")
    assert found.difference == pytest.approx(a - b)
    assert (found.high - found.low) / 2 == pytest.approx(stats.t.ppf(0.975, freedom) * error, rel=5e-3)


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_two_models_of_one_quality_are_told_apart_in_at_most_five_per_cent(metric):
    rng, apart = np.random.default_rng(1), 0
    for _ in range(400):
        y = rng.normal(size=100)
        shared = rng.normal(size=100)
        one, two = (regression(0.5, y, shared + rng.normal(size=100)) for _ in range(2))
        apart += one.compare(two, metric).verdict is not Verdict.TIE
    assert apart / 400 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


def test_other_rows_and_other_metrics_are_refused():
    with pytest.raises(UsageError) as caught:
        regression(1).compare(regression(1, Y[:5], NOISE[:5]))
    assert str(caught.value) == (
        "the evaluations are of 200 and 5 rows, which are not the same rows; evaluate both models on the same data"
    )
    with pytest.raises(UsageError) as caught:
        regression(1).compare(regression(1), "auc")
    assert str(caught.value) == "metric is 'auc', which does not apply; there are rmse, mae, r2; use rmse"
