"""The best weights of each run, and when a score last improved clearly."""

import numpy as np
import pytest
from scipy.stats import sem

from descend.training.best import Best, clearly_lower


def test_case_c18_the_best_epoch_is_kept_when_training_ends_by_itself():
    best = Best.of(np.array([9.0]), np.zeros((1, 1)))
    for epoch, score in enumerate([5.0, 4, 3, 2, 1, 2, 2], 1):
        best = best.seeing(epoch, np.array([score]), np.full((1, 1), float(epoch)), np.zeros(1))
    assert best.epoch.tolist() == [5]
    assert best.score.tolist() == [1.0]
    assert best.weights.tolist() == [[5.0]]


def test_each_run_has_its_own_best():
    best = Best.of(np.array([3.0, 3.0]), np.zeros((2, 1)))
    best = best.seeing(1, np.array([2.0, 4.0]), np.array([[1.0], [1.0]]), np.zeros(2))
    best = best.seeing(2, np.array([5.0, 1.0]), np.array([[2.0], [2.0]]), np.zeros(2))

    assert best.score.tolist() == [2.0, 1.0]
    assert best.epoch.tolist() == [1, 2]
    assert best.weights.tolist() == [[1.0], [2.0]]


def test_a_score_that_is_not_a_number_is_never_best():
    best = Best.of(np.array([3.0]), np.zeros((1, 2)))
    for score in (np.nan, np.inf):
        best = best.seeing(1, np.array([score]), np.ones((1, 2)), np.zeros(1))

    assert (best.score.tolist(), best.epoch.tolist(), best.weights.tolist()) == ([3.0], [0], [[0.0, 0.0]])


def test_many_small_gains_count_as_an_improvement_once_they_add_up():
    best = Best.of(np.array([10.0]), np.zeros((1, 1)))
    improved = []
    for epoch, score in enumerate([9.6, 9.2, 8.8, 8.4, 8.0], 1):
        best = best.seeing(epoch, np.array([score]), np.zeros((1, 1)), np.ones(1))
        improved.append(int(best.improved[0]))

    assert improved == [0, 0, 3, 3, 3]  # 8.8 is more than 1 below 10; 8.0 is not more than 1 below 8.8
    assert best.improved_score.tolist() == [8.8]
    assert (best.score.tolist(), best.epoch.tolist()) == ([8.0], [5])


def test_some_runs_are_taken_from_another_score():
    one = Best.of(np.array([1.0, 2.0]), np.array([[1.0], [2.0]]))
    other = Best.of(np.array([8.0, 9.0]), np.array([[8.0], [9.0]]))
    other = other.seeing(3, np.array([7.0, 7.0]), np.ones((2, 1)), np.zeros(2))

    both = one.where(np.array([False, True]), other)

    assert (both.score.tolist(), both.epoch.tolist()) == ([1.0, 7.0], [0, 3])
    assert both.weights.tolist() == [[1.0], [1.0]]
    assert (both.improved.tolist(), both.improved_score.tolist()) == ([0, 3], [1.0, 7.0])


@pytest.mark.parametrize(("shift", "lower"), [(0.9, False), (1.1, True)])
def test_a_mean_is_clearly_lower_beyond_one_standard_error_of_the_paired_differences(shift, lower):
    rng = np.random.default_rng(0)
    losses, noise = 100 * rng.random(40), rng.normal(size=40)
    others = losses + (noise - noise.mean()) + shift * sem(noise)

    assert clearly_lower(losses, others) is lower
    assert clearly_lower(others, losses) is False


def test_a_mean_of_weighted_rows_has_an_error_of_weighted_rows():
    losses, others = np.array([0.0, 0.0, 0.0]), np.array([3.0, -1.0, -1.0])

    assert not clearly_lower(losses, others)
    assert clearly_lower(losses, others, np.array([2.4, 0.3, 0.3]))  # mean 2.2, error 0.96
    assert not clearly_lower(losses[:1], others[:1])
