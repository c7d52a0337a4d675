"""Compiled sums over rows of non-zeros: what `kernels.rows` computes, at a cost that zeros do not add to.

The functions are of the module, not closures: a closure in a closure would never be found in the disk cache.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numba.extending import register_jitable

from descend.arrays import Array
from descend.engines.kernels.records import UNCOUNTED, Batch, SparseExamples, SparseRows, readonly
from descend.engines.kernels.rows import CHUNK, respond_to, slopes

if TYPE_CHECKING:
    from scipy import sparse


def sparse_rows(X: "sparse.csr_array") -> SparseRows:
    """Return sparse features as compiled code takes them."""
    columns, starts = X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64, copy=False)
    return SparseRows(readonly(X.data), readonly(columns), readonly(starts), X.shape[1])


@register_jitable(**UNCOUNTED)
def add_one_sparse(
    evaluate: Any, respond: Any, tail: Any, examples: SparseExamples, w: Array, g: Array, workspace: Array, batch: Batch
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for a single output; workspace: (3, CHUNK)."""
    X, y, sample_weight = examples
    values, columns, starts, d = X
    order, begin, end = batch
    z = workspace[0]
    bias = w[d] if w.size > d else w.dtype.type(0)
    for lo in range(begin, end, CHUNK):
        size = min(CHUNK, end - lo)
        for i in range(size):
            row, p = order[lo + i] if order.size > 0 else lo + i, bias
            for at in range(starts[row], starts[row + 1]):
                p += values[at] * w[columns[at]]
            z[i] = p
        slopes(evaluate, tail, y, sample_weight, workspace, order, lo, size)
        for i in range(size):
            row, p = order[lo + i] if order.size > 0 else lo + i, z[i]
            for at in range(starts[row], starts[row + 1]):
                g[columns[at]] += p * values[at]
            if w.size > d:
                g[d] += p


@register_jitable
def add_several_sparse(
    evaluate: Any, respond: Any, tail: Any, examples: SparseExamples, w: Array, g: Array, workspace: Array, batch: Batch
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for an output a class or a target; workspace: (3, outputs)."""
    X, y, sample_weight = examples
    values, columns, starts, d = X
    order, begin, end = batch
    k, z = workspace.shape[1], workspace[0]
    for i in range(begin, end):
        row = order[i] if order.size > 0 else i
        for c in range(k):
            z[c] = w[d * k + c] if w.size > d * k else w.dtype.type(0)
        for at in range(starts[row], starts[row + 1]):
            for c in range(k):
                z[c] += values[at] * w[columns[at] * k + c]
        respond_to(evaluate, respond, tail, z, y, sample_weight, row)
        for at in range(starts[row], starts[row + 1]):
            for c in range(k):
                g[columns[at] * k + c] += z[c] * values[at]
        if w.size > d * k:
            for c in range(k):
                g[d * k + c] += z[c]
