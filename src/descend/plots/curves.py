"""curves: loss against epochs, for training and held-out data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import FONT, Axis, cross, frame, picture, polyline, spans_decades
from descend.plots.element import Element, tag
from descend.plots.style import pen

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860.0, 380.0, 64.0, 110.0, 30.0, 44.0
LINE = 14.0


@dataclass(frozen=True, eq=False)
class Curve:
    """One run.

    Args:
        label: its variant.
        letter: stands for it where there is no colour.
        epochs: (points,).
        loss: training loss (points,).
        held_out: held-out loss (points,), or None.
    """

    label: str
    letter: str
    epochs: Array
    loss: Array
    held_out: Array | None


def draw(curves: Sequence[Curve]) -> Element:
    """Return the picture: training solid, held-out faint; logarithmic where losses spread over more than tenfold."""
    losses = np.concatenate([_plausible(c.loss) for c in curves]) if curves else np.ones(1)
    epochs = np.concatenate([np.asarray(c.epochs, np.float64) for c in curves]) if curves else np.ones(1)
    x = Axis.over(epochs + 1, LEFT, WIDTH - RIGHT, log=spans_decades(epochs + 1))
    y = Axis.over(losses, HEIGHT - BOTTOM, TOP, log=spans_decades(losses))
    parts = frame(x, y, "epochs, from 1 at the start", "loss")
    for c in curves:
        p = pen(c.label)
        if c.held_out is not None:
            parts += polyline(x, y, c.epochs + 1, c.held_out, p.colour, "1 3", 1.2, 0.8)
        parts += polyline(x, y, c.epochs + 1, c.loss, p.colour, p.dash)
    return picture("Loss against epochs, one line a variant", WIDTH, HEIGHT, parts + _ends(curves, x, y))


def _plausible(loss: Array) -> Array:
    """A diverging run must not squash the others: what exceeds its start tenfold does not count for the axis."""
    loss = np.asarray(loss, np.float64)
    return loss[np.isfinite(loss) & (loss <= 10 * abs(loss[0]) if len(loss) else True)]


def _ends(curves: Sequence[Curve], x: Axis, y: Axis) -> list[Element]:
    """A name at the end of each line, moved apart; a cross where a line left the picture."""
    parts = []
    ordered = sorted(curves, key=lambda c: float(y(np.array(_last(c, y)[1]))))
    heights = [float(y(np.array(_last(c, y)[1]))) for c in ordered]
    for c, height, spot in zip(ordered, heights, _apart(heights, y.start), strict=True):
        k, p = _last(c, y)[0], pen(c.label)
        if k < len(c.loss) - 1 or not np.isfinite(c.loss[-1]):
            parts.append(cross(float(x(np.array(c.epochs[k] + 1.0))), height, p.colour))
        parts.append(
            tag("text", f"{c.letter} {c.label}", x=x.end + 8, y=spot + 4, fill=p.colour, font_size=12, font_weight="600",
                font_family=FONT)
        )  # fmt: skip
    return parts


def _apart(heights: Sequence[float], lowest: float) -> list[float]:
    """Heights, in increasing order, moved so that each is a line of text below the one before, none below `lowest`."""
    spots: list[float] = []
    for height in heights:
        spots.append(max(height, spots[-1] + LINE) if spots else height)
    for k in range(len(spots) - 1, -1, -1):
        spots[k] = min(spots[k], lowest - LINE * (len(spots) - 1 - k))
    return spots


def _last(c: Curve, y: Axis) -> tuple[int, float]:
    """Index and loss of the last point inside the picture."""
    inside = np.flatnonzero(np.isfinite(c.loss) & (c.loss <= y.high) & (c.loss >= y.low))
    return (int(inside[-1]), float(c.loss[inside[-1]])) if len(inside) else (0, y.high)
