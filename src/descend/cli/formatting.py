"""formatting: rows of predictions as CSV, JSON lines or JSON; text that a spreadsheet would run as a formula is quoted."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TextIO

import numpy as np

from descend.arrays import Array
from descend.table.categorical import objects
from descend.table.texts import Engine

TRIGGERS = ("=", "+", "-", "@", "\t", "\r")  # begin a formula in a spreadsheet (OWASP, CSV injection)

BLOCK = 100_000  # rows of CSV that are made at once
Cell = str | float | bool | None
Cells = Sequence[Cell] | Array
Columns = Mapping[str, Cells]


def csv_cell(value: Cell) -> Cell:
    """Return a cell for CSV: numbers unchanged, missing as empty, a quote before text that starts like a formula.

    >>> csv_cell("=1+1"), csv_cell(-1.5), csv_cell("-1.5"), csv_cell(None)
    ("'=1+1", -1.5, '-1.5', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, str) and value.startswith(TRIGGERS) and not _number(value):
        return f"'{value}"
    return value


def write_csv(file: TextIO, blocks: Iterable[Columns]) -> None:
    """Write a header and one line for each row, of blocks of rows of the same columns."""
    with Engine() as engine:
        for k, columns in enumerate(blocks):
            if k == 0:
                csv.writer(file, lineterminator="\n").writerow([csv_cell(name) for name in columns])
            cells = [_fields(column) for column in columns.values()]
            for start in range(0, len(cells[0]), BLOCK):
                file.write(_lines(engine, [column[start : start + BLOCK] for column in cells]))


def _fields(column: Cells) -> Array:
    """Numbers as they are, other cells as they stand in a line, with quotes where needed; each different one is made once."""
    if isinstance(column, np.ndarray):
        if column.dtype == np.float64:
            return column
        column = column.tolist()
    made = {cell: _field(cell) for cell in set(column)}
    return objects(made[cell] for cell in column)


def _field(cell: Cell) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([csv_cell(cell), ""])
    return line.getvalue().removesuffix(",\n")


def _lines(engine: Engine, columns: Sequence[Array]) -> str:
    """Rows as lines. DuckDB writes a number as Python does, by the fewest digits that give it back, in a third of the time."""
    table = {f"c{j}": column for j, column in enumerate(columns)}
    engine.connection.register("rows", {**table, "row": np.arange(len(columns[0]))})
    line = ", ".join(f"coalesce({name}::VARCHAR, '')" for name in table)
    found = engine.connection.execute(f"SELECT string_agg(concat_ws(',', {line}), chr(10) ORDER BY row) FROM rows")
    text: str = found.fetchall()[0][0]
    return text + "\n"


def write_jsonl(file: TextIO, blocks: Iterable[Columns]) -> None:
    """Write one JSON object for each row."""
    for columns in blocks:
        file.writelines(_json(row) + "\n" for row in _rows(columns))


def write_json(file: TextIO, blocks: Iterable[Columns]) -> None:
    """Write one document with a list of rows."""
    file.write('{"schema": "descend.predictions/1", "status": "ok", "rows": [')
    for k, row in enumerate(chain.from_iterable(map(_rows, blocks))):
        file.write(("\n " if k == 0 else ",\n ") + _json(row))
    file.write("\n]}\n")


def _rows(columns: Columns) -> Iterator[dict[str, Cell]]:
    cells = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()]
    return (dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "json": write_json}


def _json(row: Mapping[str, Cell]) -> str:
    return json.dumps({k: None if v != v else v for k, v in row.items()}, allow_nan=False)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not text[:1].isspace()
