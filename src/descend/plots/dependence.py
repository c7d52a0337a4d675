"""dependence: the mean prediction against one column."""

from collections.abc import Sequence

from descend.evaluation.usage import Dependence
from descend.plots.axes import Axis, frame
from descend.plots.classes import MOST_LINES, STYLES
from descend.plots.element import Element, tag
from descend.plots.legend import Entry, height, legend
from descend.plots.lines import line
from descend.plots.panels import BOTTOM, HEIGHT, MOST_LETTERS, RIGHT, TOP, WIDTH, Place, margin_of, panel
from descend.text import shortened

MOST_LEVELS = 10  # of a category: rows of 14 pixels


def panels(dependences: Sequence[Dependence], target: str) -> list[Element]:
    """Return one chart for each column: a line, a line for each class, or the bars of the levels of a category."""
    return [
        panel(
            f"Mean prediction against {shortened(one.column, 40)}", _description(one), one,
            lambda one, place: _panel(one, place, target),
        )
        for one in dependences
    ]  # fmt: skip


def _description(one: Dependence) -> str:
    low, high = one.mean.min(), one.mean.max()
    return f"It goes from {low:.4g} to {high:.4g}."


def _panel(one: Dependence, place: Place, target: str) -> list[Element]:
    if isinstance(one.values, tuple):
        return _levels(one, one.values, place, target)
    x = place.x(one.values)
    y = place.y(one.mean) if not one.outputs else _shares(place, height(len(_drawn(one))))
    parts = frame(x, y, one.column, _title(one, target), 4)
    for k, column in enumerate(_drawn(one)):
        style = STYLES[k]
        parts += line(x, y, one.values, one.mean[:, column]).draw(style.colour, None if k == 0 else style.dash)
    return parts + legend(_names(one), place)


def _levels(one: Dependence, levels: tuple[str, ...], place: Place, target: str) -> list[Element]:
    """A dot for each level, since a line between levels would mean nothing; of each class in its colour."""
    names = [shortened(name, MOST_LETTERS) for name in levels[:MOST_LEVELS]]
    rows = Axis.of_classes(names, place.top + HEIGHT - BOTTOM, place.top + TOP + height(len(_drawn(one))))
    margin = margin_of(rows)
    x = place.x(one.mean, margin) if not one.outputs else _across(place, margin)
    parts = frame(x, rows, _title(one, target), one.column, 4)
    for k, column in enumerate(_drawn(one)):
        for row, value in enumerate(one.mean[:MOST_LEVELS, column]):
            parts.append(tag("circle", cx=x.at(float(value)), cy=rows.at(row), r=4, fill=STYLES[k].colour))
    return parts + legend(_names(one), place)


def _title(one: Dependence, target: str) -> str:
    """What the axis of the predictions is of; a class alone is named here, several in a legend."""
    if not one.outputs:
        return f"mean {target}"
    drawn = _drawn(one)
    return "mean probability" if len(drawn) > 1 else f"probability of {shortened(one.outputs[drawn[0]], MOST_LETTERS)}"


def _drawn(one: Dependence) -> Sequence[int]:
    """The outputs that are drawn: of two classes the second alone, since both add up to one."""
    outputs = one.mean.shape[1]
    return (1,) if outputs == 2 else range(min(outputs, MOST_LINES))


def _names(one: Dependence) -> list[Entry]:
    """The outputs that are drawn, each in its style; dots of the levels of a category have no dash."""
    dots = isinstance(one.values, tuple)
    return [
        Entry(
            name=one.outputs[column], colour=STYLES[k].colour, dash=STYLES[k].dash if k and not dots else None, dot=dots
        )
        for k, column in enumerate(_drawn(one))
        if one.outputs
    ]


def _shares(place: Place, above: float) -> Axis:
    return Axis(low=-0.02, high=1.02, start=place.top + HEIGHT - BOTTOM, end=place.top + TOP + above)


def _across(place: Place, margin: float) -> Axis:
    return Axis(low=-0.02, high=1.02, start=place.left + margin, end=place.left + WIDTH - RIGHT)
