"""predictions: how good predicted numbers are: against the actual ones, their residuals, and the spread of these."""

import math

import numpy as np

from descend.arrays import Array
from descend.evaluation import RegressionEvaluation
from descend.plots.axes import Axis, frame
from descend.plots.element import Element, tag
from descend.plots.panels import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Place, panel
from descend.plots.scatter import TARGET, dots, drawn_rows

MOST_BARS = 30  # of a histogram: about 7 pixels each
NARROWEST = 1e-6  # of the residuals, from the first bar to the last: narrower, and labels would lose their digits


def panels(found: RegressionEvaluation, target: str) -> list[Element]:
    """Return three charts: predicted against actual, residuals against prediction, and the distribution of residuals."""

    def against(found: RegressionEvaluation, place: Place) -> list[Element]:
        return _against(found, place, target)

    return [
        panel("Predicted against actual", "Dots on the dashed line are predicted exactly.", found, against),
        panel("Residuals against prediction", "Dots above the line are predicted too low.", found, _residuals),
        spread(found),
    ]


def spread(found: RegressionEvaluation) -> Element:
    """Return the chart of the distribution of the residuals, which shows no single row."""
    about = "Rows by how far target and prediction are apart."
    return panel("Distribution of the residuals", about, found, _distribution)


def _kept(found: RegressionEvaluation) -> Array:
    """Evenly spaced rows, at most as many as a panel of dots has room for."""
    return np.linspace(0, len(found.y) - 1, drawn_rows(len(found.y))).round().astype(int)


def _against(found: RegressionEvaluation, place: Place, target: str) -> list[Element]:
    rows = _kept(found)
    actual, predicted = found.y[rows], found.predicted[rows]
    both = np.r_[actual, predicted]
    x, y = place.x(both), place.y(both)
    ends = np.array([max(x.low, y.low), min(x.high, y.high)])
    return [
        *frame(x, y, f"actual {target}", "predicted", 4),
        _dashed(*x(ends), *y(ends)),
        dots(x, y, actual, predicted, TARGET, 0),
    ]


def _residuals(found: RegressionEvaluation, place: Place) -> list[Element]:
    rows = _kept(found)
    predicted, residuals = found.predicted[rows], found.residuals[rows]
    x, y = place.x(predicted), place.y(np.r_[residuals, 0.0])
    return [
        *frame(x, y, "predicted", "actual less predicted", 4),
        _dashed(x.start, x.end, y.at(0.0), y.at(0.0)),
        dots(x, y, predicted, residuals, TARGET, 0),
    ]


def _distribution(found: RegressionEvaluation, place: Place) -> list[Element]:
    low, high = float(found.residuals.min()), float(found.residuals.max())
    room = max(abs(low), abs(high)) * NARROWEST - (high - low)  # of residuals that are all the same
    low, high = (low - room, high + room) if room > 0 else (low, high) if high > low else (-0.5, 0.5)
    counts, edges = np.histogram(found.residuals, min(MOST_BARS, math.ceil(math.sqrt(len(found.y))) + 1), (low, high))
    x = Axis.over(edges, place.left + LEFT, place.left + WIDTH - RIGHT)
    y = Axis(low=0.0, high=1.04 * float(counts.max()), start=place.top + HEIGHT - BOTTOM, end=place.top + TOP)
    lefts, tops = x(edges), y(counts.astype(np.float64))
    bars = [
        tag("rect", x=a + 0.5, y=top, width=max(b - a - 1, 0.5), height=y.start - top, fill=TARGET, fill_opacity=0.85)
        for a, b, top in zip(lefts[:-1].tolist(), lefts[1:].tolist(), tops.tolist(), strict=True)
    ]
    return [*frame(x, y, "actual less predicted", "rows", 4), *bars, _dashed(x.at(0.0), x.at(0.0), y.start, y.end)]


def _dashed(x1: float, x2: float, y1: float, y2: float) -> Element:
    return tag("line", x1=x1, x2=x2, y1=y1, y2=y2, stroke="currentColor", stroke_width=1.2, stroke_dasharray="4 3")
