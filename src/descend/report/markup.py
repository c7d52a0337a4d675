"""markup: sections, figures, tables and lists of the page."""

import base64
import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from descend.plots.element import Element, tag
from descend.text import shortened

LONGEST, LONGEST_CELL = 120, 400  # characters of a heading and of a table's cell; arbitrary
Cell = str | Element | tuple[str | Element, ...]


def section(key: str, title: str, *children: Element, class_: str | None = None) -> Element:
    """Return a section with its heading; `key` is its id, which links lead to."""
    return tag("section", tag("h2", shortened(title, LONGEST)), *children, id=key, class_=class_)


def contents(sections: Iterable[Element]) -> Element:
    """Return links to sections, by their headings."""
    links = [tag("a", *section.children[0].children, href=f"#{dict(section.attributes)['id']}")
             for section in sections if isinstance(section.children[0], Element)]  # fmt: skip
    return tag("nav", *links, aria_label="Contents")


def figure(caption: str, table: Element, *charts: Element) -> Element:
    """Return charts below a sentence that says what they show, with the numbers in a closed table below, and as CSV."""
    link = download("the numbers as CSV", "numbers.csv", csv_of(table))
    return tag(
        "figure", tag("figcaption", caption), *charts, tag("details", tag("summary", "The numbers"), table, link)
    )


def download(text: str, file: str, content: str) -> Element:
    """Return a link by which a browser saves text that the page itself holds, under a name."""
    data = base64.b64encode(content.encode()).decode()
    return tag("p", tag("a", text, href=f"data:text/csv;charset=utf-8;base64,{data}", download=file))


def csv_of(part: Element) -> str:
    """Return the cells of all tables in an element as CSV, an empty line between two tables."""
    return "\n".join(csv_text(rows) for rows in _tables(part))


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows of cells as CSV, a line each."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _tables(part: Element) -> Iterator[list[list[str]]]:
    """The rows of cells of each table."""
    if part.name == "table":
        yield [[_text(cell) for cell in row.children if isinstance(cell, Element)] for row in _named(part, "tr")]
        return
    for child in part.children:
        if isinstance(child, Element):
            yield from _tables(child)


def _named(part: Element, name: str) -> Iterator[Element]:
    for child in part.children:
        if isinstance(child, Element):
            if child.name == name:
                yield child
            yield from _named(child, name)


def _text(part: Element) -> str:
    return "".join(child if isinstance(child, str) else _text(child) for child in part.children).strip()


def unbroken(text: str) -> str:
    """Return the text with spaces at which no line ends, so that a figure keeps its sign and its interval.

    >>> unbroken("1.5 ± 0.2") == "1.5\u00a0±\u00a00.2"
    True
    """
    return text.replace(" ", "\u00a0")


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], numeric: Sequence[int] = ()) -> Element:
    """Return a table; the first cell of a row is its heading, the `numeric` columns are aligned to the right."""
    kind = ["n" if k in numeric else None for k in range(len(header))]
    head = tag(
        "tr", *(tag("th", shortened(h, LONGEST), scope="col", class_=k) for h, k in zip(header, kind, strict=True))
    )
    body = [
        tag("tr", tag("th", *_parts(row[0]), scope="row"),
            *(tag("td", *_parts(c), class_=k) for c, k in zip(row[1:], kind[1:], strict=True)))
        for row in rows
    ]  # fmt: skip
    whole = tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body))
    return tag("div", whole, class_="table", tabindex="0", role="group", aria_label=caption)


def terms(pairs: Iterable[tuple[str, str | Element]], class_: str) -> Element:
    """Return a list of terms and their meanings."""
    parts = [tag("div", tag("dt", shortened(term, LONGEST)), tag("dd", meaning)) for term, meaning in pairs]
    return tag("dl", *parts, class_=class_)


def code(text: str) -> Element:
    """Return text to copy."""
    return tag("pre", tag("code", text))


def _parts(cell: Cell) -> tuple[str | Element, ...]:
    parts = cell if isinstance(cell, tuple) else (cell,)
    return tuple(shortened(p, LONGEST_CELL) if isinstance(p, str) else p for p in parts)
