"""Table: named columns of one kind each, and where they came from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from descend.arrays import Array
from descend.errors import DataError, UsageError, nearest
from descend.table.categorical import Categorical
from descend.table.reading import Kind, Reading

__all__ = ["Column", "Kind", "Source", "Table", "check_finite", "text_of"]


def text_of(value: float) -> str:
    """Return a number as files write it.

    >>> text_of(1234567.0), text_of(0.5)
    ('1234567', '0.5')
    """
    return f"{value:.0f}" if value == np.round(value) and abs(value) < 2**53 else repr(float(value))


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Args:
        name: as it stands in the file.
        kind: what it holds.
        cells: (rows,); float64 with NaN where missing for numbers, booleans (0 and 1) and dates (days since
            1970-01-01); of a category, Categorical, made of objects, str or None, where it is not.
        pattern: how text was written, as in `Reading`.
        known_ends: the smallest and the largest number, where they are known.
    """

    name: str
    kind: Kind
    cells: Array | Categorical
    pattern: str = ""
    known_ends: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.kind == Kind.CATEGORY and not isinstance(self.cells, Categorical):
            object.__setattr__(self, "cells", Categorical.of(self.cells.tolist()))

    @cached_property
    def values(self) -> Array:
        """The cells as an array (rows,); those of a category are objects, str or None."""
        return self.cells.texts() if isinstance(self.cells, Categorical) else self.cells

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest number; NaN where all are missing."""
        low, high = self.known_ends or (np.fmin.reduce(self.values), np.fmax.reduce(self.values))
        return float(low), float(high)

    @property
    def categorical(self) -> Categorical:
        """The cells of a category by its distinct ones."""
        assert isinstance(self.cells, Categorical)
        return self.cells

    @property
    def reading(self) -> Reading:
        """How the cells were read."""
        return Reading(self.kind, self.pattern)

    @property
    def missing(self) -> int:
        """The number of missing cells."""
        return int(self.is_missing.sum())

    @property
    def is_missing(self) -> Array:
        """Which cells are missing (rows,)."""
        return _is_missing(self.cells)

    def is_missing_at(self, row: int) -> bool:
        """Return whether the cell of one row is missing, whatever the number of rows."""
        return bool(_is_missing(self.cells[np.array([row])])[0])


def _is_missing(cells: Array | Categorical) -> Array:
    return cells.is_missing if isinstance(cells, Categorical) else np.isnan(cells)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a table came from, and how it was read; None where that does not apply."""

    name: str
    format: str
    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length.

    Args:
        columns: in the order of the file.
        rows: the number of rows.
        source: where it came from.
        notes: what reading decided that a person should know.
        unread: names of columns that are in the file and were not read, since they are dropped.
        matrix: the array (rows, columns) whose columns these are, where it was one of floats without a missing cell.
    """

    columns: tuple[Column, ...]
    rows: int
    source: Source
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    matrix: Array | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(c.name for c in self.columns)

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {c.name: c for c in reversed(self.columns)}  # the first of a name

    def __getitem__(self, name: str) -> Column:
        if name in self._by_name:
            return self._by_name[name]
        close = nearest(name, self.names) or list(self.names[:3])
        shown = ", ".join(repr(n if len(n) <= 60 else n[:60]) for n in close)
        raise UsageError(
            f"there is no column {name!r} in {self.source.name!r}",
            fix=f"the nearest are {shown}",
            code="no-such-column",
        )

    def take(self, rows: Array) -> "Table":
        """Return these rows, by index or mask."""
        if self.matrix is not None:
            return self.of_matrix(self.matrix[rows], self.names, self.source)
        columns = tuple(replace(c, cells=c.cells[rows], known_ends=None) for c in self.columns)
        return replace(self, columns=columns, rows=int(np.arange(self.rows)[rows].size))

    def keep(self, names: Iterable[str]) -> "Table":
        """Return these columns, in the order given."""
        names = tuple(names)
        matrix = self.matrix if names == self.names else None
        return replace(self, columns=tuple(self[name] for name in names), matrix=matrix)

    @classmethod
    def of_matrix(
        cls, matrix: Array, names: tuple[str, ...], source: Source, ends: tuple[Array, Array] | None = None
    ) -> "Table":
        """Return the table whose columns are those of an array of floats (rows, columns), which is not copied.

        Args:
            ends: the smallest and the largest number of each column (columns,), where they are known.
        """
        known = [None] * len(names) if ends is None else list(zip(*ends, strict=True))
        columns = tuple(Column(n, Kind.NUMBER, matrix[:, j], "", known[j]) for j, n in enumerate(names))
        return cls(columns, len(matrix), source, matrix=matrix)


def check_finite(values: Array, name: str) -> Array:
    """Return values in which no cell is infinite; raises DataError naming column, row and count."""
    infinite = np.isinf(values)
    if infinite.any():
        raise DataError(
            f"the column {name!r} is infinite in row {int(np.argmax(infinite)) + 1} ({int(infinite.sum())} cells in all)",
            fix="correct these cells or leave the column out with --drop",
            code="infinite",
        )
    return values
