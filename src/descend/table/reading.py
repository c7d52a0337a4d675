"""reading: what holds when the cells of a table are read."""

from collections.abc import Mapping
from dataclasses import dataclass

from descend.options.kinds import VERBATIM_TEXT, Kind, Reading

__all__ = ["VERBATIM_TEXT", "Conventions", "Kind", "Reading"]


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """What holds for all columns of a table.

    Args:
        decimal: "." or ",", or None when the cells decide.
        european: how to read "1,234" when nothing else decides: True for 1.234, False for 1234.
        grouped_points: whether points before three digits are likely to separate thousands.
        null: words that mean missing, besides the usual ones; numbers among them are compared by value.
        readings: column name to reading; the other columns are read by their cells.
        trained: whether the readings are those of a trained model; other columns are then read without errors.
        typed: whether the source has types of its own, so that digits in a column of text are text.
    """

    decimal: str | None = None
    european: bool = False
    grouped_points: bool = False
    null: tuple[str, ...] = ()
    readings: Mapping[str, Reading] | None = None
    trained: bool = False
    typed: bool = False

    def reading(self, column: str) -> Reading | None:
        """Return how a column is to be read; None when its cells decide."""
        return None if self.readings is None else self.readings.get(column)
