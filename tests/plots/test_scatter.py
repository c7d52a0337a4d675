"""Dots are the rows, and the association is NumPy's."""

import numpy as np
import pytest
from tests.plots.parsing import HOSTILE, SVG, creates_nothing, parsed, points, texts

from descend.plots import scatter
from descend.plots.scatter import Scatter


def test_of_many_rows_a_thousand_are_drawn_and_fitted_values_beside_them():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(5000)
    assert str(scatter.draw([Scatter("x", x, x)], "y")).count("h0") == 1000
    drawn = str(scatter.draw([Scatter("x", x, x, x / 2)], "y"))
    assert (drawn.count("h0"), drawn.count("h5")) == (1000, 1000)


def test_correlation_is_numpys_and_none_where_nothing_varies():
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 50))
    assert Scatter("x", x, y).association == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert Scatter("x", x * 1e300, y).association == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
    assert Scatter("x", np.ones(50), y).association is None


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_create_nothing(name):
    creates_nothing(lambda n: scatter.draw([Scatter(n, np.arange(3.0), np.arange(3.0))], n), name)
    creates_nothing(lambda n: scatter.draw([Scatter(n, np.arange(2.0), np.arange(2.0), None, (n, "b"))], n), name)


def test_the_description_says_what_is_shown():
    described = parsed(scatter.draw([Scatter("x", np.arange(3.0), np.arange(3.0))], "y")).find(SVG + "desc").text
    assert described == "x: correlation 1.00."
    constant = parsed(scatter.draw([Scatter("x", np.ones(3), np.arange(3.0), None, ("a", "b", "c"))], "y"))
    assert constant.find(SVG + "desc").text == "x: no correlation ratio can be computed."


def test_missing_values_and_empty_charts_are_drawn():
    x = np.array([1.0, np.nan, 3.0])
    assert str(scatter.draw([Scatter("x", x, x[::-1])], "y")).count("h0") == 2
    assert points(parsed(scatter.draw([], "y"))) == []


def test_classes_are_rows_with_their_names():
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 200)
    species = ("Adelie", "Chinstrap", "Gentoo")
    root = parsed(scatter.draw([Scatter("x", rng.standard_normal(200), y.astype(float), None, species)], "species"))
    assert [t for t in texts(root) if t in ("Adelie", "Chinstrap", "Gentoo")] == ["Adelie", "Chinstrap", "Gentoo"]
    heights = {e.text: float(e.get("y")) - 3.5 for e in root.iter(SVG + "text")}
    path = next(e for e in root.iter(SVG + "path")).get("d")
    dots = [float(move.split()[1].partition("h")[0]) for move in path.split("M")[1:]]
    row = heights["Adelie"] - heights["Chinstrap"]
    assert len(dots) == 200
    for k, name in enumerate(("Adelie", "Chinstrap", "Gentoo")):
        assert np.abs(np.array(dots)[y == k] - heights[name]).max() <= 0.3 * row + 0.1


def test_the_correlation_ratio_is_that_of_an_analysis_of_variance():
    from scipy.stats import f_oneway

    rng = np.random.default_rng(3)
    x, y = rng.standard_normal(90) + np.repeat([0, 1, 3], 30), np.repeat([0.0, 1.0, 2.0], 30)
    eta = Scatter("x", x, y, None, ("a", "b", "c")).association
    f = f_oneway(x[:30], x[30:60], x[60:]).statistic
    assert eta**2 == pytest.approx(2 * f / (2 * f + 87))
    assert scatter.symbol(Scatter("x", x, y, None, ("a", "b", "c"))) == "η"
