"""passthrough: columns of the input that are written beside the predictions, as they are in the file."""

import csv
import gzip
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from descend.cli.formatting import Cell
from descend.errors import UsageError
from descend.options import Options

if TYPE_CHECKING:
    from descend.table.table import Column, Table

EXACT = 2.0**53  # whole numbers beyond it are not exact in float64


def passthrough_columns(
    path: str, table: "Table", names: Sequence[str], options: Options, as_text: bool
) -> dict[str, list[Cell]]:
    """Return the cells of these columns, by name.

    Args:
        path: the file that the table was read from.
        options: how the file is read.
        as_text: whether cells stay text exactly as in a CSV file, such as 007; otherwise numbers are numbers.

    Raises UsageError for a column that does not exist, or cannot be written without loss.
    """
    columns = [table[name] for name in names]
    texts = _texts(Path(path), table, options) if table.source.format == "csv" and names else None
    if texts is None:
        return {column.name: _values(column, as_text) for column in columns}
    at = {name: k for k, name in enumerate(table.names)}
    cells: dict[str, list[Cell]] = {column.name: [row[at[column.name]] for row in texts] for column in columns}
    return cells if as_text else {column.name: _typed(column, cells[column.name]) for column in columns}


def _texts(path: Path, table: "Table", options: Options) -> list[list[str]] | None:
    """All cells as text; None when their rows and columns are not those of the table."""
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


def _typed(column: "Column", cells: list[Cell]) -> list[Cell]:
    """Cells for JSON: numbers where the column holds numbers, None where it has none."""
    from descend.table.table import Kind

    number = column.kind is Kind.NUMBER
    return [
        None if missing else _parsed(str(cell)) if number else cell
        for cell, missing in zip(cells, column.is_missing.tolist(), strict=True)
    ]


def _parsed(cell: str) -> Cell:
    for read in (int, float):
        try:
            return read(cell)
        except ValueError:
            pass
    return cell


def _values(column: "Column", as_text: bool) -> list[Cell]:
    """The cells of a file that stores types, such as Parquet."""
    from descend.table.table import Kind

    values = column.values.tolist()
    if column.kind is Kind.CATEGORY:
        return list(values)
    if column.kind is Kind.NUMBER and any(abs(value) >= EXACT for value in values):
        raise UsageError(
            f"the column {column.name!r} holds numbers of 2^53 or more, which cannot be written exactly",
            fix="store it as text", code="inexact-column",
        )  # fmt: skip
    show: Callable[[float], Cell] = _number
    if column.kind is not Kind.NUMBER:
        show = _date if column.kind is Kind.DATE else _truth if as_text else bool
    return [None if value != value else show(value) for value in values]


def _date(days: float) -> str:
    moment = datetime(1970, 1, 1) + timedelta(days=days)
    return moment.date().isoformat() if days.is_integer() else moment.isoformat(sep=" ")


def _truth(value: float) -> str:
    return str(bool(value)).lower()


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
