"""types: what the cells of a column are: numbers, dates, booleans or categories; never a number taken for a category."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.table.table import Column, Kind, check_finite

MISSING_WORDS = ("", "NA", "N/A", "n/a", "na", "NaN", "nan", "null", "NULL", "#N/A")
MISSING_AMONG_NUMBERS = (*MISSING_WORDS, "None", "none", "?", "-", ".")
MOSTLY = 0.5  # a column of which so many cells are numbers holds numbers, and the rest is at fault

PLAIN = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
INFINITE = r"(?i)[+-]?inf(inity)?"
THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"
EUROPEAN = r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?,\d+([eE][+-]?\d+)?"
EUROPEAN_WHOLE = r"[+-]?(\d{1,3}(\.\d{3})+|\d+)"
BOOLEAN = r"(?i)true|false"
ISO_DATE = r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"
POINT_DATE = r"\d{1,2}\.\d{1,2}\.\d{4}"
LIKE_NUMBER = r"[+-]?[$€£]?\s?[+-]?\d[\d.,\s\x{00a0}\x{202f}']*[%€$£]?"
ZONE = r"(?i).*:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})"
SLASH_DATE = r"\d{1,2}/\d{1,2}/\d{4}"

NO_CELLS = ("[]", "STRUCT", "MAP", "UNION", "BLOB", "LIST", "INTERVAL", "TIME", "BIT", "JSON")
SEVERAL = "values of several types"

Said = tuple[Column, list[str]]


def column_of_text(
    connection: Any, cell: str, name: str, decimal: str | None, european: bool, null: Sequence[str],
    where: Callable[[int], str],
) -> Said:  # fmt: skip
    """Return a column of the text table `cells`, and what was decided about it.

    Args:
        cell: the column's name in `cells`.
        name: its name in the file.
        decimal: "." or "," when told.
        european: how to read "1,234" when nothing else decides.
        null: further words that mean missing.
        where: says where a data row stands, for errors.
    """
    text, words = f"trim({cell}, ' \t\u00a0')", (*MISSING_AMONG_NUMBERS, *null)
    given = f"({cell} IS NOT NULL AND NOT list_contains(?, {text}))"
    forms = (PLAIN, INFINITE, THOUSANDS, EUROPEAN, EUROPEAN_WHOLE, BOOLEAN, ISO_DATE, POINT_DATE, SLASH_DATE)
    counts = ", ".join(f"count(*) FILTER ({given} AND regexp_full_match({text}, ?))" for _ in forms)
    asked = [list(words)] + [part for form in forms for part in (list(words), form)]
    n, plain, infinite, thousands, eu, eu_whole, boolean, iso, point, slash = connection.execute(
        f"SELECT count(*) FILTER ({given}), {counts} FROM cells", asked
    ).fetchone()
    if n == 0:
        return Column(name, Kind.NUMBER, _fetch(connection, "CAST(NULL AS DOUBLE)")), []
    numbers = _numbers(
        connection, text, given, list(words), name, n, plain, infinite, thousands, eu, eu_whole, decimal, european
    )
    if numbers is not None:
        return numbers
    if boolean == n:
        values = _fetch(connection, f"CASE WHEN {given} THEN CAST(lower({text}) = 'true' AS DOUBLE) END", [list(words)])
        return Column(name, Kind.BOOLEAN, values), []
    if n in (iso, point, slash):
        dates = _dates(connection, text, given, list(words), name, iso == n, point == n)
        if dates is not None:
            return dates
    if plain + infinite + thousands + eu >= MOSTLY * n:
        _refuse_text(connection, text, given, list(words), name, n, where, decimal)
    return _category(connection, text, cell, (*MISSING_WORDS, *null), name), _like_numbers(
        connection, text, given, words, name, n
    )


def _numbers(
    connection: Any, text: str, given: str, words: list[str], name: str, n: int, plain: int, infinite: int,
    thousands: int, eu: int, eu_whole: int, decimal: str | None, european: bool,
) -> Said | None:  # fmt: skip
    """The column as numbers, if every cell is one."""
    point = f"CAST(replace({text}, ',', '') AS DOUBLE)"
    comma = f"CAST(replace(replace({text}, '.', ''), ',', '.') AS DOUBLE)"
    as_point, as_comma = plain + infinite + thousands == n, eu + eu_whole == n
    if decimal == "," and as_comma:
        return _number(connection, comma, given, words, name), []
    if plain + infinite == n:
        told = [f"{name!r}: decimal point, as its cells show, and not the comma told"] if decimal == "," else []
        return _number(connection, f"CAST({text} AS DOUBLE)", given, words, name), told
    if as_point and as_comma and decimal is None:
        said = "decimal comma" if european else "thousands separator"
        other = "." if european else ","
        note = f"{name!r}: the comma is read as a {said}; --decimal {other} reads it the other way"
        return _number(connection, comma if european else point, given, words, name), [note]
    if as_comma and decimal != ".":
        return _number(connection, comma, given, words, name), [f"{name!r}: decimal comma"]
    if as_point and decimal != ",":
        return _number(connection, point, given, words, name), [f"{name!r}: thousands separators"]
    return None


def _number(connection: Any, value: str, given: str, words: list[str], name: str) -> Column:
    values = _fetch(connection, f"CASE WHEN {given} THEN {value} END", [words])
    return Column(name, Kind.NUMBER, check_finite(values, name))


def _dates(
    connection: Any, text: str, given: str, words: list[str], name: str, iso: bool, point: bool
) -> Said | None:  # fmt: skip
    """The column as days since 1970-01-01, if every cell is a date; a slash date by the evidence of all cells."""
    if iso:
        zoned = f"regexp_full_match({text}, '{ZONE}')"
        value = f"CASE WHEN {zoned} THEN epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)) ELSE epoch_us(TRY_CAST({text} AS TIMESTAMP)) END"
        return _parsed(connection, value, given, words, name, [])
    if point:
        return _parsed(connection, f"epoch_us(try_strptime({text}, '%d.%m.%Y'))", given, words, name, [])
    day_first = _parsed(connection, f"epoch_us(try_strptime({text}, '%d/%m/%Y'))", given, words, name, [])
    month_first = _parsed(connection, f"epoch_us(try_strptime({text}, '%m/%d/%Y'))", given, words, name, [])
    if day_first and month_first:
        return month_first[0], [f"{name!r}: dates read as month/day/year; write them as year-month-day to be sure"]
    return day_first or month_first


def _parsed(connection: Any, value: str, given: str, words: list[str], name: str, said: list[str]) -> Said | None:
    values = _fetch(connection, f"CASE WHEN {given} THEN ({value}) / 86400e6 END", [words])
    expected = connection.execute(f"SELECT count(*) FILTER ({given}) FROM cells", [words]).fetchone()[0]
    return (Column(name, Kind.DATE, values), said) if int(np.isfinite(values).sum()) == expected else None


def _refuse_text(
    connection: Any, text: str, given: str, words: list[str], name: str, n: int, where: Callable[[int], str],
    decimal: str | None,
) -> None:  # fmt: skip
    """Raise DataError for the text in a column of numbers."""
    forms = {".": (PLAIN, INFINITE, THOUSANDS), ",": (EUROPEAN, EUROPEAN_WHOLE)}
    number = "|".join(forms.get(decimal or "", (PLAIN, INFINITE, THOUSANDS, EUROPEAN))).replace("(?i)", "")
    at = connection.execute(
        f"SELECT rowid, {text} FROM cells WHERE {given} AND NOT regexp_full_match({text}, ?) ORDER BY rowid",
        [words, number],
    ).fetchall()
    row, value = at[0]
    raise DataError(
        f"{where(row)}, column {name!r}: found {value[:60]!r} where {n - len(at):,} of {n:,} cells are numbers "
        f"({len(at)} such cells in all)",
        fix=f"mend it, use --null {_quoted(value)} if it means missing, or --drop the column",
        code="text-among-numbers",
    )


def _like_numbers(connection: Any, text: str, given: str, words: Sequence[str], name: str, n: int) -> list[str]:
    """Say it when most cells of a category are numbers but for a sign of currency, a per cent sign or spaces."""
    count, first = connection.execute(
        f"SELECT count(*), min({text}) FROM cells WHERE {given} AND regexp_full_match({text}, ?)",
        [list(words), LIKE_NUMBER],
    ).fetchone()
    if count < MOSTLY * n:
        return []
    return [f"{name!r}: cells such as {first[:60]!r} are read as categories; write plain numbers if they are amounts"]


def _quoted(value: str) -> str:
    import shlex

    return shlex.quote(value[:60])


def _category(connection: Any, text: str, cell: str, words: tuple[str, ...], name: str) -> Column:
    rows = connection.execute(
        f"SELECT CASE WHEN {cell} IS NULL OR list_contains(?, {text}) THEN NULL ELSE {text} END FROM cells ORDER BY rowid",
        [list(words)],
    ).fetchall()
    return Column(name, Kind.CATEGORY, np.array([r[0] for r in rows], dtype=object))


def _fetch(connection: Any, value: str, asked: Sequence[Any] = ()) -> Array:
    found = connection.execute(f"SELECT {value} AS v FROM cells ORDER BY rowid", list(asked)).fetchnumpy()["v"]
    return _floats(found)


def _floats(values: Any) -> Array:
    """A possibly masked array as float64 with NaN where masked."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.filled(values.astype(np.float64), np.nan)
    return np.asarray(values, np.float64)


def column_of_values(name: str, kind: str, values: Any) -> Column:
    """Return a column of a file whose columns have types; raises DataError for nested ones."""
    kind = kind.upper()
    if kind == "BOOLEAN":
        return Column(name, Kind.BOOLEAN, _floats(values))
    if kind.startswith(("DATE", "TIMESTAMP")):
        masked = np.ma.getmaskarray(values)
        days = np.asarray(np.ma.getdata(values), "datetime64[us]").astype(np.int64) / 86_400e6
        return Column(name, Kind.DATE, np.where(masked, np.nan, days))
    if kind == "JSON" and np.ma.getmaskarray(values).all():
        return Column(name, Kind.NUMBER, np.full(len(values), np.nan))
    if not kind.startswith("ENUM") and any(part in kind for part in NO_CELLS):
        raise DataError(
            f"the column {name!r} holds {SEVERAL if kind == 'JSON' else kind}, which is no number, date, text or boolean",
            fix="flatten it or leave it out of the file",
            code="nested-column",
        )
    if kind.startswith(("VARCHAR", "ENUM", "UUID", "STRING")):
        cells = np.ma.getdata(values).tolist()
        masked = np.ma.getmaskarray(values)
        texts = [
            None if gone or v is None or str(v).strip() in MISSING_WORDS else str(v)
            for v, gone in zip(cells, masked, strict=True)
        ]
        return Column(name, Kind.CATEGORY, np.array(texts, dtype=object))
    return Column(name, Kind.NUMBER, check_finite(_floats(values), name))
