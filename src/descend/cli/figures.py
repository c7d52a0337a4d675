"""figures: an evaluation as lines of text: metrics with their intervals, and compact tables."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from descend.cli.answer import METRICS
from descend.report.numbers import DASH, number, span
from descend.text import aligned, printable, shortened

if TYPE_CHECKING:
    from descend.evaluation import ClassificationEvaluation, Estimate, Evaluation, RegressionEvaluation

MOST_CLASSES = 12  # of a matrix, whose width is then about 100 characters
NAME = 14  # letters of a class in a table


def metric_lines(found: "Evaluation", names: Iterable[str]) -> list[str]:
    """Return one line for each of these metrics: its name, its value, and its 95 % interval."""
    names = list(names)
    width = max(len(METRICS[name]) for name in names) + 1
    values = {name: number(found[name]) for name in names}
    room = max(map(len, values.values()))
    return [
        f"{METRICS[name]:<{width}}{values[name]:<{room}}{_interval(found.estimates[name])}".rstrip() for name in names
    ]


def _interval(one: "Estimate") -> str:
    return f"  ({span(one.low, one.high)})" if one.low == one.low else ""


def detail_lines(found: "Evaluation", rows: bool = True) -> list[str]:
    """Return what there is beside the metrics, as tables; single rows only where `rows` is set."""
    from descend.evaluation import ClassificationEvaluation, RegressionEvaluation

    if isinstance(found, RegressionEvaluation):
        return _residuals(found) + (_worst(found) if rows else [])
    assert isinstance(found, ClassificationEvaluation)
    return _confusion(found) + _by_class(found) + _thresholds(found) + _calibration(found)


def _titled(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 0) -> list[str]:
    """A table below its title, with an empty line before; columns after `left` are numbers."""
    return ["", title, *aligned([header, *rows], right=range(left, len(header)))]


def _residuals(found: "RegressionEvaluation") -> list[str]:
    words = {0.0: "lowest", 0.5: "median", 1.0: "highest"}
    header = [words.get(q, f"{100 * q:g} %") for q in found.residual_quantiles]
    return _titled(
        "residuals, target less prediction", header, [[number(v) for v in found.residual_quantiles.values()]]
    )


def _worst(found: "RegressionEvaluation") -> list[str]:
    rows = [
        (f"{w.row:,}", number(w.actual), number(w.predicted), number(w.actual - w.predicted)) for w in found.worst()
    ]
    return _titled("worst rows, the first row is 0", ("row", "actual", "predicted", "residual"), rows)


def _confusion(found: "ClassificationEvaluation") -> list[str]:
    if len(found.classes) > MOST_CLASSES:
        return ["", f"confusion matrix: {len(found.classes):,} classes, --json has it"]
    names = [shortened(printable(c), NAME) for c in found.classes]
    rows = [(name, *(f"{n:,}" for n in counts)) for name, counts in zip(names, found.confusion.tolist(), strict=True)]
    return _titled("rows of each class, by the class that is predicted", ("actual", *names), rows, left=1)


def _by_class(found: "ClassificationEvaluation") -> list[str]:
    shown = found.by_class[:MOST_CLASSES]
    lifts = any(c.lift is not None for c in shown)
    header = ("class", "rows", "precision", "recall", "F1", "AUC", "area PR", *(("lift",) if lifts else ()))
    rows = [
        (
            shortened(printable(c.name), NAME), f"{c.rows:,}",
            *map(_share, (c.precision, c.recall, c.f1, c.auc, c.average_precision)),
            *((_lift(c.lift),) if lifts else ()),
        )
        for c in shown
    ]  # fmt: skip
    hidden = len(found.classes) - len(shown)
    more = [f" {hidden:,} more classes, --json has them"] if hidden else []
    return _titled("each class against the rest", header, rows, left=1) + more


def _share(one: "Estimate") -> str:
    if one.value != one.value:
        return DASH
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"


def _lift(one: "Estimate | None") -> str:
    return DASH if one is None else f"{one.value:.1f} ({one.low:.1f} to {one.high:.1f})"


def _thresholds(found: "ClassificationEvaluation") -> list[str]:
    if not found.thresholds:
        return []
    name = shortened(printable(found.classes[1]), NAME)
    rows = [
        (
            f"{t.threshold:g}", f"{100 * t.predicted:.1f} %", _share(t.precision), _share(t.recall),
            *(DASH if v != v else f"{v:.2f}" for v in (t.f1, t.balanced_accuracy)),
        )
        for t in found.thresholds
    ]  # fmt: skip
    header = ("from", "predicted", "precision", "recall", "F1", "balanced accuracy")
    return _titled(f"where {name} is predicted from a probability on", header, rows)


def _calibration(found: "ClassificationEvaluation") -> list[str]:
    if len(found.classes) != 2 or not found.shown_classes or found.probabilities is None:
        return []
    name = shortened(printable(found.classes[1]), NAME)
    rows = [(f"{b.rows:,}", f"{b.predicted:.3f}", _share(b.observed)) for b in found.calibration(1)]
    return _titled(f"calibration of {name}", ("rows", "probability", "share"), rows)
