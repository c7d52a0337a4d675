"""Charts of predicted numbers: a dot a row, a bar a bin, whatever the values."""

import numpy as np
import pytest
from tests.plots.parsing import HOSTILE, creates_nothing, parsed

from descend.evaluation import RegressionEvaluation
from descend.plots.predictions import MOST_BARS, panels

RNG = np.random.default_rng(0)
Y = RNG.normal(size=200)


def made(y=Y, predicted=Y + 1.0, target="y"):
    return panels(RegressionEvaluation(y=y, predicted=predicted), target)


def bars(chart):
    return [e for e in parsed(chart).iter() if e.tag.endswith("rect")]


def test_each_row_is_a_dot_and_the_bars_hold_all_rows():
    against, residuals, distribution = made(predicted=Y + RNG.normal(size=200))
    assert str(against).count("h0") == str(residuals).count("h0") == 200
    heights = np.array([float(e.get("height")) for e in bars(distribution)])
    assert len(heights) == 16  # the root of 200, rounded up, and one
    assert heights.max() > 100


def test_the_heights_of_the_bars_are_the_counts():
    residual = np.r_[np.zeros(30), np.ones(10)]
    (*_, distribution) = made(residual, np.zeros(40))
    heights = np.array([float(e.get("height")) for e in bars(distribution)])
    assert heights[-1] / heights[0] == pytest.approx(1 / 3, abs=1e-2)
    assert not heights[1:-1].any()


def test_many_rows_have_at_most_thirty_bars():
    y = RNG.normal(size=5000)
    (*_, distribution) = made(y, np.zeros(5000))
    assert len(bars(distribution)) == MOST_BARS


@pytest.mark.parametrize(
    ("y", "predicted"),
    [
        (np.ones(2), np.ones(2)),
        (Y, Y + 1.0),
        (Y, np.full(200, 3.0)),
        (Y * 1e150, Y),
        (np.array([1e9, 1e9 + 1]), np.array([1e9, 1e9])),
    ],
    ids=["constant", "residuals equal but for rounding", "constant prediction", "huge", "far from zero"],
)
def test_degenerate_values_are_drawn_without_nan(y, predicted):
    for chart in made(y, predicted):
        drawn = [e.get(a, "") for e in parsed(chart).iter() for a in ("points", "d", "x", "y", "x1", "y1", "height")]
        assert not any(word in value for value in drawn for word in ("nan", "inf"))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_create_nothing(name):
    creates_nothing(lambda n: made(Y[:8], Y[:8] + 1.0, target=n)[0], name)
