"""sentinels: numbers that may stand for missing cells, such as -999, far from all others and repeated."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.table.identifiers import FIRST_YEAR, LAST_YEAR
from descend.table.reading import Conventions, Kind
from descend.table.table import Column

FEWEST_CELLS = 3  # of a value that may be a sentinel (arbitrary)
FEWEST_OTHERS = 3  # different other values, below which nothing is far (arbitrary)
FAR = 10.0  # times the range of all other values, from which any whole number is far (arbitrary)
FAR_ROUND = 3.0  # the same of hundreds below zero, such as -200 (arbitrary)
FAR_FILLER = 0.5  # the same of 99, 999, -9999 and their like (arbitrary)
FAR_NEGATIVE = 0.1  # the same of -99 or -200 where no other value is negative (arbitrary)


@dataclass(frozen=True)
class Sentinel:
    """A number that may mean missing.

    Args:
        column: its name.
        value: the number.
        cells: how many cells hold it.
    """

    column: str
    value: float
    cells: int

    @property
    def flag(self) -> str:
        """The flag that makes these cells missing."""
        return f"--null={self.value:g}"

    @property
    def note(self) -> str:
        """What a person should know."""
        return f"{self.column!r}: {self.value:g} is in {self.cells:,} cells, far from all others; {self.flag} if it means missing"


def suspected_sentinels(column: Column) -> list[Sentinel]:
    """Return the smallest and the largest number of a column where they are repeated and far from the others.

    >>> suspected_sentinels(Column("x", Kind.NUMBER, np.array([20.5, 22.1, -999, 19.8, 23.4, -999, -999])))
    [Sentinel(column='x', value=-999.0, cells=3)]
    """
    if column.kind != Kind.NUMBER or len(column.cells) == 0:
        return []
    ends = [v for v in map(float, column.ends) if v.is_integer() or _is_filler(v)]
    counts = {v: int((column.values == v).sum()) for v in ends}
    return [Sentinel(column.name, v, n) for v, n in counts.items() if n >= FEWEST_CELLS and _is_far(column.values, v)]


def sentinel_notes(columns: Iterable[Column], conventions: Conventions) -> list[str]:
    """Return a note for each suspected sentinel; none where the table is read for a model that is trained already."""
    if conventions.trained:
        return []
    return [sentinel.note for column in columns for sentinel in suspected_sentinels(column)]


def _is_far(values: Array, value: float) -> bool:
    others = values[(values != value) & ~np.isnan(values)]
    if value == 0 or len(others) == 0:
        return False
    low, high = float(others.min()), float(others.max())
    gap, spread = min(abs(value - low), abs(value - high)), high - low
    if len(np.unique(others)) < FEWEST_OTHERS or spread == 0:
        return False
    if min(low, value) >= FIRST_YEAR and max(high, value) <= LAST_YEAR:
        return False  # years apart from each other
    if _is_filler(value) and gap > FAR_FILLER * spread:
        return True
    if (
        value < 0
        and (value % 100 == 0 or _is_filler(value))
        and gap > (FAR_ROUND if low < 0 else FAR_NEGATIVE) * spread
    ):
        return True
    return value.is_integer() and gap > FAR * spread


def _is_filler(value: float) -> bool:
    """Whether a number is written with nines, eights or sevens alone, two or more of them, or is -9."""
    digits = f"{abs(value):g}".replace(".", "")
    return value == -9 or (len(digits) > 1 and digits in {d * len(digits) for d in "987"})
