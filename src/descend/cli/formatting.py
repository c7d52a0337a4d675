"""Cells: rows of predictions as CSV, JSON lines or JSON; text that a spreadsheet would run is made inert."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TRIGGERS = ("=", "+", "-", "@", "\t", "\r")


def csv_cell(value: Any) -> Any:
    """Return a cell as CSV holds it: numbers as they are, text that starts like a formula behind a quote.

    >>> csv_cell("=1+1"), csv_cell(-1.5), csv_cell("-1.5"), csv_cell(None)
    ("'=1+1", -1.5, '-1.5', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, str) and value.startswith(TRIGGERS) and not _number(value):
        return f"'{value}"
    return value


def write_csv(file: Any, names: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Write a header and one line a row."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([csv_cell(name) for name in names])
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)


def write_jsonl(file: Any, names: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Write one JSON object a row."""
    file.writelines(_json(dict(zip(names, row, strict=True))) + "\n" for row in rows)


def write_json(file: Any, names: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Write one document that holds a list of rows."""
    file.write('{"schema": "descend.predictions/1", "status": "ok", "rows": [')
    for k, row in enumerate(rows):
        file.write(("\n " if k == 0 else ",\n ") + _json(dict(zip(names, row, strict=True))))
    file.write("\n]}\n")


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "json": write_json}


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps({k: None if v != v else v for k, v in row.items()}, allow_nan=False)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not text[:1].isspace()
