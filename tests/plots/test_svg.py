"""Charts name themselves."""

from tests.plots.parsing import SVG, parsed

from descend.plots.svg import chart, label


def test_a_chart_has_its_size_a_title_and_a_description():
    root = parsed(chart("t" * 200, "what it shows", 300, 220.4, [label("x", 1, 2)]))
    assert (root.get("viewBox"), root.get("role")) == ("0 0 300 220", "img")
    assert len(root.find(SVG + "title").text) == 120
    assert root.find(SVG + "desc").text == "what it shows"
    assert root.find(SVG + "text").attrib["text-anchor"] == "start"
