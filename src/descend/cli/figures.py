"""figures: an evaluation as lines of text: metrics with their intervals, and compact tables."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from descend.report import evaluation_tables as tables
from descend.report.numbers import DASH
from descend.text import aligned, printable, shortened

if TYPE_CHECKING:
    from descend.evaluation import Evaluation

MOST_CLASSES = 12  # of a matrix, whose width is then about 100 characters
CELL = 24  # characters: the longest figure with its interval, and names beyond it are shortened


def metric_lines(found: "Evaluation", names: Iterable[str]) -> list[str]:
    """Return one line for each of these metrics: its name, its value, and its 95 % interval."""
    rows = tables.metrics(found, names).rows
    wide, room = (max(len(row[k]) for row in rows) for k in (0, 1))
    return [
        f"{name:<{wide}} {value:<{room}}{'' if ends == DASH else f'  ({ends})'}".rstrip() for name, value, ends in rows
    ]


def detail_lines(found: "Evaluation", rows: bool = True) -> list[str]:
    """Return what there is beside the metrics, as tables; single rows only where `rows` is set."""
    from descend.evaluation import ClassificationEvaluation, RegressionEvaluation

    if isinstance(found, RegressionEvaluation):
        return _lines(tables.residuals(found)) + (_lines(tables.worst_rows(found)) if rows else [])
    assert isinstance(found, ClassificationEvaluation)
    few = len(found.classes) <= MOST_CLASSES
    matrix = (
        _lines(tables.confusion(found)) if few else ["", f"No matrix of {len(found.classes):,} classes; --json has it"]
    )
    two = found.shown_classes if len(found.classes) == 2 else ()
    return [
        *matrix, *_lines(tables.by_class(found, MOST_CLASSES)), *_lines(tables.thresholds(found)),
        *_lines(tables.calibration(found, two)),
    ]  # fmt: skip


def _lines(table: tables.EvaluationTable | None) -> list[str]:
    """A table below its caption, with an empty line before."""
    if table is None:
        return []
    cells = [[shortened(printable(cell), CELL) for cell in row] for row in (table.header, *table.rows)]
    return ["", printable(table.caption), *aligned(cells, right=range(table.numeric, len(table.header)))]
