"""What the compiled loop of a network shares among threads, and calls by address."""

import numpy as np
import pytest
from numba import njit

from descend.activations import activation
from descend.engines.kernels.network_loop import RANGE, compile_activation, share_of


@njit
def shares(size, threads):
    return [share_of(size, number, threads) for number in range(threads)]


@pytest.mark.parametrize(
    ("size", "threads"), [(1, 1), (5000, 1), (1, 2), (RANGE, 2), (5000, 2), (5000, 3), (99_999, 4)]
)
def test_shares_follow_each_other_and_begin_at_multiples_of_the_range(size, threads):
    found = shares(size, threads)

    assert [first for first, _ in found] == [0, *(last for _, last in found[:-1])]
    assert found[-1][1] == size
    assert all(first % RANGE == 0 or first == size for first, _ in found)


def test_an_activation_gives_values_and_slopes():
    values, slopes = np.array([-1.0, 0.0, 2.0]), np.empty(3)

    compile_activation(activation("tanh"), np.dtype(np.float64))(values, slopes)

    np.testing.assert_allclose(values, np.tanh([-1.0, 0.0, 2.0]), rtol=1e-14)
    np.testing.assert_allclose(slopes, 1 - np.tanh([-1.0, 0.0, 2.0]) ** 2, rtol=1e-14)
