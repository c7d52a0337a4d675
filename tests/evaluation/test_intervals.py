"""Intervals: exact for counts, by the delta method for the rest; the oracles are SciPy and worked numbers."""

import numpy as np
import pytest
from scipy import stats

from descend.evaluation.intervals import (
    Scale,
    clopper_pearson,
    delta_interval,
    effective,
    error_of_mean,
    freedom_of_error,
    share,
)


@pytest.mark.parametrize(("hits", "rows"), [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (123, 1000)])
def test_counts_have_the_exact_interval_of_scipy(hits, rows):
    exact = stats.binomtest(hits, rows).proportion_ci(0.95, "exact")
    found = clopper_pearson(hits, rows)
    assert (found.value, found.low, found.high) == pytest.approx((hits / rows, exact.low, exact.high), abs=1e-12)


def test_no_rows_have_no_share():
    assert np.isnan(list(vars(clopper_pearson(0, 0)).values())).all()
    assert np.isnan(float(share(np.ones(2, bool), np.zeros(2))))


def test_equal_weights_are_no_weights_and_unequal_ones_count_for_fewer_rows():
    hit = np.array([True, False, True, True])
    plain, equal = share(hit, None), share(hit, np.full(4, 0.3))
    assert vars(equal) == pytest.approx(vars(plain))
    assert effective(np.array([3.0, 1.0])) == 1.6  # 4² / (9 + 1)
    assert share(np.array([True, False]), np.array([3.0, 1.0])).value == pytest.approx(0.75)


def test_the_error_of_a_mean_is_that_of_scipy():
    x = np.random.default_rng(0).normal(size=40)
    assert error_of_mean(x - x.mean(), None) == pytest.approx(stats.sem(x))
    assert error_of_mean(x - x.mean(), np.full(40, 7.0)) == pytest.approx(stats.sem(x))
    assert error_of_mean(np.zeros(1), None) == np.inf


def test_few_large_rows_leave_few_degrees_of_freedom():
    x = np.random.default_rng(0).standard_t(4, size=60)
    kurtosis = stats.kurtosis(x - x.mean(), fisher=False)
    assert freedom_of_error(x - x.mean(), None) == pytest.approx(120 / (kurtosis - 1))
    assert freedom_of_error(np.r_[np.full(29, -1.0), 29.0], None) == 5.0
    assert freedom_of_error(np.tile([-1.0, 1.0], 5), None) == 9.0
    assert freedom_of_error(np.tile([-1.0, 1.0], 5), np.full(10, 2.0)) == 9.0
    assert freedom_of_error(np.zeros(4), None) == 3.0


def test_on_the_logarithm_the_interval_is_the_value_times_and_by_one_factor():
    influence = np.array([-1.0, 1.0, -1.0, 1.0])
    half = stats.t.ppf(0.975, 3) * np.sqrt(4 / 3 / 4) / 2  # 3 degrees of freedom; the slope of log at 2 is 1 / 2
    found = delta_interval(2.0, influence, None, Scale.POSITIVE)
    assert (found.low, found.high) == pytest.approx((2 * np.exp(-half), 2 * np.exp(half)))


def test_below_one_and_shares_stay_within_their_bounds():
    influence = np.tile([-0.1, 0.1], 10)
    r2 = delta_interval(0.9, influence, None, Scale.BELOW_ONE)
    assert r2.low < 0.9 < r2.high < 1
    assert (1 - r2.low) * (1 - r2.high) == pytest.approx(0.1**2)
    share_of = delta_interval(0.9, influence, None, Scale.SHARE)
    assert 0 < share_of.low < 0.9 < share_of.high < 1


def test_a_share_of_one_is_as_uncertain_as_so_many_hits():
    found = delta_interval(1.0, np.zeros(50), None, Scale.SHARE, fewest=10)
    assert (found.low, found.high) == pytest.approx((0.025**0.1, 1.0))


def test_one_row_and_an_unknown_value_have_no_interval():
    for found in (
        delta_interval(2.0, np.zeros(1), None, Scale.POSITIVE),
        delta_interval(np.nan, np.zeros(9), None, Scale.BELOW_ONE),
    ):
        assert np.isnan([found.low, found.high]).all()


def test_an_error_of_zero_has_an_interval_of_no_width():
    assert vars(delta_interval(0.0, np.zeros(9), None, Scale.POSITIVE)) == {"value": 0.0, "low": 0.0, "high": 0.0}
