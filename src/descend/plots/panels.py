"""panels: small pictures side by side, on one sheet."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from descend.plots.axes import Axis, picture
from descend.plots.element import Element

Item = TypeVar("Item")
COLUMNS, WIDTH, HEIGHT = 3, 300.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 18.0, 30.0, 46.0
MOST = 12


def sheet(title: str, items: Sequence[Item], draw: Callable[[Item, "Spot"], list[Element]]) -> Element:
    """Return a picture of at most twelve panels, drawn one by one."""
    shown = items[:MOST]
    rows = -(-len(shown) // COLUMNS) or 1
    columns = min(COLUMNS, max(len(shown), 1))
    parts = [part for k, item in enumerate(shown) for part in draw(item, Spot(k))]
    return picture(title, columns * WIDTH, rows * HEIGHT, parts)


class Spot:
    """Where the k-th panel lies."""

    def __init__(self, k: int) -> None:
        row, column = divmod(k, COLUMNS)
        self.left, self.top = column * WIDTH, row * HEIGHT

    def x(self, values: object) -> Axis:
        """Return the horizontal axis that holds the values."""
        return Axis.over(values, self.left + LEFT, self.left + WIDTH - RIGHT)  # type: ignore[arg-type]

    def y(self, values: object, *, log: bool = False) -> Axis:
        """Return the vertical axis that holds the values."""
        return Axis.over(values, self.top + HEIGHT - BOTTOM, self.top + TOP, log=log)  # type: ignore[arg-type]
