"""summary: a result as a few lines of text, and as a static piece of HTML for notebooks."""

from dataclasses import dataclass

from descend.plots.element import tag
from descend.text import aligned, printable, shortened

MOST_LINES = 30  # of a repr (interface.md, section 9)
MOST_FINDINGS = 3  # a reader fixes one thing at a time; the others are in run.json
LONGEST_NAME = 72  # characters of a cell: the longest result of a variant
LONGEST_LINE = 200  # characters of a sentence; arbitrary


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is shown of a result.

    Args:
        title: what it is of.
        verdict: one sentence, with its sign.
        header, rows: a table, the best first.
        right: which columns are aligned to the right.
        facts: (label, value) pairs.
        findings: one sentence each.
        more: what to call next.
    """

    title: str
    verdict: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    right: tuple[int, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    findings: tuple[str, ...] = ()
    more: str = ""


def text(summary: Summary, most: int = MOST_LINES) -> str:
    """Return at most `most` lines; rows of the table that do not fit are counted instead."""
    above = [_line(summary.title), _line(summary.verdict), ""]
    facts = [_line(" · ".join(f"{label} {value}" for label, value in summary.facts))] if summary.facts else []
    below = [*facts, *map(_line, _findings(summary)), *([_line(summary.more)] if summary.more else [])]
    space = most - len(above) - len(below) - 2  # the header, and the empty line below the table
    header, *rows = [
        tuple(shortened(printable(c), LONGEST_NAME) for c in row) for row in (summary.header, *summary.rows)
    ]
    hidden = len(rows) - space + 1 if len(rows) > space else 0
    table = aligned([header, *rows[: len(rows) - hidden]], summary.right) if rows else []
    table += [f" … {hidden:,} more"] if hidden else []
    return "\n".join([*above, *table, *([""] if table else []), *below]).rstrip()


def html(summary: Summary) -> str:
    """Return the summary as one element without script, style or request; everything is escaped."""
    parts = [tag("p", tag("strong", shortened(summary.title, LONGEST_LINE))), tag("p", summary.verdict)]
    if summary.facts:
        facts = " · ".join(f"{label} {value}" for label, value in summary.facts)
        parts.append(tag("p", facts))
    if summary.rows:
        head = tag("tr", *(tag("th", shortened(name, LONGEST_NAME), scope="col") for name in summary.header))
        rows = [tag("tr", *(tag("td", shortened(cell, LONGEST_NAME)) for cell in row)) for row in summary.rows]
        parts.append(tag("table", tag("thead", head), tag("tbody", *rows)))
    if summary.findings:
        parts.append(tag("ul", *(tag("li", finding) for finding in _findings(summary))))
    if summary.more:
        parts.append(tag("p", tag("code", summary.more)))
    return str(tag("div", *parts, class_="descend"))


def _findings(summary: Summary) -> list[str]:
    hidden = len(summary.findings) - MOST_FINDINGS
    more = [f"{hidden:,} more in .findings"] if hidden > 0 else []
    return [*summary.findings[:MOST_FINDINGS], *more]


def _line(sentence: str) -> str:
    return shortened(printable(sentence), LONGEST_LINE)
