"""typed: a column that has a type of its own, as in Parquet and JSON lines."""

from typing import Any

import numpy as np

from descend.errors import DataError
from descend.table.numbers import EXACT
from descend.table.reading import Conventions, Kind
from descend.table.table import Column
from descend.table.texts import Engine, floats
from descend.table.types import Read, Where, column_of_numbers, column_of_text

TEXT = ("VARCHAR", "ENUM", "UUID", "STRING")
NO_CELLS = ("[]", "STRUCT", "MAP", "UNION", "BLOB", "LIST", "INTERVAL", "TIME", "BIT", "JSON")
SEVERAL = "values of several types"
MICROSECONDS = 86_400e6  # a day


def column_of_values(engine: Engine, name: str, type: str, values: Any, conventions: Conventions, where: Where) -> Read:
    """Return a column whose values have a type, and what was decided about it; raises DataError for nested ones.

    Args:
        engine: computes on distinct cells of text.
        name: of the column.
        type: as DuckDB names it, such as "BIGINT" or "TIMESTAMP".
        values: (rows,), masked where missing; Categorical, where the type is one of text.
        conventions: what holds for all columns; they may declare this column's reading.
        where: says where a row is, for errors.
    """
    if is_text(type):
        return column_of_text(engine, name, values, conventions, where)
    type = type.upper()
    masked = np.ma.getmaskarray(values)
    if type == "BOOLEAN":
        return column_of_truth(name, floats(values), conventions), []
    if type.startswith(("DATE", "TIMESTAMP")):
        moments = np.asarray(np.ma.getdata(values), "datetime64[us]")
        days = np.where(masked, np.nan, moments.astype(np.int64) / MICROSECONDS)
        return column_of_days(name, days, conventions), []
    if type == "JSON" and masked.all():
        return Column(name, Kind.NUMBER, np.full(len(values), np.nan)), []
    if any(part in type for part in NO_CELLS):
        raise DataError(
            f"the column {name!r} holds {SEVERAL if type == 'JSON' else type}, which is no number, date, text or boolean",
            fix="flatten it, or leave it out with --drop",
            code="nested-column",
        )
    if inexact(np.ma.getdata(values)[~masked]):
        return exact_texts(name, np.ma.getdata(values).tolist(), masked.tolist())
    return column_of_numbers(name, floats(values), conventions)


def is_text(type: str) -> bool:
    """Tell whether values of a type, as DuckDB names it, are text; a list of texts is none.

    >>> is_text("VARCHAR"), is_text("VARCHAR[]"), is_text("ENUM('list', '[]')")
    (True, False, True)
    """
    type = type.upper()
    return type.startswith("ENUM") or (type.startswith(TEXT) and not type.endswith("]"))


def column_of_truth(name: str, values: Any, conventions: Conventions) -> Column:
    """Return a column of booleans, which are numbers where that is declared."""
    declared = conventions.reading(name)
    number = declared is not None and declared.kind == Kind.NUMBER
    return Column(name, Kind.NUMBER if number else Kind.BOOLEAN, values)


def column_of_days(name: str, days: Any, conventions: Conventions) -> Column:
    """Return a column of dates, which are text in ISO's form where that is declared."""
    declared = conventions.reading(name)
    if declared is None or declared.kind != Kind.CATEGORY:
        return Column(name, Kind.DATE, days)
    missing = np.isnan(days)
    moments = (np.where(missing, 0, days) * MICROSECONDS).round().astype("datetime64[us]")
    whole = (days == np.floor(days)) | missing
    written = np.where(whole, np.datetime_as_string(moments, "D"), np.datetime_as_string(moments, "s")).astype(object)
    written[missing] = None
    return Column(name, Kind.CATEGORY, written, declared.pattern)


def inexact(present: Any) -> bool:
    """Tell whether whole numbers of an array are beyond what float64 holds exactly."""
    return bool(present.dtype.kind in "iu" and present.size and max(-int(present.min()), int(present.max())) >= EXACT)


def exact_texts(name: str, values: list[Any], missing: list[bool]) -> Read:
    """Return whole numbers that no float holds as text, with a note."""
    cells = np.empty(len(values), object)
    cells[:] = [None if gone else str(int(v)) for v, gone in zip(values, missing, strict=True)]
    note = f"{name!r}: read as text, since it has whole numbers of more than 15 digits, which no float holds exactly"
    return Column(name, Kind.CATEGORY, cells), [note]
