"""passthrough: columns of the input that are written beside the predictions, as they are in the file."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

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
        table: what was read; of a file of text, the columns are read again as they are written.
        names: of the columns.
        options: how the file is read.
        as_text: whether cells stay text exactly as in a CSV file, such as 007; otherwise numbers are numbers.

    Raises UsageError for a column that does not exist, or cannot be written without loss.
    """
    for name in names:
        table[name]
    texts = _texts(path, table, names, options) if table.source.format == "csv" and names else None
    return cells_along(table, names, texts, as_text)


def cells_along(table: "Table", names: Sequence[str], texts: "Table | None", as_text: bool) -> dict[str, list[Cell]]:
    """Return the cells of these columns, by name, as `passthrough_columns` does; `texts` has them as they are written, if at all."""
    columns = [table[name] for name in names]
    if texts is None:
        return {column.name: _values(column, as_text) for column in columns}
    cells: dict[str, list[Cell]] = {name: texts[name].values.tolist() for name in names}
    if as_text:
        return {name: ["" if cell is None else cell for cell in cells[name]] for name in names}
    return {column.name: _typed(column, cells[column.name]) for column in columns}


def _texts(path: str, table: "Table", names: Sequence[str], options: Options) -> "Table":
    """The table of these columns, each cell as it is written."""
    from descend.table.read import read

    others = [name for name in table.names if name not in names]
    return read(
        path, delimiter=options.delimiter, encoding=options.encoding, skip_rows=options.skip_rows, header=table.source.header,
        kinds=dict.fromkeys(names, "text"), drop=(*others, *table.unread), trained=True,
    )  # fmt: skip


def _typed(column: "Column", cells: list[Cell]) -> list[Cell]:
    """Cells for JSON: numbers where the column holds numbers, None where it has none."""
    from descend.table.table import Kind

    number = column.kind is Kind.NUMBER
    return [
        None if missing or cell is None else _parsed(str(cell)) if number else cell
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
