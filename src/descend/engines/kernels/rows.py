"""Compiled sums over rows: the gradients of some examples, added up in one reading of their features.

The functions are of the module, not closures: a closure in a closure would never be found in the disk cache.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable
from numba.np.arrayobj import make_array

from descend.losses import Loss
from descend.ops import exp

CHUNK = 64  # rows whose scores wait for each other, so that slopes are computed many at once
AHEAD = 8  # rows that are asked from memory before they are needed, when one row is a step
LINE = 64  # bytes that come from memory together


@intrinsic
def fetch(typingctx: Any, X: Any, i: Any, j: Any) -> Any:
    """Ask the memory for the line that holds X[i, j], and do not wait."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        array = make_array(kind)(context, builder, args[0])
        place = cgutils.get_item_pointer2(
            context, builder, array.data, cgutils.unpack_tuple(builder, array.shape),
            cgutils.unpack_tuple(builder, array.strides), kind.layout, list(args[1:]), wraparound=False,
        )  # fmt: skip
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        form = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, form, "llvm.prefetch.p0")
        read, near, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(prefetch, [builder.bitcast(place, byte), read, near, data])
        return context.get_dummy_value()

    return types.void(X, i, j), codegen


@register_jitable
def fetch_row(X: Any, row: int) -> None:
    """Ask the memory for all lines of a row."""
    for j in range(0, X.shape[1], LINE // X.itemsize):
        fetch(X, row, j)


@register_jitable
def one(
    evaluate: Any, respond: Any, tail: Any, X: Any, y: Any, weight: Any,
    w: Any, g: Any, room: Any, order: Any, begin: int, end: int,
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for a single output; room: (3, CHUNK)."""
    z, d, mixed = room[0], X.shape[1], order.size > 0
    bias = w[d] if w.size > d else w.dtype.type(0)
    for lo in range(begin, end, CHUNK):
        size = min(CHUNK, end - lo)
        fours = size - size % 4
        if mixed:
            for i in range(lo + size, min(lo + size + CHUNK, end)):
                fetch_row(X, order[i])
        for i in range(0, fours, 4):
            a, b, c, e = lo + i, lo + i + 1, lo + i + 2, lo + i + 3
            if mixed:
                a, b, c, e = order[a], order[b], order[c], order[e]
            p = q = r = s = bias
            for j in range(d):
                p += X[a, j] * w[j]
                q += X[b, j] * w[j]
                r += X[c, j] * w[j]
                s += X[e, j] * w[j]
            z[i], z[i + 1], z[i + 2], z[i + 3] = p, q, r, s
        for i in range(fours, size):
            a, p = order[lo + i] if mixed else lo + i, bias
            for j in range(d):
                p += X[a, j] * w[j]
            z[i] = p
        slopes(evaluate, tail, y, weight, room, order, lo, size)
        for i in range(0, fours, 4):
            a, b, c, e = lo + i, lo + i + 1, lo + i + 2, lo + i + 3
            if mixed:
                a, b, c, e = order[a], order[b], order[c], order[e]
            p, q, r, s = z[i], z[i + 1], z[i + 2], z[i + 3]
            for j in range(d):
                g[j] += p * X[a, j] + q * X[b, j] + r * X[c, j] + s * X[e, j]
        for i in range(fours, size):
            a, p = order[lo + i] if mixed else lo + i, z[i]
            for j in range(d):
                g[j] += p * X[a, j]
        if w.size > d:
            for i in range(size):
                g[d] += z[i]


@register_jitable
def slopes(evaluate: Any, tail: Any, y: Any, weight: Any, room: Any, order: Any, lo: int, size: int) -> None:
    """Replace the scores of a chunk of rows, room[0], by the weighted slopes of their losses."""
    z, target, share = room[0], room[1], room[2]
    if order.size > 0:
        for i in range(size):
            target[i] = y[order[lo + i], 0]
    else:
        for i in range(size):
            target[i] = y[lo + i, 0]
    for i in range(size):
        z[i] = evaluate(z[i], target[i], *tail)[1]
    if weight.size > 0:
        for i in range(size):
            share[i] = weight[order[lo + i]] if order.size > 0 else weight[lo + i]
        for i in range(size):
            z[i] *= share[i]


@register_jitable
def several(
    evaluate: Any, respond: Any, tail: Any, X: Any, y: Any, weight: Any,
    w: Any, g: Any, room: Any, order: Any, begin: int, end: int,
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for an output a class or a target; room: (3, outputs)."""
    d, k, z = X.shape[1], room.shape[1], room[0]
    for i in range(begin, end):
        row = order[i] if order.size > 0 else i
        for c in range(k):
            z[c] = w[d * k + c] if w.size > d * k else w.dtype.type(0)
        for j in range(d):
            for c in range(k):
                z[c] += X[row, j] * w[j * k + c]
        respond_to(evaluate, respond, tail, z, y, weight, row)
        for j in range(d):
            for c in range(k):
                g[j * k + c] += z[c] * X[row, j]
        if w.size > d * k:
            for c in range(k):
                g[d * k + c] += z[c]


@register_jitable
def respond_to(evaluate: Any, respond: Any, tail: Any, z: Any, y: Any, weight: Any, row: int) -> None:
    """Replace the scores z of one example by the weighted slopes of its loss."""
    respond(evaluate, tail, z, y[row])
    if weight.size > 0:
        for c in range(z.size):
            z[c] *= weight[row]


@register_jitable
def softmax(evaluate: Any, tail: Any, z: Any, y: Any) -> None:
    """Replace the scores z of one example by the slopes of its loss, for a class index; by NaN when there is no such class."""
    if not 0 <= y[0] < z.size:
        z[:] = np.nan
        return
    top, total = z.max(), 0.0
    for c in range(z.size):
        z[c] = exp(z[c] - top)
        total += z[c]
    for c in range(z.size):
        z[c] /= total
    z[int(y[0])] -= 1


@register_jitable
def targets(evaluate: Any, tail: Any, z: Any, y: Any) -> None:
    """Replace the scores z of one example by the slopes of its loss, averaged over the targets."""
    for c in range(z.size):
        z[c] = evaluate(z[c], y[c], *tail)[1] / z.size


def response(loss: Loss) -> Any:
    """Return what turns the scores of one example into slopes of its loss."""
    return softmax if loss.outputs == "classes" else targets
