"""lanes: vectors of numbers in registers, for loops whose sums LLVM would vectorise with a remainder and checks of overlap.

A vector has 64 bytes: one register of AVX-512, and LLVM splits it where registers are narrower. What stays in registers
is not written to memory and read again, which one row a step would wait for.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_jitable, register_model

from descend.arrays import Array

BYTES = 64
EDITION = "lanes 1"  # part of the disk cache's key of what is compiled with vectors; raise it when they change
ANY_ORDER = ("contract", "reassoc", "nsz")  # NaN and infinity keep their meaning, as in `compiled.FAST`


def count(dtype: np.dtype[Any]) -> int:
    """Return how many numbers a vector has."""
    return BYTES // dtype.itemsize


def padded(size: int, dtype: np.dtype[Any]) -> int:
    """Return the smallest whole number of vectors that holds so many numbers, in numbers."""
    return -(-size // count(dtype)) * count(dtype)


@register_jitable
def aligned(like: Array, size: int) -> Array:
    """Return zeros of the dtype of an array, at an address where no vector straddles two cache lines."""
    room = np.zeros(size + BYTES // like.itemsize, like.dtype)
    first = (-room.ctypes.data % BYTES) // like.itemsize
    return room[first : first + size]


class Lanes(types.Type):  # type: ignore[misc]
    """The type of a vector of float32 or float64."""

    def __init__(self, element: Any) -> None:
        self.element, self.count = element, BYTES // (element.bitwidth // 8)
        super().__init__(name=f"Lanes({element})")

    @property
    def vector(self) -> Any:
        """LLVM's type."""
        return ir.VectorType(ir.FloatType() if self.element == types.float32 else ir.DoubleType(), self.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, kind.vector)


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any, target: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), target.as_pointer())


def _size(kind: Any) -> int:
    return int(kind.element.bitwidth // 8)


@intrinsic
def load(typingctx: Any, array: Any, at: Any) -> Any:
    """Return the numbers of a flat array, or of a table in C order, from number `at` on."""
    kind = Lanes(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(
            _place(context, builder, signature.args[0], args[0], args[1], kind.vector), align=_size(kind)
        )

    return kind(array, types.intp), codegen


@intrinsic
def load_first(typingctx: Any, array: Any, at: Any, size: Any) -> Any:
    """Return so many numbers from number `at` on, and zeros in the other lanes, whose memory is not read."""
    kind = Lanes(array.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number, bits = ir.IntType(64), ir.VectorType(ir.IntType(1), kind.count)
        lanes = ir.Constant(ir.VectorType(number, kind.count), list(range(kind.count)))
        mask = builder.icmp_signed("<", lanes, _spread(builder, args[2], number, kind.count))
        pointer = _place(context, builder, signature.args[0], args[0], args[1], kind.vector)
        form = ir.FunctionType(kind.vector, [pointer.type, ir.IntType(32), bits, kind.vector])
        name = f"llvm.masked.load.{_suffix(kind)}.p0"
        call = cgutils.get_or_insert_function(builder.module, form, name)
        return builder.call(call, [pointer, ir.IntType(32)(_size(kind)), mask, ir.Constant(kind.vector, None)])

    return kind(array, types.intp, types.intp), codegen


@intrinsic
def store(typingctx: Any, array: Any, at: Any, x: Any) -> Any:
    """Write a vector to a flat array from number `at` on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, signature.args[0], args[0], args[1], x.vector), align=_size(x))
        return context.get_dummy_value()

    return types.void(array, types.intp, x), codegen


@intrinsic
def splat(typingctx: Any, number: Any) -> Any:
    """Return a vector of one number."""
    kind = Lanes(number)
    return kind(number), lambda c, builder, s, args: _spread(builder, args[0], kind.vector.element, kind.count)


def _spread(builder: Any, number: Any, element: Any, count: int) -> Any:
    vector = ir.VectorType(element, count)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), count), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), lanes)


def _suffix(kind: Any) -> str:
    return f"v{kind.count}f{kind.element.bitwidth}"


@intrinsic
def add(typingctx: Any, x: Any, y: Any) -> Any:
    """Return x + y, of which no part is reordered with other sums."""
    return x(x, y), lambda c, builder, s, args: builder.fadd(args[0], args[1])


@intrinsic
def sub(typingctx: Any, x: Any, y: Any) -> Any:
    """Return x - y, of which no part is reordered with other sums."""
    return x(x, y), lambda c, builder, s, args: builder.fsub(args[0], args[1])


@intrinsic
def mul(typingctx: Any, x: Any, y: Any) -> Any:
    """Return x * y."""
    return x(x, y), lambda c, builder, s, args: builder.fmul(args[0], args[1], flags=ANY_ORDER)


@intrinsic
def fma(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x * y + z, in one instruction where the processor has it."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fadd(builder.fmul(args[0], args[1], flags=ANY_ORDER), args[2], flags=ANY_ORDER)

    return x(x, y, z), codegen


@intrinsic
def total(typingctx: Any, x: Any) -> Any:
    """Return the sum of a vector."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        element = x.vector.element
        form = ir.FunctionType(element, [element, x.vector])
        call = cgutils.get_or_insert_function(builder.module, form, f"llvm.vector.reduce.fadd.{_suffix(x)}")
        return builder.call(call, [ir.Constant(element, 0.0), args[0]], fastmath=ANY_ORDER)

    return x.element(x), codegen
