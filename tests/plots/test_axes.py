"""Axes, ticks and lines: numbers where they belong, whatever the numbers are."""

import numpy as np
import pytest

from descend.plots.axes import Axis, frame, plausible, spans_decades
from descend.plots.lines import decimate, line
from descend.plots.ticks import label, linear_ticks, log_ticks


def test_linear_ticks_are_round_numbers():
    assert linear_ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    assert linear_ticks(-0.31, 0.42, 5) == [-0.2, 0, 0.2, 0.4]
    assert linear_ticks(13.1, 21.5, 4) == [15, 17.5, 20]
    assert linear_ticks(2007, 2009, 4) == [2007, 2007.5, 2008, 2008.5, 2009]
    assert linear_ticks(0, 6e-15, 4) == [0, 2e-15, 4e-15, 6e-15]
    assert linear_ticks(2.7e12, 6.3e12, 4) == [3e12, 4e12, 5e12, 6e12]


def test_log_ticks_are_as_many_marks_a_decade_as_fit():
    assert log_ticks(0.15, 4, 5) == [0.2, 0.3, 0.5, 1, 2, 3]
    assert log_ticks(0.15, 12, 5) == [0.2, 0.5, 1, 2, 5, 10]
    assert log_ticks(0.6, 9, 5) == [1, 2, 3, 5]
    assert log_ticks(0.3, 90, 5) == [0.3, 1, 3, 10, 30]
    assert log_ticks(0.9, 1100, 5) == [1, 10, 100, 1000]
    assert log_ticks(1e-12, 1, 5) == [1e-12, 1e-9, 1e-6, 1e-3, 1]
    assert log_ticks(1.1, 1.4, 4) == [1.1, 1.2, 1.3, 1.4]


def test_labels_are_the_shortest_text_that_is_exact():
    values = (0, 2007, 12_000, 1e-6, 0.05, 2.5e7, -0.025, 1_234_500, 4e-15, 12_345.25)
    texts = ["0", "2007", "12,000", "1e-6", "0.05", "2.5e7", "-0.025", "1.2345e6", "4e-15", "12,345.25"]
    assert [label(v) for v in values] == texts


def test_pixels_are_where_the_values_are():
    np.testing.assert_allclose(Axis(0, 10, 50, 150)(np.array([0, 5, 10])), [50, 100, 150])
    np.testing.assert_allclose(Axis(1, 100, 0, 200, log=True)(np.array([1, 10, 100])), [0, 100, 200])
    np.testing.assert_allclose(Axis(0, 99, 0, 200, log=True, shift=1.0)(np.array([0, 9, 99])), [0, 100, 200])


def test_epoch_zero_has_its_place_and_its_label_on_a_logarithmic_axis():
    axis = Axis.over(np.arange(200), 0, 700, log=True, shift=1.0)
    assert axis.ticks(5) == [0, 1, 3, 10, 30, 100]
    assert axis.at(0) >= 0


def test_what_is_too_small_for_a_logarithmic_axis_lies_at_its_low_end():
    axis = Axis(0.01, 1, 0, 100, log=True)
    np.testing.assert_allclose(axis(np.array([0.0, -1.0, 1e-300])), 0)


def test_tick_labels_never_touch():
    x, y = Axis(1_000_000.1, 1_000_000.9, 0, 224), Axis(0, 1, 144, 0)
    drawn = [p for p in frame(x, y, "x", "y") if dict(p.attributes).get("text-anchor") == "middle"][:-1]
    spans = [(float(dict(p.attributes)["x"]), 3.2 * len(p.children[0])) for p in drawn]
    assert len(spans) >= 1
    assert all(a + wide < b - broad for (a, wide), (b, broad) in zip(spans, spans[1:], strict=False))


@pytest.mark.parametrize(
    "values",
    [
        [],
        [np.nan],
        [0.0],
        [5.0, 5.0],
        [-1e308, 1e308],
        [1e-320, 1e-310],
        [1e-320, 1e308],
        [1.0, 1e308],
        [np.inf, 1.0],
        [1e16, 1e16 + 2],
    ],
)
@pytest.mark.parametrize("log", [False, True])
def test_an_axis_over_any_values_has_finite_pixels_and_ticks(values, log):
    axis = Axis.over(np.array(values), 0, 100, log=log)
    assert axis.low < axis.high
    assert np.isfinite(axis(np.array(axis.ticks()))).all()


def test_a_factor_of_ten_makes_an_axis_logarithmic_and_a_negative_value_does_not():
    assert spans_decades(np.array([1, 10.1]))
    assert not spans_decades(np.array([1, 9.9]))
    assert not spans_decades(np.array([-1, 1, 100]))
    assert spans_decades(np.array([0, 1, 100, np.nan]))


def test_losses_far_above_every_start_do_not_count():
    assert plausible([np.array([1.0, 0.5]), np.array([2.0, 19, 21, 1e300, np.nan, np.inf])]).tolist() == [1, 0.5, 2, 19]
    assert plausible([np.array([0.0, 3.0])]).tolist() == [0, 3]
    assert plausible([]).tolist() == []


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
    drawn = line(Axis(0, 4, 0, 400), Axis(0, top, 100, 0), np.arange(5.0), np.array(ys))
    return [list(zip(xs.tolist(), up.tolist(), strict=True)) for xs, up in drawn.pieces], drawn.cut


def test_a_line_is_cut_at_what_is_no_number():
    assert pieces([0, 10, np.nan, 5, 0]) == ([[(0, 100), (100, 0)], [(300, 50), (400, 100)]], False)
    assert pieces([5, 5, 5, 5, np.nan]) == ([[(0, 50), (100, 50), (200, 50), (300, 50)]], True)


def test_a_line_reaches_the_top_where_it_leaves_and_where_it_returns():
    assert pieces([0, 20, 20, 0, 0]) == ([[(0, 100), (50, 0)], [(250, 0), (300, 100), (400, 100)]], False)
    assert pieces([5, 5, 5, 5, np.inf]) == ([[(0, 50), (100, 50), (200, 50), (300, 50), (300, 0)]], True)
    assert pieces([np.nan] * 5) == ([], True)
