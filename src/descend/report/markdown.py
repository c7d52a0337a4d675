"""markdown: a report as a short summary, such as for the page of a CI job."""

from descend.plots.element import escaped
from descend.report.content import ReportData
from descend.report.evaluation_tables import metric_name
from descend.report.numbers import metric, rate


def render(report: ReportData) -> str:
    """Return verdict, numbers, variants and findings; names from the data are escaped."""
    header = ["variant", "lr", "batch", "epochs", metric_name(report.metric), "result"]
    rows = [[v.name, rate(v.lr), v.batch, f"{v.epochs:,}", metric(v), v.result] for v in report.variants]
    lines = [f"## {cell(report.title)}", "", f"**{cell(report.status)}** · {cell(report.verdict)}", ""]
    lines += _table([label for label, _ in report.numbers], [[value for _, value in report.numbers]])
    lines += _table(header, rows)
    lines += [f"- **{cell(n.code)}** {cell(n.text)} {' or '.join(map(cell, n.fixes))}" for n in report.findings]
    return "\n".join(lines).rstrip() + "\n"


def cell(value: str) -> str:
    """Return text in which nothing is markup, of Markdown or of HTML.

    >>> cell("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    safe = escaped(" ".join(value.split()))
    for sign in "\\`*_[]|":
        safe = safe.replace(sign, "\\" + sign)
    return safe


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [_row(header), "|" + "---|" * len(header), *map(_row, rows), ""] if header else []


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(map(cell, cells)) + " |"
