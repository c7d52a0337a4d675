"""C13 and C14: a range test is read against the logarithm of the rate, without lag, and never in its broken tail."""

import numpy as np
import pytest

from descend.errors import DataError
from descend.search.range_test import suggest_lr


def noisy(points, seed):
    """The curve of case C13, whose steepest fall is at 1e-3."""
    rates = np.geomspace(1e-8, 1, points)
    clean = 2.3 - 1.8 / (1 + np.exp(-4 * (np.log10(rates) + 3)))
    return rates, clean + np.random.default_rng(seed).normal(0, 0.02, points)


@pytest.mark.parametrize("points", [100, 300, 1000])
def test_case_c13_the_steepest_rate_is_found_within_a_factor_of_two(points):
    found = np.array([suggest_lr(*noisy(points, seed)).lr for seed in range(200)])
    near = (found > 1e-3 / 2) & (found < 1e-3 * 2)
    assert near.mean() >= 0.9


def test_case_c13_the_answer_does_not_depend_on_the_number_of_points():
    few, many = (np.median([suggest_lr(*noisy(points, seed)).lr for seed in range(50)]) for points in (100, 1000))
    assert 0.5 < few / many < 2


def test_case_c14_losses_that_are_not_finite_end_the_curve():
    rates = 10.0 ** np.arange(-6, 2)
    found = suggest_lr(rates, [2.3, 2.2, 1.5, 0.9, 0.8, 3, np.nan, np.nan])
    assert 1e-5 <= found.lr <= 1e-3
    assert found.reason == (
        "the loss falls fastest there, by 0.65 a decade, of 6 points before the first loss that is not finite"
    )


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ([1.0, np.nan, 1.0, 1.0], "only 1 losses before the first that is not finite, 3 are needed"),
        ([1.0, 1.1, 1.3, 1.4], "the loss falls at no rate"),
        ([1.0, 1.0, 1.0, 1.0], "the loss falls at no rate"),
    ],
)
def test_where_nothing_can_be_suggested_the_reason_is_told(losses, reason):
    found = suggest_lr([1e-3, 1e-2, 1e-1, 1.0], losses)
    assert (found.lr, found.reason) == (None, reason)


@pytest.mark.parametrize("rates", [[1, 1, 2], [3, 2, 1], [0, 1, 2], [1, 2]])
def test_rates_must_increase(rates):
    with pytest.raises(DataError) as caught:
        suggest_lr(rates, [1.0, 0.5, 0.2])
    assert str(caught.value) == (
        f"rates have shape ({len(rates)},) and losses (3,); rates must be above 0 and increase, one loss each; "
        "pass the rates in increasing order"
    )
