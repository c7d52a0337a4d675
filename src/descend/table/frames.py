"""Data frames and arrays to tables."""

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.table.table import Column, Kind, Source, Table

NO_CELLS = (dict, list, tuple, set, bytes, complex, np.ndarray)


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
    return Table(columns, len(frame), Source("frame", "frame"))


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
    text = array.dtype.kind == "O" and any(isinstance(cell, str) for cell in array.flat)
    notes = ("X holds text: its cells are read as numbers",) if text else ()
    return Table(columns, len(array), Source("array", "array"), notes)


def check_finite(values: Array, name: str) -> Array:
    """Return values in which no cell is infinite; raises DataError naming column, row and count."""
    infinite = np.isinf(values)
    if infinite.any():
        raise DataError(
            f"the column {name!r} is infinite in row {int(np.argmax(infinite)) + 1} ({int(infinite.sum())} cells in all)",
            fix="mend these cells or leave the column out with --drop",
            code="infinite",
        )
    return values


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
    if array.dtype.kind == "O":
        try:
            return np.array(array.tolist(), dtype=np.float64)
        except (TypeError, ValueError):
            pass
    raise DataError(
        f"{what} has dtype {array.dtype}, it must hold real numbers",
        fix="pass a data frame for text and dates",
        code="array-dtype",
    )


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
    """Return a column of Python's own values, None where one is missing: numbers or booleans if all are, else text."""
    given = [v for v in cells if v is not None]
    booleans = [isinstance(v, (bool, np.bool_)) for v in given]
    if (given and all(booleans)) or (not any(booleans) and all(isinstance(v, (Real, Decimal)) for v in given)):
        kind = Kind.BOOLEAN if given and all(booleans) else Kind.NUMBER
        return Column(name, kind, check_finite(np.array([np.nan if v is None else float(v) for v in cells]), name))
    odd = next((v for v in given if isinstance(v, NO_CELLS)), None)
    if odd is not None:
        raise _nested(name, type(odd).__name__)
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
