"""svg: the SVG element of a chart, and the text in it.

Text and grids take the colour of the text around the chart, and a grey that is legible on light and on dark where
there is none.
"""

from collections.abc import Sequence

from descend.plots.element import Element, tag
from descend.plots.style import NEUTRAL
from descend.text import shortened

FONT = "ui-sans-serif, system-ui, sans-serif"
LONGEST_TITLE = 120  # characters; arbitrary: two lines of a tooltip


def chart(title: str, description: str, width: float, height: float, parts: Sequence[Element]) -> Element:
    """Return an SVG of `width` by `height` pixels, with a title and a description for screen readers."""
    return tag(
        "svg", tag("title", shortened(title, LONGEST_TITLE)), tag("desc", description), *parts,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width:.0f} {height:.0f}", width=width, height=height,
        role="img", color=NEUTRAL,
    )  # fmt: skip


def label(text: str, x: float, y: float, anchor: str = "start", size: int = 11) -> Element:
    """Return a line of text at (x, y) in pixels; `anchor` is "start", "middle" or "end", `size` is in pixels."""
    return tag(
        "text", text, x=x, y=y, text_anchor=anchor, fill="currentColor", font_size=size, font_family=FONT
    )  # fmt: skip
