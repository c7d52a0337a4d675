"""Data are taken by rows, and their weights keep mean 1."""

import numpy as np
import pytest

from descend.errors import DataError
from descend.table.data import Data, mean_one


def test_taking_rows():
    data = Data(np.arange(6.0).reshape(3, 2), np.arange(3.0), np.array([0.5, 0.5, 2.0]), ("a", "b"))
    some = data.take(np.array([2, 0]))
    assert some.X.tolist() == [[4.0, 5.0], [0.0, 1.0]]
    assert some.y.tolist() == [2.0, 0.0]
    assert some.sample_weight.mean() == pytest.approx(1.0)
    assert some.sample_weight[0] / some.sample_weight[1] == pytest.approx(4.0)
    assert (data.rows, data.features, some.names) == (3, 2, ("a", "b"))


def test_arrays_that_are_ready_are_not_copied():
    for dtype in (np.float32, np.float64):
        X, y, weight = np.ones((3, 2), dtype), np.ones(3, dtype), np.ones(3, dtype)
        data = Data(X, y, weight)
        assert data.X is X
        assert np.shares_memory(data.y, y)
        assert data.sample_weight is weight


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "longdouble", ">f8", ">f4"])
def test_other_numbers_become_native_floats_in_c_order(dtype):
    given = np.array([[1, 0, 1], [0, 1, 1]], dtype)
    data = Data(given.T, given[0], given[1])
    assert data.X.dtype == np.float64
    assert data.X.dtype.isnative
    assert data.y.dtype == data.X.dtype
    assert data.X.flags.c_contiguous
    assert data.X.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert (data.y.tolist(), data.sample_weight.tolist()) == ([1, 0, 1], [0, 1, 1])


X = np.ones((3, 2))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((X[:, 0], X[:, 0]), "X has shape (3,), it must have two dimensions; use X.reshape(-1, 1) for one feature"),
        ((X[None], X[:, 0]), "X has shape (1, 3, 2), it must have two dimensions; pass an array of shape (rows, features)"),
        ((X + 0j, X[:, 0]), "X has dtype complex128, it must hold real numbers; convert it to float64"),
        ((X.astype(object), X[:, 0]), "X has dtype object, it must hold real numbers; convert it to float64"),
        ((X, ["a", "b", "c"]), "the target has dtype <U1, it must hold real numbers; convert it to float64"),
        ((X, X[:, 0], np.ones(2)), "the example weight has shape (2,), the data have 3 rows; pass weights of shape (3,)"),
        ((X, X[:, 0], np.ones((3, 1))), "the example weight has shape (3, 1), the data have 3 rows; pass weights of shape (3,)"),
        ((X, X[:, 0], [1, -2, -3]), "the example weight is -2 in row 2, it must be at least 0; correct or drop such rows"),
    ],
)  # fmt: skip
def test_refused(given, text):
    with pytest.raises(DataError) as caught:
        Data(*given)
    assert str(caught.value) == text


@pytest.mark.parametrize("size", [1.7e308, 1.0, 1e-300])
def test_weights_of_any_size_are_brought_to_mean_one(size):
    np.testing.assert_allclose(mean_one(size * np.array([1.0, 0.5, 0.0])), [2.0, 1.0, 0.0], rtol=1e-12)
    assert mean_one(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_rows_that_a_process_holds_are_forgotten_where_the_rows_change():
    data = Data(np.arange(8.0).reshape(4, 2), np.arange(4.0))
    own = Data(data.X[2:], data.y[2:])
    held = data.with_held(own, 2)
    assert (data.held, data.in_parts) == (data, False)
    assert (held.held, held.in_parts, held.first) == (own, True, 2)
    for known in (held.with_gram(data.gram()), held.with_team(None)):
        assert (known.held, known.first) == (own, 2)
    assert held.with_gram(data.gram()).with_team(None).has_gram
    taken = held.take(np.array([0, 3]))
    assert taken.held is taken
