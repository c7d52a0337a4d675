"""Influences are derivatives: the oracle is the figure itself with a little more weight on one row."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, mean_squared_error, r2_score, recall_score, roc_auc_score

from descend.evaluation.influence import of_auc, of_average_precision, of_r2, of_ratio, of_rmse

RNG = np.random.default_rng(0)
Y = RNG.normal(size=30)
P = Y + RNG.normal(size=30)
POSITIVE = RNG.random(30) < 0.4
SCORE = np.round(POSITIVE + RNG.normal(size=30), 1)  # with ties
WEIGHT = RNG.uniform(0.5, 2, 30)


def derivative(figure, weight):
    """Towards a table of which a part is one row: central differences of the weights."""
    shares, step, found = weight / weight.sum(), 1e-5, []
    for row in np.eye(len(weight)):
        up, down = (figure((1 - s) * shares + s * row) for s in (step, -step))
        found.append((up - down) / (2 * step))
    return np.array(found)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", ["rmse", "r2", "auc", "average precision", "recall"])
def test_an_influence_is_the_derivative_of_the_figure_of_scikit_learn(name, weight):
    w = np.ones(30) if weight is None else weight
    guess = SCORE > 0.5
    figure = {
        "rmse": lambda v: np.sqrt(mean_squared_error(Y, P, sample_weight=v)),
        "r2": lambda v: r2_score(Y, P, sample_weight=v),
        "auc": lambda v: roc_auc_score(POSITIVE, SCORE, sample_weight=v),
        "average precision": lambda v: average_precision_score(POSITIVE, SCORE, sample_weight=v),
        "recall": lambda v: recall_score(POSITIVE, guess, sample_weight=v),
    }[name]
    value = figure(w)
    influence = {
        "rmse": lambda: of_rmse(P - Y, value),
        "r2": lambda: of_r2(Y, P - Y, value, weight),
        "auc": lambda: of_auc(POSITIVE, SCORE, value, weight),
        "average precision": lambda: of_average_precision(POSITIVE, SCORE, weight)[1],
        "recall": lambda: of_ratio(1.0 * (POSITIVE & guess), POSITIVE * 1.0, weight)[1],
    }[name]()
    np.testing.assert_allclose(influence, derivative(figure, w), rtol=1e-4, atol=1e-6)
    assert np.average(influence, weights=w) == pytest.approx(0, abs=1e-12)


def test_values_are_those_of_scikit_learn():
    value, _ = of_average_precision(POSITIVE, SCORE, WEIGHT)
    assert value == pytest.approx(average_precision_score(POSITIVE, SCORE, sample_weight=WEIGHT))
    value, _ = of_ratio(Y, P, WEIGHT)
    assert value == pytest.approx((Y @ WEIGHT) / (P @ WEIGHT))


def test_a_ratio_over_nothing_is_unknown():
    value, influence = of_ratio(np.zeros(3), np.zeros(3), None)
    assert np.isnan(value)
    assert not influence.any()
