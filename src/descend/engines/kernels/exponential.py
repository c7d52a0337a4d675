"""exp, log1p and tanh for compiled code: arithmetic without calls and branches, so that loops over them vectorise.

They are compiled without reordering, which would undo the very arithmetic that makes them exact.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from descend import ops
from descend.plan.rule import fingerprint


def exp_single(x: Any) -> Any:
    """e^x in float32: x = k ln 2 + r with ln 2 in two parts (Cody and Waite 1980), Taylor's polynomial in r, times 2^k."""
    inside = min(max(x, np.float32(-104)), np.float32(89))
    k = np.int32(inside * np.float32(1.4426950408889634) + (np.float32(0.5) if x >= 0 else np.float32(-0.5)))
    r = (inside - np.float32(k) * np.float32(0.693359375)) + np.float32(k) * np.float32(2.1219444005469057e-4)
    p = np.float32(1 / 5040)
    p = p * r + np.float32(1 / 720)
    p = p * r + np.float32(1 / 120)
    p = p * r + np.float32(1 / 24)
    p = p * r + np.float32(1 / 6)
    p = p * r + np.float32(0.5)
    p = p * (r * r) + r + np.float32(1)
    half = k >> np.int32(1)  # in two factors, since 2^k alone leaves the range before the result does
    first = np.int32((half + np.int32(127)) << np.int32(23)).view(np.float32)
    second = np.int32((k - half + np.int32(127)) << np.int32(23)).view(np.float32)
    return p * first * second if x == x else x


def exp_double(x: Any) -> Any:
    """e^x in float64, in the same way."""
    inside = min(max(x, -746.0), 710.0)
    k = np.int32(inside * 1.4426950408889634 + (0.5 if x >= 0 else -0.5))
    r = (inside - k * 0.6931471806019545) + k * 4.2009150726810846e-11
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * (r * r) + r + 1
    half = k >> np.int32(1)
    first = np.int64(np.int64(half + 1023) << 52).view(np.float64)
    second = np.int64(np.int64(k - half + 1023) << 52).view(np.float64)
    return p * first * second if x == x else x


def log1p_single(x: Any) -> Any:
    """log(1 + x) in float32, as `log1p_double`: a quarter of its time, since twice as many numbers share an instruction."""
    u = np.float32(1) + x
    bits = np.float32(u).view(np.int32)
    k = np.int32((bits - np.int32(1060439283)) >> np.int32(23))  # the bits of the root of a half
    m = np.int32(bits - (k << np.int32(23))).view(np.float32)
    s = (m - np.float32(1)) / (m + np.float32(1))
    q, p = s * s, np.float32(1 / 9)
    p = p * q + np.float32(1 / 7)
    p = p * q + np.float32(1 / 5)
    p = p * q + np.float32(1 / 3)
    near = np.float32(2) * s * (p * q) + np.float32(2) * s
    log = np.float32(k) * np.float32(0.693359375) + (near - np.float32(k) * np.float32(2.1219444005469057e-4))
    inside = x if u == np.float32(1) else log * (x / (u - np.float32(1)))
    outside = u if u > np.float32(0) else np.float32(-np.inf) if u == np.float32(0) else np.float32(np.nan)
    return inside if (u > np.float32(0)) & (u < np.float32(np.inf)) else outside


def log1p_double(x: Any) -> Any:
    """log(1 + x), accurate near 0 by the rounding of 1 + x that both factors share (Kahan; see Higham 2002).

    1 + x = 2^k m with m near 1, and log m = 2 artanh((m - 1) / (m + 1)).
    """
    u = np.float64(1 + x)
    bits = np.float64(u).view(np.int64)
    k = np.int32((bits - 4604544271217802189) >> 52)  # the bits of the root of a half
    m = np.int64(bits - (np.int64(k) << 52)).view(np.float64)
    s = (m - 1) / (m + 1)
    q, p = s * s, 1 / 23
    p = p * q + 1 / 21
    p = p * q + 1 / 19
    p = p * q + 1 / 17
    p = p * q + 1 / 15
    p = p * q + 1 / 13
    p = p * q + 1 / 11
    p = p * q + 1 / 9
    p = p * q + 1 / 7
    p = p * q + 1 / 5
    p = p * q + 1 / 3
    log = k * 0.6931471805599453 + 2 * s * (p * q + 1)
    inside = x if u == 1 else log * (x / (u - 1))
    outside = u if u > 0 else -np.inf if u == 0 else np.nan
    return inside if (u > 0) & (u < np.inf) else outside


def tanh_single(x: Any) -> Any:
    """tanh x in float32, as `tanh_double`."""
    size, q = abs(x), x * x
    small = ops.exp(np.float32(-2) * size)
    far = (np.float32(1) - small) / (np.float32(1) + small)
    p = np.float32(135135) + q * (np.float32(17325) + q * (np.float32(378) + q))
    near = p / (np.float32(135135) + q * (np.float32(62370) + q * (np.float32(3150) + q * np.float32(28))))
    side = np.float32(1) if x > 0 else np.float32(-1)
    return x * near if size < np.float32(0.625) else far * side


def tanh_double(x: Any) -> Any:
    """tanh x in float64: Lambert's continued fraction near 0, beyond it (1 - e^-2|x|) / (1 + e^-2|x|)."""
    size, q = abs(x), x * x
    small = ops.exp(-2.0 * size)
    far = (1 - small) / (1 + small)
    p = 34459425 + q * (4729725 + q * (135135 + q * (990 + q)))
    near = p / (34459425 + q * (16216200 + q * (945945 + q * (13860 + q * 45))))
    side = 1.0 if x > 0 else -1.0
    return x * near if size < 0.625 else far * side


@overload(ops.exp, jit_options={"fastmath": False, "forceinline": True})
def _exp(x: Any) -> Any:
    return exp_single if x == types.float32 else exp_double


@overload(ops.log1p, jit_options={"fastmath": False, "forceinline": True})
def _log1p(x: Any) -> Any:
    return log1p_single if x == types.float32 else log1p_double


@overload(ops.tanh, jit_options={"fastmath": False, "forceinline": True})
def _tanh(x: Any) -> Any:
    return tanh_single if x == types.float32 else tanh_double


EXPONENTIAL = "".join(
    fingerprint(f) for f in (exp_single, exp_double, log1p_single, log1p_double, tanh_single, tanh_double)
)
