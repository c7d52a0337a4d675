"""Least squares by Cholesky or by an orthogonal decomposition, against NumPy and scikit-learn."""

import numpy as np
import pytest
from sklearn import linear_model as theirs

from descend.optimum import optimum
from descend.optimum.least_squares import least_squares, normal_equations


def test_case_c01_is_fitted_exactly(make):
    x1, x2 = 1e6 * np.arange(1, 9.0), np.array([1.0, 0.0] * 4)
    found = optimum(make(np.column_stack([x1, x2]), 3e-6 * x1 + 2 * x2 + 1))
    assert found.weights == pytest.approx([3e-6, 2, 1], rel=1e-9)
    assert found.objective < 1e-25


def test_least_squares_are_of_smallest_norm(make):
    rng = np.random.default_rng(0)
    for X in (rng.standard_normal((5, 20)), rng.standard_normal((30, 2)) @ rng.standard_normal((2, 6)) * 10):
        y = rng.standard_normal(len(X))
        ours, model = optimum(make(X, y)), theirs.LinearRegression().fit(X, y)
        assert ours.method == "svd"
        np.testing.assert_allclose(ours.weights, [*model.coef_, model.intercept_], rtol=1e-8)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("factor", "method"), [(1.0, "cholesky"), (1e-7, "svd")])
def test_both_methods_solve_the_stacked_system_of_numpy(make, intercept, factor, method):
    """A quadratic penalty is sqrt(l2 rows / 2) I below the features; nearly equal columns need the decomposition."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    X[:, 2] = X[:, 1] + factor * X[:, 2]
    y, l2 = rng.standard_normal(40) + 2, 0.0 if method == "svd" else 0.3
    weights, used = least_squares(make(X, y, l2=l2, intercept=intercept))

    ones = np.ones((40, 1)) if intercept else np.zeros((40, 0))
    above, below = np.hstack([X, ones]), np.hstack([np.sqrt(l2 * 20) * np.eye(3), np.zeros((3, ones.shape[1]))])
    solved = np.linalg.lstsq(np.vstack([above, below]), np.r_[y, np.zeros(3)], rcond=None)[0]
    assert used == method
    np.testing.assert_allclose(above @ weights, above @ solved, rtol=1e-6)


def test_the_normal_equations_of_two_targets_worked_by_hand(small):
    p = small("squared", outputs=2, intercept=False, l2=0.5)
    X, y = p.data.X, p.data.y
    H, c = normal_equations(p, p.data.gram())

    np.testing.assert_allclose(H, X.T @ X / 23 + 0.5 * np.eye(3), rtol=1e-12)  # 2 / targets is 1
    np.testing.assert_allclose(c, X.T @ y / 23, rtol=1e-12)
