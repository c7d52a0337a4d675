"""scaled_rows: a large table of features that is centred and scaled where it is read, instead of copied."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from descend.arrays import Array

BLOCK_CELLS = 1 << 16  # cells of a block: 512 kB in float64, which stays in a level-2 cache
LARGE_CELLS = (
    1 << 22
)  # of a table that is not copied: for a smaller one a copy, 32 MB at most, saves work in every pass
FARTHEST = (
    1e6  # widths that the centre of a column may be from 0, for products in float64 with rows that are not centred
)
SMALLEST_WIDTH = 1e-150  # by which weights are divided without leaving the range of float64 (arbitrary)
TASK_BLOCKS = 16  # blocks that one thread scales at a time (arbitrary: about 2 ms)


class ScaledRows:
    """Features (rows, features) as (source - center) / width, of a dtype; read by blocks of rows, or copied on demand.

    Args:
        source: the features in the units of the file, dense.
        center, width: (features,), float64.
        dtype: of what is read: float32 or float64. Features are centred before the cast.
        threads: over which products and copies are spread; they change no bits.

    >>> rows = ScaledRows(np.array([[1.0, 2.0], [3.0, 6.0]]), np.array([2.0, 4.0]), np.array([1.0, 2.0]), np.float64)
    >>> rows[1:].tolist(), rows.shape
    ([[1.0, 1.0]], (2, 2))
    """

    ndim = 2

    def __init__(self, source: Array, center: Array, width: Array, dtype: DTypeLike, threads: int = 1) -> None:
        self.source, self.center, self.width, self.dtype = source, center, width, np.dtype(dtype)
        self.threads = threads
        self._copy: Array | None = None
        self._copying = threading.Lock()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return int(self.source.shape[0]), int(self.source.shape[1])

    @property
    def itemsize(self) -> int:
        """The bytes of a value."""
        return self.dtype.itemsize

    @property
    def readable(self) -> bool:
        """Whether a loop may read and scale the source itself: it lies in C order in the dtype, and no copy is there."""
        lies = (
            isinstance(self.source, np.ndarray) and self.source.flags.c_contiguous and self.source.dtype == self.dtype
        )
        return lies and self._copy is None and bool((self.width > 1 / np.finfo(self.dtype).max).all())

    def __getitem__(self, key: Any) -> Array:
        """Return some rows, or some rows of some columns, as an array."""
        columns = key[1] if isinstance(key, tuple) else slice(None)
        if self._copy is not None:
            return np.asarray(self._copy[key])
        return scaled(self.source[key], self.center[columns], self.width[columns], self.dtype)

    def __matmul__(self, W: Array) -> Array:
        """Return the product with weights (features, ...)."""
        product = np.empty((self.shape[0], *W.shape[1:]), np.result_type(self.dtype, W.dtype))
        unscaled = None if self._copy is not None else _for_the_source(W, self.center, self.width)

        def fill(rows: slice) -> None:
            if unscaled is None:
                product[rows] = self[rows] @ W
            else:
                product[rows] = self.source[rows].astype(np.float64, copy=False) @ unscaled[0] - unscaled[1]

        self._on_threads(fill)
        return product

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Return all rows; the copy is made once."""
        whole = self.whole()
        return whole if dtype is None and not copy else np.array(whole, dtype)

    def whole(self) -> Array:
        """Return all rows as one C-contiguous array, which is made once."""
        with self._copying:
            if self._copy is None:
                copy = self.empty()

                def fill(rows: slice) -> None:
                    copy[rows] = self[rows]

                self._on_threads(fill)
                self._copy = copy
            return self._copy

    def empty(self) -> Array:
        """Return room for all rows."""
        return np.empty(self.shape, self.dtype)

    def _on_threads(self, job: Callable[[slice], None]) -> None:
        """Do a job for every block of rows."""
        blocks = list(self._blocks())

        def work(first: int) -> None:
            for rows in blocks[first : first + TASK_BLOCKS]:
                job(rows)

        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(work, range(0, len(blocks), TASK_BLOCKS)))

    def column_squares(self) -> Array:
        """Return the sum of squares of each column (features,), float64."""
        total = np.zeros(self.shape[1])
        for rows in self._blocks():
            block = self[rows].astype(np.float64, copy=False)
            total += np.einsum("ij,ij->j", block, block)
        return total

    def _blocks(self) -> Iterator[slice]:
        n, features = self.shape
        size = max(64, BLOCK_CELLS // max(features, 1))
        return (slice(lo, min(lo + size, n)) for lo in range(0, n, size))


def _for_the_source(W: Array, center: Array, width: Array) -> tuple[Array, Array] | None:
    """Weights of the source in place of those of scaled features, float64, and what is then subtracted from the product.

    None where columns are so far from 0 that float64 would not keep the digits of float32.
    """
    with np.errstate(over="ignore", divide="ignore"):
        far = np.abs(center) > FARTHEST * width
    if far.any() or not (width > SMALLEST_WIDTH).all():
        return None
    weights = W.astype(np.float64) / width.reshape(-1, *(1,) * (W.ndim - 1))
    return weights, center @ weights


def scaled(X: Array, center: Array, width: Array, dtype: DTypeLike) -> Array:
    """Return X (rows, features) centred and scaled in float64, then brought to a dtype, in C order."""
    values = X - center
    values /= width
    return np.ascontiguousarray(values, dtype)


class TakenRows:
    """Some rows of a table of features, by index, read when they are asked for: a large part is not copied.

    Args:
        source: the features (rows, features), dense.
        rows: indices into it, in the order of this part.

    >>> TakenRows(np.array([[1.0], [2.0], [3.0]]), np.array([0, 2]))[1:].tolist()
    [[3.0]]
    """

    ndim = 2

    def __init__(self, source: Array, rows: Array) -> None:
        self.source, self.rows, self.dtype = source, rows, source.dtype

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return len(self.rows), int(self.source.shape[1])

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.rows) * int(self.source.shape[1])

    def __getitem__(self, key: Any) -> Array:
        """Return some rows, or some rows of some columns, as an array."""
        rows, columns = key if isinstance(key, tuple) else (key, None)
        if columns is None:
            return np.asarray(self.source[self.rows[rows]])
        if np.ndim(columns) == 0 and not isinstance(columns, slice):
            return np.asarray(self.source[self.rows[rows], columns])
        return np.asarray(self.source[np.ix_(self.rows[rows], np.arange(self.shape[1])[columns])])


def taken_rows(X: Array, rows: Array) -> Any:
    """Return some rows of features, in increasing order: all of them as they are, a large part without a copy."""
    if len(rows) == len(X):
        return X
    return X[rows] if len(rows) * X.shape[1] <= LARGE_CELLS else TakenRows(X, rows)
