"""barrier: threads inside compiled code wait for each other.

A pool of threads takes 20 to 50 microseconds to hand out a step and to collect it, as long as a step of a small network
takes. Here every thread runs the same loop, and waits at a counter in memory: 0.2 microseconds where each thread has a core.
"""

import sys
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from descend.arrays import Array

ARRIVED, ROUND, ABANDONED = 0, 16, 32  # where in the array each number is: on a cache line of its own
SPINS = 2000  # looks at the counter, about 10 microseconds, before a thread lets others have its core


def barrier() -> Array:
    """Return the memory of a barrier, int64."""
    return np.zeros(ABANDONED + 1, np.int64)


def abandon(state: Array) -> None:
    """Let all who wait at a barrier, or will, go on with False: one of the threads will not come."""
    state[ABANDONED] = 1


@register_jitable
def wait(state: Array, threads: int) -> bool:
    """Wait until so many threads are here; what each wrote before, all can read behind. False once it is abandoned."""
    if threads == 1:
        return True
    turn = atomic_load(state, ROUND)
    if atomic_add(state, ARRIVED, 1) == threads - 1:
        state[ARRIVED] = 0
        atomic_add(state, ROUND, 1)
        return True
    spins = 0
    while atomic_load(state, ROUND) == turn:
        if atomic_load(state, ABANDONED) != 0:
            return False
        spins += 1
        if spins > SPINS:
            yield_core()
    return True


def _place(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    """The address of an element of a vector."""
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


@intrinsic
def atomic_add(typingctx: Any, state: Any, at: Any, by: Any) -> Any:
    """Add to an element of a vector, int64, and return what it was."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _place(context, builder, signature, args), args[2], "seq_cst")

    return types.int64(state, types.int64, types.int64), codegen


@intrinsic
def atomic_load(typingctx: Any, state: Any, at: Any) -> Any:
    """Read an element of a vector, int64, that other threads write."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_place(context, builder, signature, args), "seq_cst", 8)

    return types.int64(state, types.int64), codegen


@intrinsic
def yield_core(typingctx: Any) -> Any:
    """Let other threads of the machine have this one's core for a moment."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if sys.platform != "win32":
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), codegen
