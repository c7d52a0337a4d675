"""The lasso on a Gram matrix against its conditions and closed forms."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso

from descend.optimum.lasso import lasso


def smallest_subgradient(H, q, l1, v):
    g = H @ v - q
    return np.where(v == 0, np.maximum(np.abs(g) - l1, 0), np.abs(g + l1 * np.sign(v))).max()


@pytest.mark.parametrize("l1", [1e-6, 1e-3, 0.1, 1.0])
@pytest.mark.parametrize(("rows", "features"), [(40, 8), (20, 60)])
def test_no_subgradient_is_left(rows, features, l1):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, features)) * np.geomspace(1, 1e-3, features)
    H, q = X.T @ X / rows, X.T @ rng.standard_normal(rows) / rows
    penalties = np.full(features, l1)
    penalties[-1] = 0
    v = lasso(H, q, penalties, np.zeros(features))
    assert smallest_subgradient(H, q, penalties, v) < 1e-12
    assert smallest_subgradient(H, q, penalties, v + 1e-3) > 1e-6 * l1  # the oracle can fail


def test_zeros_are_exact_and_as_scikit_learn_has_them():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 10))
    y = X[:, 0] - 2 * X[:, 1] + 0.1 * rng.standard_normal(50)
    v = lasso(X.T @ X / 50, X.T @ y / 50, np.full(10, 0.2), np.zeros(10))
    theirs = Lasso(alpha=0.2, fit_intercept=False, tol=1e-14).fit(X, y).coef_
    np.testing.assert_allclose(v, theirs, atol=1e-9)
    assert ((v == 0) == (theirs == 0)).all()


def test_equal_columns_end():
    x = np.random.default_rng(0).standard_normal(30)
    X = np.column_stack([x, x, -x])
    H, q, l1 = X.T @ X / 30, X.T @ x / 30, np.full(3, 0.1)
    assert smallest_subgradient(H, q, l1, lasso(H, q, l1, np.array([1.0, -2.0, 0.5]))) < 1e-13
