"""markdown: a story as a short summary for a job's page."""

from html import escape

from descend.report.html import number
from descend.report.story import Story


def render(story: Story) -> str:
    """Return verdict, numbers, variants and findings; everything of the user's is escaped."""
    lines = [f"## {cell(story.title)}", "", f"**{cell(story.status)}** · {cell(story.verdict)}", ""]
    lines += [
        _row([label for label, _ in story.numbers]),
        _rule(len(story.numbers)),
        _row([v for _, v in story.numbers]),
        "",
    ]
    header = ["variant", "lr", "batch", "epochs", story.metric, "result"]
    lines += [_row(header), _rule(len(header))]
    lines += [
        _row([v.name, number(v.lr), v.batch, f"{v.epochs:,}", number(v.metric), v.result]) for v in story.variants
    ]
    lines += ["", *(f"- **{cell(n.code)}** {cell(n.text)} {' or '.join(map(cell, n.fixes))}" for n in story.findings)]
    return "\n".join(lines).rstrip() + "\n"


def cell(value: str) -> str:
    """Return text that neither Markdown nor HTML takes for markup.

    >>> cell("a|b <i>")
    'a\\\\|b &lt;i&gt;'
    """
    safe = escape(" ".join(value.split()))
    for sign in "\\`*_[]|":
        safe = safe.replace(sign, "\\" + sign)
    return safe


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(map(cell, cells)) + " |"


def _rule(count: int) -> str:
    return "|" + "---|" * count
