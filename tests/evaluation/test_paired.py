"""Paired differences and their verdicts; SciPy's paired t test is the oracle."""

import numpy as np
import pytest
from scipy import stats

from descend.evaluation.paired import PairedDifference, Verdict, paired_difference, verdict_of, within_least


def test_one_seed_gives_the_paired_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, 40), rng.normal(0, 1, 40)
    found, exact = paired_difference(a[None], b[None]), stats.ttest_rel(a, b).confidence_interval(0.95)
    assert (found.mean - found.margin(0.05), found.mean + found.margin(0.05)) == pytest.approx((exact.low, exact.high))


def test_seeds_add_their_own_error():
    rows = np.zeros((3, 50))
    found = paired_difference(rows + np.array([[1.0], [2.0], [3.0]]), rows[:1])
    assert (found.mean, found.error, found.freedom) == pytest.approx((2.0, 1 / np.sqrt(3), 2.0))


def test_one_row_tells_nothing():
    assert paired_difference(np.ones((1, 1)), np.zeros((1, 1))).margin(0.05) == np.inf


@pytest.mark.parametrize(
    ("mean", "scores", "higher", "verdict"),
    [
        (-1.0, (2.0, 3.0), False, Verdict.BETTER),
        (1.0, (3.0, 2.0), False, Verdict.WORSE),
        (1.0, (3.0, 2.0), True, Verdict.BETTER),
        (0.1, (3.0, 2.9), True, Verdict.TIE),  # within the error
        (1.0, (3000.0, 2999.0), True, Verdict.TIE),  # within a thousandth
    ],
)
def test_a_verdict_needs_a_difference_beyond_chance_and_beyond_a_thousandth(mean, scores, higher, verdict):
    assert verdict_of(PairedDifference(mean, 0.2, 100.0), scores, higher) is verdict


def test_equal_scores_are_within_a_thousandth():
    assert within_least(0.0, 0.0)
    assert not within_least(0.0, 1e-9)
