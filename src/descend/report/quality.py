"""quality: the section of the page that says how good the model is on the test rows."""

from descend.evaluation import ClassificationEvaluation, Evaluation, RegressionEvaluation
from descend.plots import classes, predictions
from descend.plots.element import Element, tag
from descend.plots.scatter import MOST_DOTS
from descend.report import evaluation_tables as tables
from descend.report.content import ReportData
from descend.report.markup import figure, section, table
from descend.report.numbers import number
from descend.text import shortened

TITLE = "How good is it"
FEWEST_ROWS = 2  # of a chart of rows
MOST_CLASSES = 50  # rows of the table, about 15 kB
NAME = 40  # letters of a class in a sentence
NO_TEST_ROWS = (
    "There are no test rows, so nothing here says how good the model is on new data. Train with --test 0.2, or give rows "
    "that it has not seen to descend eval."
)


def quality(report: ReportData) -> Element | None:
    """Return metrics with their intervals, and charts of the test rows; a sentence where there are no such rows."""
    if not report.measured:
        return None
    found = report.held_out
    if found is None:
        return section("quality", TITLE, tag("p", NO_TEST_ROWS))
    above = [_element(tables.metrics(found, rows_are="test ")), *_leaderboard(report, found)]
    if isinstance(found, RegressionEvaluation):
        return section("quality", TITLE, *above, _of_numbers(found, report))
    assert isinstance(found, ClassificationEvaluation)
    return section("quality", TITLE, *above, _element(tables.by_class(found, MOST_CLASSES)), _of_classes(found))


def _leaderboard(report: ReportData, found: Evaluation) -> list[Element]:
    if not report.references:
        return []
    return [_element(tables.leaderboard(found, report.metric, report.references))]


def _of_numbers(found: RegressionEvaluation, report: ReportData) -> Element:
    """The residuals; where single rows may be shown, a dot for each and the worst of them too."""
    rows = len(found.y)
    if rows < FEWEST_ROWS:
        return tag("p", "No chart: there is one test row.")
    low, high = (found.residual_quantiles[q] for q in (0.05, 0.95))
    caption = f"Nine of ten test rows have a residual from {number(low)} to {number(high)}."
    residuals = _element(tables.residuals(found))
    if not report.single_rows:
        return figure(f"{caption} Single rows are not shown, as asked.", residuals, _grid([predictions.spread(found)]))
    caption += f" {MOST_DOTS:,} of {rows:,} rows, evenly spaced." if rows > MOST_DOTS else ""
    charts = predictions.panels(found, shortened(report.target, NAME))
    return figure(caption, tag("div", residuals, _element(tables.worst_rows(found))), _grid(charts))


def _of_classes(found: ClassificationEvaluation) -> Element:
    charts, drawn = classes.panels(found), classes.drawn_classes(found)
    said = []
    if len(found.classes) > classes.MOST_SQUARES:
        said.append(f"No confusion matrix of {len(found.classes):,} classes.")
    if not drawn:
        only = found.classes[int(found.y[0])]
        said.append(f"No curves: all test rows are of the class {shortened(only, NAME)}.")
    elif len(drawn) < len(found.shown_classes):
        said.append(f"Curves of the {len(drawn)} most frequent of {len(found.shown_classes):,} classes.")
    if drawn:
        said.append("Each curve is one class against the rest, with the area below it.")
    if drawn and found.probabilities is not None:
        said.append("Calibration: bars are 95 % intervals; on the dashed line, shares are as predicted.")
    caption = " ".join(said)
    if not charts:
        return tag("p", caption)
    matrix = tables.confusion(found) if len(found.classes) <= classes.MOST_SQUARES else None
    numbers = (matrix, tables.thresholds(found), tables.calibration(found, drawn))
    return figure(caption, tag("div", *(_element(t) for t in numbers if t is not None)), _grid(charts))


def _element(t: tables.EvaluationTable) -> Element:
    """A table whose intervals stay on one line on a narrow page."""
    rows = [(*row[: t.numeric], *(cell.replace(" to ", "\xa0to\xa0") for cell in row[t.numeric :])) for row in t.rows]
    return table(t.caption, t.header, rows, numeric=range(t.numeric, len(t.header)))


def _grid(charts: list[Element]) -> Element:
    return tag("div", *charts, class_="panels")
