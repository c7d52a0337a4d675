"""expression: a formula of `activations` or `losses` written down instead of computed, for formats with a language of their own.

Those formulas work on whatever has operators and the methods of a tensor, see `ops`. An Expression has them, and keeps
what was done; SQL and ONNX then write it in their own words, so that no formula is written twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from descend.ops import where

T = TypeVar("T")
UNIT_ROOT_2 = 1.4142135623730951  # sqrt(2)
# Hart 1968, no. 5666: the upper tail of the normal distribution at t >= 0 is exp(-t^2 / 2) P(t) / Q(t), to 1e-15
P = (220.206867912376, 221.213596169931, 112.079291497871, 33.912866078383, 6.37396220353165, 0.700383064443688,
     0.0352624965998911)  # fmt: skip
Q = (440.413735824752, 793.826512519948, 637.333633378831, 296.564248779674, 86.7807322029461, 16.064177579207,
     1.75566716318264, 0.0883883476483184)  # fmt: skip
TAIL = 7.07  # from here on the tail is below 1e-12, and taken as 0


class Op(StrEnum):
    """What an expression does with its arguments."""

    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"
    NEG = "neg"
    ABS = "abs"
    EXP = "exp"
    LN = "ln"
    TANH = "tanh"
    MAX = "max"
    GREATER = ">"
    AT_LEAST = ">="
    WHERE = "where"


@dataclass(frozen=True, eq=False)
class Expression:
    """A number, an input, or an operation on expressions.

    Args:
        value: the number, or the name of the input; the operation where there are arguments.
        arguments: what is operated on.

    >>> from descend.activations import ACTIVATIONS
    >>> z = Expression("z")
    >>> written(ACTIVATIONS["leaky_relu"].evaluate(z)[0], {Op.WHERE: "({0} ? {1} : {2})", Op.GREATER: "{0} > {1}", Op.MUL: "{0} * {1}"})
    '(z > 0.0 ? z : 0.01 * z)'
    """

    value: float | str | Op
    arguments: tuple["Expression", ...] = ()

    def __add__(self, other: Any) -> "Expression":
        return _made(Op.ADD, self, other)

    def __radd__(self, other: Any) -> "Expression":
        return _made(Op.ADD, other, self)

    def __sub__(self, other: Any) -> "Expression":
        return _made(Op.SUB, self, other)

    def __rsub__(self, other: Any) -> "Expression":
        return _made(Op.SUB, other, self)

    def __mul__(self, other: Any) -> "Expression":
        return _made(Op.MUL, self, other)

    def __rmul__(self, other: Any) -> "Expression":
        return _made(Op.MUL, other, self)

    def __truediv__(self, other: Any) -> "Expression":
        return _made(Op.DIV, self, other)

    def __rtruediv__(self, other: Any) -> "Expression":
        return _made(Op.DIV, other, self)

    def __neg__(self) -> "Expression":
        return _made(Op.NEG, self)

    def __abs__(self) -> "Expression":
        return _made(Op.ABS, self)

    def __gt__(self, other: Any) -> "Expression":
        return _made(Op.GREATER, self, other)

    def __ge__(self, other: Any) -> "Expression":
        return _made(Op.AT_LEAST, self, other)

    def exp(self) -> "Expression":
        """E to the power of it."""
        return _made(Op.EXP, self)

    def log1p(self) -> "Expression":
        """log(1 + it); formulas ask for it where it is at least 0, so 1e-16 is all that is lost."""
        return _made(Op.LN, 1 + self)

    def tanh(self) -> "Expression":
        """Hyperbolic tangent."""
        return _made(Op.TANH, self)

    def erf(self) -> "Expression":
        """The error function, to 1e-12: languages have none, or in float32 alone."""
        t = UNIT_ROOT_2 * abs(self)
        tail = where(t > TAIL, 0.0, (t * t * -0.5).exp() * (_polynomial(P, t) / _polynomial(Q, t)))
        above: Expression = 1 - 2 * tail
        return _made(Op.WHERE, self > 0, above, -above)

    def maximum(self, other: Any) -> "Expression":
        """The larger of two."""
        return _made(Op.MAX, self, other)

    clamp_min = maximum

    def where(self, condition: "Expression", other: Any) -> "Expression":
        """It where a condition holds, else another."""
        return _made(Op.WHERE, condition, self, other)

    def double(self) -> "Expression":
        """Itself: all numbers are float64."""
        return self

    def new_full(self, shape: tuple[()], value: float) -> "Expression":
        """A number."""
        return Expression(float(value))


def folded(expression: Expression, leaf: Callable[[float | str], T], made: Callable[[Op, list[T]], T]) -> T:
    """Return what an expression is in another language, every part of it made once.

    Args:
        leaf: writes a number, or the name of an input.
        made: writes an operation on what its arguments are.
    """
    done: dict[int, T] = {}

    def visit(part: Expression) -> T:
        if id(part) not in done:
            inner = [visit(argument) for argument in part.arguments]
            done[id(part)] = made(Op(part.value), inner) if part.arguments else leaf(part.value)  # type: ignore[arg-type]
        return done[id(part)]

    return visit(expression)


def written(expression: Expression, words: Mapping[Op, str], leaf: Callable[[float | str], str] = str) -> str:
    """Return an expression as text, by a template for each operation in which {0} is the first argument."""
    return folded(expression, leaf, lambda op, parts: words[op].format(*parts))


def _made(op: Op, *arguments: Any) -> Expression:
    return Expression(op, tuple(a if isinstance(a, Expression) else Expression(float(a)) for a in arguments))


def _polynomial(coefficients: tuple[float, ...], t: Expression) -> Expression:
    """Horner's scheme, the lowest power first."""
    total = Expression(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * t + coefficient
    return total
