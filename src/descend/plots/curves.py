"""curves: loss against epochs, for training and held-out data."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from descend.arrays import Array
from descend.plots.axes import Axis, frame, plausible, spans_decades
from descend.plots.element import Element
from descend.plots.lines import Line, cross, line, mark
from descend.plots.style import pen
from descend.plots.svg import picture, shortened, words

TOP, BOTTOM = 30.0, 46.0
TEXT = 15.0
MARKS, MARKED = 2, 0.75  # marks on each line beside the one at its end, over so much of the width


@dataclass(frozen=True)
class Room:
    """Sizes in pixels: the picture's, and of what stands left and right of the axes; `letters` of a name that fit."""

    width: float
    height: float
    left: float
    right: float
    letters: int


WIDE = Room(860.0, 380.0, 60.0, 124.0, 12)
NARROW = Room(360.0, 320.0, 48.0, 40.0, 0)


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


def draw(curves: Sequence[Curve], room: Room = WIDE) -> Element:
    """Return the picture: training solid, held-out dashed; logarithmic where values spread over more than tenfold."""
    x, y = _axes(curves, room)
    scale = " (logarithmic)" if x.log else ""
    trained = [line(x, y, c.epochs, c.loss) for c in curves]
    parts = frame(x, y, f"epochs{scale}", f"loss{' (logarithmic)' if y.log else ''}")
    for c in curves:
        if c.held_out is not None:
            parts += line(x, y, c.epochs, c.held_out).draw(pen(c.label).colour, pen(c.label).dash, 1.1)
    for k, (c, drawn) in enumerate(zip(curves, trained, strict=True)):
        parts += drawn.draw(pen(c.label).colour) + _marks(c, drawn, x, (k + 0.5) / len(curves))
    parts += _names(curves, trained, x, y, room)
    return picture("Loss against epochs, one line a variant", _told(curves), room.width, room.height, parts)


def _axes(curves: Sequence[Curve], room: Room) -> tuple[Axis, Axis]:
    epochs = np.concatenate([np.asarray(c.epochs, np.float64) for c in curves]) if curves else np.zeros(1)
    losses = plausible(list(chain.from_iterable((c.loss, c.held_out) for c in curves if c.held_out is not None))
                       + [c.loss for c in curves if c.held_out is None])  # fmt: skip
    long = spans_decades(epochs + 1)
    x = Axis.over(epochs, room.left, room.width - room.right, log=long, shift=1.0 if long else 0.0)
    return x, Axis.over(losses, room.height - BOTTOM, TOP, log=spans_decades(losses))


def _marks(c: Curve, drawn: Line, x: Axis, offset: float) -> list[Element]:
    """Marks along a line, at other places than those of the other lines."""
    places = [x.start + (x.end - x.start) * MARKED * (k + offset) / MARKS for k in range(MARKS)]
    spots = [spot for place in places if (spot := drawn.nearest(place)) is not None]
    return [mark(pen(c.label), *spot) for spot in spots]


def _names(curves: Sequence[Curve], trained: Sequence[Line], x: Axis, y: Axis, room: Room) -> list[Element]:
    """The end of each line: its mark, or a cross where it left the picture; and its name at the side, moved apart."""
    parts = []
    ends = [drawn.end or (x.start, y.end) for drawn in trained]
    order = sorted(range(len(curves)), key=lambda k: ends[k][1])
    for k, spot in zip(order, _apart([ends[k][1] for k in order], y.start), strict=True):
        p = pen(curves[k].label)
        parts.append(cross(*ends[k], p.colour) if trained[k].cut else mark(p, *ends[k]))
        parts.append(mark(p, x.end + 14, spot))
        name = f"{curves[k].letter[:1]} {shortened(curves[k].label, room.letters) if room.letters else ''}"
        parts.append(words(name.strip(), x.end + 24, spot + 4, size=12))
    return parts


def _apart(heights: Sequence[float], lowest: float) -> list[float]:
    """Heights, in increasing order, moved so that each is a line of text below the one before, none below `lowest`.

    Of more lines than fit, each is a little less below.
    """
    apart = min(TEXT, (lowest - TOP) / max(len(heights) - 1, 1))
    spots: list[float] = []
    for height in heights:
        spots.append(max(height, spots[-1] + apart) if spots else height)
    for k in range(len(spots) - 1, -1, -1):
        spots[k] = min(spots[k], lowest - apart * (len(spots) - 1 - k))
    return spots


def _told(curves: Sequence[Curve]) -> str:
    return " ".join(
        f"{shortened(c.label, 40)}: {c.loss[0]:.3g} to {c.loss[-1]:.3g} in {c.epochs[-1]:.0f} epochs."
        for c in curves if len(c.loss)
    )  # fmt: skip
