"""usage: the section of the page that says which columns the model uses, and how its prediction follows them."""

from descend.evaluation.usage import Importance
from descend.plots import dependence
from descend.plots.element import Element, tag
from descend.report.content import ReportData
from descend.report.evaluation_tables import metric_name
from descend.report.markup import figure, section, table
from descend.report.numbers import number
from descend.text import shortened

TITLE = "What it uses"
MOST_ROWS = 15  # columns of the table, about half a screen
NAME = 40  # letters of a column in a sentence


def usage(report: ReportData) -> Element | None:
    """Return how much worse the model is without each column, and the mean prediction against the strongest."""
    if not report.importances:
        return None
    hidden = len(report.importances) - MOST_ROWS
    rows = [(one.column, *cells(one)) for one in report.importances[:MOST_ROWS]]
    metric = shortened(metric_name(report.metric), NAME)
    caption = f"How much worse the {metric} is when the cells of a column are permuted"
    caption += f"; {hidden:,} columns more are in run.json" if hidden > 0 else ""
    columns = table(caption, ("column", f"{metric} worse by", "±"), rows, numeric=(1, 2))
    if not report.dependences:
        return section("usage", TITLE, columns)
    names = ", ".join(shortened(d.column, NAME) for d in report.dependences)
    said = f"The mean prediction as {names} change{'s' if len(report.dependences) == 1 else ''}, the other columns as they are."
    charts = dependence.panels(report.dependences, report.target)
    numbers = tag("div", *(_numbers(report, k) for k in range(len(report.dependences))))
    return section("usage", TITLE, columns, figure(said, numbers, tag("div", *charts, class_="panels")))


def cells(one: Importance) -> tuple[str, str]:
    """Return an importance and its spread as text."""
    return number(one.mean), f"{one.std:.2g}"


def _numbers(report: ReportData, k: int) -> Element:
    one = report.dependences[k]
    header = [shortened(name, NAME) for name in (one.column, *(one.outputs or (f"mean {report.target}",)))]
    values = [v if isinstance(v, str) else number(float(v)) for v in one.values]
    rows = [(value, *map(number, row.tolist())) for value, row in zip(values, one.mean, strict=True)]
    return table(f"Mean prediction against {shortened(one.column, NAME)}", header, rows, range(1, len(header)))
