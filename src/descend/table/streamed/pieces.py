"""pieces: the rows of a streamed table that were read together, and what their features are."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.table.columns import Feature, Schema
from descend.table.reading import Kind
from descend.table.streamed.source import StreamedTable, Window
from descend.table.table import Column, Source, Table

NUMBERS = (
    "FLOAT",
    "DOUBLE",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
)  # that float64 holds


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows of a table that were read together.

    Args:
        first: the place of the first of them in the table.
        rows: how many there are.
        cells: of each column, as they were read.
        schema: how columns become features.
        plain: columns whose cells are numbers as they are.
        read: returns a column from its cells.
    """

    first: int
    rows: int
    cells: Mapping[str, Any]
    schema: Schema
    plain: frozenset[str]
    read: Callable[[str, Any, int], Column]

    @property
    def places(self) -> slice:
        """Where they are in the table."""
        return slice(self.first, self.first + self.rows)

    @cached_property
    def _coded(self) -> dict[str, tuple[Array, int, int]]:
        """What features are made from, of the columns that are not plain, see `Schema.coded`; and how many were filled."""
        others = [f for f in self.schema.features if f.column not in self.plain]
        if not others:
            return {}
        table = Table(
            tuple(self.read(f.column, self.cells[f.column], self.first) for f in others),
            self.rows,
            Source(name="", format=""),
        )
        coded = Schema(tuple(others), {}, self.schema.missing).coded(table)
        return {f.column: (*pair, coded.filled.get(f.column, 0)) for f, pair in zip(others, coded.columns, strict=True)}

    @cached_property
    def _missing(self) -> dict[str, int]:
        """How many cells of each plain column are missing."""
        return {f.column: _missing(self.cells[f.column]) for f in self.schema.features if f.column in self.plain}

    def taken(self, rows: Array) -> "Piece":
        """Return some of the rows, whose places are not known any more."""
        return replace(self, rows=len(rows), cells={name: cells[rows] for name, cells in self.cells.items()})

    def filled(self) -> dict[str, int]:
        """Return how many cells of each column are missing, and are filled."""
        counts = self._missing | {name: n for name, (_, _, n) in self._coded.items()}
        return {name: n for name, n in counts.items() if n}

    def features(self, part: Array) -> Array:
        """Return the features of those that are in a part, bool (rows of the table,)."""
        rows = np.flatnonzero(part[self.places])
        single = all(f.column in self.plain and _is_single(self.cells[f.column]) for f in self.schema.features)
        X = np.empty((len(self.schema.names), len(rows)), np.float32 if single else np.float64)
        at = 0
        for feature in self.schema.features:
            width = len(feature.names)
            if feature.column in self.plain:
                _put_numbers(
                    X[at : at + width], self.cells[feature.column], rows, feature, self._missing[feature.column] > 0
                )
            else:
                _put_coded(X[at : at + width], self._coded[feature.column][0], rows)
            at += width
        return X.T


def pieces(table: StreamedTable, schema: Schema, window: Window | None = None) -> Iterator[Piece]:
    """Yield the rows of a table in their order, or those of a window; the next ones are read while these are used."""
    names = [feature.column for feature in schema.features]
    plain = frozenset(f.column for f in schema.features if f.kind == Kind.NUMBER and _is_plain(table, f))

    kinds = schema.kinds

    def read(name: str, cells: Any, first: int) -> Column:
        return table.read(name, cells, first, kinds)

    reading = table.cells(names, window)
    pool = ThreadPoolExecutor(1)
    try:
        ahead = pool.submit(next, reading, None)
        first = window[0] if window else 0
        while (cells := ahead.result()) is not None:
            ahead = pool.submit(next, reading, None)
            rows = len(cells[names[0]])
            yield Piece(first, rows, cells, schema, plain, read)
            first += rows
    finally:
        # Not joined: one that is left unfinished may be collected in a thread that is being started, which holds a lock that a
        # join asks for (threading._shutdown_locks_lock).
        pool.shutdown(wait=False, cancel_futures=True)


def _is_plain(table: StreamedTable, feature: Feature) -> bool:
    """Whether the cells of a column of numbers are what is read, without a word that means missing."""
    return table.types[feature.column] in NUMBERS and not table.conventions.null


def _is_single(cells: Any) -> bool:
    return isinstance(cells, np.ndarray) and not np.ma.isMaskedArray(cells) and cells.dtype == np.float32


def _missing(cells: Any) -> int:
    """How many cells are masked or NaN."""
    data, mask = np.ma.getdata(cells), np.ma.getmaskarray(cells) if np.ma.isMaskedArray(cells) else None
    if data.dtype.kind != "f":
        return 0 if mask is None else int(mask.sum())
    with np.errstate(over="ignore", invalid="ignore"):
        if mask is None and np.isfinite(data @ data):  # a product of BLAS takes a tenth of looking at each cell
            return 0
    gone = np.isnan(data)
    return int((gone if mask is None else gone | mask).sum())


def _put_numbers(X: Array, cells: Any, rows: Array, feature: Feature, missing: bool) -> None:
    """Put the numbers of some rows, filled, and their flag where they have one, into X (1 or 2, rows)."""
    data = np.ma.getdata(cells)
    if data.dtype == X.dtype:
        np.take(data, rows, out=X[0], mode="clip")
    else:
        X[0] = data[rows]
    if missing:
        gone = np.isnan(X[0])
        if np.ma.isMaskedArray(cells):
            gone |= np.ma.getmaskarray(cells)[rows]
        X[0][gone] = feature.median
        if feature.flag:
            X[1] = gone
    elif feature.flag:
        X[1] = 0.0


def _put_coded(X: Array, column: Array, rows: Array) -> None:
    """Put the levels, or the numbers, of some rows into X (width, rows)."""
    if column.ndim == 2:
        X[:] = column[rows].T
        return
    codes = column[rows]
    known = np.flatnonzero(codes >= 0)
    X[:] = 0.0
    X[codes[known], known] = 1.0
