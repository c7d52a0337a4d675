"""layers: what each layer of a network showed along the training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import frame, spans_decades
from descend.plots.element import Element
from descend.plots.legend import Entry, height, legend
from descend.plots.lines import line
from descend.plots.panels import Place, panel
from descend.text import counted

FIRST, LAST = (0x21, 0x87, 0xA8), (0xBD, 0x6B, 0x1F)  # colours of the first and the last layer; between them, between


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerSeries:
    """One figure of every layer along the training.

    Args:
        title: of the figure, such as "gradient norm".
        epochs: (points,).
        values: (layers, points); one row for a figure of the whole run.
        share: whether the values are shares from 0 to 1.
    """

    title: str
    epochs: Array
    values: Array
    share: bool = False


def panels(series: Sequence[LayerSeries]) -> list[Element]:
    """Return one chart for each figure, a line for each layer."""
    return [panel(f"{one.title[:1].upper()}{one.title[1:]}", _description(one), one, _panel) for one in series]


def _description(one: LayerSeries) -> str:
    if len(one.values) == 1:
        return f"From {one.values[0, 0]:.3g} to {one.values[0, -1]:.3g}."
    ends = [f"{v:.3g}" for v in (one.values[0, -1], one.values[-1, -1])]
    return f"{counted(len(one.values), 'layer')}; at the end {ends[0]} in the first and {ends[1]} in the last."


def _panel(one: LayerSeries, place: Place) -> list[Element]:
    log = not one.share and spans_decades(one.values.ravel())
    layers = len(one.values)
    ends = ((0, "first layer"), (layers - 1, "last layer")) if layers > 1 else ()
    names = [Entry(name=name, colour=_colour(k, layers)) for k, name in ends]
    x = place.x(one.epochs)
    y = place.y(np.array([0.0, 1.0]) if one.share else one.values, log=log, above=height(len(names)))
    parts = frame(x, y, "epochs", f"{one.title}{' (logarithmic)' if log else ''}", 4)
    for k, values in enumerate(one.values):
        parts += line(x, y, one.epochs, values).draw(_colour(k, layers), None, 1.4)
    return parts + legend(names, place)


def _colour(layer: int, layers: int) -> str:
    part = layer / max(layers - 1, 1)
    mixed = (round((1 - part) * a + part * b) for a, b in zip(FIRST, LAST, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
