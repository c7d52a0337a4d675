"""exp, log1p and tanh of compiled code against fifty-digit arithmetic."""

import mpmath
import numpy as np
import pytest
from numba import njit

from descend import ops
from descend.engines.kernels import exponential
from descend.engines.kernels.compiled import FAST


@njit(fastmath=FAST, error_model="numpy")
def exps(x, out):
    for i in range(x.size):
        out[i] = ops.exp(x[i])


@njit(fastmath=FAST, error_model="numpy")
def log1ps(x, out):
    for i in range(x.size):
        out[i] = ops.log1p(x[i])


@njit(fastmath=FAST, error_model="numpy")
def tanhs(x, out):
    for i in range(x.size):
        out[i] = ops.tanh(x[i])


def of(kernel, x):
    out = np.empty_like(x)
    kernel(x, out)
    return out


def ulps(found, x, exact):
    """The largest error in units of the last place of the exact results."""
    exact = np.array([float(exact(mpmath.mpf(float(v)))) for v in x], np.float64)
    place = np.spacing(np.abs(exact).astype(x.dtype)).astype(np.float64)
    return float(np.max(np.abs(found.astype(np.float64) - exact) / place))


@pytest.mark.parametrize(("dtype", "low", "high"), [(np.float32, -87, 88), (np.float64, -708, 709)])
def test_exp_is_right_to_two_units_in_the_last_place(dtype, low, high):
    x = np.concatenate([np.linspace(low, high, 4001), np.linspace(-1, 1, 1001), [0, 1e-30, -1e-30]]).astype(dtype)
    with mpmath.workdps(50):
        assert ulps(of(exps, x), x, mpmath.exp) <= 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_ends_in_zero_and_infinity_and_keeps_nan(dtype):
    x = np.array([-np.inf, -1e30, -800, 0, 800, 1e30, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(of(exps, x), np.array([0, 0, 0, 1, np.inf, np.inf, np.inf, np.nan], dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_goes_through_the_smallest_numbers(dtype):
    x = np.linspace(-103, -88, 31) if dtype == np.float32 else np.linspace(-744, -709, 31)
    found, exact = of(exps, x.astype(dtype)), np.exp(x.astype(dtype).astype(np.longdouble))
    assert np.max(np.abs(found - exact)) <= np.finfo(dtype).smallest_subnormal


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log1p_is_right_to_four_units_in_the_last_place(dtype):
    x = np.concatenate([np.geomspace(1e-30, 1e30, 2001), -np.geomspace(1e-30, 0.99, 501), [0]]).astype(dtype)
    with mpmath.workdps(50):
        assert ulps(of(log1ps, x), x, mpmath.log1p) <= 4


def test_log1p_at_its_ends():
    x = np.array([-1.0, -2.0, np.inf, np.nan])
    np.testing.assert_array_equal(of(log1ps, x), [-np.inf, np.nan, np.inf, np.nan])


def test_the_measure_of_errors_notices_a_wrong_digit():
    x = np.array([1.0])
    with mpmath.workdps(50):
        assert ulps(of(exps, x) * (1 + 1e-15), x, mpmath.exp) > 2


def test_loops_over_exp_use_vectors():
    exps(np.ones(1, np.float32), np.ones(1, np.float32))
    code = "".join(exps.inspect_asm().values())
    assert "mulps" in code
    assert exponential.EXPONENTIAL


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_is_right_to_three_units_in_the_last_place(dtype):
    x = np.concatenate([np.linspace(-20, 20, 2001), np.linspace(-0.7, 0.7, 2001), [0, 1e-20, -1e-20]]).astype(dtype)
    with mpmath.workdps(50):
        assert ulps(of(tanhs, x), x, mpmath.tanh) <= 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tanh_ends_in_one_and_keeps_nan(dtype):
    x = np.array([-np.inf, -1e30, 0, 1e30, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(of(tanhs, x), np.array([-1, -1, 0, 1, 1, np.nan], dtype))
