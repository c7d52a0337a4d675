"""Successive halving: the worse half of each variant is pruned, those that ended well count, failed ones do not."""

import dataclasses

import numpy as np
import pytest

from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.training import Limits, train
from descend.training.halving import competition, first_rung, worse_half


def test_the_worse_half_of_each_competition_is_pruned():
    score = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 7.0, 6.0])
    out = worse_half(score, np.ones(7, bool), np.zeros(7, bool), list("aaaaabb"))

    assert out.tolist() == [True, False, True, False, False, True, False]


def test_a_run_that_ended_well_counts_and_cannot_be_pruned():
    ended = np.array([True, False, False])
    out = worse_half(np.array([1.0, 2.0, 3.0]), ~ended, ended, ["a"] * 3)
    assert out.tolist() == [False, False, True]


def test_a_failed_run_neither_counts_nor_is_pruned():
    alive = np.array([False, True, True])
    out = worse_half(np.array([np.nan, 2.0, 3.0]), alive, np.zeros(3, bool), ["a"] * 3)
    assert out.tolist() == [False, False, True]


def test_a_score_that_is_no_number_is_the_worst():
    out = worse_half(np.array([np.nan, np.inf, 3.0, 2.0]), np.ones(4, bool), np.zeros(4, bool), ["a"] * 4)
    assert out.tolist() == [True, True, False, False]


def test_one_alone_never_is_pruned():
    assert not worse_half(np.array([np.nan]), np.ones(1, bool), np.zeros(1, bool), ["a"]).any()


def test_competitions_differ_by_all_but_the_rate():
    a, b = setting("momentum", lr=0.1), setting("momentum", lr=0.2)
    assert competition(a) == competition(b)
    assert competition(a) != competition(setting("momentum", lr=0.1, beta=0.5))
    assert competition(a) != competition(dataclasses.replace(a, batch_size=7))


def test_the_first_rung_waits_for_steps_enough():
    assert [first_rung(n) for n in (1, 3, 200, 10_000)] == [200, 67, 1, 1]


@pytest.mark.parametrize("rung", [4, 10])
def test_a_training_keeps_the_best_rate_and_prunes_halves_at_doubling_rungs(small, rung):
    problem = small("squared", l2=0.01, rows=60)
    plan = Plan(tuple(setting("sgd", lr=lr, label="gd") for lr in (0.3, 0.1, 0.01, 0.001)))

    fit = train(problem, plan, limits=Limits(epochs=1000, rung=rung, aim=-np.inf))

    assert [o == Outcome.PRUNED for o in fit.outcomes] == [False, True, True, True]
    assert fit.epochs[3] == fit.epochs[2] == rung
    assert fit.epochs[1] == 2 * rung
    assert fit.epochs[0] > fit.epochs[1]


def test_without_a_rung_nothing_is_pruned(small):
    plan = Plan(tuple(setting("sgd", lr=lr) for lr in (0.3, 0.001)))
    fit = train(small("squared"), plan, limits=Limits(epochs=50))
    assert Outcome.PRUNED not in fit.outcomes
