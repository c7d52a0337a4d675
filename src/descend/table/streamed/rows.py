"""rows: the features of some rows of a streamed table, read in their order, or written to a file that is mapped."""

import mmap
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.memory import size_text
from descend.table.columns import Schema
from descend.table.scaled_rows import ScaledRows, scaled
from descend.table.streamed.pieces import pieces
from descend.table.streamed.scratch import Scratch
from descend.table.streamed.source import StreamedTable, Window

BLOCK_CELLS = 1 << 16  # cells of a block that is scaled at once: 512 kB, which stays in a level-2 cache


class StreamedRows:
    """Features of one part of a streamed table, which are read again each time they are asked for.

    Args:
        table: what is read.
        schema: how columns become features.
        part: which of its rows these are, bool (rows of the table,).
        drawn: rows that are at hand, as their places in this part and their features.
        window: rows of the table between which they all are, where that is known.
        first: the place of the first of them in the part that several processes share.

    Slices that follow each other are one reading.
    """

    ndim = 2

    def __init__(
        self, table: StreamedTable, schema: Schema, part: Array, drawn: Sequence[tuple[Array, Array]] = (),
        window: Window | None = None, first: int = 0,
    ) -> None:  # fmt: skip
        self.table, self.schema, self.part, self.drawn = table, schema, part, tuple(drawn)
        self.window, self.first = window or (0, table.rows), first
        self.dtype = np.dtype(np.float64)
        self.shape = (int(np.count_nonzero(part)), len(schema.names))
        self._lock = threading.Lock()
        self._reading: Iterator[Array] = iter(())
        self._first = 0  # of the rows that are held
        self._held: list[Array] = []

    @property
    def size(self) -> int:
        """The number of values."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, key: Any) -> Array:
        """Return some rows, or some rows of some columns."""
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        whole = isinstance(columns, slice) and columns == slice(None)
        if not isinstance(rows, slice):
            found = self._at(np.asarray(rows))
        elif not whole:
            return np.concatenate([block[:, columns] for block in self.blocks()])[rows]
        else:
            lo, hi, step = rows.indices(self.shape[0])
            found = self._between(lo, hi) if step == 1 else self._at(np.arange(lo, hi, step))
        return found if whole else found[:, columns]

    def blocks(self) -> Iterator[Array]:
        """Yield all rows in their order, some at a time."""
        return (piece.features(self.part) for piece in pieces(self.table, self.schema, self.window))

    def _between(self, lo: int, hi: int) -> Array:
        """Consecutive rows; reading begins anew where they are not ahead."""
        with self._lock:
            if lo < self._first or not self._held:
                self._reading, self._first, self._held = self.blocks(), 0, []
            while self._first + sum(map(len, self._held)) < hi:
                while self._held and self._first + len(self._held[0]) <= lo:
                    self._first += len(self._held.pop(0))
                self._held.append(next(self._reading))
            first, found = self._first, []
            for block in self._held:
                found.append(block[max(lo - first, 0) : max(hi - first, 0)])
                first += len(block)
            found = [block for block in found if len(block)]
            return found[0] if len(found) == 1 else np.concatenate([np.empty((0, self.shape[1])), *found])

    def _at(self, rows: Array) -> Array:
        """Rows by their places."""
        for places, features in self.drawn:
            if len(places) == len(rows) and np.array_equal(places, rows):
                return features
        order = np.argsort(rows, kind="stable")
        ascending, found, first = rows[order], np.empty((len(rows), self.shape[1])), 0
        for block in self.blocks():
            inside = slice(*np.searchsorted(ascending, (first, first + len(block))))
            found[order[inside]] = block[ascending[inside] - first]
            first += len(block)
        return found


class ScaledStream(ScaledRows):
    """Features of a streamed table, scaled where they are read; all of them at once are those of a file that is mapped.

    Args:
        rows: the features in the units of the file.
        center, width: (features,), float64.
        scratch: where the file is written.
        name: of the file.
        say: receives that it is written.
        own: those that this process reads, where several share the products; all when None.
    """

    def __init__(
        self, rows: StreamedRows, center: Array, width: Array, scratch: Scratch, name: str, say: Callable[[str], None],
        own: StreamedRows | None = None,
    ) -> None:  # fmt: skip
        super().__init__(rows, center, width, np.float64)  # type: ignore[arg-type]  # read in their order, by one thread
        self.rows, self._scratch, self._name, self._say = rows, scratch, name, say
        self.own = own or rows
        self.held: Array | None = None  # the rows of this process, scaled, where they stay in memory
        self.share: Callable[[Parts], Iterator[Product]] | None = (
            None  # takes the products together with other processes
        )

    def __getitem__(self, key: Any) -> Array:
        """Return some rows, or some rows of some columns; where this process holds a part, consecutive ones from a file of all.

        Training then goes on to all rows many times, and each time would read the table.
        """
        rows = key[0] if isinstance(key, tuple) else key
        if (
            self.held is not None and isinstance(rows, slice) and not self._copying.locked()
        ):  # locked while it is written
            self.whole()
        return super().__getitem__(key)

    def __matmul__(self, W: Array) -> Array:
        """Return the product with weights (features, ...); where others share it, from one pass of all."""
        if self.share is None or self.mapped:
            return super().__matmul__(W)
        product = np.empty((self.shape[0], W[0].size))
        for _, rows, values in products([(self, W.reshape(len(W), -1).astype(np.float64))]):
            product[rows] = values
        return product.reshape(-1, *W.shape[1:])

    @property
    def mapped(self) -> bool:
        """Whether all rows are in a file by now."""
        return self._copy is not None

    def empty(self) -> Array:
        """Return room for all rows, scaled, in a file that is mapped.

        Raises OutputError where the disk has no room, and DataError where the process has too few addresses.
        """
        size = self.shape[0] * self.shape[1] * self.itemsize
        what = f"{self.shape[0]:,} rows of {self.shape[1]:,} features that are read more than once"
        path = self._scratch.room(self._name, size, f"a file for {what}")
        self._say(f"{what} are written to {path}, {size_text(size)}, until the run ends")
        return _mapped(path, self.shape, what, size)


Parts = Sequence[tuple[ScaledStream, Array]]  # rows, and the weights that they are multiplied with
Product = tuple[int, slice, Array]


def products(parts: Parts) -> Iterator[Product]:
    """Yield the products of scaled rows of one table with weights (features, columns), of several parts in one reading.

    Each time the part, some of its rows, and their products (rows, columns).
    """
    share = parts[0][0].share
    return products_of([X.rows for X, _ in parts], parts) if share is None else share(parts)


def own_products(parts: Parts) -> Iterator[Product]:
    """Yield the products of the rows of this process, as `products` does; of those that it holds, without reading."""
    for k, (X, W) in enumerate(parts):
        if (held := X.held) is not None:
            yield k, slice(X.own.first, X.own.first + len(held)), held @ W
    if all(X.held is None for X, _ in parts):
        yield from products_of([X.own for X, _ in parts], parts)


def products_of(rows: Sequence[StreamedRows], parts: Parts) -> Iterator[Product]:
    """Yield the products of some rows of each part, as `products` does."""
    size = max(64, BLOCK_CELLS // max(rows[0].shape[1], 1))
    for k, places, features in _together(rows):
        X, W = parts[k]
        found = np.empty((len(features), W.shape[1]))
        for lo in range(0, len(features), size):
            np.matmul(scaled(features[lo : lo + size], X.center, X.width, X.dtype), W, out=found[lo : lo + size])
        yield k, places, found


def hold(streams: Sequence[ScaledStream]) -> None:
    """Read the rows of this process, of several parts in one reading, scaled, and keep them in memory."""
    held = [np.empty(X.own.shape, X.dtype) for X in streams]
    for k, places, features in _together([X.own for X in streams]):
        X = streams[k]
        held[k][places.start - X.own.first : places.stop - X.own.first] = scaled(features, X.center, X.width, X.dtype)
    for X, rows in zip(streams, held, strict=True):
        X.held = rows


def _together(rows: Sequence[StreamedRows]) -> Iterator[tuple[int, slice, Array]]:
    """Several parts of one table in one reading: each time the part, the places of some of its rows, and their features."""
    windows = [own.window for own in rows if own.shape[0]]
    if not windows:
        return
    seen, window = [own.first for own in rows], (min(lo for lo, _ in windows), max(hi for _, hi in windows))
    for piece in pieces(rows[0].table, rows[0].schema, window):
        for k, own in enumerate(rows):
            features = piece.features(own.part)
            if len(features):
                yield k, slice(seen[k], seen[k] + len(features)), features
            seen[k] += len(features)


def _mapped(path: Path, shape: tuple[int, int], what: str, size: int) -> Array:
    with path.open("w+b") as file:
        file.truncate(size)
        try:
            memory = mmap.mmap(file.fileno(), size)
        except OSError as error:
            raise DataError(
                f"a file for {what} takes {size_text(size)} of addresses, more than this process may map "
                f"({(error.strerror or str(error)).lower()})",
                fix="raise the limit of addresses (ulimit -v), or train on fewer rows", code="too-large",
            ) from error  # fmt: skip
    return np.frombuffer(memory, np.float64).reshape(shape)
