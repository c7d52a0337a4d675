"""page: sections as one self-contained page: no script, no request, readable without its style sheet."""

import base64
import hashlib
from collections.abc import Sequence

from descend.plots.element import Element, tag
from descend.report.markup import LONGEST, contents
from descend.report.page_style import STYLE
from descend.text import shortened

LANGUAGE = "en"


def page(title: str, source: str, sections: Sequence[Element]) -> str:
    """Return the page; all text is escaped by `Element`.

    Args:
        title: its heading.
        source: the line above it.
        sections: the one of id "verdict" among them.
    """
    title = shortened(title, LONGEST)
    skip = tag("a", "Skip to the verdict", href="#verdict", class_="skip")
    header = tag("header", tag("p", source), tag("h1", title), contents(sections))
    whole = tag("html", _head(title), tag("body", skip, header, tag("main", *sections)), lang=LANGUAGE)
    # The style sheet is a constant and goes in unescaped: escaped quotes would break it.
    return "<!DOCTYPE html>\n" + str(whole).replace("</head>", f"<style>{STYLE}</style></head>", 1) + "\n"


def source_line(version: str, date: str, data_name: str) -> str:
    """Return the line above the title: what made the page, when, and from what."""
    return f"descend {version} · {date} · {shortened(data_name, LONGEST)}"


def _head(title: str) -> Element:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    return tag(
        "head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"), tag("title", f"{title} · descend"),
    )  # fmt: skip
