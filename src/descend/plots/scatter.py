"""scatter: the target against each feature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.metrics import correlation as pearson
from descend.plots.axes import Axis, frame
from descend.plots.element import Element, tag
from descend.plots.panels import Spot, chosen, panel, sheet
from descend.plots.style import PENS
from descend.plots.svg import shortened

MOST_DOTS = 1000
OPACITY = 0.85
TARGET, FITTED = PENS["gd"].colour, PENS["sgd"].colour


@dataclass(frozen=True, eq=False)
class Scatter:
    """One feature: its name and values (rows,), the target (rows,), and fitted values (rows,) or None."""

    feature: str
    x: Array
    y: Array
    fitted: Array | None = None


def draw(scatters: Sequence[Scatter], target: str) -> Element:
    """Return one picture; of many rows every so many are drawn, at most a thousand a panel."""
    title = f"{shortened(target, 40)} against each feature"
    told = " ".join(_told(s) for s in chosen(scatters))
    return sheet(title, told, scatters, lambda s, spot: _panel(s, spot, target))


def panels(scatters: Sequence[Scatter], target: str) -> list[Element]:
    """Return one picture a feature, for pages that set them side by side as there is room."""
    return [
        panel(f"{shortened(target, 40)} against {shortened(s.feature, 40)}", _told(s), s, lambda s, spot: _panel(s, spot, target))
        for s in chosen(scatters)
    ]  # fmt: skip


def shown(rows: int) -> int:
    """Return how many of so many rows are drawn."""
    return min(rows, MOST_DOTS)


def correlation(s: Scatter) -> float | None:
    """Return Pearson's r of feature and target, or None where one of them does not vary."""
    x, y = np.asarray(s.x, np.float64), np.asarray(s.y, np.float64)
    x, y = (values[np.isfinite(x) & np.isfinite(y)] for values in (x, y))
    if len(x) < 2 or x.min() == x.max() or y.min() == y.max():
        return None
    x, y = (values / np.abs(values).max() for values in (x, y))
    return pearson(x, y)


def _told(s: Scatter) -> str:
    r = correlation(s)
    return f"{shortened(s.feature, 40)}: {'no correlation can be computed' if r is None else f'correlation {r:.2f}'}."


def _panel(s: Scatter, spot: Spot, target: str) -> list[Element]:
    keep = np.linspace(0, len(s.x) - 1, shown(len(s.x))).round().astype(int)
    xs, ys = np.asarray(s.x, np.float64)[keep], np.asarray(s.y, np.float64)[keep]
    fitted = np.full(len(keep), np.nan) if s.fitted is None else np.asarray(s.fitted, np.float64)[keep]
    x, y = spot.x(xs), spot.y(np.r_[ys, fitted])
    parts = [*frame(x, y, s.feature, target, 4), _dots(x, y, xs, ys, TARGET, 0)]
    return parts if s.fitted is None else [*parts, _dots(x, y, xs, fitted, FITTED, 5)]


def _dots(x: Axis, y: Axis, xs: Array, ys: Array, colour: str, length: int) -> Element:
    """All marks as one path: a dot where the length is 0, otherwise a short bar."""
    there = np.isfinite(xs) & np.isfinite(ys)
    pixels = zip(x(xs[there]) - length / 2, y(ys[there]), strict=True)
    path = "".join(f"M{a:.1f} {b:.1f}h{length}" for a, b in pixels)
    return tag(
        "path", d=path or "M0 0", stroke=colour, stroke_width=1.4 if length else 3.4, stroke_linecap="round",
        stroke_opacity=OPACITY, fill="none",
    )  # fmt: skip
