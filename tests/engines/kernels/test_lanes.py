"""Vectors in registers: what they read, write and sum."""

import numpy as np
import pytest
from numba import njit

from descend.engines.kernels import lanes
from descend.engines.kernels.lanes import add, fma, load, load_first, mul, splat, store, sub, total

DTYPES = [np.float32, np.float64]


@njit
def combined(a, b, out):
    """a * b + 3, then 2 (a + b) - b, and the sum of a, of vectors at number 1."""
    x, y = load(a, 1), load(b, 1)
    store(out, 0, fma(x, y, splat(out.dtype.type(3))))
    store(out, lanes_of(out), sub(mul(splat(out.dtype.type(2)), add(x, y)), y))
    return total(x)


@njit
def lanes_of(a):
    return lanes.BYTES // a.itemsize


@njit
def some(a, at, size, out):
    store(out, 0, load_first(a, at, size))


@pytest.mark.parametrize("dtype", DTYPES)
def test_arithmetic_is_that_of_numpy(dtype):
    count = lanes.count(np.dtype(dtype))
    rng = np.random.default_rng(0)
    a, b, out = (
        rng.normal(size=count + 1).astype(dtype),
        rng.normal(size=count + 1).astype(dtype),
        np.empty(2 * count, dtype),
    )

    summed = combined(a, b, out)

    x, y, eps = a[1:], b[1:], 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(out[:count], x * y + 3, rtol=eps)
    np.testing.assert_allclose(out[count:], 2 * (x + y) - y, rtol=eps, atol=eps)
    np.testing.assert_allclose(summed, x.sum(dtype=np.float64), rtol=8 * eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [0, 1, 5])
def test_the_first_numbers_are_read_and_zeros_follow(dtype, size):
    a, out = np.arange(1, 8, dtype=dtype), np.full(lanes.count(np.dtype(dtype)), 9, dtype)

    some(a, 7 - size, size, out)

    np.testing.assert_array_equal(out, np.append(a[7 - size :], np.zeros(len(out) - size)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_buffers_begin_at_a_cache_line_and_are_zero(dtype):
    made = njit(lambda like, size: lanes.aligned(like, size))(np.empty(1, dtype), 48)

    assert made.ctypes.data % lanes.BYTES == 0
    np.testing.assert_array_equal(made, np.zeros(48, dtype))


def test_sizes_in_whole_vectors():
    f4, f8 = np.dtype(np.float32), np.dtype(np.float64)
    assert [lanes.padded(size, f4) for size in (1, 16, 17, 50)] == [16, 16, 32, 64]
    assert [lanes.padded(size, f8) for size in (1, 8, 50)] == [8, 8, 56]
