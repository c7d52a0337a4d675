"""What takes tuples of vectors apart, and the parts of a sweep."""

import numpy as np
import pytest
from numba import njit

from descend.engines.kernels.tensors import at, compile_sweep, put, rows_of, vector_at, vectors_at
from descend.plan.rule import RULES

ELEMENT = np.float64


@pytest.mark.parametrize("count", [0, 1, 3])
def test_tuples_of_vectors_are_read_and_written_coordinate_by_coordinate(count):
    places = (0,) * count

    @njit
    def doubled(table, j):
        rows = rows_of(table, 0, places)
        old = at(rows, j)
        put(rows, j, (7.0, 8.0, 9.0))
        return old

    table = np.arange(12.0).reshape(3, 4)
    assert doubled(table, 2) == (2.0, 6.0, 10.0)[:count]
    assert table[:, 2].tolist() == [7.0, 8.0, 9.0][:count] + [2.0, 6.0, 10.0][count:]


def test_vectors_at_addresses_begin_where_they_are_told_to():
    @njit
    def second(addresses):
        (only,) = vectors_at(addresses, 0, 1, 8, 2, ELEMENT, (0,))
        whole = vector_at(addresses[0, 1], 3, ELEMENT)
        whole[0] = 5.0
        return only[0], only.size

    held = np.array([1.0, 2.0, 3.0])
    assert second(np.array([[0, held.ctypes.data]])) == (2.0, 2)
    assert held[0] == 5.0


@pytest.mark.parametrize(("first", "last"), [(0, 3), (2, 4), (3, 3), (4, 7), (0, 7)])
def test_a_sweep_moves_the_coordinates_that_it_is_given_and_no_others(first, last):
    weights = [np.zeros(3), np.zeros(0), np.zeros(4)]
    gradients = [np.ones(3), np.ones(0), np.ones(4)]
    addresses = np.array([[w.ctypes.data, g.ctypes.data] for w, g in zip(weights, gradients, strict=True)])
    sweep = compile_sweep(RULES["sgd"], 0, np.dtype(np.float64))
    sweep(addresses, np.array([0, 3, 3, 7]), np.ones(3), np.empty((0, 3)), np.array([0.5]), 1.0, 0.0, first, last)
    expected = np.zeros(7)
    expected[first:last] = -0.5
    np.testing.assert_array_equal(np.concatenate(weights), expected)
