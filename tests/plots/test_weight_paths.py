"""Each weight against the loss: largest first, clipped where the loss diverges."""

import numpy as np
import pytest
from tests.plots.parsing import HOSTILE, SVG, WRONG_LOSSES, attributes, creates_nothing, parsed, texts

from descend.plots import weight_paths
from descend.plots.weight_paths import WeightPath


def test_of_many_weights_the_first_twelve_are_drawn():
    paths = [WeightPath(f"w{k}", np.arange(5.0), np.arange(5.0, 0, -1)) for k in range(20)]
    root = parsed(weight_paths.draw(paths))
    assert [t for t in texts(root) if t.startswith("w")] == [f"w{k}" for k in range(12)]
    assert len(weight_paths.panels(paths)) == 12


@pytest.mark.parametrize("loss", WRONG_LOSSES)
def test_losses_that_are_not_numbers_are_cut(loss):
    drawn = attributes(parsed(weight_paths.draw([WeightPath("w", loss, loss)])))
    assert not any(word in value for value in drawn for word in ("nan", "inf"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_create_nothing(name):
    creates_nothing(lambda n: weight_paths.draw([WeightPath(n, np.arange(3.0), np.arange(3.0))]), name)


def test_the_chart_says_what_it_shows():
    root = parsed(weight_paths.draw([WeightPath("w", np.array([0.0, 2.0]), np.array([1.0, 0.5]))]))
    assert root.get("role") == "img"
    assert root.find(SVG + "title").text == "Each weight against the loss along the run"
    assert root.find(SVG + "desc").text == "w goes from 0 to 2 while the loss goes from 1 to 0.5."


def test_no_paths_and_empty_paths_are_drawn():
    assert texts(parsed(weight_paths.draw([]))) == []
    described = parsed(weight_paths.draw([WeightPath("w", np.zeros(0), np.zeros(0))])).find(SVG + "desc").text
    assert described == "w: nothing was recorded."


def test_paths_are_ordered_by_the_size_of_their_last_value():
    loss = np.array([2.0, 1.0])
    ends = {"small": 0.1, "negative": -3.0, "large": 2.0, "wrong": np.nan, "zero": 0.0}
    paths = [WeightPath(name, np.array([0.0, end]), loss) for name, end in ends.items()]
    ordered = weight_paths.largest_first([*paths, WeightPath("empty", np.zeros(0), np.zeros(0))])
    assert [p.name for p in ordered] == ["wrong", "empty", "negative", "large", "small", "zero"]


def test_recorded_points_are_those_that_can_be_drawn():
    path = WeightPath("w", np.array([1.0, np.nan, 3.0, 4.0, 5.0]), np.array([1.0, 2.0, np.inf, 4.0, 10.1]))
    assert path.recorded == 2
