"""Choosing among runs: what converged comes first, then the lowest score; what failed comes last."""

import dataclasses

import numpy as np
import pytest

from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.search.selection import best_per_variant, choose, mean_score, repeats, score
from descend.training import Limits, train


def fitted(problem, settings, epochs=50, **limits):
    return train(problem, Plan(tuple(settings)), limits=Limits(epochs=epochs, **limits))


def test_the_lowest_objective_is_chosen(small):
    fit = fitted(small("squared"), [setting("sgd", lr=lr) for lr in (0.001, 0.1, 0.01)])
    assert choose(fit) == 1 == int(np.argmin(fit.loss))


def test_a_run_that_failed_is_chosen_only_when_all_failed(small):
    problem = small("squared")
    some = fitted(problem, [setting("sgd", lr=lr) for lr in (1e6, 0.001)])
    every = fitted(problem, [setting("sgd", lr=lr) for lr in (1e6, 1e7)])

    assert choose(some) == 1
    assert choose(every) in (0, 1)


def test_what_converged_with_all_rows_comes_before_what_scores_lower(small):
    problem = small("squared", rows=100)
    settings = [setting("sgd", lr=0.1, batch_size=5, label="minibatch"), setting("sgd", lr=0.1, label="gd")]
    fit = fitted(problem, settings, 500, aim=float("inf"))
    assert [o.word for o in fit.outcomes] == ["converged", "converged"]
    assert choose(fit) == 1


def test_each_variant_is_led_by_its_best(small):
    fit = fitted(small("squared"), [setting(name, lr=lr) for name in ("sgd", "adam") for lr in (0.001, 0.1)])
    assert best_per_variant(fit) == (1, 3)


def test_a_score_that_is_not_finite_counts_as_the_worst(small):
    fit = fitted(small("squared"), [setting("sgd", lr=0.1)])
    fit.score[0] = np.nan
    assert score(fit, 0) == np.inf


def over_seeds(problem, scores, failed=()):
    """Runs of two variants, a by a, seeds 0 to 2 each, with scores and outcomes that are set by hand."""
    plan = [setting("sgd", lr=0.01, batch_size=5, seed=k, label=name) for name in ("one", "two") for k in range(3)]
    fit = fitted(problem, plan, 3)
    outcomes = tuple(Outcome.DIVERGED if r in failed else Outcome.STOPPED for r in range(6))
    return dataclasses.replace(fit, score=np.array(scores), outcomes=outcomes)


def test_a_setting_is_judged_by_the_mean_over_its_seeds_not_by_the_first(small):
    fit = over_seeds(small("squared"), [1.0, 5.0, 6.0, 2.0, 2.0, 2.0])
    assert repeats(fit, 0) == (0, 1, 2)
    assert mean_score(fit, 0) == pytest.approx(4.0)
    assert choose(fit) == 3


def test_a_setting_that_failed_with_some_seeds_cannot_win_by_its_survivors(small):
    fit = over_seeds(small("squared"), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0], failed=(1, 2))
    assert mean_score(fit, 0) == np.inf
    assert choose(fit) == 3


def test_a_run_without_an_epoch_comes_after_all_that_were_trained(small):
    fit = fitted(small("squared"), [setting("sgd", lr=0.1, label="a"), setting("sgd", lr=0.01, label="b")])
    fit.epochs[0], fit.score[0] = 0, -1.0
    assert choose(fit) == 1
