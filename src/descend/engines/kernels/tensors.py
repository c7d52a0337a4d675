"""tensors: one step of a rule on tensors that lie anywhere in memory, in place, by their addresses.

The weights of a training here are one vector; a user's model has hundreds of tensors, each with a gradient and memories
of its own. One call moves all of them. A memory is a vector beside each tensor, or one number for all coordinates of a
tensor ("shared", such as NAdam's product of momenta). The functions take single arguments: a named tuple would cost
5 microseconds a call, as much as the step of a thousand weights.
"""

import functools
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import populate_array

from descend.arrays import Array
from descend.engines.kernels.compiled import RuleParts, compile_with
from descend.engines.kernels.records import UNCOUNTED, IndexTable, Indices, Numbers, NumberTable
from descend.engines.kernels.step import as_tuple
from descend.plan.rule import Rule


@functools.cache
def compile_clock(rule: Rule, shared: int, dtype: np.dtype[Any]) -> Any:
    """Compile what counts a step of each tensor, before the sweep; counters and shared memories are of `dtype`.

    Its arguments: addresses of counter and shared memories (tensors, 1 + shared), 0 for a tensor without a counter; the
    constants; and, to be written, the time of each tensor (tensors,) and its shared memories before the step
    (shared, tensors). A shared memory must not depend on the gradient.
    """
    own, common = (0.0,) * (len(rule.memory) - shared), (0,) * shared
    element, first = dtype.type, 1 + len(own)

    def of(parts: RuleParts, cast: Any) -> Any:
        update, places = parts.update, parts.places

        def clock(addresses: IndexTable, constants: Numbers, times: Numbers, before: NumberTable) -> None:
            last = rows_of(before, 0, common)
            for i in range(addresses.shape[0]):
                times[i] = 1.0
                if addresses[i, 0] != 0:
                    step = vector_at(addresses[i, 0], 1, element)
                    step[0] += 1
                    times[i] = step[0]
                cells = vectors_at(addresses, i, 1, 0, 1, element, common)
                put(last, i, at(cells, 0))
                new = update(0.0, *(own + at(last, i) + (times[i],) + as_tuple(constants, places)))
                put(cells, 0, new[first:])

        return clock

    return compile_with(rule, dtype, of)


@functools.cache
def compile_sweep(rule: Rule, shared: int, dtype: np.dtype[Any]) -> Any:
    """Compile what moves the coordinates first to last, excluded, of all tensors of `dtype` laid end to end.

    Its arguments: addresses of weights, gradient and memories (tensors, 2 + memories); where each tensor begins among all
    coordinates (tensors + 1,); the times and shared memories that the clock wrote; the constants; sign and l2, which make
    the rule's gradient sign * g + l2 * w; first and last.
    """
    own, common = (0,) * (len(rule.memory) - shared), (0,) * shared
    element, itemsize = dtype.type, dtype.itemsize

    def of(parts: RuleParts, cast: Any) -> Any:
        update, _, _, lr, decay, places, _ = parts

        def sweep(
            addresses: IndexTable, starts: Indices, times: Numbers, before: NumberTable, constants: Numbers,
            sign: float, l2: float, first: int, last: int,
        ) -> None:  # fmt: skip
            last_shared = rows_of(before, 0, common)
            shrink = element(constants[lr] * constants[decay] if decay >= 0 else 0.0)
            i = int(np.searchsorted(starts, first, side="right")) - 1
            while i < addresses.shape[0] and starts[i] < last:
                begin = max(first - starts[i], 0)
                size, skipped = min(last, starts[i + 1]) - starts[i] - begin, begin * itemsize
                w, g = vectors_at(addresses, i, 0, skipped, size, element, (0, 0))
                memory = vectors_at(addresses, i, 2, skipped, size, element, own)
                tail = cast(at(last_shared, i) + (times[i],) + as_tuple(constants, places))
                for j in range(size):
                    slope = element(sign) * g[j]
                    if l2 != 0:
                        slope += element(l2) * w[j]
                    new = update(slope, *(at(memory, j) + tail))
                    w[j] -= shrink * w[j] + new[0]
                    put(memory, j, new[1:])
                i += 1

        return sweep

    return compile_with(rule, dtype, of)


@intrinsic
def vector_at(typingctx: Any, address: Any, size: Any, element: Any) -> Any:
    """Return the vector of so many numbers of a type at an address, which its owner keeps alive."""
    kind = types.Array(element.dtype, 1, "C")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(kind)(context, builder)
        itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
        data = builder.inttoptr(args[0], context.get_data_type(kind.dtype).as_pointer())
        populate_array(array, data=data, shape=[args[1]], strides=[itemsize], itemsize=itemsize, meminfo=None)
        return array._getvalue()

    return kind(types.int64, types.int64, element), codegen


# Tuples of vectors are taken apart by recursion, which ends when the code is compiled: their length is part of their type.
def vectors_at(
    addresses: Array, i: int, column: int, skipped: int, size: int, element: Any, places: tuple[int, ...]
) -> Any:  # fmt: skip
    """Return the vectors so many bytes after the addresses of row i, from a column on, as many as `places`."""


def rows_of(table: Array, first: int, places: tuple[int, ...]) -> Any:
    """Return the rows of a table from the first on, as many as `places`."""


def at(vectors: tuple[Array, ...], j: int) -> Any:
    """Return coordinate j of each vector."""


def put(vectors: tuple[Array, ...], j: int, values: tuple[Any, ...]) -> None:
    """Set coordinate j of each vector, in place; values beyond them are left out."""


_inlined = {"jit_options": {"forceinline": True, **UNCOUNTED}}


@overload(vectors_at, **_inlined)
def _vectors_at(addresses, i, column, skipped, size, element, places):  # type: ignore[no-untyped-def]
    if len(places) == 0:
        return lambda addresses, i, column, skipped, size, element, places: ()
    return lambda addresses, i, column, skipped, size, element, places: (
        (vector_at(addresses[i, column] + skipped, size, element),)
        + vectors_at(addresses, i, column + 1, skipped, size, element, places[1:])
    )  # fmt: skip


@overload(rows_of)  # a row of an array that NumPy owns is counted
def _rows_of(table, first, places):  # type: ignore[no-untyped-def]
    if len(places) == 0:
        return lambda table, first, places: ()
    return lambda table, first, places: (table[first],) + rows_of(table, first + 1, places[1:])


@overload(at, **_inlined)
def _at(vectors, j):  # type: ignore[no-untyped-def]
    if len(vectors) == 0:
        return lambda vectors, j: ()
    return lambda vectors, j: (vectors[0][j],) + at(vectors[1:], j)


@overload(put, **_inlined)
def _put(vectors, j, values):  # type: ignore[no-untyped-def]
    if len(vectors) == 0:
        return lambda vectors, j, values: None

    def put_each(vectors, j, values):  # type: ignore[no-untyped-def]
        vectors[0][j] = values[0]
        put(vectors[1:], j, values[1:])

    return put_each
