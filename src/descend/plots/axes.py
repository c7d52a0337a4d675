"""axes: from data to pixels, and the grid, tick labels and titles of a chart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from descend.arrays import Array
from descend.plots.element import Element, tag
from descend.plots.svg import label
from descend.plots.ticks import linear_ticks, log_ticks, number_label
from descend.text import shortened

LARGEST = 1e280  # values are cut to this, so that margins and inverses stay within float64
LETTER = 6.4  # pixels: the width of a digit at 11 px in common sans-serif fonts
MARGIN = 0.04  # of the span of the data, beyond each end of a linear axis; arbitrary
LOG_MARGIN = 0.03  # the same of a logarithmic axis, whose span is in decades
DIVERGED = 10.0  # times the largest starting loss: an axis of losses does not stretch beyond; arbitrary
MOST_CLASSES = 10  # names on an axis of 144 pixels, at 11 px each


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis: from `low` to `high` in data, from `start` to `end` in pixels.

    A logarithmic axis shows log(value + shift), and values below `low` at its low end. An axis of classes has their
    `names` at 0, 1, 2, ...
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = field(default=False, kw_only=True)
    shift: float = field(default=0.0, kw_only=True)
    names: tuple[str, ...] = field(default=(), kw_only=True)

    @classmethod
    def over(cls, values: Array, start: float, end: float, *, log: bool = False, shift: float = 0.0) -> "Axis":
        """Return the axis over all finite values, with a margin; over those above -shift if it is logarithmic."""
        values = np.asarray(values, np.float64).ravel()
        values = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
        values = values[values > -shift] if log else values
        low, high = (float(values.min()), float(values.max())) if len(values) else (1.0, 10.0)
        if log:
            low, high = max(low + shift, 1 / LARGEST), max(high + shift, 1 / LARGEST)
            low, high = (low / 1.2, high * 1.2) if high <= low * 1.0001 else (low, high)
            margin = high**LOG_MARGIN / low**LOG_MARGIN
            return cls(
                low=low / margin - shift, high=high * margin - shift, start=start, end=end, log=True, shift=shift
            )
        spread = (high - low) or abs(high) or 1.0
        return cls(low=low - MARGIN * spread, high=high + MARGIN * spread, start=start, end=end)

    @classmethod
    def of_classes(cls, names: Sequence[str], start: float, end: float) -> "Axis":
        """Return the axis of classes 0, 1, 2, ..., each half a unit from the next one's space."""
        return cls(low=-0.5, high=len(names) - 0.5, start=start, end=end, names=tuple(names))

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
        """Return round values on the axis, or every class of few and some of many."""
        if self.names:
            return [float(k) for k in range(0, len(self.names), -(-len(self.names) // MOST_CLASSES))]
        if not self.log:
            return linear_ticks(self.low, self.high, most)
        if not self.shift:
            return log_ticks(self.low, self.high, most)
        return ([0.0] if self.low <= 0 else []) + log_ticks(max(self.low, 0.9), max(self.high, 1.1), most)

    def text(self, value: float) -> str:
        """Return the label of a tick."""
        return self.names[int(value)] if self.names else number_label(value)


def frame(x: Axis, y: Axis, x_title: str, y_title: str, ticks: int = 5) -> list[Element]:
    """Return the grid, tick labels and titles of a pair of axes."""
    parts = []
    for value in y.ticks(ticks):
        parts.append(_line(x.start, x.end, y.at(value), y.at(value), "0.16"))
        parts.append(label(y.text(value), x.start - 8, y.at(value) + 3.5, "end"))
    for value in _spaced(x, ticks):
        parts.append(_line(x.at(value), x.at(value), y.start, y.start + 4, "0.5"))
        parts.append(label(x.text(value), x.at(value), y.start + 17, "middle"))
    parts.append(_line(x.start, x.end, y.start, y.start, "0.5"))
    parts.append(label(shortened(x_title, _letters(x)), (x.start + x.end) / 2, y.start + 34, "middle", 12))
    parts.append(label(shortened(y_title, _letters(x)), x.start, y.end - 9, size=12))
    return parts


def _letters(x: Axis) -> int:
    return int(abs(x.end - x.start) / LETTER)


def _spaced(x: Axis, most: int) -> list[float]:
    """As many ticks as have room for their labels, at least one."""
    for count in range(most, 1, -1):
        ticks = x.ticks(count)
        widths = np.array([LETTER * len(x.text(t)) + 10 for t in ticks])
        if np.all(np.abs(np.diff(x(np.array(ticks)))) >= (widths[1:] + widths[:-1]) / 2):
            return ticks
    return x.ticks(2)[:1]


def _line(x1: float, x2: float, y1: float, y2: float, opacity: str) -> Element:
    return tag("line", x1=x1, x2=x2, y1=y1, y2=y2, stroke="currentColor", stroke_opacity=opacity)


def spans_decades(values: Array) -> bool:
    """Return whether values, none of them negative, span more than a factor of ten."""
    finite = values[np.isfinite(values)]
    positive = finite[finite > 0]
    return bool(len(positive) and finite.min() >= 0 and positive.max() / 10 > positive.min())


def axis_losses(losses: Sequence[Array]) -> Array:
    """Return the finite losses that an axis must show: those of a diverging run would flatten every other line."""
    arrays = [np.asarray(loss, np.float64) for loss in losses]
    finite = np.concatenate([loss[np.isfinite(loss)] for loss in arrays]) if arrays else np.ones(0)
    starts = [abs(float(loss[0])) for loss in arrays if len(loss) and np.isfinite(loss[0]) and loss[0] != 0]
    return finite[finite <= DIVERGED * max(starts)] if starts else finite


def on_axis(loss: Array) -> Array:
    """Return which losses (points,) of one run an axis shows: finite, and at most ten times the first."""
    loss = np.asarray(loss, np.float64)
    first = abs(float(loss[0])) if len(loss) and np.isfinite(loss[0]) else 0.0
    return np.isfinite(loss) & ((loss <= DIVERGED * first) if first else True)


def diverged(loss: Array) -> bool:
    """Return whether losses (points,) end at NaN or inf, or above what an axis shows."""
    return not (np.isfinite(loss[-1]) and loss[-1] <= DIVERGED * abs(float(loss[0])))
