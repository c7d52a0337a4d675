"""contours: the loss on a plane, in bands of colour, and the path of a training in it."""

import math
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import Axis, frame
from descend.plots.element import Element, tag
from descend.plots.lines import line
from descend.plots.svg import chart, label
from descend.plots.ticks import number_label

WIDTH, HEIGHT = 560.0, 440.0  # pixels
LEFT, RIGHT, TOP, BOTTOM = 62.0, 96.0, 34.0, 46.0  # pixels around the axes; the legend is on the right
BANDS = 12  # of colour; more can hardly be told apart
FINE = 96  # cells a side that are drawn, between those that were computed
LOW, HIGH, GREY_LOW, GREY_HIGH = (24, 78, 119), (217, 237, 232), (90, 90, 90), (235, 235, 235)  # RGB of the ends
CEILING = 3.0  # times the highest loss of the path: what is above has one colour
STROKE = "#d1495b"  # of the path: 3:1 against every band


@dataclass(frozen=True, eq=False, kw_only=True)
class Plane:
    """What is drawn.

    Args:
        x, y: along the two directions (size_x,), (size_y,).
        losses: there (size_y, size_x); what is not finite counts as highest.
        path: coordinates of the training (points, 2).
        path_losses: of the training at these points (points,).
        sketch: whether the plane tells little about the path: it is drawn in grey then.
        caption: what stands above.
    """

    x: Array
    y: Array
    losses: Array
    path: Array
    path_losses: Array
    sketch: bool
    caption: str


def draw(plane: Plane) -> Element:
    """Return the chart: low losses dark, the start of the path a ring, its end a dot."""
    x = Axis(low=float(plane.x[0]), high=float(plane.x[-1]), start=LEFT, end=WIDTH - RIGHT)
    y = Axis(low=float(plane.y[0]), high=float(plane.y[-1]), start=HEIGHT - BOTTOM, end=TOP)
    edges = band_edges(plane)
    parts = [*_bands(plane, x, y, edges), *frame(x, y, "along the first direction", "along the second direction")]
    parts += line(x, y, plane.path[:, 0], plane.path[:, 1]).draw(STROKE, None, 2.2)
    ends = [(x.at(float(p[0])), y.at(float(p[1]))) for p in (plane.path[0], plane.path[-1])]
    parts.append(tag("circle", cx=ends[0][0], cy=ends[0][1], r=5, fill="none", stroke=STROKE, stroke_width=2.2))
    parts.append(tag("circle", cx=ends[1][0], cy=ends[1][1], r=5, fill=STROKE))
    parts += _legend(edges, plane.sketch)
    first, last = plane.path_losses[0], plane.path_losses[-1]
    description = f"{plane.caption} The loss goes from {first:.3g} to {last:.3g} along the path."
    return chart("The loss on the plane of the path", description, WIDTH, HEIGHT, parts)


def band_edges(plane: Plane) -> Array:
    """Return the losses between the bands (BANDS + 1,), at equal ratios where they are above 0 and span much, else evenly."""
    finite = plane.losses[np.isfinite(plane.losses)]
    low = float(finite.min()) if len(finite) else 0.0
    known = plane.path_losses[np.isfinite(plane.path_losses)]
    high = min(float(finite.max()) if len(finite) else 1.0, CEILING * float(known.max()) if len(known) else math.inf)
    high = high if high > low else low + max(abs(low), 1.0)
    return np.geomspace(low, high, BANDS + 1) if 0 < 4 * low < high else np.linspace(low, high, BANDS + 1)


def _bands(plane: Plane, x: Axis, y: Axis, edges: Array) -> list[Element]:
    """A rectangle for each run of cells of a row that are in one band."""
    values = np.where(np.isfinite(plane.losses), plane.losses, np.inf)
    band_of = np.interp(
        values, edges, np.arange(BANDS + 1)
    )  # also between cells losses change by ratios where the bands do
    band = np.clip(_between(band_of, FINE).astype(int), 0, BANDS - 1)
    width, height = (x.end - x.start) / FINE, (y.start - y.end) / FINE
    parts = []
    for row in range(FINE):
        starts = np.flatnonzero(np.diff(band[row], prepend=-1))
        for first, stop in zip(starts, [*starts[1:], FINE], strict=True):
            parts.append(tag("rect", x=x.start + first * width, y=y.start - (row + 1) * height, width=(stop - first) * width + 0.3,
                             height=height + 0.3, fill=colour(int(band[row, first]), plane.sketch)))  # fmt: skip
    return parts


def _between(values: Array, count: int) -> Array:
    """Values at the middles of a finer grid, by lines between those of a coarse one (count, count)."""
    for axis in (0, 1):
        old, at = np.arange(values.shape[axis]), (np.arange(count) + 0.5) / count * (values.shape[axis] - 1)
        values = np.apply_along_axis(lambda v, old=old, at=at: np.interp(at, old, v), axis, values)
    return values


def colour(band: int, sketch: bool) -> str:
    """Return the colour of a band, the lowest loss darkest.

    >>> colour(0, False), colour(11, True)
    ('#184e77', '#ebebeb')
    """
    low, high = (GREY_LOW, GREY_HIGH) if sketch else (LOW, HIGH)
    part = band / (BANDS - 1)
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in zip(low, high, strict=True))


def _legend(edges: Array, sketch: bool) -> list[Element]:
    top, height, left = TOP + 10, 14.0, WIDTH - RIGHT + 16
    parts = [label("loss", left, top - 6)]
    for k in range(BANDS):
        at = top + (BANDS - 1 - k) * height
        parts.append(tag("rect", x=left, y=at, width=14, height=height + 0.3, fill=colour(k, sketch)))
        if k % 3 == 0:
            parts.append(label(number_label(float(f"{edges[k]:.2g}")), left + 20, at + height + 3))
    parts.append(label(number_label(float(f"{edges[-1]:.2g}")), left + 20, top + 3))
    return [*parts, label("a sketch", left, top + (BANDS + 2) * height)] if sketch else parts
