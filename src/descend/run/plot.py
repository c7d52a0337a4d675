"""plot: the pictures of a run, drawn with matplotlib for notebooks and papers; the report draws its own without it."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from descend.errors import UsageError, nearest
from descend.evaluation import ClassificationEvaluation, RegressionEvaluation
from descend.plots.axes import on_axis, spans_decades
from descend.plots.classes import STYLES
from descend.plots.style import line_style
from descend.plots.weight_paths import largest_first
from descend.run.report_data import ReportedRun, curve_rows, curves, weight_paths
from descend.run.summary import RateResult
from descend.text import counted, shortened

Axes = Any  # matplotlib's, which is no dependency
MOST_LINES = 8  # of a chart of weights: more cannot be told apart
NAME = 24  # letters of a name in a legend or on an axis
HIGHEST = 1.2  # times the loss before the first step: rates beyond raise it, and how far matters little
MARGIN = 0.05  # of the height, below the lowest loss: as matplotlib leaves
BINS = 30  # of a histogram, at most


def draw(run: ReportedRun, kind: str, ax: Axes | None = None) -> Axes:
    """Draw one picture of a run and return the axes it is on.

    Args:
        run: the run; those of single rows need one that was trained in this process, with test rows.
        kind: one of `KINDS`.
        ax: axes to draw on; those of a new figure when None.

    Raises UsageError for a kind that there is not, or that does not apply to the run, and where matplotlib is missing.
    """
    if kind not in KINDS:
        close = nearest(kind, KINDS) or ["loss"]
        raise UsageError(
            f"there is no picture {kind!r}; there are {', '.join(KINDS)}", fix=f"try {close[0]!r}", code="unknown-plot"
        )
    ax = new_axes() if ax is None else ax
    KINDS[kind](run, ax)
    return ax


def new_axes() -> Axes:
    """Return the axes of a new figure; raises UsageError where matplotlib is missing."""
    try:
        pyplot = importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise UsageError(
            "matplotlib is not installed", fix="pip install 'descend[plot]', or use .report(), which needs nothing",
            code="missing-package",
        ) from error  # fmt: skip
    return pyplot.subplots(layout="constrained")[1]


def draw_rates(result: RateResult, ax: Axes | None = None) -> Axes:
    """Draw the loss after the budget against the learning rate, a line for each variant, and return the axes.

    Args:
        result: what `descend.find_lr` returned.
        ax: axes to draw on; those of a new figure when None.

    Rates that diverged have no point; the dot is the rate of a variant, the dotted line its stability limit.
    """
    ax = new_axes() if ax is None else ax
    for sweep in result.sweeps:
        colour, there = line_style(sweep.variant).colour, np.isfinite(sweep.losses)
        ax.plot(sweep.rates[there], sweep.losses[there], color=colour, label=sweep.variant)
        if sweep.lr is not None:
            ax.plot([sweep.lr], [np.interp(sweep.lr, sweep.rates[there], sweep.losses[there])], "o", color=colour)
        if sweep.limit is not None:
            ax.axvline(sweep.limit, linestyle=":", color=colour)
    ax.set_xscale("log")
    if result.sweeps:
        low, high = min(float(sweep.losses.min()) for sweep in result.sweeps), HIGHEST * result.start
        ax.set_ylim(low - MARGIN * (high - low), high)
    _label(ax, "learning rate", "loss", f"loss after {counted(result.epochs, 'epoch')} of {result.rows:,} rows")
    if result.sweeps:
        _legend(ax)
    return ax


def _loss(run: ReportedRun, ax: Axes) -> None:
    """Training losses solid, those of other rows dashed, each variant in its colour and with its marker."""
    drawn = curves(run)
    for curve in drawn:
        colour = line_style(curve.label).colour
        ax.plot(curve.epochs, np.where(on_axis(curve.loss), curve.loss, np.nan), color=colour, label=curve.label)
        if curve.held_out is not None:
            ax.plot(
                curve.epochs, np.where(on_axis(curve.held_out), curve.held_out, np.nan), color=colour, linestyle="--"
            )
    if drawn and spans_decades(np.concatenate([c.loss[on_axis(c.loss)] for c in drawn])):
        ax.set_yscale("log")
    dashed = any(c.held_out is not None for c in drawn)
    _label(ax, "epoch", "loss", f"solid: training rows; dashed: {curve_rows(run)} rows" if dashed else "training loss")
    if drawn:
        _legend(ax)


def _weights(run: ReportedRun, ax: Axes) -> None:
    """The largest weights along the run, in the units that training uses."""
    paths = largest_first(weight_paths(run))
    if not paths:
        raise _not_drawn("weights", "a network has too many to draw", 'use "loss"')
    for path in paths[:MOST_LINES]:
        ax.plot(run.trace["epoch"], path.values, label=shortened(path.name, NAME))
    hidden = len(paths) - MOST_LINES
    _label(ax, "epoch", "weight", f"the largest {MOST_LINES} of {len(paths)} weights" if hidden > 0 else "weights")
    _legend(ax)


def _lr(run: ReportedRun, ax: Axes) -> None:
    """The learning rate of the run that is kept, at each record point."""
    ax.plot(run.trace["epoch"], run.trace["lr"])
    _label(ax, "epoch", "learning rate", "learning rate along the run")


def _actual(run: ReportedRun, ax: Axes) -> None:
    found = _of_numbers(run, "actual")
    ends = [min(found.y.min(), found.predicted.min()), max(found.y.max(), found.predicted.max())]
    ax.plot(ends, ends, "--", color="grey")
    ax.scatter(found.y, found.predicted, s=12)
    _label(ax, f"actual {shortened(run.model.target, NAME)}", "predicted", f"{len(found.y):,} test rows")


def _residuals(run: ReportedRun, ax: Axes) -> None:
    found = _of_numbers(run, "residuals")
    ax.axhline(0.0, linestyle="--", color="grey")
    ax.scatter(found.predicted, found.residuals, s=12)
    _label(ax, "predicted", "actual less predicted", f"{len(found.y):,} test rows")


def _distribution(run: ReportedRun, ax: Axes) -> None:
    found = _of_numbers(run, "distribution")
    ax.hist(found.residuals, bins=min(BINS, int(np.sqrt(len(found.y))) + 1))
    _label(ax, "actual less predicted", "rows", f"{len(found.y):,} test rows")


def _confusion(run: ReportedRun, ax: Axes) -> None:
    found = _of_classes(run, "confusion")
    counts = found.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    for i, j in np.ndindex(counts.shape):
        ax.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black")
    names = [shortened(name, NAME) for name in found.classes]
    ax.set_xticks(range(len(names)), names, parse_math=False)
    ax.set_yticks(range(len(names)), names, parse_math=False)
    _label(ax, "predicted", "actual", f"{len(found.y):,} test rows")


def _roc(run: ReportedRun, ax: Axes) -> None:
    found = _of_classes(run, "roc")
    ax.plot([0, 1], [0, 1], "--", color="grey")
    for k in found.shown_classes:
        curve = found.roc(k)
        if curve is not None:
            _class_line(found, ax, k, curve.false_positive, curve.true_positive, found.by_class[k].auc.value)
    _label(ax, "false positive rate", "true positive rate", "each class against the rest, with its area")
    _legend(ax)


def _precision_recall(run: ReportedRun, ax: Axes) -> None:
    found = _of_classes(run, "precision_recall")
    for k in found.shown_classes:
        curve = found.precision_recall(k)
        if curve is not None:
            _class_line(found, ax, k, curve.recall, curve.precision, found.by_class[k].average_precision.value)
    _label(ax, "recall", "precision", "each class against the rest, with its area")
    _legend(ax)


def _calibration(run: ReportedRun, ax: Axes) -> None:
    found = _of_classes(run, "calibration")
    if found.probabilities is None:
        raise _not_drawn("calibration", "its loss has no probabilities", 'use "confusion"')
    ax.plot([0, 1], [0, 1], "--", color="grey")
    for k in found.shown_classes:
        bins = found.calibration(k)
        values = np.array([b.observed.value for b in bins])
        ends = np.array([[b.observed.value - b.observed.low, b.observed.high - b.observed.value] for b in bins]).T
        name = shortened(found.classes[k], NAME)
        ax.errorbar([b.predicted for b in bins], values, yerr=ends, fmt="o", color=_colour(found, k), label=name)
    _label(ax, "predicted probability", "share of the class", "bars: 95 % intervals")
    _legend(ax)


def _class_line(found: ClassificationEvaluation, ax: Axes, k: int, x: Any, y: Any, area: float) -> None:
    ax.plot(x, y, color=_colour(found, k), label=f"{shortened(found.classes[k], NAME)} {area:.3f}")


def _colour(found: ClassificationEvaluation, k: int) -> str:
    return STYLES[list(found.shown_classes).index(k) % len(STYLES)].colour


def _label(ax: Axes, x: str, y: str, title: str) -> None:
    """Names of columns may hold what matplotlib reads as mathematics: a dollar sign stays one."""
    ax.set_xlabel(x, parse_math=False)
    ax.set_ylabel(y, parse_math=False)
    ax.set_title(title, parse_math=False, fontsize="medium")


def _legend(ax: Axes) -> None:
    for text in ax.legend().get_texts():
        text.set_parse_math(False)


def _of_numbers(run: ReportedRun, kind: str) -> RegressionEvaluation:
    found = _held_out(run, kind)
    if not isinstance(found, RegressionEvaluation):
        raise _not_drawn(kind, "the run predicts classes", 'use "confusion"')
    return found


def _of_classes(run: ReportedRun, kind: str) -> ClassificationEvaluation:
    found = _held_out(run, kind)
    if not isinstance(found, ClassificationEvaluation):
        raise _not_drawn(kind, "the run predicts numbers", 'use "actual"')
    return found


def _held_out(run: ReportedRun, kind: str) -> Any:
    if run.failed:
        raise _not_drawn(kind, "training failed", 'use "loss"')
    if run.held_out is None:
        why = "it has no test rows" if run.search_result is not None else "it was loaded, and its folder holds no rows"
        raise _not_drawn(kind, why, "train with --test 0.2" if run.search_result is not None else "train it again")
    return run.held_out


def _not_drawn(kind: str, why: str, fix: str) -> UsageError:
    return UsageError(f"the picture {kind!r} does not apply to this run: {why}", fix=fix, code="no-plot")


KINDS: dict[str, Callable[[ReportedRun, Axes], None]] = {
    "loss": _loss, "weights": _weights, "lr": _lr, "actual": _actual, "residuals": _residuals,
    "distribution": _distribution, "confusion": _confusion, "roc": _roc, "precision_recall": _precision_recall,
    "calibration": _calibration,
}  # fmt: skip
