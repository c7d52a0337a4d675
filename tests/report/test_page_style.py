"""The page's colours are legible."""

import re

from descend.plots.style import DARK, LIGHT, contrast
from descend.report.page_style import STYLE


def test_the_pages_colours_are_legible_on_its_grounds_which_are_those_of_the_pictures():
    light, dark = (dict(re.findall(r"--(\w+):(#\w{6})", part)) for part in STYLE.split("@media", 2)[:2])
    assert (light["page"], dark["page"]) == (LIGHT, DARK)
    for theme in (light, dark):
        for ground in ("page", "panel"):
            assert all(contrast(theme[ink], theme[ground]) >= 4.5 for ink in ("ink", "soft", "accent", "bad"))
