"""Charts of the loss against the learning rate."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from descend.plots.rates import RateCurve, panels
from descend.plots.style import line_style


def curve(**changes):
    values = {"variant": "gd", "rates": np.array([0.01, 0.1, 1.0]), "losses": np.array([0.5, 0.1, np.inf]), "start": 1.0,
              "chosen": 0.1, "limit": 0.5}  # fmt: skip
    return RateCurve(**{**values, **changes})


def drawn(*curves):
    return [ET.fromstring(str(p).replace(' xmlns="http://www.w3.org/2000/svg"', "")) for p in panels(curves)]


def test_each_rate_has_a_dot_and_one_that_diverged_a_cross_at_the_top():
    svg = drawn(curve())[0]
    colour = line_style("gd").colour
    dots, crosses = list(svg.iter("circle")), [p for p in svg.iter("path") if p.get("fill") == "none"]
    assert [d.get("fill") for d in dots] == [colour] * 2
    assert float(dots[0].get("cy")) < float(dots[1].get("cy"))  # a lower loss is lower on the page
    assert len(crosses) == 1
    assert len(list(svg.iter("polyline"))) == 1


def test_the_limit_is_dashed_and_right_of_the_chosen_rate():
    svg = drawn(curve())[0]
    dashed = [one for one in svg.iter("line") if one.get("stroke-dasharray")]
    chosen = [p for p in svg.iter("path") if p.get("transform")]
    x = float(chosen[0].get("transform").split("(")[1].split()[0])
    assert len(dashed) == len(chosen) == 1
    assert float(dashed[0].get("x1")) > x
    assert not [one for one in drawn(curve(limit=None))[0].iter("line") if one.get("stroke-dasharray")]


def test_all_variants_share_one_scale_of_losses():
    first, second = drawn(curve(), curve(variant="adam", losses=np.array([0.3, 0.2, 0.4]), limit=None))
    labels = [[t.text for t in svg.iter("text") if t.get("text-anchor") == "end"] for svg in (first, second)]
    assert labels[0] == labels[1]


def test_a_loss_that_rose_is_a_cross():
    assert curve(losses=np.array([0.5, 0.1, 1.6])).drawn.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "3 rates from 0.01 to 1 were tried; 0.1 was chosen, the stability limit is 0.5."),
        ({"chosen": None, "limit": None}, "3 rates from 0.01 to 1 were tried; none was usable."),
    ],
)
def test_the_description_says_what_is_seen(changes, words):
    assert drawn(curve(**changes))[0].find("desc").text == words
