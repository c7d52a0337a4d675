"""scatter: the target against each feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from descend.arrays import Array
from descend.metrics import correlation as pearson
from descend.metrics import correlation_ratio
from descend.plots.axes import Axis, frame
from descend.plots.element import Element, tag
from descend.plots.panels import MOST_PANELS, Place, grid, margin_of, panel
from descend.plots.style import LINE_STYLES
from descend.text import shortened

MOST_DOTS = 1000  # of a panel: about 20 kB of SVG
OPACITY = 0.85  # the lowest that keeps a contrast of 3 to 1 on both backgrounds
JITTER = 0.6  # of a class's row: how far its dots are spread, so that they do not cover each other
GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, are spread evenly (Weyl 1916)
TARGET, FITTED = LINE_STYLES["gd"].colour, LINE_STYLES["sgd"].colour


@dataclass(frozen=True, eq=False)
class Scatter:
    """One feature against the target.

    Args:
        feature: its name.
        x: its values (rows,).
        y: the target (rows,); indices of classes where there are `classes`.
        fitted: fitted values (rows,), or None.
        classes: names of the target's classes; none of a number.
    """

    feature: str
    x: Array
    y: Array
    fitted: Array | None = None
    classes: tuple[str, ...] = ()

    @cached_property
    def association(self) -> float | None:
        """How strongly feature and target go together; None where one of them does not vary.

        Pearson's r, from -1 to 1, where the target is a number; the correlation ratio, from 0 to 1, where it has classes.
        """
        x, y = np.asarray(self.x, np.float64), np.asarray(self.y, np.float64)
        x, y = (values[np.isfinite(x) & np.isfinite(y)] for values in (x, y))
        if len(x) < 2 or x.min() == x.max() or y.min() == y.max():
            return None
        x = x / np.abs(x).max()
        return correlation_ratio(x, y.astype(np.int64)) if self.classes else pearson(x, y / np.abs(y).max())


def draw(scatters: Sequence[Scatter], target: str) -> Element:
    """Return one chart; of many rows evenly spaced ones are drawn, at most a thousand a panel."""
    title = f"{shortened(target, 40)} against each feature"
    description = " ".join(_description(s) for s in scatters[:MOST_PANELS])
    return grid(title, description, scatters, lambda s, place: _panel(s, place, target))


def panels(scatters: Sequence[Scatter], target: str) -> list[Element]:
    """Return one chart for each feature, for pages that set them side by side."""
    return [
        panel(
            f"{shortened(target, 40)} against {shortened(s.feature, 40)}", _description(s), s,
            lambda s, place: _panel(s, place, target),
        )
        for s in scatters[:MOST_PANELS]
    ]  # fmt: skip


def drawn_rows(rows: int) -> int:
    """Return how many of so many rows are drawn."""
    return min(rows, MOST_DOTS)


def symbol(s: Scatter) -> str:
    """Return the letter of the association: r, or η of classes."""
    return "η" if s.classes else "r"


def _description(s: Scatter) -> str:
    value, word = s.association, "correlation ratio" if s.classes else "correlation"
    return f"{shortened(s.feature, 40)}: {f'no {word} can be computed' if value is None else f'{word} {value:.2f}'}."


def _panel(s: Scatter, place: Place, target: str) -> list[Element]:
    keep = np.linspace(0, len(s.x) - 1, drawn_rows(len(s.x))).round().astype(int)
    xs, ys = np.asarray(s.x, np.float64)[keep], np.asarray(s.y, np.float64)[keep]
    if s.classes:
        y = place.y_of_classes(s.classes)
        x = place.x(xs, margin_of(y))
        spread = JITTER * (np.arange(len(keep)) * GOLDEN % 1 - 0.5)
        return [*frame(x, y, s.feature, target, 4), dots(x, y, xs, ys + spread, TARGET, 0)]
    fitted = np.full(len(keep), np.nan) if s.fitted is None else np.asarray(s.fitted, np.float64)[keep]
    x, y = place.x(xs), place.y(np.r_[ys, fitted])
    parts = [*frame(x, y, s.feature, target, 4), dots(x, y, xs, ys, TARGET, 0)]
    return parts if s.fitted is None else [*parts, dots(x, y, xs, fitted, FITTED, 5)]


def dots(x: Axis, y: Axis, xs: Array, ys: Array, colour: str, length: int) -> Element:
    """Return all points as one path: a dot where the length is 0, otherwise a short bar."""
    finite = np.isfinite(xs) & np.isfinite(ys)
    pixels = zip(x(xs[finite]) - length / 2, y(ys[finite]), strict=True)
    path = "".join(f"M{a:.1f} {b:.1f}h{length}" for a, b in pixels)
    return tag(
        "path", d=path or "M0 0", stroke=colour, stroke_width=1.4 if length else 3.4, stroke_linecap="round",
        stroke_opacity=OPACITY, fill="none",
    )  # fmt: skip
