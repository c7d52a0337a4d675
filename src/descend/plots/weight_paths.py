"""weight_paths: each weight and bias against the loss, along the run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import axis_losses, frame, on_axis, spans_decades
from descend.plots.element import Element, tag
from descend.plots.lines import cross, line
from descend.plots.panels import MOST_PANELS, Place, grid, panel
from descend.plots.style import ACCENT
from descend.text import shortened


@dataclass(frozen=True, eq=False)
class WeightPath:
    """One weight along the run: its name, its values (points,) and the loss (points,) there."""

    name: str
    values: Array
    loss: Array

    @property
    def recorded(self) -> int:
        """The number of finite values at losses that an axis shows; a path needs two."""
        return int(np.sum(np.isfinite(self.values) & on_axis(self.loss)))


def largest_first(paths: Sequence[WeightPath]) -> list[WeightPath]:
    """Return the paths by the size of their last value; those that end at NaN or inf first."""
    return sorted(paths, key=lambda p: -abs(p.values[-1]) if len(p.values) and np.isfinite(p.values[-1]) else -np.inf)


def draw(paths: Sequence[WeightPath]) -> Element:
    """Return one chart; a ring at the start of each path, a dot at its end, a cross where it left the chart."""
    description = " ".join(_description(p) for p in paths[:MOST_PANELS])
    return grid("Each weight against the loss along the run", description, paths, _panel)


def panels(paths: Sequence[WeightPath]) -> list[Element]:
    """Return one chart for each weight, for pages that set them side by side."""
    return [panel(f"{shortened(p.name, 60)} against the loss", _description(p), p, _panel) for p in paths[:MOST_PANELS]]


def _description(p: WeightPath) -> str:
    if not len(p.values):
        return f"{shortened(p.name, 40)}: nothing was recorded."
    return (
        f"{shortened(p.name, 40)} goes from {p.values[0]:.3g} to {p.values[-1]:.3g} "
        f"while the loss goes from {p.loss[0]:.3g} to {p.loss[-1]:.3g}."
    )


def _panel(p: WeightPath, place: Place) -> list[Element]:
    values, loss = np.asarray(p.values, np.float64), np.asarray(p.loss, np.float64)
    shown = axis_losses([loss])
    inside = np.isfinite(loss) & (loss <= shown.max(initial=-np.inf))
    x, y = place.x(values[inside]), place.y(shown, log=spans_decades(shown))
    path = line(x, y, np.where(inside, values, np.nan), loss)
    parts = [*frame(x, y, p.name, "loss", 4), *path.draw(ACCENT)]
    if path.end is None:
        return parts
    start = (float(path.pieces[0][0][0]), float(path.pieces[0][1][0]))
    end = cross(*path.end, ACCENT) if path.clipped else _dot(*path.end, ACCENT)
    return [*parts, _dot(*start, "none"), end]


def _dot(x: float, y: float, fill: str) -> Element:
    return tag("circle", cx=x, cy=y, r=3.6, fill=fill, stroke=ACCENT, stroke_width=1.6)
