"""source: a Parquet file whose rows are read piece by piece, by the code that reads a table whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from descend.errors import DataError
from descend.table import files
from descend.table.categorical import Categorical
from descend.table.reading import Conventions, Kind, Reading
from descend.table.streamed.arrow import batches
from descend.table.table import Column, Source, Table
from descend.table.text_table import unread
from descend.table.texts import Engine, floats, identifier
from descend.table.typed import column_of_values, is_text
from descend.table.types import Read, column_of_numbers, column_of_text

GROUP_ROWS = 122_880  # rows of a group of a Parquet file that DuckDB writes, and of a piece where memory allows
FEWEST_ROWS = 2048  # of a piece: of a vector of DuckDB
PIECE_SHARE = 1 / 16  # of the memory, for the features of one piece: a few pieces are on their way at once
Window = tuple[int, int]  # the place of the first row, and of the last, excluded
EXACT_FORMS = ("DECIMAL", "HUGEINT", "UHUGEINT")  # numbers that NumPy has no type of


@dataclass(frozen=True, eq=False, kw_only=True)
class StreamedTable:
    """A table of which no more than a column, or some rows, is held at once.

    Args:
        engine: reads the file, under a memory limit.
        path: of the Parquet file that is read.
        origin: the file that was named, whose change is a fault.
        version: of that file, when reading began.
        source: what it is, as of a table that was read whole.
        names: of the columns that are used, in the order of the file.
        stored: how the file calls each column.
        types: of each column, as DuckDB names them.
        rows: their number.
        conventions: what holds when cells are read.
        memory: bytes that the table may take.
        unread: names of columns that are dropped.
        notes: what reading decided.
    """

    engine: Engine
    path: Path
    origin: Path
    version: tuple[int, int]
    source: Source
    names: tuple[str, ...]
    stored: Mapping[str, str]
    types: Mapping[str, str]
    rows: int
    conventions: Conventions
    memory: int
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def outline(self) -> Table:
        """The columns without their cells, by which names are looked up."""
        columns = tuple(Column(name, Kind.NUMBER, np.zeros(0)) for name in self.names)
        return Table(columns, self.rows, self.source, self.notes, self.unread)

    def is_text(self, name: str) -> bool:
        """Tell whether a column is stored as text, so that its distinct cells decide what it holds."""
        return is_text(self.types[name])

    def column(self, name: str) -> Read:
        """Return a whole column, read as it is in a table that is read whole, and what was decided about it."""
        with self.engine_of_thread() as engine:
            values = self._fetched(engine, [name], 0, self.rows)[name] if self.is_text(name) else self._whole(name)
            if len(values) != self.rows:
                raise self._lying(len(values))
            return self._read(engine, name, values, 0, self.conventions)

    def distinct(self, name: str) -> int:
        """Return about how many different cells a column has."""
        query = f"SELECT approx_count_distinct({identifier(self.stored[name])}) FROM read_parquet(?)"
        return int(self._run(lambda: self.engine.connection.execute(query, [str(self.path)]).fetchall())[0][0])

    def missing(self, names: Sequence[str], window: Window) -> dict[str, int]:
        """Return how many cells of each column of numbers or dates are missing in some rows, in one reading."""
        counted = ", ".join(f"count(*) FILTER ({self._is_missing(name)})" for name in names)
        query = f"SELECT {counted} FROM read_parquet(?, file_row_number=true){_between(*window)}"
        counts = self._run(lambda: self.engine.connection.execute(query, [str(self.path)]).fetchall())[0]
        return dict(zip(names, counts, strict=True))

    def _is_missing(self, name: str) -> str:
        cell = identifier(self.stored[name])
        nan = f" OR isnan({cell})" if self.types[name] in ("FLOAT", "DOUBLE") else ""
        return f"{cell} IS NULL{nan}"

    def head(self, names: Sequence[str], rows: int) -> Table:
        """Return the first rows."""
        with self.engine_of_thread() as engine:
            found = self._fetched(engine, names, 0, min(rows, self.rows))
        columns = tuple(self.read(name, found[name], 0) for name in names)
        return Table(columns, min(rows, self.rows), self.source)

    def windows(self, names: Sequence[str], rows: int) -> Iterator[Table]:
        """Yield the table of these columns, so many rows at a time."""
        with self.engine_of_thread() as engine:
            for lo in range(0, self.rows, rows):
                hi = min(lo + rows, self.rows)
                found = self._fetched(engine, names, lo, hi)
                columns = tuple(self._read(engine, name, found[name], lo, self.conventions)[0] for name in names)
                if any(len(column.cells) != hi - lo for column in columns):
                    raise self._lying(lo)
                yield Table(columns, hi - lo, self.source)
        self.check_unchanged()

    def cells(self, names: Sequence[str], window: Window | None = None) -> Iterator[dict[str, Any]]:
        """Yield the cells of some columns by name, as they are stored, some rows at a time in their order.

        Args:
            names: of the columns.
            window: which rows; all when None.

        Raises DataError where the file changed since reading began, or holds fewer rows than it says.
        """
        first, last = window or (0, self.rows)
        seen = first
        with self.engine_of_thread() as engine:
            for found in self._pieces(engine, names, first, last):
                seen += len(found[names[0]])
                yield found
        self.check_unchanged()
        if seen != last:
            raise self._lying(seen)

    def read(self, name: str, cells: Any, first: int, readings: Mapping[str, Reading] | None = None) -> Column:
        """Return a column from its cells.

        Args:
            name: of the column.
            cells: as they are stored.
            first: the place of the first of them in the table.
            readings: how columns are read, whatever these cells look like; they decide when None.
        """
        conventions = self.conventions
        if readings is not None:
            conventions = replace(conventions, readings={**(conventions.readings or {}), **readings}, trained=True)
        with self.engine_of_thread() if isinstance(cells, Categorical) else Engine() as engine:
            return self._read(engine, name, cells, first, conventions)[0]

    def check_unchanged(self) -> None:
        """Raise DataError where the file is not what it was when reading began."""
        files.check_unchanged(self.origin, self.version)

    def engine_of_thread(self) -> Engine:
        """Return an engine of the same memory limit for queries of its own."""
        return Engine(self.engine.connection.cursor())

    def piece_rows(self, columns: int) -> int:
        """Return how many rows are read at once."""
        return rows_that_fit(self.memory, columns)

    def _whole(self, name: str) -> Any:
        """All cells of a column of numbers or dates, of which no second array is made."""
        whole, seen = None, 0
        for found in self.cells([name]):
            part = found[name]
            if whole is None:
                whole = np.ma.MaskedArray(np.empty(self.rows, part.dtype), False)
            seen, rows = seen + len(part), slice(seen, min(seen + len(part), self.rows))
            whole.data[rows] = np.ma.getdata(part)[: rows.stop - rows.start]
            if np.ma.isMaskedArray(part):
                whole[rows] = part[: rows.stop - rows.start]
        assert whole is not None
        return whole if np.ma.is_masked(whole) else whole.data

    def _pieces(self, engine: Engine, names: Sequence[str], first: int, last: int) -> Iterator[dict[str, Any]]:
        """The cells of some columns by name: in one stream where none of them is text."""
        size = self.piece_rows(len(names))
        if any(map(self.is_text, names)):
            for lo in range(first, last, size):
                yield self._fetched(engine, names, lo, min(lo + size, last))
            return
        query = self._query(names, self._where(first, last))
        stream = self._run(lambda: batches(engine.connection.sql(query, params=[str(self.path)])))
        while (found := self._run(lambda: next(stream, None))) is not None:
            rows = len(next(iter(found.values())))
            for lo in range(0, rows, size):
                yield {name: found[f"c{j}"][lo : lo + size] for j, name in enumerate(names)}

    def _fetched(self, engine: Engine, names: Sequence[str], lo: int, hi: int) -> dict[str, Any]:
        """The cells of some rows by name, text as Categorical."""
        text = [f"c{j}" for j, name in enumerate(names) if self.is_text(name)]
        found = self._run(lambda: engine.columns(self._query(names, self._where(lo, hi)), [str(self.path)], text))
        return {name: found[f"c{j}"] for j, name in enumerate(names)}

    def _where(self, lo: int, hi: int) -> str:
        return "" if (lo, hi) == (0, self.rows) else _between(lo, hi)

    def _query(self, names: Sequence[str], where: str) -> str:
        chosen = ", ".join(f"{identifier(self.stored[n])}{_cast(self.types[n])} AS c{j}" for j, n in enumerate(names))
        numbered = ", file_row_number=true" if where else ""
        return f"SELECT {chosen} FROM read_parquet(?{numbered}){where}"

    def _read(self, engine: Engine, name: str, values: Any, lo: int, conventions: Conventions) -> Read:
        def where(row: int) -> str:
            return f"the file {str(self.origin)!r}, row {lo + row + 1}"

        if conventions.typed:
            return column_of_values(engine, name, self.types[name], values, conventions, where)
        if isinstance(values, Categorical):
            return column_of_text(engine, name, values, conventions, where)
        return column_of_numbers(name, floats(values), conventions, "#.#")

    def _run(self, query: Any) -> Any:
        """What a query returns; a fault of the file is said in one sentence."""
        import duckdb

        try:
            return query()
        except duckdb.OutOfMemoryException as error:
            raise DataError(
                f"the file {str(self.origin)!r} cannot be read in the memory that is left: its groups of rows are too large",
                fix="raise --memory, or write it with smaller row groups", code="too-large",
            ) from error  # fmt: skip
        except duckdb.Error as error:
            self.check_unchanged()
            raise unread(self.origin, error, fix="write it again, and whole") from error

    def _lying(self, found: int) -> DataError:
        return DataError(
            f"the file {str(self.origin)!r} says that it has {self.rows:,} rows, and {found:,} were found",
            fix="write it again, and whole", code="unreadable",
        )  # fmt: skip


def _between(lo: int, hi: int) -> str:
    """What keeps the rows from lo up to hi; groups of rows without any of them are not read."""
    return f" WHERE file_row_number BETWEEN {lo} AND {hi - 1}"


def rows_that_fit(memory: int, columns: int) -> int:
    """Return how many rows of so many columns are read or written at once."""
    fit = int(PIECE_SHARE * memory) // (8 * max(columns, 1))
    return max(min(GROUP_ROWS, fit), FEWEST_ROWS)


def joined(parts: Sequence[Any]) -> Any:
    """Return cells of a column that were read in parts."""
    if isinstance(parts[0], Categorical):
        return Categorical.of(cell for part in parts for cell in part.texts().tolist())
    if not any(map(np.ma.isMaskedArray, parts)):
        return np.concatenate(parts)
    masks = np.concatenate([np.ma.getmaskarray(part) for part in parts])
    return np.ma.MaskedArray(np.concatenate([np.ma.getdata(part) for part in parts]), masks)


def _cast(type: str) -> str:
    """How a column is brought to a type that arrays have."""
    upper = type.upper()
    if is_text(type):
        return "::VARCHAR"
    if upper.startswith("TIMESTAMP") and "ZONE" not in upper:
        return "::TIMESTAMP"
    return "::DOUBLE" if upper.startswith(EXACT_FORMS) else ""
