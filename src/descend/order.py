"""The order in which an epoch visits the rows: a function of seed and epoch, never a state."""

import numpy as np

from descend.arrays import Array


def epoch_order(rows: int, seed: int, epoch: int, shuffle: bool = True) -> Array:
    """Return the row indices of one epoch, int64 (rows,).

    The same (rows, seed, epoch) gives the same order on every machine: the generator is Philox (Salmon et al. 2011),
    keyed by the seed and counted by the epoch, so that a resumed run needs no generator state.

    >>> sorted(epoch_order(4, seed=0, epoch=7).tolist())
    [0, 1, 2, 3]
    """
    if not shuffle:
        return np.arange(rows, dtype=np.int64)
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, epoch]))
    return generator.permutation(rows)
