"""distribution: how often each value of a column occurs: bars over a range of numbers, or a bar for each level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.plots.axes import Axis, frame
from descend.plots.element import Element, tag
from descend.plots.panels import MOST_PANELS, Place, margin_of, panel
from descend.plots.style import ACCENT
from descend.text import counted, shortened

GAP = 0.15  # of a level's row, above and below its bar
DASH = 40  # letters of a name in a description


@dataclass(frozen=True, eq=False, kw_only=True)
class Distribution:
    """A column's values.

    Args:
        name: of the column.
        counts: rows in each of the bins, or of each level (bins,).
        low, high: the ends of the first and the last bin; the bins are equally wide.
        levels: the names of the levels, where it has levels and no bins.
    """

    name: str
    counts: Array
    low: float = 0.0
    high: float = 1.0
    levels: tuple[str, ...] = ()


def panels(distributions: Sequence[Distribution]) -> list[Element]:
    """Return one chart for each of the first twelve columns, for pages that set them side by side."""
    return [
        panel(f"Distribution of {shortened(d.name, DASH)}", _description(d), d, _panel)
        for d in distributions[:MOST_PANELS]
    ]


def _description(d: Distribution) -> str:
    rows = counted(int(np.sum(d.counts)), "row")
    if d.levels:
        return f"{shortened(d.name, DASH)}: {rows} in {counted(len(d.levels), 'level')}."
    return f"{shortened(d.name, DASH)}: {rows} from {d.low:.4g} to {d.high:.4g}."


def _panel(d: Distribution, place: Place) -> list[Element]:
    counts = np.append(np.asarray(d.counts, np.float64), 0.0)  # every bar starts at 0
    if d.levels:
        rows = place.y_of_classes(d.levels[::-1])  # the first level is on top
        x = place.x(counts, margin_of(rows))
        return [*frame(x, rows, "rows", d.name, 4), _bars_of_levels(x, rows, counts[-2::-1])]
    x, y = place.x(np.array([d.low, d.high])), place.y(counts)
    return [*frame(x, y, d.name, "rows", 4), _bars(x, y, d, counts[:-1])]


def _bars(x: Axis, y: Axis, d: Distribution, counts: Array) -> Element:
    """All bars as one path, from left to right."""
    share = np.arange(len(counts) + 1) / len(counts)
    edges = x((1 - share) * d.low + share * d.high)  # the span itself may be beyond float64
    tops, base = y(counts), y.at(0.0)
    drawn = zip(edges[:-1], edges[1:], tops, counts, strict=True)
    return _filled("".join(f"M{a:.1f} {base:.1f}V{top:.1f}H{max(b - 1, a + 0.5):.1f}V{base:.1f}z"
                           for a, b, top, count in drawn if count > 0))  # fmt: skip


def _bars_of_levels(x: Axis, rows: Axis, counts: Array) -> Element:
    """All bars as one path, one in the row of each level."""
    places, base = np.arange(len(counts)), x.at(0.0)
    upper, lower, ends = rows(places + 0.5 - GAP), rows(places - 0.5 + GAP), x(counts)
    drawn = zip(upper, lower, ends, counts, strict=True)
    return _filled(
        "".join(f"M{base:.1f} {a:.1f}H{end:.1f}V{b:.1f}H{base:.1f}z" for a, b, end, count in drawn if count > 0)
    )


def _filled(path: str) -> Element:
    return tag("path", d=path or "M0 0", fill=ACCENT)
