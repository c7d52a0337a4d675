"""Compiled sums over rows: the gradients of some examples, added up in one reading of their features.

The functions are of the module, not closures: a closure in a closure would never be found in the disk cache.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from descend.arrays import Array
from descend.engines.kernels.records import UNCOUNTED, Batch, Examples
from descend.losses import Loss
from descend.ops import exp

CHUNK = 64  # rows whose scores are kept until all are known, so that their slopes are computed by vector instructions
AHEAD = 8  # rows between the one in use and the one prefetched, when one row is a step: about 1 us, a memory latency
LINE = 64  # bytes of a cache line, on x86 and most ARM processors


@intrinsic
def prefetch(typingctx: Any, X: Any, i: Any, j: Any) -> Any:
    """Ask the memory for the cache line that holds X[i, j], and do not wait: LLVM's prefetch, which Numba lacks."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, args[0])
        place = cgutils.get_item_pointer2(
            context, builder, array.data, cgutils.unpack_tuple(builder, array.shape),
            cgutils.unpack_tuple(builder, array.strides), kind.layout, list(args[1:]), wraparound=False,
        )  # fmt: skip
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        form = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        instruction = cgutils.get_or_insert_function(builder.module, form, "llvm.prefetch.p0")
        read, near, data = (ir.Constant(number, value) for value in (0, 3, 1))
        builder.call(instruction, [builder.bitcast(place, byte), read, near, data])
        return context.get_dummy_value()

    return types.void(X, i, j), codegen


@register_jitable(**UNCOUNTED)
def prefetch_row(X: Array, row: int) -> None:
    """Ask the memory for all cache lines of a row.

    In a random order of rows the processor cannot guess which comes next, and would wait for memory at each row. The
    order is known beforehand, so that the rows to come are asked for while the present ones are computed.
    """
    for j in range(0, X.shape[1], LINE // X.itemsize):
        prefetch(X, row, j)
    prefetch(X, row, X.shape[1] - 1)  # a row that begins within a line may end in one more


@register_jitable(**UNCOUNTED)
def add_one(
    evaluate: Any, respond: Any, tail: Any, examples: Examples, w: Array, g: Array, workspace: Array, batch: Batch
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for a single output; workspace: (3, CHUNK).

    Rows are taken in chunks, twice: all scores first, then, after the slopes of the whole chunk, all gradients. Both
    times four rows at once share each load of w[j] and each load and store of g[j], and their four sums do not wait
    for each other. The rows of the next chunk are prefetched while this one is computed.
    """
    X, y, sample_weight = examples
    order, begin, end = batch
    z, d, mixed = workspace[0], X.shape[1], order.size > 0
    bias = w[d] if w.size > d else w.dtype.type(0)
    for lo in range(begin, end, CHUNK):
        size = min(CHUNK, end - lo)
        fours = size - size % 4
        chunk_scores(X, w, bias, order, lo, size, end, z)
        slopes(evaluate, tail, y, sample_weight, workspace, order, lo, size)
        for i in range(0, fours, 4):
            a, b, c, e = lo + i, lo + i + 1, lo + i + 2, lo + i + 3
            if mixed:
                a, b, c, e = order[a], order[b], order[c], order[e]
            p, q, r, s = z[i], z[i + 1], z[i + 2], z[i + 3]
            ask_for(X, order, lo + CHUNK + CHUNK // 2 + i // 2, end)
            for j in range(d):
                g[j] += p * X[a, j] + q * X[b, j] + r * X[c, j] + s * X[e, j]
        for i in range(fours, size):
            a, p = order[lo + i] if mixed else lo + i, z[i]
            for j in range(d):
                g[j] += p * X[a, j]
        if w.size > d:
            for i in range(size):
                g[d] += z[i]


@register_jitable(**UNCOUNTED)
def ask_for(X: Array, order: Array, first: int, end: int) -> None:
    """Ask the memory for two rows, where they come before `end`."""
    for row in range(first, min(first + 2, end)):
        prefetch_row(X, order[row] if order.size > 0 else row)


@register_jitable(**UNCOUNTED)
def chunk_scores(X: Array, w: Array, bias: float, order: Array, lo: int, size: int, end: int, z: Array) -> None:
    """Put the scores of a chunk of rows into z, four rows at once; order: of the rows, empty for as they are.

    Meanwhile the rows of the next chunk, up to `end`, are asked for: their memory is read while this chunk's slopes and
    gradients are computed from the cache.
    """
    d, fours, mixed = X.shape[1], size - size % 4, order.size > 0
    for i in range(0, fours, 4):
        a, b, c, e = lo + i, lo + i + 1, lo + i + 2, lo + i + 3
        ask_for(X, order, lo + CHUNK + i // 2, end)
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


@register_jitable(**UNCOUNTED)
def add_losses(evaluate: Any, tail: Any, examples: Examples, w: Array, workspace: Array, batch: Batch) -> float:
    """Return the weighted sum of the losses of some rows, in their order, for a single output; workspace: (3, CHUNK)."""
    X, y, sample_weight = examples
    order, begin, end = batch
    z, d, total = workspace[0], X.shape[1], 0.0
    bias = w[d] if w.size > d else w.dtype.type(0)
    for lo in range(begin, end, CHUNK):
        size = min(CHUNK, end - lo)
        chunk_scores(X, w, bias, order, lo, size, end, z)
        for i in range(size):
            z[i] = evaluate(z[i], y[lo + i, 0], *tail)[0]
        if sample_weight.size > 0:
            for i in range(size):
                z[i] *= sample_weight[lo + i]
        for i in range(size):
            total += z[i]
    return total


@register_jitable(**UNCOUNTED)
def slopes(
    evaluate: Any, tail: Any, y: Array, sample_weight: Array, workspace: Array, order: Array, lo: int, size: int
) -> None:  # fmt: skip
    """Replace the scores of a chunk of rows, workspace[0], by the weighted slopes of their losses."""
    z, target, weight = workspace[0], workspace[1], workspace[2]
    if order.size > 0:
        for i in range(size):
            target[i] = y[order[lo + i], 0]
    else:
        for i in range(size):
            target[i] = y[lo + i, 0]
    for i in range(size):
        z[i] = evaluate(z[i], target[i], *tail)[1]
    if sample_weight.size > 0:
        for i in range(size):
            weight[i] = sample_weight[order[lo + i]] if order.size > 0 else sample_weight[lo + i]
        for i in range(size):
            z[i] *= weight[i]


@register_jitable
def add_several(
    evaluate: Any, respond: Any, tail: Any, examples: Examples, w: Array, g: Array, workspace: Array, batch: Batch
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for an output a class or a target; workspace: (3, outputs)."""
    X, y, sample_weight = examples
    order, begin, end = batch
    d, k, z = X.shape[1], workspace.shape[1], workspace[0]
    for i in range(begin, end):
        row = order[i] if order.size > 0 else i
        for c in range(k):
            z[c] = w[d * k + c] if w.size > d * k else w.dtype.type(0)
        for j in range(d):
            for c in range(k):
                z[c] += X[row, j] * w[j * k + c]
        respond_to(evaluate, respond, tail, z, y, sample_weight, row)
        for j in range(d):
            for c in range(k):
                g[j * k + c] += z[c] * X[row, j]
        if w.size > d * k:
            for c in range(k):
                g[d * k + c] += z[c]


@register_jitable
def respond_to(
    evaluate: Any, respond: Any, tail: Any, z: Array, y: Array, sample_weight: Array, row: int
) -> None:  # fmt: skip
    """Replace the scores z of one example by the weighted slopes of its loss."""
    respond(evaluate, tail, z, y[row])
    if sample_weight.size > 0:
        for c in range(z.size):
            z[c] *= sample_weight[row]


@register_jitable
def softmax(evaluate: Any, tail: Any, z: Array, y: Array) -> None:
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
def targets(evaluate: Any, tail: Any, z: Array, y: Array) -> None:
    """Replace the scores z of one example by the slopes of its loss, averaged over the targets."""
    for c in range(z.size):
        z[c] = evaluate(z[c], y[c], *tail)[1] / z.size


def response(loss: Loss) -> Callable[..., None]:
    """Return what turns the scores of one example into slopes of its loss."""
    return softmax if loss.outputs == "classes" else targets
