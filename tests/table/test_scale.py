"""Scale against scikit-learn's StandardScaler, and back again."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from descend.table.scale import Scale

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 3)) * [1, 100, 1e-3] + [5, -3, 0], RNG.standard_normal(40) * 7 + 2


@pytest.mark.parametrize("weight", [None, RNG.uniform(0.1, 3, 40)])
def test_centre_and_width_are_those_of_the_standard_scaler(weight):
    theirs = StandardScaler().fit(X, sample_weight=weight)
    ours = Scale.fit(X, Y, weight, target=True)
    np.testing.assert_allclose(ours.center, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.width, theirs.scale_, rtol=1e-12)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-10, atol=1e-12)


def test_a_column_without_spread_keeps_width_one():
    assert Scale.fit(np.full((5, 1), 1e15), Y[:5], target=False).width.tolist() == [1.0]


def test_time_stamps_keep_their_spread_also_in_float32():
    stamps = 1.7e9 + 60.0 * np.arange(1000)[:, None]
    scaled = Scale.fit(stamps, Y, target=False).transform(stamps, np.float32)
    assert scaled.dtype == np.float32
    assert len(np.unique(scaled)) == 1000
    assert scaled.std() == pytest.approx(1.0, rel=1e-6)


def test_weights_in_file_units_predict_the_same_and_go_back():
    scale = Scale.fit(X, Y, target=True)
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
    ours = Scale.fit(X, Y, RNG.uniform(0.1, 3, 40), target=False)
    assert not np.allclose(ours.width, StandardScaler().fit(X).scale_, rtol=1e-12)


@pytest.mark.parametrize("size", [1e308, 1e-200, 5e-324, 1.0])
def test_the_largest_and_smallest_numbers_have_a_spread(size):
    column = np.array([[1.0], [-1.0], [0.0]]) * size
    scale = Scale.fit(column, Y[:3], target=False)
    assert scale.width[0] > 0
    if size > 1e-300:
        np.testing.assert_allclose(scale.transform(column)[:, 0], [1.5**0.5, -(1.5**0.5), 0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "bool", "float32"])
def test_whole_numbers_are_not_cut_off(dtype):
    column = np.array([[1], [0], [1], [1]], dtype)
    scaled = Scale.fit(column, Y[:4], target=False).transform(column)
    assert scaled.dtype == ("float32" if dtype == "float32" else "float64")
    np.testing.assert_allclose(scaled[:2, 0], [3**-0.5, -(3**0.5)], rtol=1e-6)
