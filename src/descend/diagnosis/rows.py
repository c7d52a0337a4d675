"""rows: rows compared by keys, to find copies and the place of a part in the whole."""

import numpy as np

from descend.arrays import Array
from descend.sparse import is_sparse
from descend.table.data import Data
from descend.table.scaled_rows import ScaledRows

BLOCK_CELLS = 1 << 16  # cells of a block: 512 kB of keys, which stay in a level-2 cache
FEW = 2  # features that, with the target, tell most rows apart where numbers are continuous
FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))  # of splitmix64 (Steele, Lea and Flood 2014)
SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))


def row_keys(data: Data, few: bool = False) -> Array:
    """Return a key of the features and target of each row, uint64 (rows,): equal for equal rows.

    Args:
        data: the rows.
        few: whether the first features stand for all, for a key that is cheaper and equal for some other rows too.

    Each value is mixed with the number of its column, and the mixed values are added up: of a million different rows two
    have one key with a chance of 3e-8.

    >>> keys = row_keys(Data(np.array([[1.0], [2.0], [1.0]]), np.array([0.0, 0.0, 0.0])))
    >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
    (True, False)
    """
    y = data.y[:, None] if data.y.ndim == 1 else data.y
    if is_sparse(data.X):
        mixed = _mixed(data.X.data, data.X.indices.astype(np.uint64))
        ends = np.concatenate(
            [np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)]
        )  # wraps, and so do differences
        keys = ends[data.X.indptr[1:]] - ends[data.X.indptr[:-1]]
    else:
        X = data.X.source if isinstance(data.X, ScaledRows) else data.X  # equal rows are equal before scaling
        features = min(data.features, FEW) if few else data.features
        keys, columns = np.empty(data.rows, np.uint64), np.arange(features, dtype=np.uint64)
        size = max(64, BLOCK_CELLS // max(features, 1))
        for lo in range(0, data.rows, size):
            rows = slice(lo, lo + size)
            values = X[rows, :features] if few else X[rows]
            keys[rows] = _mixed(np.ascontiguousarray(values), columns).sum(axis=1, dtype=np.uint64)
    return np.asarray(
        keys + _mixed(y, data.features + np.arange(y.shape[1], dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    )


def _mixed(values: Array, columns: Array) -> Array:
    """The bits of values, each mixed with the number of its column into 64 bits of which all depend on all."""
    positive = values + values.dtype.type(0)  # no zero has a sign
    bits = positive.view(np.uint64 if values.itemsize == 8 else np.uint32).astype(np.uint64)
    bits = (bits ^ (columns + np.uint64(1)) * FACTORS[0]) * FACTORS[1]
    for shift, factor in zip(SHIFTS, (*FACTORS, None), strict=True):
        bits ^= bits >> shift
        if factor is not None:
            bits *= factor
    return np.asarray(bits)


def positions_within(part: Data, whole: Data) -> Array | None:
    """Return where each row of a part stands in the whole (rows,), for rows in the same order; None where they do not.

    >>> whole = Data(np.array([[1.0], [2.0], [3.0]]), np.zeros(3))
    >>> positions_within(whole.take(np.array([0, 2])), whole).tolist()
    [0, 2]
    """
    keys, wanted = row_keys(whole), row_keys(part)
    order = np.argsort(keys)
    found = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), whole.rows - 1)]
    if not (keys[found] == wanted).all():
        return None
    if (np.diff(found) > 0).all():
        return np.asarray(found)
    return _in_order(wanted.tolist(), keys.tolist())  # equal rows: which of them it is follows from the order


def _in_order(wanted: list[int], keys: list[int]) -> Array | None:
    """The first place of each wanted key behind that of the one before; None where there is none."""
    positions, at = np.zeros(len(wanted), np.int64), 0
    for i, key in enumerate(wanted):
        while at < len(keys) and keys[at] != key:
            at += 1
        if at == len(keys):
            return None
        positions[i], at = at, at + 1
    return positions
