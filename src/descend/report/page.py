"""page: sections as one self-contained page: no request, readable without its style sheet and without its script."""

import base64
import hashlib
from collections.abc import Sequence

from descend.plots.element import Element, tag
from descend.report.markup import LONGEST, contents
from descend.report.page_script import SCRIPT
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
    # Style sheet and script are constants and go in unescaped: escaped quotes would break them.
    text = str(whole).replace("</head>", f"<style>{STYLE}</style></head>", 1)
    return "<!DOCTYPE html>\n" + f"<script>{SCRIPT}</script></body>".join(text.rsplit("</body>", 1)) + "\n"


def source_line(version: str, date: str, data_name: str) -> str:
    """Return the line above the title: what made the page, when, and from what."""
    return f"descend {version} · {date} · {shortened(data_name, LONGEST)}"


def _digest(text: str) -> str:
    """What a policy names to allow one text, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _head(title: str) -> Element:
    policy = f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'; img-src data:"
    return tag(
        "head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"), tag("title", f"{title} · descend"),
    )  # fmt: skip
