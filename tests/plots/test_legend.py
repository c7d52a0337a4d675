"""The names of the lines of a panel."""

import xml.etree.ElementTree as ET

from descend.plots.axes import LETTER
from descend.plots.legend import ROW, Entry, height, legend
from descend.plots.panels import RIGHT, WIDTH, Place

FOUR = [Entry(name="a name that is far too long", colour="#5f7fbf", dash="5 3"), Entry(name="b", colour="#bd6b1f", dot=True),
        Entry(name="c", colour="#2f9360"), Entry(name="d", colour="#9068c0")]  # fmt: skip


def drawn(entries):
    return ET.fromstring(f"<svg>{''.join(map(str, legend(entries, Place())))}</svg>")


def test_two_names_stand_in_a_row_and_none_touches_the_next_or_the_edge():
    texts = list(drawn(FOUR).iter("text"))
    ends = [(float(t.get("y")), float(t.get("x")), float(t.get("x")) + LETTER * len(t.text)) for t in texts]
    assert [t.text for t in texts] == ["a name …o long", "b", "c", "d"]
    assert ends[0][0] == ends[1][0] == ends[2][0] - ROW == ends[3][0] - ROW
    assert ends[0][2] < ends[1][1] - 20  # the swatch of the second
    assert all(end < WIDTH - RIGHT for _, _, end in ends)


def test_a_line_has_its_dash_and_a_dot_is_a_dot():
    svg = drawn(FOUR)
    assert [line.get("stroke-dasharray") for line in svg.iter("line")] == ["5 3", None, None]
    assert [dot.get("fill") for dot in svg.iter("circle")] == ["#bd6b1f"]


def test_a_single_line_needs_no_name_and_no_room():
    assert (legend(FOUR[:1], Place()), height(1), height(2), height(3)) == ([], 0.0, ROW, 2 * ROW)
