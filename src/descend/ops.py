"""Words that mean the same for a float, a NumPy array and a torch tensor (and, see engines/compiled.py, in Numba).

Operators and abs() are portable already; these are the functions that rules and losses need besides them.
"""

import math
from typing import Any

import numpy as np

from descend.scipy_parts import special_functions


def sqrt(x: Any) -> Any:
    """Square root."""
    return math.sqrt(x) if isinstance(x, (int, float)) else x.sqrt() if hasattr(x, "sqrt") else np.sqrt(x)


def sign(x: Any) -> Any:
    """-1, 0 or 1, and NaN for NaN."""
    return x.sign() if hasattr(x, "sign") else np.sign(x)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two, coordinate by coordinate; NaN wins."""
    if not hasattr(a, "new_full"):
        return np.maximum(a, b)
    return a.maximum(b) if hasattr(b, "new_full") else a.clamp_min(b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`; both are computed, so neither may raise."""
    if not hasattr(condition, "new_full"):
        return np.where(condition, a, b)
    like = next((x for x in (a, b) if hasattr(x, "new_full")), condition.double())
    first, second = (x if hasattr(x, "new_full") else like.new_full((), x) for x in (a, b))
    return first.where(condition, second)


def exp(x: Any) -> Any:
    """e to the x; infinity beyond the range, without a warning."""
    if hasattr(x, "exp"):
        return x.exp()
    with np.errstate(over="ignore"):
        return np.exp(x)


def log1p(x: Any) -> Any:
    """log(1 + x), accurate near 0."""
    return x.log1p() if hasattr(x, "log1p") else np.log1p(x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent."""
    return x.tanh() if hasattr(x, "tanh") else np.tanh(x)


def erf(x: Any) -> Any:
    """The error function."""
    if hasattr(x, "erf"):
        return x.erf()
    if isinstance(x, (int, float)) and not isinstance(x, np.generic):
        return math.erf(x)
    return special_functions().erf(x)
