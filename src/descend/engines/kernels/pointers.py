"""pointers: compiled functions handed to compiled loops as plain addresses.

Numba can take a function as an argument, and looks its type and address up again at every call: with the eight rules of
a group that is a thousandth of a second, as long as four hundred epochs of a small table. An address is a number.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from descend.engines.kernels.records import argument_types


@functools.cache
def address(compiled: Any) -> int:
    """Return where the machine code of a compiled function of one signature begins."""
    (result,) = compiled.overloads.values()
    return int(result.library.get_pointer_to_function(result.fndesc.llvm_func_name))


def function_at(contract: Callable[..., None]) -> Any:
    """Return what turns an address into a function again, in compiled code.

    The caller keeps the compiled function alive; its signature is trusted to be that of the contract, whose annotations
    `records.argument_types` reads for the dtype of the array beside the address.
    """

    @intrinsic
    def at(typingctx: Any, address: Any, like: Any) -> Any:
        kind = types.FunctionType(types.void(*argument_types(contract, np.dtype(str(like.dtype)))))

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            made = cgutils.create_struct_proxy(kind)(context, builder)
            made.jit_addr = made.c_addr = builder.inttoptr(args[0], cgutils.voidptr_t)
            return made._getvalue()

        return kind(address, like), codegen

    return at
