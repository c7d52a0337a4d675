"""Scale against scikit-learn's StandardScaler, and back again."""

import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_array, random_array
from sklearn.preprocessing import StandardScaler

from descend.table import scale as module
from descend.table.data import Data
from descend.table.scale import Scale, fit_scale, scaled_data
from descend.table.scaled_rows import ScaledRows, TakenRows

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 3)) * [1, 100, 1e-3] + [5, -3, 0], RNG.standard_normal(40) * 7 + 2


def fit(X, y, weight=None, *, target):
    return fit_scale(X, y, weight, scale=True, target=target)[0]


@pytest.mark.parametrize("weight", [None, RNG.uniform(0.1, 3, 40)])
def test_centre_and_width_are_those_of_the_standard_scaler(weight):
    theirs = StandardScaler().fit(X, sample_weight=weight)
    ours = fit(X, Y, weight, target=True)
    np.testing.assert_allclose(ours.center, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.width, theirs.scale_, rtol=1e-12)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-10, atol=1e-12)


def test_a_column_without_spread_keeps_width_one():
    assert fit(np.full((5, 1), 1e15), Y[:5], target=False).width.tolist() == [1.0]


def test_time_stamps_keep_their_spread_also_in_float32():
    stamps = 1.7e9 + 60.0 * np.arange(1000)[:, None]
    scaled = fit(stamps, np.zeros(1000), target=False).transform(stamps, np.float32)
    assert scaled.dtype == np.float32
    assert len(np.unique(scaled)) == 1000
    assert scaled.std() == pytest.approx(1.0, rel=1e-6)


def test_weights_in_file_units_predict_the_same_and_go_back():
    scale = fit(X, Y, target=True)
    W, b = RNG.standard_normal((3, 1)), RNG.standard_normal(1)
    scaled = (scale.transform(X) @ W + b)[:, 0] * scale.target_width + scale.target_center
    W_file, b_file = scale.to_file_units(W, b)
    np.testing.assert_allclose((X @ W_file + b_file)[:, 0], scaled, rtol=1e-9)
    back = scale.to_scaled_units(W_file, b_file)
    np.testing.assert_allclose(back[0], W, rtol=1e-9)
    np.testing.assert_allclose(back[1], b, rtol=1e-6, atol=1e-9)


def test_no_scale_changes_nothing():
    np.testing.assert_array_equal(Scale.none(3).transform(X), X)


def test_the_comparison_with_the_standard_scaler_can_fail():
    ours = fit(X, Y, RNG.uniform(0.1, 3, 40), target=False)
    assert not np.allclose(ours.width, StandardScaler().fit(X).scale_, rtol=1e-12)


@pytest.mark.parametrize("size", [1e308, 1e-200, 5e-324, 1.0])
def test_the_largest_and_smallest_numbers_have_a_spread(size):
    column = np.array([[1.0], [-1.0], [0.0]]) * size
    scale = fit(column, Y[:3], target=False)
    assert scale.width[0] > 0
    if size > 1e-300:
        np.testing.assert_allclose(scale.transform(column)[:, 0], [1.5**0.5, -(1.5**0.5), 0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "bool", "float32"])
def test_whole_numbers_are_not_cut_off(dtype):
    column = np.array([[1], [0], [1], [1]], dtype)
    scaled = fit(column, Y[:4], target=False).transform(column)
    assert scaled.dtype == ("float32" if dtype == "float32" else "float64")
    np.testing.assert_allclose(scaled[:2, 0], [3**-0.5, -(3**0.5)], rtol=1e-6)


@pytest.mark.parametrize("kind", [np.asarray, csr_array, csc_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("value", [1.0, 0.1, -1e6, 1e200, 1e-200])
def test_a_constant_column_is_constant_whatever_the_number_of_rows(kind, dtype, value):
    if dtype == np.float32 and not 1e-30 < abs(value) < 1e30:
        value = np.sign(value) * 3e37
    for rows in (2, 3, 10, 49, 107, 256, 1001):
        weight = RNG.random(rows) * (RNG.random(rows) < 0.7) + np.eye(1, rows)[0]
        column = np.full((rows, 1), value, dtype)
        for given in (None, weight, weight * 1e300, weight * 1e-300):
            assert fit(kind(column), np.zeros(rows), given, target=False).width.tolist() == [1.0]


@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_the_rounding_of_float32_is_no_spread(kind):
    exact = np.full((1000, 1), 0.1, np.float32)
    rounded = np.nextafter(exact, np.where(RNG.random((1000, 1)) < 0.5, 0, 1), dtype=np.float32)
    assert fit(kind(rounded), np.zeros(1000), target=False).width.tolist() == [1.0]
    assert fit(kind(rounded.astype(float)), np.zeros(1000), target=False).width[0] < 1e-8


@pytest.mark.parametrize("weight", [None, RNG.uniform(0, 3, 200) * (RNG.random(200) < 0.8)])
@pytest.mark.parametrize("far", [0.0, 1e3, 1e8])
def test_sparse_columns_have_the_spread_of_dense_ones(weight, far):
    X = random_array((200, 5), density=0.3, rng=0).toarray()
    X[:, 1] += far
    sparse, dense = (fit(kind(X), np.zeros(200), weight, target=False) for kind in (csr_array, np.asarray))
    np.testing.assert_allclose(sparse.width, dense.width, rtol=1e-9)


def test_a_sparse_column_is_centred_where_that_at_most_doubles_it():
    X = np.zeros((8, 3))
    X[:5, 0], X[:4, 1], X[:, 2] = 7.0, 7.0, np.arange(8) + 100
    scale = fit(csr_array(X), np.zeros(8), target=False)
    assert scale.center.tolist() == [35 / 8, 0.0, 103.5]
    scaled = scale.transform(csr_array(X), np.float32)
    assert (scaled.format, scaled.dtype) == ("csr", np.float32)
    np.testing.assert_allclose(scaled.toarray(), (X - scale.center) / scale.width, rtol=1e-6)


def test_rows_of_weight_zero_are_absent_from_the_scale():
    X, junk = RNG.standard_normal((30, 3)), RNG.standard_normal((50, 3)) * 1e6
    weight = np.r_[RNG.uniform(0.1, 3, 30), np.zeros(50)]
    for kind in (np.asarray, csr_array):
        some = fit(kind(X), X[:, 0], weight[:30], target=True)
        every = fit(kind(np.r_[X, junk]), np.r_[X, junk][:, 0], weight, target=True)
        np.testing.assert_allclose(every.width, some.width, rtol=1e-12)
        np.testing.assert_allclose(every.center, some.center, rtol=1e-9, atol=1e-15)
        assert every.target_width == pytest.approx(some.target_width, rel=1e-12)


def test_weights_count_in_units_of_their_mean_or_of_a_given_one():
    weight = np.array([1.0, 3.0])
    for unit, expected in ((None, [0.5, 1.5]), (4.0, [0.25, 0.75])):
        data = scaled_data(Scale.none(1), np.ones((2, 1)), np.zeros(2), weight, target=False, dtype=float, unit=unit)
        assert data.sample_weight.tolist() == expected


@pytest.mark.parametrize("weight", [None, RNG.uniform(0.1, 3, 40)])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("y", [Y, np.c_[Y, Y**2]])
def test_the_moments_are_those_of_the_scaled_rows(weight, intercept, y):
    scale, gram = fit_scale(X, y, weight, scale=True, target=True, intercept=intercept)
    expected = scaled_data(scale, X, y, weight, target=True, dtype=float).gram()
    for name in ("G", "c", "yy", "mean", "target", "mass"):
        np.testing.assert_allclose(getattr(gram, name), getattr(expected, name), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_moments_that_have_lost_their_digits_are_not_given(size):
    assert fit_scale(X * [1, 1, size], Y, None, scale=True, target=True)[1] is None
    assert fit_scale(X, Y * size, None, scale=True, target=True)[1] is None
    assert fit_scale(X * [1, 1, 0], Y, None, scale=True, target=True)[1] is not None


def test_a_large_table_is_scaled_as_it_is_read(monkeypatch):
    scale = fit(X, Y, target=False)
    small = scaled_data(scale, X, Y, None, target=False, dtype=np.float32)
    monkeypatch.setattr(module, "LARGE_CELLS", 1)
    large = scaled_data(scale, X, Y, None, target=False, dtype=np.float32)
    assert isinstance(large.X, ScaledRows)
    np.testing.assert_array_equal(np.asarray(large.X), small.X)
    assert isinstance(large.take(np.arange(5)), Data)


def test_of_many_columns_no_products_are_taken(monkeypatch):
    expected = fit_scale(X, Y, None, scale=True, target=True)[0]
    monkeypatch.setattr(module, "MOST_COLUMNS", 2)
    monkeypatch.setattr(module, "COLUMNS_AT_ONCE", 2)
    scale, gram = fit_scale(X, Y, None, scale=True, target=True)
    assert gram is None
    np.testing.assert_allclose(scale.center, expected.center, rtol=1e-12)
    np.testing.assert_allclose(scale.width, expected.width, rtol=1e-12)


def test_the_rows_of_a_part_are_scaled_as_a_copy_of_them():
    big = np.c_[X, np.full(40, 3.0), X[:, 0] * 1e-200]
    rows = np.arange(0, 40, 3)
    one, other = (
        fit_scale(part, Y[rows], None, scale=True, target=True)[0] for part in (TakenRows(big, rows), big[rows])
    )
    np.testing.assert_array_equal(one.center, other.center)
    np.testing.assert_array_equal(one.width, other.width)
