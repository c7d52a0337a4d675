"""formatting: rows of predictions as CSV, JSON lines or JSON; text that a spreadsheet would run as a formula is quoted."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

TRIGGERS = ("=", "+", "-", "@", "\t", "\r")  # begin a formula in a spreadsheet (OWASP, CSV injection)

Cell = str | float | bool | None


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


def write_csv(file: TextIO, names: Sequence[str], rows: Iterator[Sequence[Cell]]) -> None:
    """Write a header and one line for each row."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([csv_cell(name) for name in names])
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)


def write_jsonl(file: TextIO, names: Sequence[str], rows: Iterator[Sequence[Cell]]) -> None:
    """Write one JSON object for each row."""
    file.writelines(_json(dict(zip(names, row, strict=True))) + "\n" for row in rows)


def write_json(file: TextIO, names: Sequence[str], rows: Iterator[Sequence[Cell]]) -> None:
    """Write one document with a list of rows."""
    file.write('{"schema": "descend.predictions/1", "status": "ok", "rows": [')
    for k, row in enumerate(rows):
        file.write(("\n " if k == 0 else ",\n ") + _json(dict(zip(names, row, strict=True))))
    file.write("\n]}\n")


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "json": write_json}


def _json(row: Mapping[str, Cell]) -> str:
    return json.dumps({k: None if v != v else v for k, v in row.items()}, allow_nan=False)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not text[:1].isspace()
