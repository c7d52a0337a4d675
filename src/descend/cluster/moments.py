"""moments: moments of rows that several processes add up, with the bits that one process gives them.

The rows are cut into the shards of `table.moments`, of which each rank adds up a contiguous part. Adding up shards is not
associative to the last bit, so the sums of all shards are merged in their order: rank 0 merges its own, rank 1 goes on from
there, and the last rank has the total. Each rank sends as many numbers as one matrix of moments has.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.cluster.group import Group
from descend.table.moments import Gram, Rows, Sums, cut, gram_of, merged, shard_rows, share_of, shift_of, sums_of


def accumulate(group: Group, pieces: list[Rows], threads: int = 1) -> Gram:
    """Return the moments that `table.moments.accumulate` returns, on all ranks.

    Args:
        group: the ranks, which all hold these rows.
        pieces: the rows, in one piece; a rank reads those of its own shards.
        threads: threads at most; they do not change the bits.
    """
    (rows,) = pieces
    n, size = rows.X.shape[0], shard_rows(rows.X.shape[1])
    own, shift = share_of(-(-n // size), group.rank, group.world), shift_of(cut(rows, 0, min(size, n)))

    def shard(k: int) -> Sums:
        return sums_of(cut(rows, k * size, min((k + 1) * size, n)), shift)

    with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
        sums = list(pool.map(shard, own))
    return gram_of(in_order(group, sums, len(shift)), shift, int(rows.X.shape[1]))


def in_order(group: Group, own: list[Sums], columns: int) -> Sums:
    """Return the sums of all ranks' shards, merged in their order; the first of them are those of rank 0."""
    total = np.zeros(2 + columns + columns * columns)
    for root in range(group.world):
        if root == group.rank and own:
            total = _packed(merged([*([_unpacked(total, columns)] if root else []), *own]))
        total = group.broadcast(total, root)
    return _unpacked(total, columns)


def _packed(sums: Sums) -> Array:
    return np.concatenate([[sums.mass, float(sums.rows)], sums.mean, sums.scatter.ravel()])


def _unpacked(values: Array, columns: int) -> Sums:
    mean, scatter = values[2 : 2 + columns], values[2 + columns :].reshape(columns, columns)
    return Sums(float(values[0]), mean, scatter, int(values[1]))
