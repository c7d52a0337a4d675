"""Quantile and hinge as linear programs, against scikit-learn and numbers worked by hand."""

import numpy as np
import pytest
from sklearn import linear_model as theirs

from descend.optimum import OptimumStatus, optimum
from descend.optimum.linear_program import linear_program
from descend.optimum.status import FOUND
from descend.problem import objectives


@pytest.mark.parametrize("name", ["quantile", "hinge"])
def test_piecewise_linear_losses_say_what_they_cannot(small, name):
    assert optimum(small(name, l2=0.1, l1=0.1)).status is OptimumStatus.NOT_SOLVED
    both = f"no exact solver for {name} with both an absolute and a quadratic penalty"
    assert optimum(small(name, l2=0.1, l1=0.1)).reason == both
    assert optimum(small(name, rows=5001)).reason == "a linear program of 5,001 rows would take too long"
    found = optimum(small(name, l1=0.05))
    assert found.method == "linear program"
    assert np.isnan(found.gradient_norm)


def test_quantile_with_a_penalty_is_scikit_learns(small):
    p = small("quantile", rows=60, l1=0.02)
    model = theirs.QuantileRegressor(quantile=0.5, alpha=0.02, solver="highs").fit(p.data.X, p.data.y)
    other = float(objectives(p, np.r_[model.coef_, model.intercept_][None])[0])
    assert optimum(p).objective == pytest.approx(other, rel=1e-7)


@pytest.mark.parametrize("tau", [0.25, 0.5, 0.9])
def test_without_columns_it_is_a_quantile_of_the_target(make, tau):
    y = np.random.default_rng(0).standard_normal(41)
    weights, result = linear_program(make(np.zeros((41, 0)), y, "quantile", constants={"tau": tau}))

    assert result == FOUND
    assert weights.tolist() == pytest.approx([np.sort(y)[int(np.ceil(41 * tau)) - 1]])


@pytest.mark.parametrize(("l1", "weight", "objective"), [(0.0, 1.0, 0.0), (0.5, 1.0, 0.5), (2.0, 0.0, 1.0)])
def test_the_hinge_of_two_rows_worked_by_hand(make, l1, weight, objective):
    """x = -1, 1: the loss is max(0, 1 - w), so that a penalty below 1 leaves w at 1 and one above 1 takes it to 0."""
    p = make([[-1.0], [1.0]], [0, 1], "hinge", intercept=False, l1=l1)
    weights, result = linear_program(p)

    assert result == FOUND
    assert float(objectives(p, weights[None])[0]) == pytest.approx(objective, abs=1e-12)
    assert weights[0] >= weight if l1 == 0 else weights[0] == pytest.approx(weight, abs=1e-12)
