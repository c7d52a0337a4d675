"""Compiled sums over rows of non-zeros: what `engines.rows` computes, at a cost that zeros do not add to.

The functions are of the module, not closures: a closure in a closure would never be found in the disk cache.
"""

from typing import Any

import numpy as np
from numba import types
from numba.extending import register_jitable

from descend.engines.kernels.rows import CHUNK, respond_to, slopes


def type_of(real: Any) -> Any:
    """Return the type of sparse features: values, their columns, where each row starts, the number of columns."""
    values, columns, starts = (types.Array(t, 1, "C", readonly=True) for t in (real, types.int32, types.int64))
    return types.Tuple((values, columns, starts, types.int64))


def unpacked(X: Any) -> tuple[Any, ...]:
    """Return rows of non-zeros as compiled code takes them."""
    parts = X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64, copy=False)
    views = tuple(np.ascontiguousarray(part).view() for part in parts)
    for view in views:
        view.flags.writeable = False
    return (*views, X.shape[1])


@register_jitable
def one_sparse(
    evaluate: Any, respond: Any, tail: Any, X: Any, y: Any, weight: Any,
    w: Any, g: Any, room: Any, order: Any, begin: int, end: int,
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for a single output; room: (3, CHUNK)."""
    values, columns, starts, d = X
    z = room[0]
    bias = w[d] if w.size > d else w.dtype.type(0)
    for lo in range(begin, end, CHUNK):
        size = min(CHUNK, end - lo)
        for i in range(size):
            row, p = order[lo + i] if order.size > 0 else lo + i, bias
            for at in range(starts[row], starts[row + 1]):
                p += values[at] * w[columns[at]]
            z[i] = p
        slopes(evaluate, tail, y, weight, room, order, lo, size)
        for i in range(size):
            row, p = order[lo + i] if order.size > 0 else lo + i, z[i]
            for at in range(starts[row], starts[row + 1]):
                g[columns[at]] += p * values[at]
            if w.size > d:
                g[d] += p


@register_jitable
def several_sparse(
    evaluate: Any, respond: Any, tail: Any, X: Any, y: Any, weight: Any,
    w: Any, g: Any, room: Any, order: Any, begin: int, end: int,
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for an output a class or a target; room: (3, outputs)."""
    values, columns, starts, d = X
    k, z = room.shape[1], room[0]
    for i in range(begin, end):
        row = order[i] if order.size > 0 else i
        for c in range(k):
            z[c] = w[d * k + c] if w.size > d * k else w.dtype.type(0)
        for at in range(starts[row], starts[row + 1]):
            for c in range(k):
                z[c] += values[at] * w[columns[at] * k + c]
        respond_to(evaluate, respond, tail, z, y, weight, row)
        for at in range(starts[row], starts[row + 1]):
            for c in range(k):
                g[columns[at] * k + c] += z[c] * values[at]
        if w.size > d * k:
            for c in range(k):
                g[d * k + c] += z[c]
