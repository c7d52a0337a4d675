"""weight_paths: each weight and bias against the loss, along the run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import frame, plausible, spans_decades
from descend.plots.element import Element, tag
from descend.plots.lines import cross, line
from descend.plots.panels import Spot, chosen, panel, sheet
from descend.plots.style import ACCENT
from descend.plots.svg import shortened


@dataclass(frozen=True, eq=False)
class WeightPath:
    """One weight along the run: its name, its values (points,) and the loss (points,) there."""

    name: str
    values: Array
    loss: Array


def draw(paths: Sequence[WeightPath]) -> Element:
    """Return one picture; a ring where the run began, a dot where it ended, a cross where it left the picture."""
    told = " ".join(_told(p) for p in chosen(paths))
    return sheet("Each weight against the loss along the run", told, paths, _panel)


def panels(paths: Sequence[WeightPath]) -> list[Element]:
    """Return one picture a weight, for pages that set them side by side as there is room."""
    return [panel(f"{shortened(p.name, 60)} against the loss", _told(p), p, _panel) for p in chosen(paths)]


def _told(p: WeightPath) -> str:
    if not len(p.values):
        return f"{shortened(p.name, 40)}: nothing was recorded."
    return (
        f"{shortened(p.name, 40)} goes from {p.values[0]:.3g} to {p.values[-1]:.3g} "
        f"while the loss goes from {p.loss[0]:.3g} to {p.loss[-1]:.3g}."
    )


def _panel(p: WeightPath, spot: Spot) -> list[Element]:
    values, loss = np.asarray(p.values, np.float64), np.asarray(p.loss, np.float64)
    held = plausible([loss])
    there = np.isfinite(loss) & (loss <= held.max(initial=-np.inf))
    x, y = spot.x(values[there]), spot.y(held, log=spans_decades(held))
    drawn = line(x, y, np.where(there, values, np.nan), loss)
    parts = [*frame(x, y, p.name, "loss", 4), *drawn.draw(ACCENT)]
    if drawn.end is None:
        return parts
    start = (float(drawn.pieces[0][0][0]), float(drawn.pieces[0][1][0]))
    end = cross(*drawn.end, ACCENT) if drawn.cut else _dot(*drawn.end, ACCENT)
    return [*parts, _dot(*start, "none"), end]


def _dot(x: float, y: float, fill: str) -> Element:
    return tag("circle", cx=x, cy=y, r=3.6, fill=fill, stroke=ACCENT, stroke_width=1.6)
