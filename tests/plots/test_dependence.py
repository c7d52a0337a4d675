"""Charts of the mean prediction against one column."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from descend.evaluation.usage import Dependence
from descend.plots.dependence import MOST_LEVELS, panels
from descend.plots.style import LINE_STYLES

NUMBERS = Dependence(
    column="age", values=np.array([1.0, 2.0, 4.0]), mean=np.array([[10.0], [20.0], [15.0]]), outputs=()
)


def drawn(one):
    return ET.fromstring(str(panels([one], "price")[0]).replace(' xmlns="http://www.w3.org/2000/svg"', ""))


def texts(svg):
    return [t.text for t in svg.iter("text")]


def test_a_number_is_a_line_through_its_points():
    svg = drawn(NUMBERS)
    points = [tuple(map(float, p.split(","))) for p in svg.find("polyline").get("points").split()]
    assert len(points) == 3
    assert points[1][1] < points[2][1] < points[0][1]  # pixels count from the top
    assert (points[1][0] - points[0][0]) * 2 == pytest.approx(points[2][0] - points[1][0], abs=0.3)
    assert {"age", "mean price"} <= set(texts(svg))
    assert svg.find("desc").text == "It goes from 10 to 20."


def test_a_category_has_a_dot_for_each_level():
    svg = drawn(Dependence(column="island", values=("Dream", "Biscoe"), mean=np.array([[3.0], [1.0]]), outputs=()))
    dots = list(svg.iter("circle"))
    assert len(dots) == 2
    assert float(dots[0].get("cx")) > float(dots[1].get("cx"))
    assert {"Dream", "Biscoe", "island"} <= set(texts(svg))


def test_of_two_classes_the_second_is_drawn_and_of_several_each_in_its_colour():
    two = drawn(
        Dependence(
            column="x", values=np.array([0.0, 1.0]), mean=np.array([[0.9, 0.1], [0.2, 0.8]]), outputs=("no", "yes")
        )
    )
    three = drawn(
        Dependence(column="x", values=np.array([0.0, 1.0]), mean=np.full((2, 3), 1 / 3), outputs=("a", "b", "c"))
    )
    assert len(list(two.iter("polyline"))) == 1
    assert "probability of yes" in texts(two)
    assert {"a", "b", "c", "mean probability"} <= set(texts(three))
    colours = [line.get("stroke") for line in three.iter("polyline")]
    assert colours == [LINE_STYLES[name].colour for name in ("gd", "sgd", "minibatch")]


def test_of_many_levels_the_first_are_drawn():
    levels = tuple(f"level {k}" for k in range(40))
    svg = drawn(Dependence(column="x", values=levels, mean=np.arange(40.0)[:, None], outputs=()))
    assert len(list(svg.iter("circle"))) == MOST_LEVELS


def test_markup_in_names_stays_text():
    svg = drawn(Dependence(column="<b>", values=("<i>", "&"), mean=np.array([[1.0], [2.0]]), outputs=()))
    assert {"<b>", "<i>", "&"} <= set(texts(svg))
