"""Figures of predicted numbers, against scikit-learn and worked numbers."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from descend.evaluation import RegressionEvaluation

RNG = np.random.default_rng(0)
Y = RNG.normal(10, 3, 80)
P = Y + RNG.normal(0, 1, 80)
WEIGHT = RNG.uniform(0.1, 3, 80)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_values_are_those_of_scikit_learn_and_lie_in_their_intervals(weight):
    found = RegressionEvaluation(y=Y, predicted=P, weight=weight)
    known = {"sample_weight": weight}
    assert dict(found) == pytest.approx({
        "rmse": root_mean_squared_error(Y, P, **known), "mae": mean_absolute_error(Y, P, **known),
        "r2": r2_score(Y, P, **known),
    })  # fmt: skip
    assert all(e.low < e.value < e.high for e in found.estimates.values())


def test_the_interval_is_about_that_of_a_bootstrap():
    found, rng = RegressionEvaluation(y=Y, predicted=P), np.random.default_rng(1)
    rows = rng.integers(0, 80, (4000, 80))
    e, y = (P - Y)[rows], Y[rows]
    draws = {
        "rmse": np.sqrt((e**2).mean(axis=1)), "mae": np.abs(e).mean(axis=1), "r2": 1 - (e**2).mean(axis=1) / y.var(axis=1),
    }  # fmt: skip
    for name, values in draws.items():
        low, high = np.quantile(values, [0.025, 0.975])
        assert found.intervals[name] == pytest.approx((low, high), abs=0.25 * (high - low))


def test_worst_rows_have_their_place_in_the_data():
    found = RegressionEvaluation(y=np.zeros(4), predicted=np.array([1.0, -5.0, 0.0, 3.0]), rows=np.array([2, 4, 6, 8]))
    assert [(w.row, w.actual, w.predicted) for w in found.worst(2)] == [(4, 0.0, -5.0), (8, 0.0, 3.0)]
    assert [w.row for w in RegressionEvaluation(y=Y, predicted=Y + np.arange(80)).worst(1)] == [79]


def test_residuals_are_target_less_prediction():
    found = RegressionEvaluation(y=np.arange(5.0), predicted=np.zeros(5))
    assert found.residual_quantiles == {
        0.0: 0.0, 0.05: pytest.approx(0.2), 0.25: 1.0, 0.5: 2.0, 0.75: 3.0, 0.95: pytest.approx(3.8), 1.0: 4.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("y", "predicted", "r2"),
    [(np.ones(5), np.arange(5.0), np.nan), (Y, np.full(80, Y.mean()), 0.0), (Y, Y, 1.0), (Y[:1], P[:1], np.nan)],
    ids=["constant target", "constant prediction", "exact", "one row"],
)
def test_degenerate_rows_have_figures_or_none_and_never_an_error(y, predicted, r2):
    found = RegressionEvaluation(y=y, predicted=predicted)
    assert found["r2"] == pytest.approx(r2, abs=1e-12, nan_ok=True)
    assert len(found.worst()) == min(5, len(y))
    low, high = found.intervals["r2"]
    assert np.isnan([low, high]).all() if np.isnan(r2) else low <= r2 + 1e-12 <= high + 2e-12
