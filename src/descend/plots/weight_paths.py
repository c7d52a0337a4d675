"""weight_paths: each weight and bias against the loss, along the run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import frame, polyline, spans_decades
from descend.plots.element import Element, tag
from descend.plots.panels import Spot, sheet
from descend.plots.style import pen

COLOUR = pen("adam").colour


@dataclass(frozen=True, eq=False)
class WeightPath:
    """One weight along the run: its name, its values (points,) and the loss (points,) there."""

    name: str
    values: Array
    loss: Array


def draw(paths: Sequence[WeightPath]) -> Element:
    """Return the picture; a ring where the run began, a dot where it ended."""
    return sheet("Each weight against the loss along the run", paths, _panel)


def _panel(path: WeightPath, spot: Spot) -> list[Element]:
    x, y = spot.x(path.values), spot.y(path.loss, log=spans_decades(path.loss))
    parts = [*frame(x, y, path.name, "loss", 4), *polyline(x, y, path.values, path.loss, COLOUR)]
    ends = [k for k in (0, len(path.loss) - 1) if len(path.loss) and np.isfinite(path.loss[k]) and path.loss[k] > 0]
    for k in ends:
        at_x, at_y = float(x(path.values[k])), float(y(path.loss[k]))
        parts.append(
            tag("circle", cx=at_x, cy=at_y, r=3.5, fill="none" if k == 0 else COLOUR, stroke=COLOUR, stroke_width=1.5)
        )
    return parts
