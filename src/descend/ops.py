"""Words that mean the same for a float, a NumPy array and a torch tensor (and, see engines/compiled.py, in Numba).

Operators and abs() are portable already; these are the functions that rules and losses need besides them.
"""

import math
from typing import Any

import numpy as np


def sqrt(x: Any) -> Any:
    """Square root."""
    return math.sqrt(x) if isinstance(x, (int, float)) else x.sqrt() if hasattr(x, "sqrt") else np.sqrt(x)


def sign(x: Any) -> Any:
    """-1, 0 or 1, and NaN for NaN."""
    return x.sign() if hasattr(x, "sign") else np.sign(x)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two, coordinate by coordinate; NaN wins."""
    return a.clamp_min(b) if hasattr(a, "clamp_min") and isinstance(b, (int, float)) else (
        a.maximum(b) if hasattr(a, "maximum") else np.maximum(a, b)
    )


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`; both are computed, so neither may raise."""
    return a.where(condition, b) if hasattr(a, "clamp_min") else np.where(condition, a, b)


def exp(x: Any) -> Any:
    """e to the x; infinity beyond the range, without a warning."""
    if hasattr(x, "exp"):
        return x.exp()
    with np.errstate(over="ignore"):
        return np.exp(x)


def log1p(x: Any) -> Any:
    """log(1 + x), accurate near 0."""
    return x.log1p() if hasattr(x, "log1p") else np.log1p(x)
