"""Data frames and arrays to tables."""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.table.categorical import Categorical
from descend.table.names import choose, drop_nameless
from descend.table.numbers import EXACT, PLAIN
from descend.table.reading import Conventions
from descend.table.sentinels import sentinel_notes
from descend.table.table import Column, Kind, Source, Table, check_finite
from descend.table.texts import MISSING_WORDS, Engine
from descend.table.typed import column_of_days, column_of_truth, exact_texts, inexact
from descend.table.types import Read, column_of_numbers, column_of_text, without

NO_CELLS = (dict, list, tuple, set, bytes, complex, np.complexfloating, np.ndarray, timedelta, np.timedelta64)
MOMENTS = (date, np.datetime64)
TYPED = Conventions(typed=True)

BLOCK_CELLS = 1 << 18  # cells of a block whose ends are looked for: it stays in the cache
STRETCH = (
    1 << 12
)  # cells that are looked at side by side: of few columns several rows, for loops that are worth vectorising


def is_frame(given: Any) -> bool:
    """Tell whether narwhals knows this as a data frame or series (pandas, polars, Arrow and others)."""
    import narwhals as nw

    into = nw.dependencies
    return bool(into.is_into_dataframe(given) or into.is_into_series(given))


def from_frame(frame: Any, conventions: Conventions = TYPED, drop: Sequence[str] = ()) -> Table:
    """Return the table of a data frame, or of a series as one column; raises DataError for nested columns.

    Args:
        frame: of pandas, polars, Arrow or another library that narwhals knows.
        conventions: words that mean missing, and the readings of some columns.
        drop: names of columns to leave out.
    """
    import narwhals as nw

    names = [str(name) for name in getattr(frame, "column_names", getattr(frame, "columns", ()))]
    chosen = choose(names, drop, "the data frame")
    frame = nw.from_native(frame, eager_only=True, allow_series=True)
    series = [frame] if isinstance(frame, nw.Series) else list(frame.iter_columns())
    if len(frame) == 0 or not series:
        what = f"the data frame has {len(frame)} rows and {len(series)} columns"
        raise DataError(what, fix="pass rows and columns", code="no-rows")
    conventions, notes = replace(conventions, typed=True), list[str]()
    columns = []
    with Engine() as engine:
        for at, name in zip(chosen.at, chosen.names, strict=True) if names else [(0, str(series[0].name or "y"))]:
            column, more = _column(engine, name, series[at], conventions)
            columns.append((at, column))
            notes += more if name else []
    named, more = drop_nameless(columns, "the data frame")
    return Table(
        tuple(named),
        len(frame),
        Source(name="frame", format="frame"),
        (*notes, *more, *sentinel_notes(named, conventions)),
        chosen.unread,
    )


def from_arrays(X: Any, names: tuple[str, ...] | None = None, null: Sequence[str] = ()) -> Table:
    """Return the table of a two-dimensional array of numbers; columns are named x1, x2, ... unless names are given.

    Numbers among the words of `null` are missing. Raises DataError for other shapes and for values that are not real numbers.
    """
    array = _array(X)
    if array.ndim != 2:
        fix = "use X.reshape(-1, 1) for one feature" if array.ndim == 1 else "pass an array of shape (rows, features)"
        raise DataError(f"X has shape {array.shape}, it must have two dimensions", fix=fix, code="array-shape")
    if 0 in array.shape:
        raise DataError(f"X has shape {array.shape} and holds nothing", fix="pass rows and columns", code="array-empty")
    names = names or tuple(f"x{j + 1}" for j in range(array.shape[1]))
    if array.dtype in (np.float32, np.float64) and not null:
        low, high = _ends(array)
        if np.isfinite(low).all() and np.isfinite(high).all():
            return Table.of_matrix(array, names, Source(name="array", format="array"), (low, high))
    numbers = without(_real(array, "X"), null)
    kind = Kind.BOOLEAN if array.dtype.kind == "b" else Kind.NUMBER
    columns = tuple(Column(n, kind, check_finite(np.ascontiguousarray(numbers[:, j]), n)) for j, n in enumerate(names))
    notes = ("X holds text: its cells are read as numbers",) if _has_text(array) else ()
    return Table(columns, len(array), Source(name="array", format="array"), notes)


def _ends(array: Array) -> tuple[Array, Array]:
    """The smallest and the largest cell of each column; NaN where one is missing."""
    columns = array.shape[1]
    side = min(max(1, STRETCH // columns), len(array)) if array.flags.c_contiguous else 1
    whole = len(array) // side * side
    wide, rest = array[:whole].reshape(-1, side * columns), array[whole:]
    rows = max(1, BLOCK_CELLS // wide.shape[1])
    blocks = (wide[lo : lo + rows] for lo in range(0, len(wide), rows))
    found = [(block.min(axis=0), block.max(axis=0)) for block in blocks]
    low, high = (np.concatenate([np.reshape(ends, (-1, columns)), rest]) for ends in zip(*found, strict=True))
    return low.min(axis=0), high.max(axis=0)


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


def _column(engine: Engine, name: str, series: Any, conventions: Conventions) -> Read:
    import narwhals as nw

    dtype = series.dtype
    if dtype.is_integer() and inexact(series.drop_nulls().to_numpy()):
        return exact_texts(name, series.to_list(), series.is_null().to_list())
    if dtype.is_numeric():
        values = series.cast(nw.Float64).to_numpy().astype(np.float64)
        return column_of_numbers(name, _with_nan(values, series), conventions)
    if dtype == nw.Boolean:
        truth = np.array([np.nan if v is None else float(v) for v in _cells(series)])
        return column_of_truth(name, truth, conventions), []
    if dtype.is_temporal() and dtype not in (nw.Duration, nw.Time):
        moments = series if dtype == nw.Datetime else series.cast(nw.Datetime("us"))
        days = moments.dt.timestamp("us").cast(nw.Float64).to_numpy() / 86_400e6
        return column_of_days(name, _with_nan(days.astype(np.float64), series), conventions), []
    if dtype in (nw.List, nw.Struct, nw.Array, nw.Binary, nw.Duration, nw.Time):
        raise _nested(name, str(dtype))
    return column_of_cells(engine, name, _cells(series), conventions)


def column_of_cells(engine: Engine, name: str, cells: list[Any], conventions: Conventions = TYPED) -> Read:
    """Return a column of Python's own values, None where one is missing, and what was decided about it.

    It is of one kind if all cells are, else text, which is read as that of a file whose columns have types.
    """
    present = [v for v in cells if v is not None]
    odd = next((v for v in present if isinstance(v, NO_CELLS)), None)
    if odd is not None:
        raise _nested(name, type(odd).__name__)
    booleans = [isinstance(v, (bool, np.bool_)) for v in present]
    if present and all(booleans):
        return column_of_truth(name, np.array([np.nan if v is None else float(v) for v in cells]), conventions), []
    if not any(booleans) and all(isinstance(v, (Real, Decimal)) for v in present):
        if all(isinstance(v, Integral) for v in present) and any(EXACT <= abs(int(v)) < 2**200 for v in present):
            return exact_texts(name, [v or 0 for v in cells], [v is None for v in cells])
        return column_of_numbers(name, np.array([np.nan if v is None else _float(v) for v in cells]), conventions)
    if all(isinstance(v, MOMENTS) for v in present):
        return column_of_days(name, np.array([np.nan if v is None else _days(v) for v in cells]), conventions), []
    texts = Categorical.of(None if v is None else str(v) for v in cells)
    return column_of_text(engine, name, texts, conventions, lambda row: f"row {row + 1}")


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
