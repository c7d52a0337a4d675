"""Data frames and arrays to tables."""

import contextlib
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.table.table import Column, Kind, Source, Table, check_finite
from descend.table.types import MISSING_WORDS, PLAIN

NO_CELLS = (dict, list, tuple, set, bytes, complex, np.complexfloating, np.ndarray, timedelta, np.timedelta64)
MOMENTS = (date, np.datetime64)
LIKE_NUMBER = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?\s*", re.ASCII)


def is_frame(given: Any) -> bool:
    """Tell whether narwhals knows this as a data frame or series (pandas, polars, Arrow and others)."""
    import narwhals as nw

    into = nw.dependencies
    return bool(into.is_into_dataframe(given) or into.is_into_series(given))


def from_frame(frame: Any) -> Table:
    """Return the table of a data frame, or of a series as one column; raises DataError for nested columns."""
    import narwhals as nw

    names = [str(name) for name in getattr(frame, "column_names", getattr(frame, "columns", ()))]
    check_names(names, "the data frame")
    frame = nw.from_native(frame, eager_only=True, allow_series=True)
    series = [frame] if isinstance(frame, nw.Series) else list(frame.iter_columns())
    names = names or [str(s.name or "y") for s in series]
    if len(frame) == 0 or not series:
        what = f"the data frame has {len(frame)} rows and {len(series)} columns"
        raise DataError(what, fix="pass rows and columns", code="no-rows")
    columns = tuple(_column(name, s) for name, s in zip(names, series, strict=True))
    notes = tuple(
        f"{c.name!r}: its text looks like numbers and is taken as categories; convert it if they are amounts"
        for c in columns
        if c.kind == Kind.CATEGORY and all(v is None or LIKE_NUMBER.fullmatch(v) for v in c.values)
    )
    return Table(columns, len(frame), Source("frame", "frame"), notes)


def from_arrays(X: Any, names: tuple[str, ...] | None = None) -> Table:
    """Return the table of a two-dimensional array of numbers; columns are named x1, x2, ... unless names are given.

    Raises DataError for other shapes and for values that are not real numbers.
    """
    array = _array(X)
    if array.ndim != 2:
        fix = "use X.reshape(-1, 1) for one feature" if array.ndim == 1 else "pass an array of shape (rows, features)"
        raise DataError(f"X has shape {array.shape}, it must have two dimensions", fix=fix, code="array-shape")
    if 0 in array.shape:
        raise DataError(f"X has shape {array.shape} and holds nothing", fix="pass rows and columns", code="array-empty")
    numbers = _real(array, "X")
    names = names or tuple(f"x{j + 1}" for j in range(array.shape[1]))
    kind = Kind.BOOLEAN if array.dtype.kind == "b" else Kind.NUMBER
    columns = tuple(Column(n, kind, check_finite(np.ascontiguousarray(numbers[:, j]), n)) for j, n in enumerate(names))
    notes = ("X holds text: its cells are read as numbers",) if _has_text(array) else ()
    return Table(columns, len(array), Source("array", "array"), notes)


def check_names(names: list[str], where: str) -> None:
    """Raise DataError when a name is empty or stands twice."""
    first: dict[str, int] = {}
    for at, name in enumerate(names):
        if not name.strip():
            raise DataError(f"column {at + 1} of {where} has no name", fix="name it in the header", code="empty-name")
        if first.setdefault(name, at) != at:
            raise DataError(
                f"{where} has the column {name[:60]!r} twice, as columns {first[name] + 1} and {at + 1}",
                fix="rename one of them",
                code="duplicate-name",
            )


def _array(X: Any) -> Array:
    """X as an array; masked cells of numbers are NaN."""
    if hasattr(X, "toarray"):
        raise DataError(f"X is sparse, with shape {X.shape}", fix="use X.toarray()", code="array-sparse")
    if isinstance(X, np.ma.MaskedArray) and X.dtype.kind in "biuf":
        return np.ma.filled(X.astype(np.float64), np.nan)
    try:
        array = np.asarray(X)
    except ValueError:
        what = "X has rows of different lengths"
        raise DataError(what, fix="give every row the same number of values", code="array-ragged") from None
    if array.ndim == 0:
        what = f"X is of type {type(X).__name__}, it must be an array or a data frame"
        raise DataError(what, fix="pass an array of shape (rows, features)", code="array-shape")
    return array


def _real(array: Array, what: str) -> Array:
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    if array.dtype.kind in "OU":
        if not _has_text(array):
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                return np.array(array.tolist(), np.float64)
        found = [[number_of(cell) for cell in row] for row in array.tolist()]
        if not any(cell is None for row in found for cell in row):
            return np.array(found, np.float64)
    raise DataError(
        f"{what} has dtype {array.dtype}, it must hold real numbers",
        fix="pass a data frame for text and dates",
        code="array-dtype",
    )


def _has_text(array: Array) -> bool:
    return array.dtype.kind == "U" or (array.dtype.kind == "O" and any(isinstance(v, str) for v in array.flat))


def number_of(cell: Any) -> float | None:
    """Return a cell as a number, NaN where it is missing, or None when it is none: text counts if files read it so.

    >>> number_of("1e3"), number_of("NA"), number_of("1_000"), number_of(10**400)
    (1000.0, nan, None, inf)
    """
    if isinstance(cell, str):
        text = cell.strip()
        return float("nan") if text in MISSING_WORDS else float(text) if re.fullmatch(PLAIN, text, re.ASCII) else None
    if is_missing(cell):
        return float("nan")
    return None if isinstance(cell, NO_CELLS) or not isinstance(cell, (Real, Decimal)) else _float(cell)


def is_missing(cell: Any) -> bool:
    """Tell whether a cell is None, NaN, NaT or NA."""
    try:
        return cell is None or bool(cell != cell)
    except TypeError:  # NA neither equals itself nor does not
        return True
    except ValueError:  # an array
        return False


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _days(moment: Any) -> float:
    """Days since 1970-01-01, in UTC where there is a zone."""
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return float(np.datetime64(moment, "us").astype(np.int64)) / 86_400e6


def _column(name: str, series: Any) -> Column:
    import narwhals as nw

    dtype = series.dtype
    if dtype.is_numeric():
        values = series.cast(nw.Float64).to_numpy().astype(np.float64)
        return Column(name, Kind.NUMBER, check_finite(_with_nan(values, series), name))
    if dtype == nw.Boolean:
        return Column(name, Kind.BOOLEAN, np.array([np.nan if v is None else float(v) for v in _cells(series)]))
    if dtype.is_temporal() and dtype not in (nw.Duration, nw.Time):
        moments = series if dtype == nw.Datetime else series.cast(nw.Datetime("us"))
        days = moments.dt.timestamp("us").cast(nw.Float64).to_numpy() / 86_400e6
        return Column(name, Kind.DATE, _with_nan(days.astype(np.float64), series))
    if dtype in (nw.List, nw.Struct, nw.Array, nw.Binary, nw.Duration, nw.Time):
        raise _nested(name, str(dtype))
    return column_of_cells(name, _cells(series))


def column_of_cells(name: str, cells: list[Any]) -> Column:
    """Return a column of Python's own values, None where one is missing: of one kind if all cells are, else text."""
    given = [v for v in cells if v is not None]
    odd = next((v for v in given if isinstance(v, NO_CELLS)), None)
    if odd is not None:
        raise _nested(name, type(odd).__name__)
    booleans = [isinstance(v, (bool, np.bool_)) for v in given]
    if (given and all(booleans)) or (not any(booleans) and all(isinstance(v, (Real, Decimal)) for v in given)):
        kind = Kind.BOOLEAN if given and all(booleans) else Kind.NUMBER
        return Column(name, kind, check_finite(np.array([np.nan if v is None else _float(v) for v in cells]), name))
    if all(isinstance(v, MOMENTS) for v in given):
        return Column(name, Kind.DATE, np.array([np.nan if v is None else _days(v) for v in cells]))
    return Column(name, Kind.CATEGORY, np.array([None if v is None else str(v) for v in cells], dtype=object))


def _nested(name: str, what: str) -> DataError:
    return DataError(
        f"the column {name!r} holds {what}, which is no number, date, text or boolean",
        fix="flatten it or leave it out with --drop",
        code="nested-column",
    )


def _cells(series: Any) -> list[Any]:
    """The cells as Python's own values, None where one is missing, however the library says so."""
    missing = series.is_null().to_list()
    cells = zip(series.to_list(), missing, strict=True)
    return [None if gone or (isinstance(v, float) and v != v) else v for v, gone in cells]


def _with_nan(values: Array, series: Any) -> Array:
    missing = series.is_null().to_numpy()
    return np.where(missing, np.nan, values) if missing.any() else values
