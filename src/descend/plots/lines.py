"""lines: a run's line, thinned, and clipped to the chart; markers that tell lines apart without colour."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import Axis
from descend.plots.element import Element, tag
from descend.plots.style import MARKERS, LineStyle

POINTS = 0.75  # of a line a pixel: the lowest and the highest of each stretch stay, so that no spike is lost


@dataclass(frozen=True, eq=False)
class Line:
    """A line in pixels.

    Args:
        pieces: (x, y) of each unbroken part inside the chart.
        clipped: whether the last point is outside, or is NaN.
    """

    pieces: tuple[tuple[Array, Array], ...]
    clipped: bool

    @property
    def end(self) -> tuple[float, float] | None:
        """The last point inside the chart."""
        return (float(self.pieces[-1][0][-1]), float(self.pieces[-1][1][-1])) if self.pieces else None

    def draw(self, colour: str, dash: str | None = None, width: float = 1.8) -> list[Element]:
        """Return one polyline for each piece."""
        return [
            tag("polyline", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in zip(xs, ys, strict=True)), fill="none",
                stroke=colour, stroke_width=width, stroke_linejoin="round", stroke_dasharray=dash)
            for xs, ys in self.pieces
        ]  # fmt: skip

    def nearest(self, x: float) -> tuple[float, float] | None:
        """Return the point nearest to `x`, or None when the line ends before it."""
        if self.end is None or x > self.end[0]:
            return None
        xs, ys = (np.concatenate(part) for part in zip(*self.pieces, strict=True))
        k = int(np.argmin(np.abs(xs - x)))
        return float(xs[k]), float(ys[k])


def line(x: Axis, y: Axis, xs: Array, ys: Array) -> Line:
    """Return the line of points on two axes: at most three points in four pixels; NaN and what is above the axis are clipped."""
    xs, ys = (np.asarray(values, np.float64) for values in (xs, ys))
    xs, ys = np.where(np.isfinite(xs), xs, np.nan), np.where(np.isneginf(ys), np.nan, ys)
    across, up = decimate(x(xs), y(ys), max(4, int(abs(x.end - x.start) * POINTS)))
    inside = np.isfinite(across) & np.isfinite(up) & (up >= y.end - 0.5)
    edges = np.flatnonzero(np.diff(np.r_[False, inside, False]))
    spans = zip(edges[::2], edges[1::2], strict=True)
    return Line(tuple(_piece(across, up, a, b, y.end) for a, b in spans), bool(len(inside) and not inside[-1]))


def _piece(across: Array, up: Array, first: int, stop: int, top: float) -> tuple[Array, Array]:
    """The points from `first` to `stop`, and where the line crosses the top on its way in and out."""
    before = [(k, k - 1) for k in (first,) if k > 0 and up[k - 1] < top and np.isfinite(across[k - 1])]
    after = [(k - 1, k) for k in (stop,) if k < len(up) and up[k] < top and np.isfinite(across[k])]
    points = [
        *(_crossing(across, up, a, b, top) for a, b in before),
        *zip(across[first:stop], up[first:stop], strict=True),
        *(_crossing(across, up, a, b, top) for a, b in after),
    ]
    return np.array([p[0] for p in points]), np.array([p[1] for p in points])


def _crossing(across: Array, up: Array, inside: int, outside: int, top: float) -> tuple[float, float]:
    part = (top - up[inside]) / (up[outside] - up[inside])
    return float(across[inside] + part * (across[outside] - across[inside])), top


def decimate(xs: Array, ys: Array, most: int = 2000) -> tuple[Array, Array]:
    """Return at most `most` points: the first, the last, and the lowest and highest of each interval.

    Intervals are equally wide in x where x never falls, otherwise they hold equally many points. NaN counts as the
    highest value, so that gaps stay.
    """
    if len(xs) <= most:
        return xs, ys
    place = xs if np.all(np.diff(xs) >= 0) else np.arange(len(xs), dtype=np.float64)
    count = (most - 2) // 2
    interval = np.minimum((place - place[0]) / ((place[-1] - place[0]) or 1.0) * count, count - 1).astype(int)
    order = np.lexsort((ys, interval))
    starts = np.flatnonzero(np.diff(interval, prepend=-1))
    keep = np.unique(np.r_[0, order[starts], order[np.r_[starts[1:], len(xs)] - 1], len(xs) - 1])
    return xs[keep], ys[keep]


def marker(style: LineStyle, x: float, y: float) -> Element:
    """Return a variant's marker at (x, y) in pixels."""
    return tag(
        "path", d=MARKERS[style.marker], transform=f"translate({x:.1f} {y:.1f})", stroke=style.colour, stroke_width=1.4,
        fill="none" if style.hollow else style.colour,
    )  # fmt: skip


def cross(x: float, y: float, colour: str) -> Element:
    """Return the end of a line that was clipped."""
    return tag("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", stroke=colour, stroke_width=2.2, fill="none")
