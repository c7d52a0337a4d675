"""L-BFGS and FISTA against the proven bound, Newton's method and scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from descend.optimum import baseline, bound, optimum
from descend.optimum.first_order import fista, lbfgs
from descend.optimum.newton import newton
from descend.optimum.standardised import StandardisedView
from descend.optimum.status import FOUND, SEPARABLE


@pytest.mark.parametrize(
    ("name", "penalty", "method"),
    [
        ("logistic", {"l2": 0.5}, "l-bfgs"),
        ("poisson", {"l2": 0.5}, "l-bfgs"),
        ("squared", {"l1": 1.0}, "fista"),
        ("squared", {"l1": 0.05}, "fista"),
    ],
)
def test_more_weights_than_newton_takes(make, name, penalty, method):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 1600)) / 10
    y = {"logistic": X[:, 0] > 0, "poisson": rng.poisson(2, 40)}.get(name, 5 * X[:, 0])
    p = make(X, y, name, **penalty)
    found = optimum(p)
    assert found.method == method
    assert bound(p, found.weights) <= 1e-7 * (baseline(p)[1] - found.objective) + 1e-15


def test_many_weights_without_penalty_may_be_separable(make):
    X = np.random.default_rng(0).standard_normal((40, 1600))
    assert optimum(make(X, X[:, 0] > 0, "logistic")).reason == SEPARABLE.reason


@pytest.mark.parametrize("name", ["logistic", "poisson", "huber", "softmax"])
def test_lbfgs_ends_where_newtons_method_does(small, name):
    view = StandardisedView.of(small(name, rows=80, l2=0.1, outputs=3 if name == "softmax" else 1))
    (v, result), (other, _) = lbfgs(view), newton(view)

    assert result == FOUND
    assert view.evaluate(v)[0] == pytest.approx(view.evaluate(other)[0], rel=1e-12)


def test_fista_finds_the_lasso_with_its_exact_zeros(small):
    p = small("squared", rows=80, l1=0.6)
    view = StandardisedView.of(p)
    v, result = fista(view)
    theirs = Lasso(alpha=0.3, tol=1e-14).fit(p.data.X, p.data.y)

    assert result == FOUND
    np.testing.assert_allclose(view.original(v), [*theirs.coef_, theirs.intercept_], atol=1e-9)
    assert (view.original(v)[:3] == 0).tolist() == (theirs.coef_ == 0).tolist()
    assert (theirs.coef_ == 0).any()
