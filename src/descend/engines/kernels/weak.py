"""Weak numbers: the constants of a rule take the dtype of the weights they meet, as Python's floats do in NumPy (NEP 50).

Numba gives float64 to every expression with a Python float or int in it, and compiled arithmetic on float32 weights
would run at half the speed or less. A weak number is a float64 of a type of its own: with a float32 it makes a
float32, among its like and with whole numbers it stays weak, and loses no digits.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.extending import intrinsic, overload, register_jitable, register_model

from descend import ops


class Weak(types.Type):  # type: ignore[misc]
    """The type of a weak number."""

    def __init__(self) -> None:
        super().__init__(name="Weak")


WEAK = Weak()
WEAKLY = "weak 1"  # part of the disk cache's key of what is compiled with weak numbers; raise it when they change


@register_model(Weak)
class _WeakModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.DoubleType())


def _kept(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """The bits are the same; only the type is another."""
    return args[0]


@intrinsic
def _weakened(typingctx: Any, numbers: Any) -> Any:
    return types.UniTuple(WEAK, len(numbers))(numbers), _kept


# A plain function, for closures to hold: an intrinsic has another identity in each process, so that a kernel which holds
# one is never found in the disk cache.
@register_jitable
def weakened(numbers: Any) -> Any:
    """Return a tuple of float64 as weak numbers."""
    return _weakened(numbers)


@intrinsic
def weak(typingctx: Any, number: Any) -> Any:
    """Return a float64 as a weak number."""
    return WEAK(types.float64), _kept


@intrinsic
def strong(typingctx: Any, number: Any) -> Any:
    """Return a weak number as a float64."""
    return types.float64(WEAK), _kept


@register_jitable
def as_they_are(numbers: Any) -> Any:
    """Return numbers unchanged: what stands in for `weakened` where weights are float64."""
    return numbers


# The overloads are lambdas: Numba wants an implementation whose signature is that of its overload, annotations and all.
def _overload_binary(word: Callable[..., Any], of: Callable[[Any, Any], Any]) -> None:
    """Let a word of two numbers know weak ones; `of` computes it for strong numbers."""
    exact = register_jitable(of)
    overload(word)(lambda a, b: _of_two(a, b, exact))


def _of_two(a: Any, b: Any, exact: Any) -> Any:
    kinds = _kind(a), _kind(b)
    return _BINARY[kinds](exact) if "weak" in kinds else None


def _kind(given: Any) -> str:
    if isinstance(given, Weak):
        return "weak"
    if given == types.float32:
        return "float32"
    return "whole" if isinstance(given, (types.Integer, types.IntegerLiteral)) else "float64"


_f = np.float32
_BINARY: dict[tuple[str, ...], Callable[[Any], Any]] = {
    ("weak", "weak"): lambda of: lambda a, b: weak(float(of(strong(a), strong(b)))),
    ("weak", "whole"): lambda of: lambda a, b: weak(float(of(strong(a), b))),
    ("whole", "weak"): lambda of: lambda a, b: weak(float(of(a, strong(b)))),
    ("weak", "float32"): lambda of: lambda a, b: _f(of(_f(strong(a)), b)),
    ("float32", "weak"): lambda of: lambda a, b: _f(of(a, _f(strong(b)))),
    ("weak", "float64"): lambda of: lambda a, b: of(strong(a), b),
    ("float64", "weak"): lambda of: lambda a, b: of(a, strong(b)),
}

_overload_binary(operator.add, lambda a, b: a + b)
_overload_binary(operator.sub, lambda a, b: a - b)
_overload_binary(operator.mul, lambda a, b: a * b)
_overload_binary(operator.truediv, lambda a, b: a / b)
_overload_binary(operator.pow, lambda a, b: a**b)
_overload_binary(ops.maximum, lambda a, b: b if b > a else a)


def _overload_comparison(word: Callable[..., Any], of: Callable[[Any, Any], Any]) -> None:
    exact = register_jitable(of)
    overload(word)(lambda a, b: _compared(isinstance(a, Weak), isinstance(b, Weak), exact))


def _compared(weak_a: bool, weak_b: bool, exact: Any) -> Any:
    if weak_a and weak_b:
        return lambda a, b: exact(strong(a), strong(b))
    if weak_a:
        return lambda a, b: exact(strong(a), b)
    return (lambda a, b: exact(a, strong(b))) if weak_b else None


_overload_comparison(operator.lt, lambda a, b: a < b)
_overload_comparison(operator.le, lambda a, b: a <= b)
_overload_comparison(operator.gt, lambda a, b: a > b)
_overload_comparison(operator.ge, lambda a, b: a >= b)
_overload_comparison(operator.eq, lambda a, b: a == b)
_overload_comparison(operator.ne, lambda a, b: a != b)


def _overload_unary(word: Callable[..., Any], of: Callable[[Any], Any]) -> None:
    exact = register_jitable(of)
    overload(word)(lambda x: (lambda x: weak(float(exact(strong(x))))) if isinstance(x, Weak) else None)


_overload_unary(operator.neg, lambda x: -x)
_overload_unary(abs, lambda x: abs(x))
_overload_unary(ops.sqrt, lambda x: math.sqrt(x))
_overload_unary(ops.sign, lambda x: np.sign(x))
