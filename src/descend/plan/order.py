"""The order in which an epoch visits the rows: a function of seed and epoch, never a state."""

from typing import Literal

import numpy as np

from descend.arrays import Array

Shuffle = Literal["auto", "full", "blocks", "none"]  # users get "auto"; the others show that it loses nothing
CACHED_BYTES = 1 << 24  # of features that are read as fast in any order: they fit the last cache of most processors
BLOCK_BYTES = 1 << 12  # of rows that stay together on their way from memory: a page, read at the speed of a stream
WINDOW_BYTES = 1 << 19  # of rows that are mixed with each other: they fit the second cache of a core
FEWEST_BLOCK_ROWS = 4  # of a block, where rows are long
FEWEST_WINDOW_ROWS, FEWEST_WINDOW_BLOCKS = 1024, 64  # so that a batch is drawn from many blocks; arbitrary


def epoch_order(rows: int, seed: int, epoch: int, shuffle: Shuffle = "auto", row_bytes: int = 0) -> Array:
    """Return the row indices of one epoch, int64 (rows,).

    Args:
        rows: the number of rows.
        seed: decides the order, together with the epoch.
        epoch: counted from 0.
        shuffle: "full" for any order at all; "blocks" for a random order of small blocks whose rows are then mixed
            with those of a hundred other blocks, so that memory is read in stretches; "none" for the order of the
            table; "auto" for "blocks" when the data exceed the cache, else "full".
        row_bytes: the bytes of the features of one row.

    The same arguments give the same order on every machine: the generator is Philox (Salmon et al. 2011), keyed by
    the seed and counted by the epoch, so that a resumed run needs no generator state.

    >>> sorted(epoch_order(4, seed=0, epoch=7).tolist())
    [0, 1, 2, 3]
    """
    if shuffle == "none":
        return np.arange(rows, dtype=np.int64)
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, epoch]))
    if shuffle == "full" or (shuffle == "auto" and rows * row_bytes <= CACHED_BYTES):
        return generator.permutation(rows)
    return _by_blocks(generator, rows, *_sizes(row_bytes))


def next_batch(rows: int, batch: int, seed: int, seen: int, shuffle: Shuffle = "auto", row_bytes: int = 0) -> Array:
    """Return the rows of the batch that follows after so many rows were seen; all of them in their order for a full one.

    >>> next_batch(5, 2, seed=0, seen=4).size
    1
    """
    if batch >= rows:
        return np.arange(rows)
    epoch, lo = divmod(seen, rows)
    return epoch_order(rows, seed, epoch, shuffle, row_bytes)[lo : lo + batch]


def _sizes(row_bytes: int) -> tuple[int, int]:
    """Rows of a block and of a window, powers of two."""
    row_bytes = max(row_bytes, 1)
    block = max(FEWEST_BLOCK_ROWS, _power(BLOCK_BYTES // row_bytes))
    return block, max(FEWEST_WINDOW_ROWS, FEWEST_WINDOW_BLOCKS * block, _power(WINDOW_BYTES // row_bytes))


def _power(value: int) -> int:
    """The largest power of two that is not larger."""
    return 1 << max(value.bit_length() - 1, 0)


def _by_blocks(generator: np.random.Generator, rows: int, block: int, window: int) -> Array:
    """Permute the blocks; the rows of each window of blocks are mixed by one permutation, which all windows share.

    Two levels: rows drawn from all over a table larger than the cache cost a wait for memory each. Here memory is read
    block by block, and rows are mixed among the many blocks of a window, which the cache holds. Sharing the permutation
    within windows saves most of the random numbers; which blocks meet in a window is new in every epoch.
    """
    blocks, at_once = -(-rows // block), window // block
    windows = -(-blocks // at_once)
    shuffled = generator.permutation(windows * at_once).reshape(windows, at_once)
    mixed = generator.permutation(window)
    order = np.take(shuffled, mixed // block, axis=1)
    order *= block
    order += mixed % block
    order = order.ravel()
    return order if order.size == rows else order[order < rows]
