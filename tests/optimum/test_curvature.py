"""Curvature against eigenvalues worked in 40 digits, dense matrices, and real rises of the gradient."""

import mpmath
import numpy as np
import pytest

from descend.optimum import curvature, optimum
from descend.problem import gradient


def exact(X, c, l2=0.0, intercept=True):
    """The eigenvalues of c/n X~'X~ + l2, in 40 digits."""
    with mpmath.workdps(40):
        rows = [[mpmath.mpf(float(v)) for v in row] + ([mpmath.mpf(1)] if intercept else []) for row in X]
        A = mpmath.matrix(rows)
        H = A.T * A * mpmath.mpf(c) / len(rows)
        for j in range(X.shape[1]):
            H[j, j] += mpmath.mpf(l2)
        return sorted(float(v) for v in mpmath.eigsy(H, eigvals_only=True))


def test_case_c01_two_columns_a_million_apart(make):
    X = np.column_stack([1e6 * np.arange(1, 9.0), [1.0, 0.0] * 4])
    found, values = curvature(make(X, np.zeros(8))), exact(X, 2)
    assert found.largest == pytest.approx(5.1e13, rel=1e-3)
    assert found.largest == pytest.approx(values[-1], rel=1e-12)
    assert found.smallest == pytest.approx(values[0], rel=0.05)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("intercept", [True, False])
def test_eigenvalues_are_those_of_forty_digits(make, l2, intercept):
    X = np.random.default_rng(0).standard_normal((12, 3)) + 2
    found = curvature(make(X, X[:, 0] > 2, "logistic", l2=l2, intercept=intercept))
    values = exact(X, 0.25, l2, intercept)
    assert found.largest == pytest.approx(values[-1], rel=1e-12)
    assert found.smallest == pytest.approx(values[0], rel=1e-10)
    assert found.condition == pytest.approx(values[-1] / values[0], rel=1e-10)
    assert found.method == "all eigenvalues, bound of the loss"


def test_the_oracle_of_forty_digits_can_fail(make):
    X = np.random.default_rng(0).standard_normal((12, 3)) + 2
    assert curvature(make(X, X[:, 0], l2=0.1)).smallest != pytest.approx(exact(X, 2)[0], rel=1e-3)


def test_single_rows_have_a_largest_and_a_mean(make):
    X = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]])
    found = curvature(make(X, np.zeros(3), l2=0.5))
    assert found.row_largest == pytest.approx(2 * 10 + 0.5)
    assert found.row_mean == pytest.approx(2 * (6 + 10 + 1) / 3 + 0.5)


@pytest.mark.parametrize("name", ["squared", "logistic", "huber", "softmax"])
def test_no_gradient_rises_faster_than_the_largest_curvature(small, name):
    p, rng = (
        small(name, rows=60, outputs=3 if name == "softmax" else 1, weighted=True, l2=0.2),
        np.random.default_rng(0),
    )
    found = curvature(p)
    for scale in (1e-3, 1.0, 10.0):
        a = rng.standard_normal(p.params) * scale
        b = a + rng.standard_normal(p.params) * scale
        rise = np.linalg.norm(gradient(p, a)[1] - gradient(p, b)[1]) / np.linalg.norm(a - b)
        assert rise <= found.largest * (1 + 1e-9)


def test_squares_of_several_targets_share_their_mean(small):
    one, three = small("squared"), small("squared", outputs=3)
    assert curvature(three).largest == pytest.approx(curvature(one).largest / 3)


def test_poisson_takes_the_best_constant_or_the_weights_given(make):
    X = np.random.default_rng(0).standard_normal((40, 2))
    y = np.arange(40) % 5
    p = make(X, y, "poisson")
    constant, (a, b) = curvature(p), (0.3, -0.2)
    assert constant.bound == pytest.approx(2.0)
    assert constant.largest == pytest.approx(exact(X, 2)[-1], rel=1e-10)
    assert constant.method == "all eigenvalues, at the best constant prediction"
    given = curvature(p, np.array([a, 0.0, b]))
    rows = np.column_stack([X, np.ones(40)])
    dense = rows.T @ (rows * np.exp(a * X[:, :1] + b)) / 40
    assert given.largest == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-12)
    assert given.smallest == pytest.approx(np.linalg.eigvalsh(dense)[0], rel=1e-10)
    assert given.row_largest == pytest.approx((np.square(rows).sum(axis=1) * np.exp(a * X[:, 0] + b)).max())
    assert given.method == "all eigenvalues, at the given weights"


@pytest.mark.parametrize("name", ["quantile", "hinge"])
def test_piecewise_linear_losses_give_a_scale_and_say_so(small, name):
    found = curvature(small(name))
    assert found.bound == 1.0
    assert found.method == "all eigenvalues, a scale, not a limit: the loss is piecewise linear"


def test_collinear_columns_have_a_smallest_curvature_of_zero(make):
    X = np.random.default_rng(0).standard_normal((30, 3))
    found = curvature(make(np.column_stack([X, X @ [1, 2, 3]]), X[:, 0]))
    assert found.smallest == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l2", [0.0, 1e-4])
@pytest.mark.parametrize("standardised", [False, True])
def test_redundant_columns_do_not_count_in_the_condition_number(make, dtype, l2, standardised):
    """The dummies of a category add up to the intercept: along that direction no prediction changes."""
    rng = np.random.default_rng(0)
    level = rng.integers(0, 3, 200)
    X = np.column_stack([rng.standard_normal(200), level == 0, level == 1, level == 2]).astype(dtype)
    X = (X - X.mean(axis=0)) / X.std(axis=0) if standardised else X
    found = curvature(make(X, X[:, 0], l2=l2))
    kept = np.linalg.eigvalsh(exact_matrix(X[:, :3].astype(float), 2))

    assert found.smallest <= l2 * (1 + 1e-5)
    assert found.condition < 200
    assert found.condition < 20 * kept[-1] / kept[0]


@pytest.mark.parametrize("distance", [1e-2, 1e-3])
def test_nearly_collinear_columns_count_in_full(make, distance):
    x, other = np.random.default_rng(0).standard_normal((2, 500))
    found = curvature(make(np.column_stack([x, x + distance * other]), x))
    assert found.condition == pytest.approx(found.largest / found.smallest)
    assert found.condition > 1 / distance**2


def test_without_any_direction_in_the_data_the_condition_number_is_infinite(make):
    assert curvature(make(np.zeros((5, 2)), np.zeros(5), intercept=False)).condition == np.inf


def exact_matrix(X, c):
    rows = np.column_stack([X, np.ones(len(X))])
    return c * rows.T @ rows / len(X)


def test_wide_data_give_the_largest_by_lanczos(make):
    X = np.random.default_rng(0).standard_normal((20, 2100))
    found = curvature(make(X, np.zeros(20), l2=0.5))
    rows = np.column_stack([X, np.ones(20)])
    assert found.largest == pytest.approx(np.linalg.eigvalsh(2 / 20 * rows @ rows.T)[-1] + 0.5, rel=1e-4)
    assert np.isnan(found.smallest)
    assert np.isnan(found.condition)
    assert found.method == "Lanczos, bound of the loss"


def test_float32_is_summed_in_float64(make):
    X = (np.random.default_rng(0).standard_normal((3000, 2)) + 100).astype(np.float32)
    found = curvature(make(X, X[:, 0]))
    wide = curvature(make(X.astype(np.float64), X[:, 0].astype(np.float64)))
    for name in ("largest", "smallest", "smallest_determined", "row_largest", "row_mean"):
        assert getattr(found, name) == getattr(wide, name)


def test_moments_beyond_float64_are_infinite(make):
    found = curvature(make([[1e200], [2e200]], [0, 1]))
    assert (found.largest, found.row_largest, found.smallest) == (np.inf, np.inf, 0)


@pytest.mark.parametrize("intercept", [True, False])
def test_no_columns(make, intercept):
    found = curvature(make(np.zeros((4, 0)), np.arange(4.0), intercept=intercept))
    assert found.largest == (2.0 if intercept else 0.0)


def test_the_curvature_of_squares_is_the_hessian(make):
    X = np.random.default_rng(1).standard_normal((50, 2))
    p = make(X, X[:, 0], l2=0.1)
    w, H = optimum(p).weights, np.empty((3, 3))
    for j in range(3):
        H[j] = gradient(p, w + np.eye(3)[j])[1] - gradient(p, w)[1]
    assert curvature(p).largest == pytest.approx(np.linalg.eigvalsh(H)[-1], rel=1e-10)
