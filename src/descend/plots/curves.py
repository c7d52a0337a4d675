"""curves: loss against epochs, on training and held-out rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from descend.arrays import Array
from descend.plots.axes import Axis, axis_losses, frame, on_axis, spans_decades
from descend.plots.element import Element
from descend.plots.lines import Line, cross, line, marker
from descend.plots.style import line_style
from descend.plots.svg import chart, label
from descend.text import shortened

TOP, BOTTOM = 30.0, 46.0  # pixels above and below the axes, for titles and tick labels
LINE_HEIGHT = 15.0  # pixels between the names of two lines
MARKERS_A_LINE = 2  # beside the one at its end; arbitrary
MARKED = 0.75  # part of the width, from the left, with these markers: none touches the one at the end


@dataclass(frozen=True)
class Size:
    """Pixels of the chart, and of the margins left and right of its axes; `letters` of a name that fit on the right."""

    width: float
    height: float
    left: float
    right: float
    letters: int


WIDE = Size(width=860.0, height=380.0, left=60.0, right=124.0, letters=12)
NARROW = Size(width=360.0, height=320.0, left=48.0, right=40.0, letters=0)


@dataclass(frozen=True, eq=False)
class Curve:
    """One run.

    Args:
        label: its variant.
        letter: stands for it where there is no colour.
        epochs: (points,).
        loss: training loss (points,).
        held_out: held-out loss (points,), or None.
        seconds: of training up to each point (points,), see `training.Trace`; None where they are not known.
    """

    label: str
    letter: str
    epochs: Array
    loss: Array
    held_out: Array | None
    seconds: Array | None = None

    @property
    def recorded(self) -> int:
        """The number of training losses that an axis shows; a line needs two."""
        return int(np.sum(on_axis(self.loss)))


def draw(curves: Sequence[Curve], size: Size = WIDE) -> Element:
    """Return the chart: training solid, held-out dashed; logarithmic where values span more than a factor of ten."""
    x, y = _axes(curves, size)
    lines = [line(x, y, c.epochs, c.loss) for c in curves]
    parts = frame(x, y, f"epochs{' (logarithmic)' if x.log else ''}", f"loss{' (logarithmic)' if y.log else ''}")
    for c in curves:
        if c.held_out is not None:
            style = line_style(c.label)
            parts += line(x, y, c.epochs, c.held_out).draw(style.colour, style.dash, 1.1)
    for k, (c, training) in enumerate(zip(curves, lines, strict=True)):
        parts += training.draw(line_style(c.label).colour) + _markers(c, training, x, (k + 0.5) / len(curves))
    parts += _names(curves, lines, x, y, size)
    title = "Loss against epochs, one line for each variant"
    return chart(title, _description(curves), size.width, size.height, parts)


def _axes(curves: Sequence[Curve], size: Size) -> tuple[Axis, Axis]:
    epochs = np.concatenate([np.asarray(c.epochs, np.float64) for c in curves]) if curves else np.zeros(1)
    losses = axis_losses(list(chain.from_iterable((c.loss, c.held_out) for c in curves if c.held_out is not None))
                         + [c.loss for c in curves if c.held_out is None])  # fmt: skip
    log = spans_decades(epochs + 1)
    x = Axis.over(epochs, size.left, size.width - size.right, log=log, shift=1.0 if log else 0.0)
    return x, Axis.over(losses, size.height - BOTTOM, TOP, log=spans_decades(losses))


def _markers(c: Curve, training: Line, x: Axis, offset: float) -> list[Element]:
    """Markers along a line, at other places than those of the other lines."""
    places = [x.start + (x.end - x.start) * MARKED * (k + offset) / MARKERS_A_LINE for k in range(MARKERS_A_LINE)]
    points = [point for place in places if (point := training.nearest(place)) is not None]
    return [marker(line_style(c.label), *point) for point in points]


def _names(curves: Sequence[Curve], lines: Sequence[Line], x: Axis, y: Axis, size: Size) -> list[Element]:
    """The end of each line: its marker, or a cross where it was clipped; and the names at the side, without overlap."""
    parts = []
    ends = [one.end or (x.start, y.end) for one in lines]
    order = sorted(range(len(curves)), key=lambda k: ends[k][1])
    for k, height in zip(order, _apart([ends[k][1] for k in order], y.start), strict=True):
        style = line_style(curves[k].label)
        parts.append(cross(*ends[k], style.colour) if lines[k].clipped else marker(style, *ends[k]))
        parts.append(marker(style, x.end + 14, height))
        name = f"{curves[k].letter[:1]} {shortened(curves[k].label, size.letters) if size.letters else ''}"
        parts.append(label(name.strip(), x.end + 24, height + 4, size=12))
    return parts


def _apart(heights: Sequence[float], lowest: float) -> list[float]:
    """Heights, in increasing order, moved so that each is a line of text below the one before, none below `lowest`.

    Where that does not fit, all are closer.
    """
    distance = min(LINE_HEIGHT, (lowest - TOP) / max(len(heights) - 1, 1))
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + distance) if moved else height)
    for k in range(len(moved) - 1, -1, -1):
        moved[k] = min(moved[k], lowest - distance * (len(moved) - 1 - k))
    return moved


def _description(curves: Sequence[Curve]) -> str:
    return " ".join(
        f"{shortened(c.label, 40)}: {c.loss[0]:.3g} to {c.loss[-1]:.3g} in {c.epochs[-1]:.0f} epochs."
        for c in curves if len(c.loss)
    )  # fmt: skip
