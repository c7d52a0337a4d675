"""Charts name themselves, and names are shortened in the middle."""

import pytest
from tests.plots.parsing import SVG, parsed

from descend.plots.svg import chart, label, shortened


def test_a_chart_has_its_size_a_title_and_a_description():
    root = parsed(chart("t" * 200, "what it shows", 300, 220.4, [label("x", 1, 2)]))
    assert (root.get("viewBox"), root.get("role")) == ("0 0 300 220", "img")
    assert len(root.find(SVG + "title").text) == 120
    assert root.find(SVG + "desc").text == "what it shows"
    assert root.find(SVG + "text").attrib["text-anchor"] == "start"


@pytest.mark.parametrize(
    ("name", "longest", "short"),
    [
        ("flipper_length_mm", 17, "flipper_length_mm"),
        ("flipper_length_mm", 10, "flipp…h_mm"),
        ("sensor_0001_mean", 9, "sens…mean"),
        ("abcdef", 2, "a…"),
        ("abcdef", 3, "a…f"),
        ("", 5, ""),
    ],
)
def test_names_keep_both_their_ends(name, longest, short):
    assert shortened(name, longest) == short
    assert len(shortened(name, longest)) <= longest
