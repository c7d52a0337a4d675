"""Bars are as high, or as long, as their counts."""

import re

import numpy as np
import pytest
from tests.plots.parsing import HOSTILE, SVG, creates_nothing, parsed, texts

from descend.plots import distribution
from descend.plots.distribution import Distribution


def bars(element, pattern):
    path = next(e for e in parsed(element).iter(SVG + "path")).get("d")
    return [[float(v) for v in found] for found in re.findall(pattern, path)]


def test_heights_are_in_the_ratio_of_the_counts():
    chart = distribution.panels([Distribution(name="x", counts=np.array([1, 3, 0, 2]), low=0.0, high=4.0)])[0]
    drawn = bars(chart, r"M([\d.]+) ([\d.]+)V([\d.]+)H([\d.]+)V")
    heights = [base - top for _, base, top, _ in drawn]
    assert np.array(heights) / heights[0] == pytest.approx([1, 3, 2], abs=0.02)
    lefts = [left for left, *_ in drawn]
    assert (lefts[1] - lefts[0]) * 3 == pytest.approx(lefts[2] - lefts[0], abs=0.3)  # the third bin is empty


def test_levels_are_rows_with_their_names_the_first_on_top():
    chart = distribution.panels([Distribution(name="k", counts=np.array([6, 2]), levels=("often", "seldom"))])[0]
    drawn = bars(chart, r"M([\d.]+) ([\d.]+)H([\d.]+)V")
    (base, low, short), (_, top, long) = drawn
    assert (long - base) == pytest.approx(3 * (short - base), abs=0.2)
    assert top < low
    heights = {e.text: float(e.get("y")) for e in parsed(chart).iter(SVG + "text")}
    assert heights["often"] < heights["seldom"]


def test_the_description_says_what_is_shown():
    numbers, levels = distribution.panels([
        Distribution(name="x", counts=np.array([1, 3]), low=0.5, high=4.0),
        Distribution(name="k", counts=np.array([1]), levels=("a",)),
    ])  # fmt: skip
    assert parsed(numbers).find(SVG + "desc").text == "x: 4 rows from 0.5 to 4."
    assert parsed(levels).find(SVG + "desc").text == "k: 1 row in 1 level."
    assert "x" in texts(parsed(numbers))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_create_nothing(name):
    creates_nothing(lambda n: distribution.panels([Distribution(name=n, counts=np.array([1, 2]))])[0], name)
    creates_nothing(lambda n: distribution.panels([Distribution(name=n, counts=np.array([2]), levels=(n,))])[0], name)


def test_one_value_and_no_value_are_drawn():
    one = Distribution(name="x", counts=np.array([0, 5]), low=3.0, high=3.0)
    none = Distribution(name="x", counts=np.array([0, 0]), low=-1e308, high=1e308)
    assert [len(list(parsed(c).iter(SVG + "path"))) for c in distribution.panels([one, none])] == [1, 1]
