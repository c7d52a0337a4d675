"""panels: small charts of one kind, side by side in one SVG or each in its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from descend.arrays import Array
from descend.plots.axes import LETTER, Axis
from descend.plots.element import Element
from descend.plots.svg import chart
from descend.text import shortened

Item = TypeVar("Item")
COLUMNS, WIDTH, HEIGHT = 3, 300.0, 220.0  # pixels: three fit a page of 960
LEFT, RIGHT, TOP, BOTTOM = 58.0, 18.0, 30.0, 46.0  # pixels around the axes, for tick labels and titles
MOST_LETTERS = 14  # of a class's name, beside its row
MOST_PANELS = 12  # four rows of three, about a screen; arbitrary


@dataclass(frozen=True)
class Place:
    """Where a panel lies in its chart: its left and top, in pixels."""

    left: float = 0.0
    top: float = 0.0

    def x(self, values: Array, margin: float = LEFT) -> Axis:
        """Return the horizontal axis over the values, with a margin of so many pixels at its left."""
        return Axis.over(values, self.left + margin, self.left + WIDTH - RIGHT)

    def y(self, values: Array, *, log: bool = False, above: float = 0.0) -> Axis:
        """Return the vertical axis over the values, with so many pixels more above it, such as a legend needs."""
        return Axis.over(values, self.top + HEIGHT - BOTTOM, self.top + TOP + above, log=log)

    def y_of_classes(self, names: Sequence[str]) -> Axis:
        """Return the vertical axis with a row for each class."""
        short = [shortened(name, MOST_LETTERS) for name in names]
        return Axis.of_classes(short, self.top + HEIGHT - BOTTOM, self.top + TOP)


def margin_of(axis: Axis) -> float:
    """Return the pixels that the names of an axis of classes need at its left."""
    return max(LEFT, LETTER * max(map(len, axis.names)) + 14)


def grid(
    title: str, description: str, items: Sequence[Item], draw: Callable[[Item, Place], list[Element]]
) -> Element:  # fmt: skip
    """Return one chart with a panel for each of the first twelve items."""
    items = items[:MOST_PANELS]
    rows, columns = -(-len(items) // COLUMNS) or 1, min(COLUMNS, max(len(items), 1))
    places = [Place(k % COLUMNS * WIDTH, k // COLUMNS * HEIGHT) for k in range(len(items))]
    parts = [part for item, place in zip(items, places, strict=True) for part in draw(item, place)]
    return chart(title, description, columns * WIDTH, rows * HEIGHT, parts)


def panel(title: str, description: str, item: Item, draw: Callable[[Item, Place], list[Element]]) -> Element:
    """Return one panel as a chart of its own."""
    return chart(title, description, WIDTH, HEIGHT, draw(item, Place()))
