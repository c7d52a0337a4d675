"""Carried: columns of the input that go along with the predictions, as they stand in the file."""

import csv
import gzip
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from descend.errors import UsageError
from descend.options import Options

EXACT = 2.0**53


def carried(path: str, table: Any, names: Sequence[str], options: Options, as_text: bool) -> dict[str, list[Any]]:
    """Return the cells of these columns, by name.

    Args:
        path: the file that the table was read from.
        as_text: text exactly as in a CSV file, so that 007 stays 007; else numbers as numbers.

    Raises UsageError for a column that is not there, or cannot be carried without loss.
    """
    columns = [table[name] for name in names]
    texts = _texts(Path(path), table, options) if table.source.format == "csv" and names else None
    if texts is None:
        return {column.name: _values(column, as_text) for column in columns}
    at = {name: k for k, name in enumerate(table.names)}
    cells = {column.name: [row[at[column.name]] for row in texts] for column in columns}
    return cells if as_text else {column.name: _typed(column, cells[column.name]) for column in columns}


def _texts(path: Path, table: Any, options: Options) -> list[list[str]] | None:
    """All cells as text; None when they do not line up with the table."""
    from descend.table.dialect import sniff
    from descend.table.files import head_of

    dialect = sniff(path, head_of(path), options.delimiter, options.encoding, table.source.header)
    with _open(path, dialect.encoding) as file:
        rows = [row for row in csv.reader(file, delimiter=dialect.delimiter) if row][int(dialect.header) :]
    width = len(table.names)
    return rows if len(rows) == table.rows and all(len(row) == width for row in rows) else None


def _open(path: Path, encoding: str) -> TextIO:
    if path.read_bytes()[:2] == b"\x1f\x8b":
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _typed(column: Any, cells: list[str]) -> list[Any]:
    """Cells for JSON: numbers where the column holds numbers, None where it has none."""
    read = _parsed if column.kind == "number" else str
    return [None if missing else read(cell) for cell, missing in zip(cells, column.is_missing.tolist(), strict=True)]


def _parsed(cell: str) -> Any:
    for read in (int, float):
        try:
            return read(cell)
        except ValueError:
            pass
    return cell


def _values(column: Any, as_text: bool) -> list[Any]:
    """The cells of a file whose columns have types of their own."""
    values = column.values.tolist()
    if column.kind == "category":
        return list(values)
    if column.kind == "number" and any(abs(value) >= EXACT for value in values):
        raise UsageError(
            f"the column {column.name!r} holds numbers of 2^53 or more, which cannot be carried exactly",
            fix="store it as text", code="inexact-column",
        )  # fmt: skip
    show: Callable[[float], Any] = _number
    if column.kind != "number":
        show = _date if column.kind == "date" else _truth if as_text else bool
    return [None if value != value else show(value) for value in values]


def _date(days: float) -> str:
    moment = datetime(1970, 1, 1) + timedelta(days=days)
    return moment.date().isoformat() if days.is_integer() else moment.isoformat(sep=" ")


def _truth(value: float) -> str:
    return str(bool(value)).lower()


def _number(value: float) -> Any:
    return int(value) if value.is_integer() else value
