"""axes: scales, ticks, and the frame of a picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.element import Element, tag
from descend.plots.style import FAINT, GRID, INK

FONT = "ui-sans-serif, system-ui, sans-serif"
MOST_POINTS = 2000


@dataclass(frozen=True)
class Axis:
    """One axis: from `low` to `high` in data, from `start` to `end` in pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def over(cls, values: Array, start: float, end: float, *, log: bool = False) -> "Axis":
        """Return the axis that holds all finite values, positive ones if it is logarithmic."""
        values = np.asarray(values, np.float64).ravel()
        values = values[np.isfinite(values) & ((values > 0) if log else np.ones(len(values), bool))]
        low, high = (float(values.min()), float(values.max())) if len(values) else (1.0, 10.0)
        if log:
            low, high = (low / 1.2, high * 1.2) if high <= low * 1.0001 else (low, high)
            return cls(low / (high / low) ** 0.03, high * (high / low) ** 0.03, start, end, True)
        spread = (high - low) or abs(high) or 1.0
        return cls(low - 0.04 * spread, high + 0.04 * spread, start, end)

    def __call__(self, values: Array) -> Array:
        """Return pixels."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.log(values) if self.log else np.asarray(values, np.float64)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Return round values on the axis."""
        return _log_ticks(self.low, self.high, most) if self.log else _ticks(self.low, self.high, most)


def _ticks(low: float, high: float, most: int) -> list[float]:
    raw = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last - first < 1:
        between = [m * 10.0**e for e in range(first - 1, last + 1) for m in (1, 2, 3, 5)]
        found = [t for t in between if low <= t <= high]
        return found if len(found) > 1 else [t for t in _ticks(low, high, most) if t > 0]
    stride = max(1, math.ceil((last - first + 1) / most))
    return [10.0**e for e in range(first, last + 1, stride)]


def label(value: float) -> str:
    """Return a tick's text, such as "12,000", "0.05" or "1e-06"."""
    size = abs(value)
    if value == 0:
        return "0"
    if size >= 1e6 or size < 1e-3:
        return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:,.6g}" if size >= 1e4 else f"{value:.6g}"


def frame(x: Axis, y: Axis, x_title: str, y_title: str, ticks: int = 5) -> list[Element]:
    """Return grid, tick labels and titles of a pair of axes."""
    parts = []
    for value in y.ticks(ticks):
        at = float(y(np.array(value)))
        parts.append(tag("line", x1=x.start, x2=x.end, y1=at, y2=at, stroke=GRID, stroke_opacity="0.25"))
        parts.append(_text(label(value), x.start - 6, at + 3.5, "end"))
    for value in x.ticks(ticks):
        at = float(x(np.array(value)))
        parts.append(tag("line", x1=at, x2=at, y1=y.start, y2=y.start + 4, stroke=GRID))
        parts.append(_text(label(value), at, y.start + 16, "middle"))
    parts.append(tag("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, stroke=GRID))
    parts.append(_text(shortened(x_title, 46), (x.start + x.end) / 2, y.start + 32, "middle", INK))
    parts.append(_text(shortened(y_title, 40), x.start, y.end - 8, "start", INK))
    return parts


def shortened(name: str, most: int) -> str:
    """Return a name of at most so many characters."""
    return name if len(name) <= most else name[: most - 1] + "…"


def _text(words: str, x: float, y: float, anchor: str, colour: str = FAINT, size: int = 11) -> Element:
    return tag("text", words, x=x, y=y, text_anchor=anchor, fill=colour, font_size=size, font_family=FONT)


def polyline(
    x: Axis, y: Axis, xs: Array, ys: Array, colour: str, dash: str = "", width: float = 1.6, opacity: float = 1.0
) -> list[Element]:
    """Return a line, thinned to its lowest and highest points, cut where it is not finite or leaves the axis."""
    xs, ys = decimate(np.asarray(xs, np.float64), np.asarray(ys, np.float64))
    inside = np.isfinite(ys) & np.isfinite(xs) & ((ys > 0) if y.log else np.ones(len(ys), bool)) & (ys <= y.high)
    lines = []
    for piece in _pieces(inside):
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(xs[piece]), y(ys[piece]), strict=True))
        lines.append(
            tag("polyline", points=points, fill="none", stroke=colour, stroke_width=width, stroke_linejoin="round",
                stroke_dasharray=dash or None, stroke_opacity=None if opacity == 1 else str(opacity))
        )  # fmt: skip
    return lines


def cross(at_x: float, at_y: float, colour: str) -> Element:
    """Return the mark of a run that left the picture."""
    return tag("path", d=f"M{at_x - 4:.1f} {at_y - 4:.1f}l8 8m0 -8l-8 8", stroke=colour, stroke_width=2, fill="none")


def _pieces(inside: Array) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.r_[False, inside, False]))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def decimate(xs: Array, ys: Array) -> tuple[Array, Array]:
    """Return at most about 2000 points, the lowest and the highest of each stretch among them."""
    if len(xs) <= MOST_POINTS:
        return xs, ys
    stretches = np.array_split(np.arange(len(xs)), MOST_POINTS // 2)
    keep = sorted({int(s[k]) for s in stretches for k in (np.argmin(ys[s]), np.argmax(ys[s]))} | {0, len(xs) - 1})
    return xs[keep], ys[keep]


def picture(title: str, width: float, height: float, parts: Sequence[Element]) -> Element:
    """Return an SVG that names itself to people who cannot see it."""
    return tag(
        "svg", tag("title", title), *parts, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:.0f} {height:.0f}",
        width="100%", role="img",
    )  # fmt: skip


def spans_decades(values: Array) -> bool:
    """Tell whether positive values spread over more than a factor of ten."""
    positive = values[np.isfinite(values) & (values > 0)]
    return bool(len(positive) and positive.max() > 10 * positive.min())
