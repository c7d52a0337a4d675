"""Lines keep their extremes, gaps and ends; markers stay within their place."""

import numpy as np
import pytest
from tests.plots.parsing import parsed
from tests.plots.test_style import reach

from descend.plots.axes import Axis
from descend.plots.lines import decimate, line, marker
from descend.plots.style import LINE_STYLES, MARKERS


def test_thinning_keeps_extremes_and_ends():
    xs, ys = np.arange(1e5), np.sin(np.arange(1e5) / 500)
    ys[31_234], ys[77_777] = 9.0, -9.0
    kept_x, kept_y = decimate(xs, ys)
    assert 1500 < len(kept_x) <= 2000
    assert {9.0, -9.0} <= set(kept_y)
    assert (kept_x[0], kept_x[-1]) == (0, 99_999)
    assert np.all(np.diff(kept_x) > 0)


def test_thinning_spreads_points_over_the_width_of_a_logarithmic_axis():
    across = np.log1p(np.arange(1e5))
    kept, _ = decimate(across, np.arange(1e5), 100)
    assert np.diff(kept).max() < 1
    even = np.linspace(0, 99_999, 100).astype(int)  # what thinning by index would leave: a gap of half the axis
    assert np.diff(across[even]).max() > 5


def test_thinning_keeps_gaps():
    ys = np.ones(10_000)
    ys[5_000] = np.nan
    assert np.isnan(decimate(np.arange(1e4), ys, 100)[1]).sum() == 1


def pieces(ys, top=10.0):
    drawn = line(
        Axis(low=0, high=4, start=0, end=400), Axis(low=0, high=top, start=100, end=0), np.arange(5.0), np.array(ys)
    )
    return [list(zip(xs.tolist(), up.tolist(), strict=True)) for xs, up in drawn.pieces], drawn.clipped


def test_a_line_is_cut_at_what_is_no_number():
    assert pieces([0, 10, np.nan, 5, 0]) == ([[(0, 100), (100, 0)], [(300, 50), (400, 100)]], False)
    assert pieces([5, 5, 5, 5, np.nan]) == ([[(0, 50), (100, 50), (200, 50), (300, 50)]], True)


def test_a_line_reaches_the_top_where_it_leaves_and_where_it_returns():
    assert pieces([0, 20, 20, 0, 0]) == ([[(0, 100), (50, 0)], [(250, 0), (300, 100), (400, 100)]], False)
    assert pieces([5, 5, 5, 5, np.inf]) == ([[(0, 50), (100, 50), (200, 50), (300, 50), (300, 0)]], True)
    assert pieces([np.nan] * 5) == ([], True)


@pytest.mark.parametrize("shape", MARKERS)
def test_every_mark_stays_within_its_place(shape):
    assert 3 <= reach(MARKERS[shape]) <= 6.3  # a swatch has 7 pixels to each side, and the line is 1.4 wide
    drawn = parsed(marker(next(p for p in LINE_STYLES.values() if p.marker == shape), 7, 7))
    assert drawn.get("transform") == "translate(7.0 7.0)"
