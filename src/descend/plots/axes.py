"""axes: scales, and the frame of a picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.element import Element, tag
from descend.plots.svg import shortened, words
from descend.plots.ticks import label, linear_ticks, log_ticks

LARGEST = 1e280  # leaves room above, and its inverse below, within float64
LETTER = 6.4  # pixels of a digit


@dataclass(frozen=True)
class Axis:
    """One axis: from `low` to `high` in data, from `start` to `end` in pixels.

    A logarithmic axis shows log(value + shift), and what is too small for it at its low end.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    shift: float = 0.0

    @classmethod
    def over(cls, values: Array, start: float, end: float, *, log: bool = False, shift: float = 0.0) -> "Axis":
        """Return the axis that holds all finite values, with a little room; if logarithmic, all above -shift."""
        values = np.asarray(values, np.float64).ravel()
        values = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
        values = values[values > -shift] if log else values
        low, high = (float(values.min()), float(values.max())) if len(values) else (1.0, 10.0)
        if log:
            low, high = max(low + shift, 1 / LARGEST), max(high + shift, 1 / LARGEST)
            low, high = (low / 1.2, high * 1.2) if high <= low * 1.0001 else (low, high)
            room = high**0.03 / low**0.03
            return cls(low / room - shift, high * room - shift, start, end, True, shift)
        spread = (high - low) or abs(high) or 1.0
        return cls(low - 0.04 * spread, high + 0.04 * spread, start, end)

    def __call__(self, values: Array) -> Array:
        """Return pixels."""
        values = np.asarray(values, np.float64)
        low, high = self.low, self.high
        if self.log:
            values = np.log(np.maximum(values, low) + self.shift)
            low, high = math.log(low + self.shift), math.log(high + self.shift)
        with np.errstate(over="ignore"):
            return self.start + (values - low) / (high - low) * (self.end - self.start)

    def at(self, value: float) -> float:
        """Return the pixel of one value."""
        return float(self(np.array(value)))

    def ticks(self, most: int = 5) -> list[float]:
        """Return round values on the axis."""
        if not self.log:
            return linear_ticks(self.low, self.high, most)
        if not self.shift:
            return log_ticks(self.low, self.high, most)
        return ([0.0] if self.low <= 0 else []) + log_ticks(max(self.low, 0.9), max(self.high, 1.1), most)


def frame(x: Axis, y: Axis, x_title: str, y_title: str, ticks: int = 5) -> list[Element]:
    """Return grid, tick labels and titles of a pair of axes."""
    parts = []
    for value in y.ticks(ticks):
        parts.append(_line(x.start, x.end, y.at(value), y.at(value), "0.16"))
        parts.append(words(label(value), x.start - 8, y.at(value) + 3.5, "end"))
    for value in _spaced(x, ticks):
        parts.append(_line(x.at(value), x.at(value), y.start, y.start + 4, "0.5"))
        parts.append(words(label(value), x.at(value), y.start + 17, "middle"))
    parts.append(_line(x.start, x.end, y.start, y.start, "0.5"))
    parts.append(words(shortened(x_title, _letters(x)), (x.start + x.end) / 2, y.start + 34, "middle", 12))
    parts.append(words(shortened(y_title, _letters(x)), x.start, y.end - 9, size=12))
    return parts


def _letters(x: Axis) -> int:
    return int(abs(x.end - x.start) / LETTER)


def _spaced(x: Axis, most: int) -> list[float]:
    """The most ticks whose labels do not touch, at least one."""
    for count in range(most, 1, -1):
        ticks = x.ticks(count)
        widths = np.array([LETTER * len(label(t)) + 10 for t in ticks])
        if np.all(np.abs(np.diff(x(np.array(ticks)))) >= (widths[1:] + widths[:-1]) / 2):
            return ticks
    return x.ticks(2)[:1]


def _line(x1: float, x2: float, y1: float, y2: float, opacity: str) -> Element:
    return tag("line", x1=x1, x2=x2, y1=y1, y2=y2, stroke="currentColor", stroke_opacity=opacity)


def spans_decades(values: Array) -> bool:
    """Tell whether values, none negative, spread over more than a factor of ten."""
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    return bool(len(positive) and finite.min() >= 0 and positive.max() / 10 > positive.min())


def plausible(losses: Sequence[Array]) -> Array:
    """Return the finite losses that an axis must hold: a diverging run, far above all starts, squashes no other."""
    kept = [np.asarray(loss, np.float64) for loss in losses]
    finite = np.concatenate([loss[np.isfinite(loss)] for loss in kept]) if kept else np.ones(0)
    starts = [abs(float(loss[0])) for loss in kept if len(loss) and np.isfinite(loss[0]) and loss[0] != 0]
    return finite[finite <= 10 * max(starts)] if starts else finite
