"""Axes put numbers where they belong, whatever the numbers are."""

import numpy as np
import pytest

from descend.plots.axes import Axis, axis_losses, diverged, frame, spans_decades


def test_pixels_are_where_the_values_are():
    np.testing.assert_allclose(Axis(low=0, high=10, start=50, end=150)(np.array([0, 5, 10])), [50, 100, 150])
    np.testing.assert_allclose(Axis(low=1, high=100, start=0, end=200, log=True)(np.array([1, 10, 100])), [0, 100, 200])
    np.testing.assert_allclose(
        Axis(low=0, high=99, start=0, end=200, log=True, shift=1.0)(np.array([0, 9, 99])), [0, 100, 200]
    )


def test_epoch_zero_has_its_place_and_its_label_on_a_logarithmic_axis():
    axis = Axis.over(np.arange(200), 0, 700, log=True, shift=1.0)
    assert axis.ticks(5) == [0, 1, 3, 10, 30, 100]
    assert axis.at(0) >= 0


def test_what_is_too_small_for_a_logarithmic_axis_lies_at_its_low_end():
    axis = Axis(low=0.01, high=1, start=0, end=100, log=True)
    np.testing.assert_allclose(axis(np.array([0.0, -1.0, 1e-300])), 0)


def test_tick_labels_never_touch():
    x, y = Axis(low=1_000_000.1, high=1_000_000.9, start=0, end=224), Axis(low=0, high=1, start=144, end=0)
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
    assert axis_losses([np.array([1.0, 0.5]), np.array([2.0, 19, 21, 1e300, np.nan, np.inf])]).tolist() == [
        1,
        0.5,
        2,
        19,
    ]
    assert axis_losses([np.array([0.0, 3.0])]).tolist() == [0, 3]
    assert axis_losses([]).tolist() == []


def test_an_axis_of_classes_has_a_row_for_each_and_names_of_at_most_ten():
    axis = Axis.of_classes(["a", "b", "c"], 90, 0)
    np.testing.assert_allclose(axis(np.array([0, 1, 2])), [75, 45, 15])
    assert [axis.text(tick) for tick in axis.ticks()] == ["a", "b", "c"]
    many = Axis.of_classes([f"c{k}" for k in range(25)], 0, 100)
    assert [many.text(tick) for tick in many.ticks()] == [f"c{k}" for k in range(0, 25, 3)]


@pytest.mark.parametrize(
    ("loss", "expected"),
    [([1.0, 0.5], False), ([1.0, 10.0], False), ([1.0, 10.1], True), ([1.0, np.nan], True), ([-1.0, np.inf], True)],
)
def test_a_loss_diverged_when_it_ends_beyond_the_axis(loss, expected):
    assert diverged(np.array(loss)) is expected
