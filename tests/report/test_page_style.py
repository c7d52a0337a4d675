"""The page's colours are legible."""

import re

from descend.plots.style import DARK, LIGHT, contrast
from descend.report.page_style import STYLE


def test_the_pages_colours_are_legible_on_its_grounds_which_are_those_of_the_pictures():
    pairs = re.findall(r"--(\w+):light-dark\((#\w{6}),(#\w{6})\)", STYLE)
    light, dark = ({name: colours[k] for name, *colours in pairs} for k in (0, 1))
    assert (light["page"], dark["page"]) == (LIGHT, DARK)
    for theme in (light, dark):
        for ground in ("page", "panel"):
            assert all(contrast(theme[ink], theme[ground]) >= 4.5 for ink in ("ink", "soft", "accent", "bad"))


def test_no_colour_is_written_twice():
    colours = re.findall(r"#[0-9a-f]{6}", STYLE)
    assert len(colours) == len(set(colours)) == 14
