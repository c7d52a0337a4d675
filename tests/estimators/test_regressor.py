"""Regressors take the constants of a loss in its name."""

import numpy as np
import pytest
from sklearn.linear_model import HuberRegressor, QuantileRegressor

from descend import DescentRegressor, UsageError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((200, 1))
Y = X[:, 0] + RNG.exponential(size=200)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.parametrize("tau", [0.1, 0.9])
def test_a_quantile_is_above_that_share_of_the_targets(tau, hidden):
    model = DescentRegressor(loss=f"quantile:{tau}", l2=0, hidden_layer_sizes=hidden, random_state=0, time_budget=20)
    assert (model.fit(X, Y).predict(X) > Y).mean() == pytest.approx(tau, abs=0.04)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_constants_are_those_of_scikit_learn():
    ours = DescentRegressor(loss="quantile:0.9", l2=0, random_state=0, tol=1e-6, scale=False)
    theirs = QuantileRegressor(quantile=0.9, alpha=0).fit(X, Y)
    loss = lambda z: np.maximum(0.9 * (Y - z), -0.1 * (Y - z)).mean()  # noqa: E731
    assert loss(ours.fit(X, Y).predict(X)) == pytest.approx(loss(theirs.predict(X)), rel=0.05)
    huber = HuberRegressor(epsilon=1.35, alpha=0).fit(X, Y)
    delta = 1.35 * huber.scale_
    model = DescentRegressor(loss=f"huber:{delta}", l2=0, scale=False, tol=1e-9, random_state=0).fit(X, Y)
    assert model.coef_ == pytest.approx(huber.coef_, rel=0.02)


def test_a_constant_out_of_range_is_refused():
    with pytest.raises(UsageError) as caught:
        DescentRegressor(loss="quantile:1.5").fit(X, Y)
    assert str(caught.value) == (
        "the loss quantile:1.5 cannot be used, quantile needs tau between 0 and 1; try quantile:0.9 or huber:1.35"
    )


def test_predictions_depend_on_the_fit_and_not_on_parameters_set_afterwards():
    model = DescentRegressor(random_state=0).fit(X, Y)
    before = model.predict(X)
    np.testing.assert_array_equal(model.set_params(loss="poisson", hidden_layer_sizes=(3,)).predict(X), before)
