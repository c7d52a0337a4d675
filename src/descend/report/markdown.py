"""markdown: a story as a short summary for a job's page."""

from descend.plots.element import text
from descend.report.content import Story
from descend.report.numbers import metric, rate


def render(story: Story) -> str:
    """Return verdict, numbers, variants and findings; everything of the user's is escaped."""
    header = ["variant", "lr", "batch", "epochs", story.metric, "result"]
    rows = [[v.name, rate(v.lr), v.batch, f"{v.epochs:,}", metric(v), v.result] for v in story.variants]
    lines = [f"## {cell(story.title)}", "", f"**{cell(story.status)}** · {cell(story.verdict)}", ""]
    lines += _table([label for label, _ in story.numbers], [[value for _, value in story.numbers]])
    lines += _table(header, rows)
    lines += [f"- **{cell(n.code)}** {cell(n.text)} {' or '.join(map(cell, n.fixes))}" for n in story.findings]
    return "\n".join(lines).rstrip() + "\n"


def cell(value: str) -> str:
    """Return text that neither Markdown nor HTML takes for markup.

    >>> cell("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    safe = text(" ".join(value.split()))
    for sign in "\\`*_[]|":
        safe = safe.replace(sign, "\\" + sign)
    return safe


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [_row(header), "|" + "---|" * len(header), *map(_row, rows), ""] if header else []


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(map(cell, cells)) + " |"
