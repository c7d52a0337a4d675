"""figures: the sections of the page that show how the loss went, where the weights went, and what the data look like."""

import numpy as np

from descend.arrays import Array
from descend.plots import curves, scatter, weight_paths
from descend.plots.element import Element, tag
from descend.plots.panels import MOST
from descend.plots.svg import shortened
from descend.report.content import Curve, Scatter, Story, WeightPath
from descend.report.markup import figure, section, table
from descend.report.numbers import NONE, number

MOST_ROWS = 200
NAME = 40


def loss(story: Story) -> Element | None:
    """Return the loss of each variant against epochs."""
    drawn = [c for c in story.curves if len(c.loss)]
    if not drawn:
        return None
    best = next((v.name for v in story.variants if v.best), drawn[0].label)
    kept = next((c for c in drawn if c.label == best), drawn[0])
    caption = (
        f"{shortened(kept.label, NAME)} takes the training loss from {number(kept.loss[0])} to {number(kept.loss[-1])}."
        + (" Solid: training. Dashed: held out." if any(c.held_out is not None for c in drawn) else "")
        + (" A cross: the run left the picture." if any(not _calm(c.loss) for c in drawn) else "")
    )
    wide = tag("div", curves.draw(drawn), class_="picture wide")
    narrow = tag("div", curves.draw(drawn, curves.NARROW), class_="picture narrow", hidden="hidden")
    return section("Learning curves", figure(caption, _losses(kept), wide, narrow))


def _calm(loss: Array) -> bool:
    return bool(np.isfinite(loss[-1]) and loss[-1] <= 10 * abs(float(loss[0])))


def _losses(c: Curve) -> Element:
    keep = np.unique(np.linspace(0, len(c.loss) - 1, min(25, len(c.loss))).round().astype(int))
    held = [NONE] * len(keep) if c.held_out is None else [number(c.held_out[k]) for k in keep]
    rows = [(f"{c.epochs[k]:,.0f}", number(c.loss[k]), h) for k, h in zip(keep, held, strict=True)]
    said = f"{shortened(c.label, NAME)}, {len(keep)} of {len(c.loss):,} points"
    return table(said, ("epoch", "training loss", "held-out loss"), rows, numeric=(1, 2))


def weights(story: Story) -> Element | None:
    """Return each weight and bias against the loss."""
    paths = [p for p in story.weight_paths if len(p.values)]
    if not paths:
        return None
    left = "" if all(_calm(p.loss) for p in paths) else " Cross: where the run left the picture."
    caption = f"{_farthest(paths)} Ring: the start. Dot: the end.{left}"
    caption += _more(len(paths), "weights are in trace.jsonl")
    rows = [(p.name, number(p.values[0]), number(p.values[-1])) for p in paths[:MOST_ROWS]]
    numbers = table("In scaled units", ("weight", "first", "last"), rows, numeric=(1, 2))
    return section("Each weight and bias against the loss", figure(caption, numbers, _grid(weight_paths.panels(paths))))


def _farthest(paths: list[WeightPath]) -> str:
    ends = [abs(float(p.values[-1])) for p in paths]
    if not np.isfinite(ends).all():
        return "Some weights left the finite range."
    p = paths[int(np.argmax(ends))]
    return f"{shortened(p.name, NAME)} ends farthest from zero, at {number(p.values[-1])} in scaled units."


def scatters(story: Story) -> Element | None:
    """Return the target against each feature."""
    drawn = [s for s in story.scatters if len(s.x)]
    if not drawn:
        return None
    rows, r = len(drawn[0].x), [scatter.correlation(s) for s in drawn]
    caption = (
        _strongest(drawn, r)
        + (f" {scatter.shown(rows):,} of {rows:,} training rows" + (", evenly picked." if rows > scatter.MOST_DOTS else "."))
        + (" Bars: fitted values." if any(s.fitted is not None for s in drawn) else "")
        + _more(len(drawn), "columns are not drawn")
    )  # fmt: skip
    rs = [(s.feature, number(value)) for s, value in zip(drawn, r, strict=True)][:MOST_ROWS]
    numbers = table("Correlation with the target", ("feature", "r"), rs, numeric=(1,))
    title = f"{shortened(story.target, NAME)} against each feature"
    return section(title, figure(caption, numbers, _grid(scatter.panels(drawn, story.target))))


def _strongest(drawn: list[Scatter], r: list[float | None]) -> str:
    sizes: Array = np.array([-1.0 if value is None else abs(value) for value in r])
    k = int(np.argmax(sizes))
    name = shortened(drawn[k].feature, NAME)
    return "No feature varies." if r[k] is None else f"{name} goes along with the target most, r = {r[k]:.2f}."


def _more(count: int, what: str) -> str:
    return f" {count - MOST:,} more {what}." if count > MOST else ""


def _grid(pictures: list[Element]) -> Element:
    return tag("div", *pictures, class_="panels")
