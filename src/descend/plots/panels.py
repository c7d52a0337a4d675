"""panels: small pictures side by side, on one sheet or each on its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from descend.arrays import Array
from descend.plots.axes import Axis
from descend.plots.element import Element
from descend.plots.svg import picture

Item = TypeVar("Item")
COLUMNS, WIDTH, HEIGHT = 3, 300.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 18.0, 30.0, 46.0
MOST = 12


@dataclass(frozen=True)
class Spot:
    """Where a panel lies: its left and top, in pixels."""

    left: float = 0.0
    top: float = 0.0

    def x(self, values: Array) -> Axis:
        """Return the horizontal axis that holds the values."""
        return Axis.over(values, self.left + LEFT, self.left + WIDTH - RIGHT)

    def y(self, values: Array, *, log: bool = False) -> Axis:
        """Return the vertical axis that holds the values."""
        return Axis.over(values, self.top + HEIGHT - BOTTOM, self.top + TOP, log=log)


def chosen(items: Sequence[Item]) -> list[Item]:
    """Return those that are drawn: all of at most twelve, otherwise the first eleven and the last, often the bias."""
    return list(items) if len(items) <= MOST else [*items[: MOST - 1], items[-1]]


def sheet(title: str, told: str, items: Sequence[Item], draw: Callable[[Item, Spot], list[Element]]) -> Element:
    """Return one picture of at most twelve panels, drawn one by one."""
    shown = chosen(items)
    rows, columns = -(-len(shown) // COLUMNS) or 1, min(COLUMNS, max(len(shown), 1))
    spots = [Spot(k % COLUMNS * WIDTH, k // COLUMNS * HEIGHT) for k in range(len(shown))]
    parts = [part for item, spot in zip(shown, spots, strict=True) for part in draw(item, spot)]
    return picture(title, told, columns * WIDTH, rows * HEIGHT, parts)


def panel(title: str, told: str, item: Item, draw: Callable[[Item, Spot], list[Element]]) -> Element:
    """Return one panel as a picture of its own."""
    return picture(title, told, WIDTH, HEIGHT, draw(item, Spot()))
