"""Panels lie side by side, three in a row, twelve at most."""

import numpy as np
import pytest
from tests.plots.parsing import SVG, parsed

from descend.plots.axes import LETTER
from descend.plots.panels import BOTTOM, HEIGHT, LEFT, MOST_PANELS, RIGHT, TOP, WIDTH, Place, grid, margin_of, panel
from descend.plots.svg import label


def drawn(item, place):
    return [label(item, place.left, place.top)]


def test_panels_fill_rows_of_three():
    root = parsed(grid("title", "description", list("abcd"), drawn))
    places = {e.text: (float(e.get("x")), float(e.get("y"))) for e in root.iter(SVG + "text")}
    assert places == {"a": (0, 0), "b": (WIDTH, 0), "c": (2 * WIDTH, 0), "d": (0, HEIGHT)}
    assert root.get("viewBox") == f"0 0 {3 * WIDTH:.0f} {2 * HEIGHT:.0f}"


def test_more_items_than_fit_are_left_out():
    root = parsed(grid("title", "description", [str(k) for k in range(40)], drawn))
    assert [e.text for e in root.iter(SVG + "text")] == [str(k) for k in range(MOST_PANELS)]


def test_one_panel_is_a_chart_of_its_own():
    root = parsed(panel("title", "description", "a", drawn))
    assert root.get("viewBox") == f"0 0 {WIDTH:.0f} {HEIGHT:.0f}"


def test_axes_lie_inside_the_margins_of_their_place():
    place, values = Place(WIDTH, HEIGHT), np.array([1.0, 2.0])
    x, y = place.x(values), place.y(values)
    assert (x.start, x.end) == (WIDTH + LEFT, 2 * WIDTH - RIGHT)
    assert (y.start, y.end) == (2 * HEIGHT - BOTTOM, HEIGHT + TOP)
    assert place.y(values, log=True).log


def test_the_axis_of_classes_has_names_and_the_margin_room_for_them():
    axis = Place().y_of_classes(["Adelie", "c" * 100])
    assert axis.names == ("Adelie", "ccccccc…cccccc")
    assert margin_of(axis) == pytest.approx(14 * LETTER + 14)
    assert margin_of(Place().y_of_classes(["a"])) == LEFT
    assert (axis.start, axis.end) == (HEIGHT - BOTTOM, TOP)
