"""legend: what the lines or dots of a panel are, two names a row above its axes, where no line passes."""

from collections.abc import Sequence
from dataclasses import dataclass

from descend.plots.element import Element, tag
from descend.plots.panels import LEFT, MOST_LETTERS, RIGHT, WIDTH, Place
from descend.plots.svg import label
from descend.text import shortened

ROW = 14.0  # pixels
COLUMNS = 2
CELL = (WIDTH - LEFT - RIGHT) / COLUMNS  # pixels: a swatch, and a name of MOST_LETTERS letters
SWATCH = 16.0  # pixels


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A name, the colour of what it names, and the dash of a line; a dot instead of a line where `dot` is set."""

    name: str
    colour: str
    dash: str | None = None
    dot: bool = False


def height(entries: int) -> float:
    """Return the pixels that the names of so many lines take above the axes; none of a single one, which needs no name."""
    return ROW * -(-entries // COLUMNS) if entries > 1 else 0.0


def legend(entries: Sequence[Entry], place: Place) -> list[Element]:
    """Return the names; the axes of the panel begin `height(len(entries))` pixels lower."""
    if len(entries) < 2:
        return []
    parts = []
    for k, one in enumerate(entries):
        x, y = place.left + LEFT + k % COLUMNS * CELL, place.top + 10 + k // COLUMNS * ROW
        if one.dot:
            parts.append(tag("circle", cx=x + SWATCH / 2, cy=y - 3.5, r=3.5, fill=one.colour))
        else:
            parts.append(tag("line", x1=x, x2=x + SWATCH, y1=y - 3.5, y2=y - 3.5, stroke=one.colour, stroke_width=1.8,
                             stroke_dasharray=one.dash))  # fmt: skip
        parts.append(label(shortened(one.name, MOST_LETTERS), x + SWATCH + 4, y))
    return parts
