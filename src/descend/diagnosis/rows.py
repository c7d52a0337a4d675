"""rows: rows compared exactly, to find copies and the place of a part in the whole."""

from collections.abc import Iterable

import numpy as np

from descend.arrays import Array
from descend.sparse import is_sparse
from descend.table.data import Data


def row_keys(data: Data) -> list[bytes]:
    """Return the features and target of each row as bytes: equal for equal rows.

    >>> keys = row_keys(Data(np.array([[1.0], [2.0], [1.0]]), np.array([0.0, 0.0, 0.0])))
    >>> keys[0] == keys[2], keys[0] == keys[1]
    (True, False)
    """
    y = np.ascontiguousarray(data.y.reshape(data.rows, -1))
    if not is_sparse(data.X):
        return [row.tobytes() for row in np.column_stack([data.X, y])]
    X = data.X
    bounds: Iterable[tuple[int, int]] = zip(X.indptr[:-1], X.indptr[1:], strict=True)
    return [X.indices[a:b].tobytes() + X.data[a:b].tobytes() + y[i].tobytes() for i, (a, b) in enumerate(bounds)]


def positions_within(part: Data, whole: Data) -> Array | None:
    """Return where each row of a part stands in the whole (rows,), for rows in the same order; None where they do not.

    >>> whole = Data(np.array([[1.0], [2.0], [3.0]]), np.zeros(3))
    >>> positions_within(whole.take(np.array([0, 2])), whole).tolist()
    [0, 2]
    """
    positions, at, keys = np.zeros(part.rows, np.int64), 0, row_keys(whole)
    for i, key in enumerate(row_keys(part)):
        while at < len(keys) and keys[at] != key:
            at += 1
        if at == len(keys):
            return None
        positions[i], at = at, at + 1
    return positions
