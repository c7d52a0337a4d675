"""read: a file to a table, by DuckDB, saying what was decided."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from descend.errors import DataError
from descend.table import files
from descend.table.categorical import Categorical
from descend.table.dialect import Dialect, line_of, sniff
from descend.table.names import choose, drop_nameless
from descend.table.reading import Conventions, Kind, Reading
from descend.table.sentinels import sentinel_notes
from descend.table.table import Source, Table
from descend.table.text_table import read_cells, unread
from descend.table.texts import Engine, identifier
from descend.table.typed import column_of_values, is_text
from descend.table.types import column_of_numbers, column_of_text

READERS = {  # text that looks like a date stays text, so that one reader reads all dates
    "parquet": "read_parquet(?)",
    "jsonl": "read_json(?, format='newline_delimited', dateformat='none', timestampformat='none')",
}
ENCODINGS = {"utf-8-sig": "UTF-8 with BOM", "utf-8": "UTF-8"}


@dataclass(frozen=True, kw_only=True)
class Format:
    """How a file is to be read; None where it is found.

    Args:
        format: "auto", "csv", "parquet" or "jsonl".
        delimiter, encoding, header: of text.
        skip_rows: lines of text before the header.
        drop: names of columns that are not read.
        conventions: what holds for all columns, and the readings of some.
    """

    format: str = "auto"
    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    skip_rows: int | None = None
    drop: Sequence[str] = ()
    conventions: Conventions = field(default_factory=Conventions)


def read(
    path: str | os.PathLike[str], *, format: str = "auto", delimiter: str | None = None, decimal: str | None = None,
    encoding: str | None = None, null: Sequence[str] = (), header: bool | None = None, skip_rows: int | None = None,
    kinds: Mapping[str, Reading | str] | None = None, drop: Sequence[str] = (), trained: bool = False,
) -> Table:  # fmt: skip
    """Read a table from a path, or from standard input when it is "-".

    Args:
        path: a CSV, Parquet or JSON-lines file; CSV may be gzipped.
        format: "auto", "csv", "parquet" or "jsonl".
        delimiter, encoding, header: of CSV; found when None.
        decimal: "." or ","; found when None.
        null: words that mean missing, besides the usual ones; numbers among them are compared by value.
        skip_rows: lines before the header; found when None.
        kinds: column name to its reading, such as "text" or "date:%d/%m/%Y"; the cells decide on other columns.
        drop: columns that are not read; "name#2" is the second of that name.
        trained: whether the readings are those of a trained model; other columns are then read without errors.

    Raises DataError when the file cannot be read as a table, naming the file and, where there is one, line and column.
    """
    readings = {name: Reading.of(kind) if isinstance(kind, str) and not isinstance(kind, Reading) else kind
                for name, kind in (kinds or {}).items()}  # fmt: skip
    conventions = Conventions(decimal=decimal, null=tuple(null), readings=readings, trained=trained)
    how = Format(
        format=format, delimiter=delimiter, encoding=encoding, header=header, skip_rows=skip_rows, drop=tuple(drop),
        conventions=conventions,
    )  # fmt: skip
    return read_as(path, how)


def read_as(path: str | os.PathLike[str], how: Format) -> Table:
    """Read a table from a path, or from standard input when it is "-"; raises as `read` does."""
    return _from_stdin(how) if str(path) == "-" else _read(Path(path), Path(path).name, how)


def _from_stdin(how: Format) -> Table:
    """Read standard input, spooled to a file that is removed; errors name it, and not the file."""
    spooled = files.spool(sys.stdin.buffer)
    try:
        return _read(spooled, "standard input", how)
    except DataError as error:
        what = error.what.replace(f"the file {str(spooled)!r}", "standard input").replace(str(spooled), "-")
        raise DataError(what, fix=error.fix, code=error.code) from None
    finally:
        spooled.unlink()


def _read(path: Path, name: str, how: Format) -> Table:
    """Read a file; what was read, or refused, of one that changed meanwhile is of no file."""
    files.check(path)
    before = files.version(path)
    try:
        table = _whole(path, name, how)
    except DataError:
        files.check_unchanged(path, before)
        raise
    files.check_unchanged(path, before)
    return replace(table, source=replace(table.source, size=before[0]))


def _whole(path: Path, name: str, how: Format) -> Table:
    head = files.head_of(path)
    how = replace(how, format=files.format_of(path, how.format, head))
    with Engine() as engine:
        table = (_text if how.format == "csv" else _typed)(engine, path, name, head, how)
    return replace(table, source=replace(table.source, sha256=table.source.sha256 or files.sha256(path)))


def _text(engine: Engine, path: Path, name: str, head: bytes, how: Format) -> Table:
    """A file of text."""
    where = f"the file {str(path)!r}"
    dialect = sniff(path, head, how.delimiter, how.encoding, how.header, how.skip_rows)
    chosen = choose(dialect.names, how.drop, where)
    conventions = replace(
        how.conventions,
        european=how.conventions.decimal == "," or dialect.delimiter != ",",
        grouped_points=dialect.delimiter == ";",
    )
    text = [at for at, column in zip(chosen.at, chosen.names, strict=True) if stays_text(conventions.reading(column))]
    cells = read_cells(engine, path, dialect, chosen.at, text, conventions)
    columns, notes = [], [*dialect.notes, *cells.notes]
    for at, column in zip(chosen.at, chosen.names, strict=True):
        values = cells.columns[at]
        if isinstance(values, Categorical):
            made, more = column_of_text(
                engine, column, values, conventions, lambda row: _line(path, cells.dialect, row)
            )
        else:
            made, more = column_of_numbers(column, values, conventions, "#.#")
        columns.append((at, made))
        notes += more if column else []
    named, more = drop_nameless(columns, where)
    encoding = ENCODINGS.get(dialect.encoding, dialect.encoding)
    source = Source(
        name=name,
        format="csv",
        delimiter=dialect.delimiter,
        encoding=encoding,
        header=dialect.header,
        sha256=cells.sha256,
    )
    table = Table(tuple(named), cells.rows, source, (*notes, *more, *sentinel_notes(named, conventions)), chosen.unread)
    return table if conventions.trained else _without_empty_end(table)


def stays_text(reading: Reading | None) -> bool:
    """Tell whether a column of text is read from its cells as they are written, whatever they look like."""
    return reading is not None and (
        reading.kind in (Kind.CATEGORY, Kind.BOOLEAN) or reading.pattern not in ("", "#.#", "%Y%m%d")
    )


def _line(path: Path, dialect: Dialect, row: int) -> str:
    return f"the file {str(path)!r}, line {line_of(path, dialect, row)}"


def _without_empty_end(table: Table) -> Table:
    """The table without rows at its end in which every cell is missing."""
    if len(table.columns) < 2 or not all(c.is_missing_at(-1) for c in table.columns):
        return table
    empty = np.logical_and.reduce([c.is_missing for c in table.columns])
    rows = int(np.argmin(empty[::-1])) if not empty.all() else 0
    if rows == 0:
        return table
    notes = (*table.notes, f"{rows:,} empty rows at the end are left out")
    return replace(table.take(np.arange(table.rows - rows)), notes=notes)


def _typed(engine: Engine, path: Path, name: str, head: bytes, how: Format) -> Table:
    """A file whose columns have types of their own."""
    import duckdb

    where = f"the file {str(path)!r}"
    reader = READERS[how.format]
    conventions = replace(how.conventions, typed=True)
    columns, notes = [], list[str]()
    try:
        described = engine.connection.execute(f"SELECT * FROM {reader} LIMIT 0", [str(path)]).description
        names, types = [d[0] for d in described], [str(d[1]) for d in described]
        chosen = choose(names, how.drop, where)
        found = _typed_values(engine, path, reader, names, types, chosen.at)
    except duckdb.Error as error:
        raise unread(path, error, fix="write it again, and whole") from error
    rows = len(next(iter(found.values()))) if found else 0
    if rows == 0:
        raise DataError(f"{where} has no rows", fix="bring a table with rows", code="no-rows")
    for at, column in zip(chosen.at, chosen.names, strict=True):
        made, more = column_of_values(
            engine, column, types[at], found[f"c{at}"], conventions, lambda row: f"{where}, row {row + 1}"
        )
        columns.append((at, made))
        notes += more if column else []
    named, more = drop_nameless(columns, where)
    return Table(
        tuple(named),
        rows,
        Source(name=name, format=how.format),
        (*notes, *more, *sentinel_notes(named, conventions)),
        chosen.unread,
    )


def _typed_values(
    engine: Engine, path: Path, reader: str, names: Sequence[str], types: Sequence[str], at: Sequence[int]
) -> dict[str, Any]:  # fmt: skip
    """The columns at some positions as c0, c1, ..., those of text as Categorical."""
    text = [j for j in at if is_text(types[j])]
    chosen = ", ".join(f"{identifier(names[j])}{'::VARCHAR' if j in text else ''} AS c{j}" for j in at)
    return engine.columns(f"SELECT {chosen} FROM {reader}", [str(path)], [f"c{j}" for j in text]) if at else {}
