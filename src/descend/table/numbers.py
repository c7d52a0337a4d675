"""numbers: text that is a number: decimal point or comma, thousands, currency, per cent, units, brackets, clock times."""

import re
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.table.reading import Conventions
from descend.table.texts import BLANKS, Texts, quoted
from descend.table.units import CODES, CURRENCY, SCALES, UNITS

PLAIN = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
INFINITE = r"(?i)[+-]?inf(inity)?"
THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"
EUROPEAN = r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?,\d+([eE][+-]?\d+)?"
EUROPEAN_WHOLE = r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)"
LEADING_ZERO = r"[+-]?0\d+"
WHOLE = r"[+-]?\d{16,}"
RANGE = r"\d[\d.,]*\s*(?:-|–|to)\s*\d[\d.,]*"
CLOCK = r"\d{1,3}:[0-5]\d(:[0-5]\d(\.\d+)?)?"
EXACT = 2.0**53  # from here on float64 does not hold every whole number

GAPS = "[ '’\u00a0\u2009\u202f]"  # between groups of three digits
GROUP, FIRST = rf"\b{GAPS}(\d{{3}})\b", r"\1"
AMOUNT = (
    rf"(\()?\s*([+\-−])?\s*((?:{CURRENCY})?)\s*([+\-−])?\s*(\d[\d.,'’\s{BLANKS}]*|[.,]\d+)"
    r"([^\d\s.,()+\-−][^\d()]{0,14}[²³23]?)?\s*(-)?(\))?"
)
LIKE_AMOUNT = AMOUNT.replace(r"[^\d()]{0,14}", r"[^\d()\s]{0,7}")
PARTS = ("opened", "sign", "currency", "inner", "body", "unit", "after", "closed")
FEWEST_WITH_A_WORD = 3  # distinct numbers before a word that follows all of them is taken for a unit (arbitrary)


@dataclass(frozen=True, eq=False)
class Numbers:
    """Text read as numbers.

    Args:
        values: a number a distinct cell, NaN where the cell is none.
        pattern: how they are written.
        note: what a person should know, after the column's name; empty for plain numbers.
    """

    values: Array
    pattern: str
    note: str = ""


def read_numbers(texts: Texts, conventions: Conventions) -> Numbers | None:
    """Return the numbers of a column if every cell is one, without unit or sign of currency; None if not."""
    plain, infinite, thousands, european, whole = texts.matches(PLAIN, INFINITE, THOUSANDS, EUROPEAN, EUROPEAN_WHOLE)
    as_point, as_comma = bool((plain | infinite | thousands).all()), bool((european | whole).all())
    decimal = conventions.decimal
    if decimal == "," and as_comma:
        return _parsed(texts, "c", "#,#")
    if (plain | infinite).all():
        return _parsed(texts, "c", "#.#", _point_note(texts, conventions, whole))
    if as_point and as_comma and decimal is None:
        name = "decimal comma" if conventions.european else "thousands separator"
        other = "." if conventions.european else ","
        note = f"the comma is read as a {name}; --decimal {other} reads it the other way"
        return _parsed(texts, "c", "#,#" if conventions.european else "#.#", note)
    if as_comma and decimal != ".":
        return _parsed(texts, "c", "#,#", "decimal comma")
    if as_point and decimal != ",":
        return _parsed(texts, "c", "#.#", "thousands separators")
    return None


def read_amounts(texts: Texts, conventions: Conventions) -> Numbers | None:
    """Return the numbers of a column whose cells are amounts of one currency or unit, or clock times; None if not."""
    if texts.matches(CLOCK)[0].all():
        return Numbers(_clock(texts), "#.# h:m", "clock times are read as numbers, 5:30 as 5.5")
    amounts = _Amounts.of(texts)
    if amounts is None or not amounts.fits.all():
        return None
    unit = amounts.unit()
    if unit is None:
        return None
    style = amounts.style(conventions)
    if style is None:
        return None
    values = amounts.values(style)
    note = f"cells such as {texts.distinct[0][:60]!r} are read as numbers, here {values[0]:g}"
    if amounts.ambiguous and conventions.decimal is None:
        note += f"; --decimal {'.' if style == '#,#' else ','} reads them the other way"
    return Numbers(values, f"{style} {unit}".strip(), note)


def read_as_numbers(texts: Texts, pattern: str) -> Array:
    """Return the numbers of cells that are written by a pattern such as "#,# kg", NaN where a cell is not."""
    style, _, unit = pattern.partition(" ")
    if unit == "h:m":
        return np.where(texts.matches(CLOCK)[0], _clock(texts), _parsed(texts, "c", "#.#").values)
    plain = _parsed(texts, "c", style or "#.#").values
    if np.isnan(plain).any():
        amounts = _Amounts(texts)
        same = amounts.fits & (amounts.units() == unit)
        plain = np.where(np.isnan(plain) & same, amounts.values(style or "#.#"), plain)
    return plain


def like_numbers(texts: Texts) -> Array:
    """Return which distinct cells look like a number with something around it."""
    return texts.matches(rf"[<>~≈≤≥]?\s*(?:{LIKE_AMOUNT}|{CLOCK})\+?|{RANGE}")[0]


def _parsed(texts: Texts, body: str, style: str, note: str = "") -> Numbers:
    return Numbers(texts.numbers(_value(body, style)), style, note)


def _value(body: str, style: str) -> str:
    """The SQL of a number by its style; NULL for what is none."""
    right, digits = (f"{PLAIN}|{THOUSANDS}|{INFINITE.replace('(?i)', '')}", f"replace({body}, ',', '')")
    if style == "#,#":
        right, digits = f"{EUROPEAN}|{EUROPEAN_WHOLE}", f"replace(replace({body}, '.', ''), ',', '.')"
    return f"CASE WHEN regexp_full_match({body}, {quoted('(?i)' + right)}) THEN TRY_CAST({digits} AS DOUBLE) END"


def _point_note(texts: Texts, conventions: Conventions, grouped: Array) -> str:
    if conventions.decimal == ",":
        return "decimal point, as its cells show, and not the comma told"
    if conventions.grouped_points and grouped.all() and any("." in cell for cell in texts.distinct):
        return "the point is read as a decimal point; --decimal , reads it as a thousands separator"
    return ""


def _clock(texts: Texts) -> Array:
    """Hours (or minutes) of "5:30" and "5:30:15"."""
    part = [f"TRY_CAST(nullif(split_part(c, ':', {k}), '') AS DOUBLE)" for k in (1, 2, 3)]
    return texts.numbers(f"{part[0]} + {part[1]} / 60 + coalesce({part[2]}, 0) / 3600")


class _Amounts:
    """The parts of each distinct cell: sign, currency, digits and unit."""

    def __init__(self, texts: Texts) -> None:
        groups = ", ".join(quoted(name) for name in PARTS)
        part = f"regexp_extract(c, {quoted(f'^(?:{AMOUNT})$')}, [{groups}])"
        body = f"trim({part}.body, {quoted(BLANKS)})"
        digits = f"regexp_replace({body}, {quoted(GROUP)}, {quoted(FIRST)}, 'g')"
        wanted = {name: f"{part}.{name}" for name in PARTS} | {"digits": digits}
        found = {name: np.ma.filled(v, "") for name, v in texts.compute(wanted).items()}
        self._texts, self._digits, self._sql = texts, found["digits"], digits
        self.fits = (found["digits"] != "") & ((found["opened"] == "(") == (found["closed"] == ")"))
        self.fits &= (found["inner"] == "") | ((found["currency"] != "") & (found["sign"] == ""))
        minus = np.isin(found["sign"], ("-", "−")) | np.isin(found["inner"], ("-", "−")) | (found["after"] == "-")
        self._sign = np.where(minus | (found["opened"] == "("), -1.0, 1.0)
        self._currency = np.array([c.rstrip(".") for c in found["currency"]], object)
        self._unit = np.array([u.strip() for u in found["unit"]], object)
        self.ambiguous = False

    @classmethod
    def of(cls, texts: Texts) -> "_Amounts | None":
        return cls(texts) if texts.distinct and re.fullmatch(AMOUNT, texts.distinct[0], re.ASCII) else None

    def unit(self) -> str | None:
        """The one unit or currency of all cells, empty where only brackets or gaps are around digits; None when several."""
        units = set(self.units().tolist())
        zero = np.array([not d.strip("0.,") for d in self._digits], bool)
        bare = (self.units() == "") & ~zero
        named = units - {""}
        if len(named) > 1:
            return None
        unit = next(iter(named), "")
        if not unit or unit in self._currencies():
            return unit
        if bare.any() or not self._is_unit(unit):
            return None
        return unit

    def units(self) -> Array:
        """The currency or unit of each cell; multipliers such as k and M are none."""
        scaled = np.array([u in SCALES for u in self._unit], bool)
        units = np.where(scaled, "", np.array([_singular(u) for u in self._unit], object))
        return np.where(self._currency != "", np.where(units == "", self._currency, self._currency + units), units)

    def style(self, conventions: Conventions) -> str | None:
        """ "#.#" or "#,#", as the digits show; None when they fit neither."""
        fits = {style: ~np.isnan(self._texts.numbers(_value(self._sql, style))) for style in ("#.#", "#,#")}
        point, comma = bool(fits["#.#"].all()), bool(fits["#,#"].all())
        written = any("," in d or "." in d for d in self._digits)
        self.ambiguous = point and comma and written
        if point and comma:
            preferred = conventions.decimal or (
                "," if conventions.european and any("," in d for d in self._digits) else "."
            )
            return f"#{preferred}#"
        return "#.#" if point else "#,#" if comma and conventions.decimal != "." else None

    def values(self, style: str) -> Array:
        """The numbers (distinct cells,), NaN where the digits do not fit the style."""
        scale = np.array([SCALES.get(u, 1.0) for u in self._unit])
        values: Array = self._texts.numbers(_value(self._sql, style)) * self._sign * scale
        return values

    def _currencies(self) -> set[str]:
        return {c for c in self._currency if c} | {u for u in self._unit if u in CODES or u in "$€£¥₹₽₩₺₪₫฿₦₱₴¢"}

    def _is_unit(self, unit: str) -> bool:
        apart = all(
            cell.rstrip(")").endswith(f" {u}") for cell, u in zip(self._texts.distinct, self._unit, strict=True) if u
        )
        for currency in self._currencies():
            unit = unit.removeprefix(currency)
        if unit.removeprefix("/") in UNITS or unit.removeprefix("/") in map(_singular, UNITS):
            return apart or not (len(unit) == 1 and unit.isupper())  # 12A and 13A are seats, not currents
        return apart and unit.isalpha() and len(self._texts.distinct) >= FEWEST_WITH_A_WORD


def _singular(unit: str) -> str:
    return unit[:-1] if len(unit) > 3 and unit.endswith("s") else unit
