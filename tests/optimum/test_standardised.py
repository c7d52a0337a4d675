"""A view is the same problem in other coordinates."""

import numpy as np
import pytest

from descend.optimum.standardised import StandardisedView
from descend.problem import gradient, objectives


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", ["squared", "logistic", "softmax", "poisson"])
def test_objective_and_gradient_are_those_of_the_problem(small, name, intercept):
    p = small(name, weighted=True, intercept=intercept, l2=0.3, l1=0.1, outputs=3 if name == "softmax" else 1)
    rng = np.random.default_rng(0)
    for view in (StandardisedView.plain(p), StandardisedView.of(p)):
        v = rng.standard_normal(p.params)
        value, g = view.evaluate(v)
        assert value == pytest.approx(float(objectives(p, view.original(v)[None])[0]), rel=1e-12)
        numeric = [(smooth(view, v + e) - smooth(view, v - e)) / 2e-6 for e in 1e-6 * np.eye(len(v))]
        np.testing.assert_allclose(g, numeric, rtol=1e-6, atol=1e-7)
    plain = StandardisedView.plain(p)
    np.testing.assert_allclose(plain.evaluate(v)[1], gradient(p, v)[1], rtol=1e-12, atol=1e-14)


def smooth(view, v):
    return view.evaluate(v)[0] - view.l1 @ np.abs(v)


def test_standard_features_have_mean_zero_and_mean_square_one(small):
    p = small("squared", weighted=True)
    X = StandardisedView.of(p).features(slice(0, 23))
    np.testing.assert_allclose(p.data.sample_weight @ X, 0, atol=1e-12)
    np.testing.assert_allclose(p.data.sample_weight @ X**2 / 23, 1)


def test_a_column_constant_up_to_rounding_has_no_effect(make):
    X = np.column_stack([np.full(7, 0.1), np.arange(7.0)])
    view = StandardisedView.of(make(X, np.arange(7.0), l2=0.5))
    assert view.scale[0] == np.inf
    assert (view.features(slice(0, 7))[:, 0] == 0).all()
    assert view.original(np.ones(3))[0] == 0


def test_the_rest_of_a_kink_is_the_smallest_subgradient(small):
    view = StandardisedView.plain(small("squared", l1=1.0))
    assert view.smallest_subgradient(np.array([0.0, 0.0, 2.0, 0.0]), np.array([0.5, -3.0, 0.25, 0.5])).tolist() == [
        0,
        -2,
        1.25,
        0.5,
    ]
