"""Choosing among runs: what converged comes first, then the lowest score; what failed comes last."""

import numpy as np

from descend.plan import Plan, setting
from descend.search.selection import best_per_variant, choose, score
from descend.training import Limits, train


def fitted(problem, settings, epochs=50, **limits):
    return train(problem, Plan(tuple(settings)), limits=Limits(epochs, **limits))


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
