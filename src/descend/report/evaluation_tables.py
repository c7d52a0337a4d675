"""evaluation_tables: the tables of an evaluation as text, for the page and for the terminal."""

from collections.abc import Iterable
from dataclasses import dataclass

from descend.evaluation import ClassificationEvaluation, Estimate, Evaluation, RegressionEvaluation
from descend.evaluation.paired import Verdict
from descend.evaluation.reference import Reference
from descend.metrics import best_first
from descend.report.numbers import DASH, number, span

METRICS = {"rmse": "RMSE", "mae": "MAE", "r2": "R²", "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy",
           "auc": "AUC", "logloss": "log loss"}  # fmt: skip

VERDICTS = {
    Verdict.BETTER: "this model is better", Verdict.TIE: "a tie", Verdict.WORSE: "this model is worse",
}  # fmt: skip


@dataclass(frozen=True)
class EvaluationTable:
    """A caption, a header, and rows of cells; cells from the column `numeric` on are numbers."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: int = 1


def metric_name(name: str) -> str:
    """Return a metric as people write it.

    >>> metric_name("balanced_accuracy")
    'balanced accuracy'
    """
    return METRICS.get(name, name)


def metrics(found: Evaluation, names: Iterable[str] | None = None, rows_are: str = "") -> EvaluationTable:
    """Return these metrics, all when None, with their intervals; `rows_are` says what rows, such as "test "."""
    shown = {name: found.estimates[name] for name in (found if names is None else names)}
    rows = tuple((METRICS[name], number(e.value), _ends(e.low, e.high)) for name, e in shown.items())
    return EvaluationTable(f"On {len(found.y):,} {rows_are}rows", ("metric", "value", "95 % interval"), rows)


def leaderboard(found: Evaluation, metric: str, references: Iterable[Reference]) -> EvaluationTable:
    """Return the model among its references, the best first, each with its interval and how the model compares."""
    own = found.estimates[metric]
    rows = [(own.value, ("this model", number(own.value), _ends(own.low, own.high), ""))]
    for r in references:
        verdict = VERDICTS[r.verdict.verdict]
        rows.append((r.value, (str(r.model), number(r.value), _ends(r.low, r.high), verdict)))
    ordered = sorted(rows, key=lambda row: best_first(metric, row[0]))
    header = ("model", METRICS[metric], "95 % interval", "row by row")
    return EvaluationTable("Beside other models, the best first", header, tuple(row for _, row in ordered))


def residuals(found: RegressionEvaluation) -> EvaluationTable:
    """Return the residuals below which so many of the rows lie."""
    words = {0.0: "lowest", 0.5: "median", 1.0: "highest"}
    header = tuple(words.get(q, f"{100 * q:g} %") for q in found.residual_quantiles)
    row = tuple(number(v) for v in found.residual_quantiles.values())
    return EvaluationTable("Residuals, actual less predicted", header, (row,), 0)


def worst_rows(found: RegressionEvaluation) -> EvaluationTable:
    """Return the rows whose prediction is farthest off."""
    rows = tuple(
        (f"{w.row:,}", number(w.actual), number(w.predicted), number(w.actual - w.predicted)) for w in found.worst()
    )
    return EvaluationTable("Worst rows, the first row is 0", ("row", "actual", "predicted", "residual"), rows, 0)


def confusion(found: ClassificationEvaluation) -> EvaluationTable:
    """Return how many rows of each class are predicted as each class."""
    rows = tuple(
        (name, *(f"{n:,}" for n in counts))
        for name, counts in zip(found.classes, found.confusion.tolist(), strict=True)
    )
    return EvaluationTable("Rows of each class, by the class that is predicted", ("actual", *found.classes), rows)


def by_class(found: ClassificationEvaluation, most: int) -> EvaluationTable:
    """Return the figures of each class against the rest, of so many classes at most; lift where one of them is rare."""
    shown, hidden = found.by_class[:most], len(found.classes) - most
    lifts = any(c.lift is not None for c in shown)
    figures = ("precision", "recall", "F1", "AUC", "average precision", *(("lift",) if lifts else ()))
    rows = tuple(
        (c.name, f"{c.rows:,}", *map(_share, (c.precision, c.recall, c.f1, c.auc, c.average_precision)),
         *((_factor(c.lift),) if lifts else ()))
        for c in shown
    )  # fmt: skip
    more = f"; {hidden:,} more are in descend eval --json" if hidden > 0 else ""
    return EvaluationTable(f"Each class against the rest{more}", ("class", "rows", *figures), rows)


def thresholds(found: ClassificationEvaluation) -> EvaluationTable | None:
    """Return what becomes of two classes at other thresholds; None where that does not apply."""
    if not found.thresholds:
        return None
    rows = tuple(
        (f"{t.threshold:g}", f"{100 * t.predicted:.1f} %", *map(_share, (t.precision, t.recall, t.f1)), number(t.balanced_accuracy))
        for t in found.thresholds
    )  # fmt: skip
    header = ("from", "predicted", "precision", "recall", "F1", "balanced accuracy")
    return EvaluationTable(f"Where {found.classes[1]} is predicted from a probability on", header, rows, 0)


def calibration(found: ClassificationEvaluation, classes: Iterable[int]) -> EvaluationTable | None:
    """Return the bins of the probabilities of these classes; None where there are none."""
    rows = tuple(
        (found.classes[k], f"{b.rows:,}", f"{b.predicted:.3f}", _share(b.observed))
        for k in classes for b in found.calibration(k)
    )  # fmt: skip
    header = ("class", "rows", "mean probability", "share of the class")
    return EvaluationTable("Calibration, in bins of equally many rows", header, rows) if rows else None


def _ends(low: float, high: float) -> str:
    return span(low, high) if low == low else DASH


def _share(one: Estimate) -> str:
    return DASH if one.value != one.value else f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"


def _factor(one: Estimate | None) -> str:
    return DASH if one is None else f"{one.value:.1f} ({one.low:.1f} to {one.high:.1f})"
