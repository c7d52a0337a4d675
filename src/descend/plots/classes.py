"""classes: how good predicted classes are: the confusion matrix, ROC, precision and recall, and calibration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.evaluation import ClassificationEvaluation
from descend.plots.axes import LETTER, Axis, frame
from descend.plots.element import Element, tag
from descend.plots.lines import line
from descend.plots.panels import BOTTOM, HEIGHT, LEFT, MOST_LETTERS, RIGHT, TOP, WIDTH, Place, panel
from descend.plots.style import ACCENT, LINE_STYLES, LineStyle
from descend.plots.svg import label
from descend.text import shortened

MOST_LINES = (
    4  # of a panel, and charts of calibration: the most frequent classes; more lines cover each other (arbitrary)
)
MOST_SQUARES = 10  # classes of a matrix: cells of 14 pixels
DARKEST = 0.25  # opacity of a full cell: text on it keeps a contrast of 4.5 to 1
STYLES: tuple[LineStyle, ...] = tuple(LINE_STYLES[name] for name in ("gd", "sgd", "minibatch", "nesterov"))


@dataclass(frozen=True)
class Legend:
    """Where a legend begins or ends, by its anchor "start" or "end", and the height of its first line, in pixels."""

    at: float
    anchor: str
    top: float


def panels(found: ClassificationEvaluation) -> list[Element]:
    """Return the charts that can be drawn: the matrix of few classes; curves where a class and another have rows."""
    charts = []
    if len(found.classes) <= MOST_SQUARES:
        charts.append(
            panel("Confusion matrix", "Rows of each class, by the class that is predicted.", found, _confusion)
        )
    drawn = drawn_classes(found)
    if drawn:
        charts.append(panel("ROC", "Share of positives found against false alarms.", found, _roc))
        charts.append(panel("Precision and recall", "Share of hits among those predicted.", found, _precision_recall))
    if found.probabilities is not None:
        for k in drawn:
            name = shortened(found.classes[k], 40)
            description = "Dots on the dashed line are right; bars are 95 % intervals."
            charts.append(panel(f"Calibration of {name}", description, found, lambda f, place, k=k: _calibration(f, place, k)))  # type: ignore[misc]  # fmt: skip
    return charts


def drawn_classes(found: ClassificationEvaluation) -> tuple[int, ...]:
    """Return the classes whose curves are drawn: the most frequent of those that have rows and others beside them."""
    counts = found.confusion.sum(axis=1)
    return tuple(sorted(sorted(found.shown_classes, key=lambda k: -counts[k])[:MOST_LINES]))


def _confusion(found: ClassificationEvaluation, place: Place) -> list[Element]:
    counts, classes = found.confusion, len(found.classes)
    names = [shortened(name, MOST_LETTERS) for name in found.classes]
    left = place.left + max(LEFT, LETTER * max(map(len, names)) + 14)
    right, top, bottom = place.left + WIDTH - RIGHT, place.top + TOP, place.top + HEIGHT - BOTTOM
    wide, high = (right - left) / classes, (bottom - top) / classes
    room = max(int(wide / LETTER) - 1, 2)
    parts = [label("actual", left, top - 9, size=12), label("predicted", (left + right) / 2, bottom + 34, "middle", 12)]
    for k, name in enumerate(names):
        parts.append(label(name, left - 8, top + (k + 0.5) * high + 3.5, "end"))
        parts.append(label(shortened(name, room), left + (k + 0.5) * wide, bottom + 17, "middle"))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for i, j in np.ndindex(classes, classes):
        x, y = left + j * wide, top + i * high
        parts.append(tag("rect", x=x + 0.5, y=y + 0.5, width=wide - 1, height=high - 1, fill=ACCENT,
                         fill_opacity=f"{DARKEST * shares[i, j]:.3f}", stroke="currentColor", stroke_opacity="0.16"))  # fmt: skip
        text = _count(int(counts[i, j]), room + 1)
        parts.append(label(text, x + wide / 2, y + high / 2 + 3.5, "middle"))
    return parts


def _count(count: int, room: int) -> str:
    """A count that fits so many characters, in thousands or millions where it must."""
    text = f"{count:,}"
    if len(text) <= room:
        return text
    return f"{count / 1e6:.1f}M" if count >= 1e6 else f"{count / 1e3:.0f}k"


def _unit(place: Place) -> tuple[Axis, Axis]:
    """Axes from 0 to 1, with a little room so that lines along an edge stay visible."""
    x = Axis(low=-0.02, high=1.02, start=place.left + LEFT, end=place.left + WIDTH - RIGHT)
    return x, Axis(low=-0.02, high=1.02, start=place.top + HEIGHT - BOTTOM, end=place.top + TOP)


def _roc(found: ClassificationEvaluation, place: Place) -> list[Element]:
    x, y = _unit(place)
    curves = [(c.false_positive, c.true_positive) for c in map(found.roc, drawn_classes(found)) if c is not None]
    parts = [*frame(x, y, "false positive rate", "true positive rate", 4), _diagonal(x, y)]
    legend = Legend(x.end, "end", y.start - 8 - 14 * (len(drawn_classes(found)) - 1))
    return parts + _lines(found, x, y, curves, lambda k: f"{found.by_class[k].auc.value:.3f}", legend)


def _precision_recall(found: ClassificationEvaluation, place: Place) -> list[Element]:
    x, y = _unit(place)
    curves = [(c.recall, c.precision) for c in map(found.precision_recall, drawn_classes(found)) if c is not None]
    areas = {k: found.by_class[k].average_precision.value for k in drawn_classes(found)}
    low = np.mean(list(areas.values())) < 0.5  # then the lines fill the lower half
    parts = frame(x, y, "recall", "precision", 4)
    legend = (
        Legend(x.end, "end", y.end + 12) if low else Legend(x.start + 6, "start", y.start - 8 - 14 * (len(areas) - 1))
    )
    return parts + _lines(found, x, y, curves, lambda k: f"{areas[k]:.3f}", legend)


def _lines(
    found: ClassificationEvaluation, x: Axis, y: Axis, curves: Sequence[tuple[Array, Array]], area: Callable[[int], str],
    legend: Legend,
) -> list[Element]:  # fmt: skip
    """The curve of each drawn class, and a legend with the areas, where curves seldom are."""
    drawn, parts = zip(drawn_classes(found), curves, strict=True), []
    for k, ((number, curve), style) in enumerate(zip(drawn, STYLES, strict=False)):
        parts += line(x, y, *curve).draw(style.colour, None if k == 0 else style.dash)
        text = f"{shortened(found.classes[number], MOST_LETTERS)} {area(number)}"
        height, start = legend.top + 14 * k, legend.anchor == "start"
        swatch = legend.at if start else legend.at - LETTER * len(text) - 22
        parts.append(tag("line", x1=swatch, x2=swatch + 16, y1=height - 3.5, y2=height - 3.5, stroke=style.colour,
                         stroke_width=1.8, stroke_dasharray=None if k == 0 else style.dash))  # fmt: skip
        parts.append(label(text, legend.at + 20 if start else legend.at - 2, height, legend.anchor))
    return parts


def _calibration(found: ClassificationEvaluation, place: Place, k: int) -> list[Element]:
    x, y = _unit(place)
    name = shortened(found.classes[k], MOST_LETTERS)
    parts = [*frame(x, y, f"probability of {name}", f"share that is {name}", 4), _diagonal(x, y)]
    bins = found.calibration(k)
    for b in bins:
        parts.append(tag("line", x1=x.at(b.predicted), x2=x.at(b.predicted), y1=y.at(b.observed.low),
                         y2=y.at(b.observed.high), stroke=STYLES[0].colour, stroke_width=1.4))  # fmt: skip
    parts += _dots(x, y, [b.predicted for b in bins], [b.observed.value for b in bins])
    return parts


def _dots(x: Axis, y: Axis, xs: Sequence[float], ys: Sequence[float]) -> list[Element]:
    return [tag("circle", cx=x.at(a), cy=y.at(b), r=3.2, fill=STYLES[0].colour) for a, b in zip(xs, ys, strict=True)]


def _diagonal(x: Axis, y: Axis) -> Element:
    return tag("line", x1=x.at(0.0), x2=x.at(1.0), y1=y.at(0.0), y2=y.at(1.0), stroke="currentColor",
               stroke_opacity="0.6", stroke_dasharray="4 3")  # fmt: skip
