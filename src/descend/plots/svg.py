"""svg: the paper that a picture is drawn on, and the words on it.

Words and grids take the colour of the text around the picture, and a grey that is legible on light and on dark
where there is none.
"""

from collections.abc import Sequence

from descend.plots.element import Element, tag
from descend.plots.style import PLAIN

FONT = "ui-sans-serif, system-ui, sans-serif"


def picture(title: str, told: str, width: float, height: float, parts: Sequence[Element]) -> Element:
    """Return an SVG that names itself, and says in a sentence what it shows, to people who cannot see it."""
    return tag(
        "svg", tag("title", shortened(title, 120)), tag("desc", told), *parts, xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}", width=width, height=height, role="img", color=PLAIN,
    )  # fmt: skip


def words(said: str, x: float, y: float, anchor: str = "start", size: int = 11, weight: str | None = None) -> Element:
    """Return a line of text."""
    return tag(
        "text", said, x=x, y=y, text_anchor=anchor, fill="currentColor", font_size=size, font_weight=weight,
        font_family=FONT,
    )  # fmt: skip


def shortened(name: str, most: int) -> str:
    """Return a name of at most so many characters.

    >>> shortened("flipper_length_mm", 10)
    'flipper_l…'
    """
    return name if len(name) <= most else name[: most - 1] + "…"
