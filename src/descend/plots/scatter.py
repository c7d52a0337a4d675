"""scatter: the target against each feature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import frame
from descend.plots.element import Element, tag
from descend.plots.panels import Spot, sheet
from descend.plots.style import pen

MOST_DOTS = 1000
COLOUR = pen("gd").colour


@dataclass(frozen=True, eq=False)
class Scatter:
    """One feature: its name and values (rows,), the target (rows,), and fitted values (rows,) or None."""

    feature: str
    x: Array
    y: Array
    fitted: Array | None = None


def draw(scatters: Sequence[Scatter], target: str) -> Element:
    """Return the picture; of many rows every so many are drawn, at most a thousand a panel."""
    return sheet(f"{target} against each feature", scatters, lambda s, spot: _panel(s, spot, target))


def shown(rows: int) -> int:
    """Return how many of so many rows are drawn."""
    return min(rows, MOST_DOTS)


def _panel(s: Scatter, spot: Spot, target: str) -> list[Element]:
    keep = np.linspace(0, len(s.x) - 1, shown(len(s.x))).round().astype(int)
    xs, ys = np.asarray(s.x, np.float64)[keep], np.asarray(s.y, np.float64)[keep]
    there = np.isfinite(xs) & np.isfinite(ys)
    x, y = spot.x(xs), spot.y(ys)
    path = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(x(xs[there]), y(ys[there]), strict=True))
    dots = tag("path", d=path or "M0 0", stroke=COLOUR, stroke_width=3.2, stroke_linecap="round", stroke_opacity="0.55")
    return [*frame(x, y, s.feature, target, 4), dots]
