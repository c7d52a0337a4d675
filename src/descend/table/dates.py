"""dates: text that is a date, with or without a time of day and a zone, as days since 1970-01-01 in UTC."""

import re
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.table.texts import Texts, quoted

HOURS, MINUTES, SECONDS = r"([01]?\d|2[0-4])", r"([0-5]\d)", r"([0-6]\d(?:[.,]\d+)?)"
OFFSET = r"(z|utc|gmt|[+-]\d{2}(?::?\d{2})?)"
TIME = rf"(?i)[\s,:t]+{HOURS}(?::{MINUTES})?(?::{SECONDS})?\s*([ap])?(?:\.?m\.?)?\s*{OFFSET}?$"
PARTS = ("h", "m", "s", "half", "zone")
TIMED = rf"(?i).*\d[\s,:t]+{HOURS}(:{MINUTES}(:{SECONDS})?\s*([ap]\.?m\.?)?|\s*[ap]\.?m\.?)\s*{OFFSET}?"
ZONE = r"([+-])(\d{2}):?(\d{2})?"
BLANKS = r"\s+"
WEEKDAY = r"(?i)^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+"
MONTH = r"(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
ORDINAL = r"(?i)(\d)(?:st|nd|rd|th)\b"

YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%b-%d", "%Y %b %d", "%Y%m%d")
NAMED = (
    "%d-%b-%Y", "%d %b %Y", "%d/%b/%Y", "%d%b%Y", "%b %d, %Y", "%b %d %Y", "%d %b, %Y", "%d-%b-%y", "%d %b %y", "%d%b%y",
    "%b %d, %y", "%b-%d-%Y", "%d.%b.%Y", "%d. %b %Y",
)  # fmt: skip
MONTHS = ("%Y-%m", "%Y/%m", "%b %Y", "%b-%Y", "%b, %Y", "%Y %b", "%Y, %b", "%Y-%b", "%m/%Y", "%b-%y", "%b %y", "%y-%b")
EITHER = tuple((f"%m{s}%d{s}{y}", f"%d{s}%m{s}{y}") for s in "/-. " for y in ("%Y", "%y"))
SHORT_YEAR_FIRST = ("%y-%m-%d", "%y/%m/%d")
WORDS = {"%Y": "year", "%y": "year", "%m": "month", "%d": "day", "%b": "month"}
DIGITS = {"%Y": r"\d{4}", "%y": r"\d{2}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%b": "[A-Za-z]{3}"}
FIRST_YEAR, LAST_YEAR = 1800, 2200  # of whole numbers such as 20110203 that are read as dates (arbitrary)
LONGEST = 60  # characters of a date with its weekday, time and zone


@dataclass(frozen=True, eq=False)
class Dates:
    """Text read as dates.

    Args:
        values: days since 1970-01-01 a distinct cell, NaN where the cell is no date.
        pattern: of the date without the time of day, as `strptime` has it.
        other: the pattern by which the same cells are other dates; empty where there is none.
    """

    values: Array
    pattern: str
    other: str = ""

    @property
    def order(self) -> str:
        """The pattern in words, such as "day/month/year"."""
        return re.sub("%[Yymdb]", lambda match: WORDS[match[0]], self.pattern)


def read_dates(texts: Texts) -> Dates | None:
    """Return the dates of a column if every cell is one by the same pattern; None if not."""
    if not _may_be_dates(texts):
        return None
    for pattern in (*YEAR_FIRST, *NAMED):
        if (days := _every(texts, pattern)) is not None:
            return Dates(days, pattern)
    for month_first, day_first in EITHER:
        month, day = _every(texts, month_first), _every(texts, day_first)
        if month is not None and day is not None:
            return _either(texts, Dates(month, month_first), Dates(day, day_first))
        if month is not None or day is not None:
            return Dates(month, month_first) if month is not None else Dates(_sure(day), day_first)
    for pattern in (*MONTHS, *SHORT_YEAR_FIRST):
        if (days := _every(texts, pattern)) is not None:
            return Dates(days, pattern)
    return None


def read_as_dates(texts: Texts, pattern: str) -> Array:
    """Return the dates of cells that are written by a pattern, NaN where a cell is not; the cells' own order if empty."""
    if pattern:
        days = _days(texts, pattern)
        return np.where(np.isnan(days), _days(texts, "%Y-%m-%d"), days)  # no other date is written so
    patterns = (*YEAR_FIRST, *NAMED, *(p for pair in EITHER for p in pair), *MONTHS, *SHORT_YEAR_FIRST)
    made = read_dates(texts)
    if made is not None:
        return made.values
    return max((_days(texts, p) for p in patterns), key=lambda days: int(np.isfinite(days).sum()))


def whole_number_dates(values: Array) -> Array | None:
    """Return days since 1970-01-01 of whole numbers such as 20110203, if all are such dates; None if not.

    >>> whole_number_dates(np.array([19700102.0, np.nan])).tolist()
    [1.0, nan]
    """
    if not _in_years(values[:1]):
        return None  # most columns are told by their first cell
    present = values[~np.isnan(values)]
    if len(present) == 0 or not _in_years(present):
        return None
    if (present != np.floor(present)).any():
        return None
    whole = present.astype(np.int64)
    year, month, day = whole // 10_000, whole // 100 % 100, whole % 100
    if ((month < 1) | (month > 12) | (day < 1) | (day > 31)).any():
        return None
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    dates = first.astype("datetime64[D]") + (day - 1)
    if (dates.astype("datetime64[M]") != first).any():
        return None
    days = np.full(len(values), np.nan)
    days[~np.isnan(values)] = dates.astype(np.int64)
    return days


def _in_years(values: Array) -> bool:
    """Whether all values that are not NaN are between the first and the last year, written as year, month, day."""
    return not ((values < FIRST_YEAR * 1e4) | (values > LAST_YEAR * 1e4)).any()


def _may_be_dates(texts: Texts) -> bool:
    """Whether the first cell has digits, and is no number; it tells most columns apart at once."""
    cell = texts.distinct[0]
    return any(c.isdigit() for c in cell) and len(cell) <= LONGEST and (not cell.isdigit() or len(cell) == 8)


def _every(texts: Texts, pattern: str) -> Array | None:
    if not re.fullmatch(_expression(pattern), _normal(texts.distinct[0])):
        return None
    days = _days(texts, pattern)
    return None if np.isnan(days).any() else days


def _either(texts: Texts, month: Dates, day: Dates) -> Dates:
    """Of two readings that both fit, the one that the rows are sorted by, else month first but for dates with points."""
    if (month.values == day.values).all():
        return month
    rises = {
        d.pattern: bool((np.diff(texts.column(d.values)[~np.isnan(texts.column(d.values))]) >= 0).all())
        for d in (month, day)
    }
    if rises[month.pattern] != rises[day.pattern]:
        chosen = month if rises[month.pattern] else day
    else:
        chosen = day if "." in day.pattern else month
    other = day if chosen is month else month
    return Dates(chosen.values, chosen.pattern, other.pattern)


def _sure(days: Array | None) -> Array:
    assert days is not None
    return days


def _expression(pattern: str) -> str:
    parts = re.split("(%[Yymdb])", pattern)
    digits = DIGITS if "%d" in pattern else DIGITS | {"%m": r"\d{2}"}  # 2000-1 is a term rather than a month
    return "".join(digits.get(part, part.replace(".", r"\.")) for part in parts)


def _normal(cell: str) -> str:
    """Python's own form of `_NORMAL`, for the first cell."""
    if re.fullmatch(TIMED, cell):
        cell = re.sub(TIME, "", cell)
    cell = re.sub(MONTH, r"\1", re.sub(ORDINAL, r"\1", re.sub(WEEKDAY, "", re.sub(BLANKS, " ", cell))))
    return re.sub(r"^(\d{4})[- ]?[Qq]([1-4])$", lambda m: f"{m[1]}-{int(m[2]) * 3 - 2:02d}", cell)


def _normal_sql() -> str:
    """The SQL of the date alone: without time, weekday and ordinals, months by three letters, quarters by their month."""
    cell = f"CASE WHEN regexp_full_match(c, {quoted(TIMED)}) THEN regexp_replace(c, {quoted(TIME)}, '') ELSE c END"
    quarters = [(r"^(\d{4})[- ]?[Qq]" + str(k + 1) + "$", r"\1-" + f"{3 * k + 1:02d}") for k in range(4)]
    for expression, by in ((BLANKS, " "), (WEEKDAY, ""), (ORDINAL, r"\1"), (MONTH, r"\1"), *quarters):
        cell = f"regexp_replace({cell}, {quoted(expression)}, {quoted(by)}, 'g')"
    return cell


def _days(texts: Texts, pattern: str) -> Array:
    date = _normal_sql()
    part = f"regexp_extract(c, {quoted(TIME)}, [{', '.join(map(quoted, PARTS))}])"
    number = {name: f"coalesce(TRY_CAST(replace({part}.{name}, ',', '.') AS DOUBLE), 0)" for name in ("h", "m", "s")}
    half = f"lower({part}.half)"
    hour = f"CASE WHEN {half} = '' THEN {number['h']} ELSE {number['h']} % 12 + CASE WHEN {half} = 'p' THEN 12 ELSE 0 END END"
    zone = f"regexp_extract({part}.zone, {quoted(ZONE)}, ['sign', 'h', 'm'])"
    offset = (
        f"CASE WHEN {zone}.h = '' THEN 0 ELSE (CASE WHEN {zone}.sign = '-' THEN -1 ELSE 1 END) * "
        f"({zone}.h::DOUBLE * 3600 + coalesce(TRY_CAST({zone}.m AS DOUBLE), 0) * 60) END"
    )
    time = f"({hour}) * 3600 + {number['m']} * 60 + {number['s']} - ({offset})"
    value = (
        f"CASE WHEN regexp_full_match({date}, {quoted(_expression(pattern))}) "
        f"THEN (epoch(try_strptime({date}, {quoted(pattern)})) + CASE WHEN regexp_full_match(c, {quoted(TIMED)}) "
        f"THEN {time} ELSE 0 END) / 86400 END"
    )
    return texts.numbers(value)
