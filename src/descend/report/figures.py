"""figures: the sections of the page with charts: loss curves, weights against the loss, target against features.

Each says in a sentence what it shows. A chart needs two points; with fewer, the section says so and why.
"""

import json
from collections.abc import Sequence

import numpy as np

from descend.arrays import Array, evenly_spaced
from descend.plots import curves, layers, rates, scatter, weight_paths
from descend.plots.axes import axis_losses, diverged, spans_decades
from descend.plots.curves import Curve
from descend.plots.element import Element, tag
from descend.plots.panels import MOST_PANELS
from descend.plots.scatter import Scatter
from descend.plots.style import line_style
from descend.plots.weight_paths import WeightPath
from descend.report.content import ReportData
from descend.report.markup import figure, section, table
from descend.report.numbers import DASH, number, rate
from descend.text import shortened

FEWEST_POINTS = 2  # of a line
MOST_POINTS = 150  # of a line that the page's script draws: every sixth pixel, about 5 kB
MOST_ROWS = 200  # of a table of numbers below a chart; about 20 kB
NO_ROWS = "No chart: single rows are not shown, as asked with --no-rows."
LOSS_ROWS = 25  # of a curve's table: a screen
NO_CHART = "No chart: fewer than two recorded losses are finite and at most ten times the first."
NAME = 40  # letters of a name in a sentence


def loss(report: ReportData) -> Element | None:
    """Return the loss of each variant against epochs."""
    title = "Learning curves"
    if not report.curves:
        return None
    shown = [c for c in report.curves if c.recorded >= FEWEST_POINTS]
    if not shown:
        return _nothing("curves", title, report)
    name = next((v.name for v in report.variants if v.best), shown[0].label)
    best = next((c for c in shown if c.label == name), shown[0])
    caption = (
        f"{shortened(best.label, NAME)} takes the training loss from {number(best.loss[0])} to {number(best.loss[-1])}."
        + (
            f" Solid: training rows. Dashed: {report.curve_rows} rows."
            if any(c.held_out is not None for c in shown)
            else ""
        )
        + (" Cross: the loss diverged." if any(diverged(c.loss) for c in shown) else "")
    )
    wide = tag("div", curves.draw(shown), class_="chart wide")
    narrow = tag("div", curves.draw(shown, curves.NARROW), class_="chart narrow", hidden="hidden")
    charts = tag("div", wide, narrow, data_curves=_curve_data(shown, report))
    return section("curves", title, figure(caption, _losses(best, report.curve_rows), charts))


def _curve_data(shown: Sequence[Curve], report: ReportData) -> str:
    """What the page's script draws, as JSON: what is not finite is null, at most so many points a line."""
    lines = []
    for c in shown:
        at = evenly_spaced(len(c.loss), MOST_POINTS)
        style = line_style(c.label)
        lines.append({
            "name": shortened(c.label, NAME), "colour": style.colour, "dash": style.dash, "epochs": np.asarray(c.epochs)[at].tolist(),
            "loss": _rounded(c.loss[at]), "held_out": None if c.held_out is None else _rounded(c.held_out[at]),
            "seconds": None if c.seconds is None else _rounded(c.seconds[at]),
        })  # fmt: skip
    logs = (
        spans_decades(np.concatenate([np.asarray(c.epochs) for c in shown]) + 1),
        spans_decades(axis_losses([c.loss for c in shown])),
    )
    return json.dumps(
        {"rows": report.train_rows, "held_out": report.curve_rows, "logx": logs[0], "logy": logs[1], "curves": lines},
        allow_nan=False, separators=(",", ":"),
    )  # fmt: skip


def _rounded(values: Array) -> list[float | None]:
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in np.asarray(values, np.float64)]


def _losses(c: Curve, held_out_rows: str) -> Element:
    rows = evenly_spaced(len(c.loss), LOSS_ROWS)
    held_out = [DASH] * len(rows) if c.held_out is None else [number(c.held_out[k]) for k in rows]
    cells = [(f"{c.epochs[k]:,.0f}", number(c.loss[k]), h) for k, h in zip(rows, held_out, strict=True)]
    caption = f"{shortened(c.label, NAME)}, {len(rows)} of {len(c.loss):,} points"
    return table(caption, ("epoch", "training loss", f"{held_out_rows} loss"), cells, numeric=(1, 2))


def learning_rates(report: ReportData) -> Element | None:
    """Return the loss that each learning rate led to, a chart for each variant."""
    if not report.rates:
        return None
    limits = any(c.limit is not None for c in report.rates)
    caption = (
        "Each dot is a training at one learning rate; the marker is the rate that was chosen. A cross at the top: the loss rose."
        + (" Dashed: the stability limit, above which training diverges." if limits else "")
        + " Rates that were given up early stand higher than they would at the end."
    )
    cells = [
        (f"{c.variant}, lr {rate(float(lr))}", number(float(value)), "yes" if lr == c.chosen else "no")
        for c in report.rates for lr, value in zip(c.rates, c.losses, strict=True)
    ]  # fmt: skip
    numbers = table("Rates that were tried", ("rate", "loss", "chosen"), cells[:MOST_ROWS], numeric=(1,))
    return section("rates", "Which learning rate", figure(caption, numbers, _grid(rates.panels(report.rates))))


def training(report: ReportData) -> Element | None:
    """Return the learning rate along the run, where it changed, and what the layers of a network showed."""
    series = [*([] if report.schedule is None else [report.schedule]), *report.layers]
    if not series:
        return None
    parts = []
    if report.schedule is not None:
        values = report.schedule.values[0]
        parts.append(f"The learning rate went from {rate(float(values[0]))} to {rate(float(values[-1]))}.")
    if report.layers:
        first = report.layers[0].values
        parts.append(
            f"The gradient of the first layer is {number(float(first[0, -1]))} at the end, that of the last layer "
            f"{number(float(first[-1, -1]))}."
        )
    cells = [
        (f"{one.title}, layer {k + 1}" if len(one.values) > 1 else one.title, number(float(v[0])), number(float(v[-1])))
        for one in series for k, v in enumerate(one.values)
    ]  # fmt: skip
    numbers = table("Along the training", ("figure", "first", "last"), cells[:MOST_ROWS], numeric=(1, 2))
    return section("training", "Inside the training", figure(" ".join(parts), numbers, _grid(layers.panels(series))))


def weights(report: ReportData) -> Element | None:
    """Return each weight and bias against the loss, the largest first."""
    title = "Each weight and bias against the loss"
    if not report.weight_paths:
        return None
    paths = weight_paths.largest_first([p for p in report.weight_paths if p.recorded >= FEWEST_POINTS])
    if not paths:
        return _nothing("weights", title, report)
    clipped = " Cross: where the loss diverged." if any(diverged(p.loss) for p in paths) else ""
    caption = f"{_largest(paths[0])} Ring: the start. Dot: the end.{clipped}"
    caption += _more(len(paths), "weights are in trace.jsonl")
    rows = [(p.name, number(p.values[0]), number(p.values[-1])) for p in paths[:MOST_ROWS]]
    numbers = table("In scaled units, the largest first", ("weight", "first", "last"), rows, numeric=(1, 2))
    return section("weights", title, figure(caption, numbers, _grid(weight_paths.panels(paths))))


def _largest(first: WeightPath) -> str:
    if not np.isfinite(first.values[-1]):
        return "Some weights became NaN or inf."
    return f"{shortened(first.name, NAME)} is the largest at the end, {number(first.values[-1])} in scaled units."


def scatters(report: ReportData) -> Element | None:
    """Return the target against each feature, the most strongly associated first."""
    title = f"{shortened(report.target, NAME)} against each feature"
    if report.measured and not report.single_rows:
        return section("features", title, tag("p", NO_ROWS))
    shown = [s for s in report.scatters if len(s.x)]
    if not shown:
        return None
    values = [s.association for s in shown]
    sizes: Array = np.array([-1.0 if value is None else abs(value) for value in values])
    order = np.argsort(-sizes, kind="stable")
    shown, values, rows = [shown[k] for k in order], [values[k] for k in order], len(shown[0].x)
    caption = (
        _strongest(shown[0], values[0])
        + (f" {scatter.drawn_rows(rows):,} of {rows:,} training rows" + (", evenly spaced." if rows > scatter.MOST_DOTS else "."))
        + (" Bars: fitted values." if any(s.fitted is not None for s in shown) else "")
        + (" Dots are spread within the row of their class." if shown[0].classes else "")
        + _more(len(shown), "columns are not drawn")
    )  # fmt: skip
    symbol = scatter.symbol(shown[0])
    cells = [(s.feature, number(value)) for s, value in zip(shown, values, strict=True)][:MOST_ROWS]
    word = "Correlation ratio" if shown[0].classes else "Correlation with the target"
    numbers = table(word, ("feature", symbol), cells, numeric=(1,))
    return section("features", title, figure(caption, numbers, _grid(scatter.panels(shown, report.target))))


def _strongest(s: Scatter, value: float | None) -> str:
    if value is None:
        return "No feature varies."
    return f"{shortened(s.feature, NAME)} has the strongest association with the target, {scatter.symbol(s)} = {value:.2f}."


def _nothing(key: str, title: str, report: ReportData) -> Element:
    """A section without a chart, which says what happened instead."""
    return section(key, title, tag("p", f"{NO_CHART} {report.verdict}"))


def _more(count: int, what: str) -> str:
    return f" {count - MOST_PANELS:,} more {what}." if count > MOST_PANELS else ""


def _grid(charts: list[Element]) -> Element:
    return tag("div", *charts, class_="panels")
