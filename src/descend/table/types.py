"""types: what the cells of a column are: numbers, dates, booleans or categories; never a number taken for a category.

A column of text is looked at by its distinct cells. The order of the tests: booleans, plain numbers, dates, amounts;
what passes none of them is a category.
"""

import re
import shlex
from collections.abc import Callable, Sequence

import numpy as np

from descend.arrays import Array
from descend.errors import DataError, ModelError
from descend.table.categorical import Categorical, objects
from descend.table.dates import Dates, read_as_dates, read_dates, whole_number_dates
from descend.table.numbers import (
    EUROPEAN,
    EUROPEAN_WHOLE,
    EXACT,
    LEADING_ZERO,
    PLAIN,
    THOUSANDS,
    WHOLE,
    Numbers,
    like_numbers,
    read_amounts,
    read_as_numbers,
    read_numbers,
)
from descend.table.reading import VERBATIM_TEXT, Conventions, Kind, Reading
from descend.table.table import Column, check_finite
from descend.table.texts import Engine, Texts

MOSTLY = 0.5  # a column of which so many cells are numbers holds numbers, and the rest is at fault (arbitrary)
TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")  # where a column is declared boolean
DIGIT_OR_INFINITY = re.compile(r"(?i)[0-9]|inf")  # no number, date or amount is without
POINT, COMMA = f"(?:{PLAIN})|(?:{THOUSANDS})|(?i:[+-]?inf(inity)?)", f"(?:{EUROPEAN})"
NUMERIC = {
    ".": POINT,
    ",": f"{COMMA}|(?:{EUROPEAN_WHOLE})",
    None: f"{POINT}|{COMMA}",
}  # by the decimal sign that is declared

Where = Callable[[int], str]
Read = tuple[Column, list[str]]


def column_of_text(engine: Engine, name: str, cells: Categorical, conventions: Conventions, where: Where) -> Read:
    """Return a column of text, and what was decided about it.

    Args:
        engine: computes on the distinct cells.
        name: of the column.
        cells: of the column (rows,).
        conventions: what holds for all columns; they may declare this column's reading.
        where: says where a row is, for errors.

    Raises DataError for text among numbers, and for cells that are not what was declared.
    """
    texts = Texts(engine, cells, conventions.null)
    declared = conventions.reading(name)
    if declared is not None:
        return _declared(texts, name, declared, conventions, where), []
    if not texts.distinct:
        return Column(name, Kind.NUMBER, np.full(len(cells), np.nan)), []
    if all(cell.lower() in ("true", "false") for cell in texts.distinct):
        return _column(texts, name, Kind.BOOLEAN, _truth(texts)), []
    if not any(map(DIGIT_OR_INFINITY.search, texts.distinct)):
        return _category(texts, name), []
    zeros, plain = texts.matches(LEADING_ZERO, PLAIN)
    if conventions.typed and plain.all():
        return _category(texts, name), _like_number_notes(texts, name, conventions)
    if (zeros & plain).any():
        return _codes(texts, name, "leading zeros")
    if plain.all() and _is_inexact(texts):
        return _codes(texts, name, "whole numbers of more than 15 digits, which no float holds exactly")
    if (numbers := read_numbers(texts, conventions)) is not None:
        return _numbers(texts, name, numbers, conventions)
    if (dates := read_dates(texts)) is not None:
        return _column(texts, name, Kind.DATE, dates.values, dates.pattern), _date_notes(name, dates)
    if (numbers := read_amounts(texts, conventions)) is not None:
        return _numbers(texts, name, numbers, conventions)
    any_style, numeric = texts.matches(NUMERIC[None], NUMERIC[conventions.decimal])
    if texts.share(any_style) >= MOSTLY and not (conventions.trained or conventions.typed):
        raise _text_among_numbers(texts, name, numeric, where)
    return _category(texts, name), _like_number_notes(texts, name, conventions)


def column_of_numbers(name: str, values: Array, conventions: Conventions, pattern: str = "") -> Read:
    """Return a column of numbers that hold exactly, and what was decided about it: it may be one of dates or categories.

    Args:
        name: of the column.
        values: (rows,), NaN where missing.
        conventions: what holds for all columns; they may declare this column's reading.
        pattern: how the numbers were written, where they were text.

    Raises DataError when a number is infinite.
    """
    declared = conventions.reading(name)
    values = without(values, conventions.null)
    if declared is not None and declared.kind == Kind.CATEGORY:
        return Column(name, Kind.CATEGORY, texts_of_numbers(values), declared.pattern), []
    if declared is None or declared.kind == Kind.DATE:
        days = whole_number_dates(values)
        if days is not None:
            note = f"{name!r}: whole numbers read as dates, year month day; --kind {shlex.quote(f'{name}=number')} reads numbers"
            return Column(name, Kind.DATE, days, "%Y%m%d"), [note] if declared is None else []
    kind = Kind.BOOLEAN if declared is not None and declared.kind == Kind.BOOLEAN else Kind.NUMBER
    return Column(name, kind, check_finite(values, name), pattern if kind == Kind.NUMBER else ""), []


def without(values: Array, null: Sequence[str]) -> Array:
    """Return values in which the numbers among some words are missing."""
    wanted = numbers_among(null)
    return np.where(np.isin(values, wanted), np.nan, values) if wanted else values


def numbers_among(words: Sequence[str]) -> list[float]:
    """Return the words that are numbers.

    >>> numbers_among(["NA", "-999"])
    [-999.0]
    """
    return [number for word in words if (number := _number(word)) is not None]


def texts_of_numbers(values: Array) -> Categorical:
    """Return numbers as files write them, missing where they are NaN (rows,)."""
    distinct, codes = np.unique(values, return_inverse=True, equal_nan=True)
    known = distinct[~np.isnan(distinct)]  # NaN is sorted behind all numbers
    written = [str(int(v)) if v == np.round(v) and abs(v) < EXACT else repr(v) for v in known.tolist()]
    return Categorical(np.where(codes < len(known), codes, -1).astype(np.int32), objects(written))


def _declared(texts: Texts, name: str, reading: Reading, conventions: Conventions, where: Where) -> Column:
    if reading == VERBATIM_TEXT:
        return Column(name, Kind.CATEGORY, texts.verbatim(), reading.pattern)
    if reading.kind == Kind.CATEGORY:
        return _category(texts, name)
    if not texts.distinct:
        return Column(name, reading.kind, texts.column(np.zeros(0)), reading.pattern)
    values, pattern = _as_declared(texts, reading, conventions)
    refused = np.isnan(values)
    if refused.any():
        row = texts.first_row(refused)
        cell = next(c for c, bad in zip(texts.distinct, refused, strict=True) if bad)
        count = int(texts.counts[refused].sum())
        raise (ModelError if conventions.trained else DataError)(
            f"{where(row)}, column {name!r}: found {cell[:60]!r}, the column is read as {reading.kind.value}s ({count} such cells in all)",
            fix=f"correct the cell, or use --null {shlex.quote(cell[:60])} if it means missing",
            code="column-kind",
        )
    return _column(texts, name, reading.kind, values, pattern, conventions)


def _as_declared(texts: Texts, reading: Reading, conventions: Conventions) -> tuple[Array, str]:
    """Cells by a declared reading, NaN where they are refused, and the pattern by which they were read."""
    if reading.kind == Kind.BOOLEAN:
        return _truth(texts), ""
    if reading.kind == Kind.DATE:
        return read_as_dates(texts, reading.pattern), reading.pattern
    if reading.pattern:
        values = read_as_numbers(texts, reading.pattern)
        if not np.isnan(values).any():
            return values, reading.pattern
    numbers = read_numbers(texts, conventions) or (None if reading.pattern else read_amounts(texts, conventions))
    if numbers is not None:
        return numbers.values, numbers.pattern
    return read_as_numbers(texts, reading.pattern or "#.#"), reading.pattern


def _column(
    texts: Texts, name: str, kind: Kind, values: Array, pattern: str = "", conventions: Conventions | None = None
) -> Column:  # fmt: skip
    rows = texts.column(values)
    if kind == Kind.NUMBER:
        rows = check_finite(rows if conventions is None else without(rows, conventions.null), name)
    return Column(name, kind, rows, pattern)


def _numbers(texts: Texts, name: str, numbers: Numbers, conventions: Conventions) -> Read:
    column = _column(texts, name, Kind.NUMBER, numbers.values, numbers.pattern, conventions)
    return column, [f"{name!r}: {numbers.note}"] if numbers.note else []


def _category(texts: Texts, name: str) -> Column:
    return Column(name, Kind.CATEGORY, texts.categories())


def _codes(texts: Texts, name: str, why: str) -> Read:
    note = f"{name!r}: read as text, since it has {why}; --kind {shlex.quote(f'{name}=number')} reads numbers"
    return _category(texts, name), [note]


def _is_inexact(texts: Texts) -> bool:
    long = texts.matches(WHOLE)[0]
    if not long.any():
        return False
    return bool((np.abs(texts.numbers("TRY_CAST(c AS DOUBLE)")[long]) >= EXACT).any())


def _truth(texts: Texts) -> Array:
    words = dict.fromkeys(TRUE, 1.0) | dict.fromkeys(FALSE, 0.0)
    return np.array([words.get(cell.lower(), np.nan) for cell in texts.distinct])


def _date_notes(name: str, dates: Dates) -> list[str]:
    if not dates.other:
        return []
    flag = shlex.quote(f"{name}=date:{dates.other}")
    return [f"{name!r}: dates read as {dates.order}; --kind {flag} reads them the other way"]


def _text_among_numbers(texts: Texts, name: str, numeric: Array, where: Where) -> DataError:
    cell = next(c for c, good in zip(texts.distinct, numeric, strict=True) if not good)
    good, bad = int(texts.counts[numeric].sum()), int(texts.counts[~numeric].sum())
    word = shlex.quote(cell[:60])
    return DataError(
        f"{where(texts.first_row(~numeric))}, column {name!r}: found {cell[:60]!r} where {good:,} of {good + bad:,} cells are "
        f"numbers ({bad} such cells in all)",
        fix=f"correct it, use --null {word} if it means missing, --kind {shlex.quote(f'{name}=text')} if the cells are codes, "
        "or --drop the column",
        code="text-among-numbers",
    )


def _like_number_notes(texts: Texts, name: str, conventions: Conventions) -> list[str]:
    """Say it when cells of a category look like numbers with something around them."""
    like = like_numbers(texts)
    if conventions.typed:
        note = f"{name!r}: its text looks like numbers and is taken as categories; convert it if they are amounts"
        return [note] if like.all() else []
    if texts.share(like) < MOSTLY:
        return []
    cell = min(c for c, chosen in zip(texts.distinct, like, strict=True) if chosen)
    return [f"{name!r}: cells such as {cell[:60]!r} are read as categories; write plain numbers if they are amounts"]


def _number(word: str) -> float | None:
    try:
        return float(word) if word.isascii() and "_" not in word else None
    except ValueError:
        return None
