"""Curves are where the numbers are, with their names apart."""

import numpy as np
import pytest
from tests.plots.parsing import HOSTILE, SVG, WRONG_LOSSES, a_curve, attributes, creates_nothing, parsed, points, texts

from descend.plots import curves
from descend.plots.curves import Curve, _apart
from descend.plots.style import LINE_STYLES, MARKERS


def test_end_labels_are_moved_apart_and_stay_inside():
    assert _apart([300.0, 301.0, 302.0, 335.0], 336.0) == [291.0, 306.0, 321.0, 336.0]
    assert _apart([10.0, 100.0], 336.0) == [10.0, 100.0]


@pytest.mark.parametrize("size", [curves.WIDE, curves.NARROW])
@pytest.mark.parametrize("count", [1, 8, 13, 40])
def test_names_of_any_number_of_lines_stay_in_the_picture_one_below_the_other(size, count):
    pens = [*LINE_STYLES, *(f"own{k}" for k in range(40))][:count]
    ends = [np.linspace(2, 1 + k % 3 * 1e-3, 20) for k in range(count)]
    root = parsed(curves.draw([a_curve(name, loss) for name, loss in zip(pens, ends, strict=True)], size))
    named = [e for e in root.iter(SVG + "text") if float(e.get("x")) > size.width - size.right]
    heights = [float(e.get("y")) for e in named]
    assert len(heights) == count
    assert heights == sorted(heights)
    assert size.width - size.right < min(float(e.get("x")) for e in named)
    assert max(float(e.get("x")) + 7.2 * len(e.text) for e in named) <= size.width
    assert min(heights) >= curves.TOP
    assert max(heights) <= size.height - curves.BOTTOM + 5
    least = 14.9 if count <= 13 else 4
    assert all(b - a > least for a, b in zip(heights, heights[1:], strict=False))


def test_training_is_solid_held_out_dashed_and_each_line_has_its_mark_and_name():
    root = parsed(curves.draw([a_curve("adam"), a_curve("gd", np.linspace(9, 3, 50))]))
    lines = list(root.iter(SVG + "polyline"))
    assert [line.get("stroke-dasharray") for line in lines] == ["4 3", "5 3", None, None]
    assert texts(root)[-2:] == ["D gd", "D adam"]
    assert {e.get("d") for e in root.iter(SVG + "path")} == {MARKERS["star"], MARKERS["circle"]}


def test_lines_are_where_the_numbers_are():
    loss = np.array([1.0, 3.0, 2.0])
    root = parsed(curves.draw([a_curve(loss=loss, held=False)]))
    (line,) = points(root)
    size = curves.WIDE
    width, height = size.width - size.left - size.right, size.height - curves.BOTTOM - curves.TOP
    expected = [size.left + width * (0.04 + share) / 1.08 for share in (0, 0.5, 1)]
    assert [x for x, _ in line] == pytest.approx(expected, abs=0.051)
    assert [y for _, y in line] == pytest.approx([curves.TOP + height * (3.08 - v) / 2.16 for v in loss], abs=0.051)


def test_losses_below_those_of_training_stay_inside():
    c = Curve("adam", "D", np.arange(50), np.linspace(3, 2, 50), np.linspace(2, 1, 50))
    assert max(y for line in points(parsed(curves.draw([c]))) for _, y in line) <= curves.WIDE.height - curves.BOTTOM


def test_the_axis_of_losses_over_decades_says_that_it_is_logarithmic():
    assert "loss (logarithmic)" in texts(parsed(curves.draw([a_curve()])))
    assert "loss" in texts(parsed(curves.draw([a_curve(loss=np.linspace(2, 1, 9))])))


def test_a_run_that_leaves_the_picture_gets_a_cross_and_squashes_no_other():
    calm, wild = (
        a_curve("adam", np.linspace(1, 0.5, 30), held=False),
        a_curve("gd", np.geomspace(1, 1e30, 30), held=False),
    )
    root = parsed(curves.draw([calm, wild]))
    first, second = points(root)
    assert max(y for _, y in first) - min(y for _, y in first) > 20
    assert second[-1][1] == curves.TOP
    assert sum("l8 8m0 -8l-8 8" in e.get("d") for e in root.iter(SVG + "path")) == 1


def test_a_loss_of_zero_is_no_failure():
    root = parsed(curves.draw([a_curve(loss=np.array([1.0, 0.01, 0.0]), held=False)]))
    assert not any("l8 8m0" in e.get("d") for e in root.iter(SVG + "path"))


@pytest.mark.parametrize("loss", WRONG_LOSSES)
def test_losses_that_are_not_numbers_are_cut(loss):
    drawn = attributes(parsed(curves.draw([a_curve(loss=loss, held=False)])))
    assert not any(word in value for value in drawn for word in ("nan", "inf"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_create_nothing(name):
    creates_nothing(lambda n: curves.draw([a_curve(n)]), name)


def test_the_description_says_what_is_shown():
    assert parsed(curves.draw([a_curve()])).find(SVG + "desc").text == "adam: 10 to 0.1 in 49 epochs."


def test_no_curve_is_an_empty_chart():
    assert points(parsed(curves.draw([]))) == []


def test_recorded_points_are_those_that_can_be_drawn():
    assert a_curve(loss=np.array([1.0, np.nan, np.inf, 10.0, 10.1])).recorded == 2
    assert a_curve(loss=np.zeros(0)).recorded == 0
    assert a_curve(loss=np.array([0.0, 1e9])).recorded == 2
    assert a_curve(loss=np.array([np.nan, 1.0, 2.0])).recorded == 2
