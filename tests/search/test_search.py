"""What was typed is trained, what was left open is tried, and the choice does not hang on luck."""

import dataclasses

import numpy as np
import pytest

from descend.errors import UsageError
from descend.losses import loss
from descend.optimum.landscape import Landscape
from descend.options import read_options
from descend.outcome import Outcome
from descend.plan import FULL, THE_EIGHT, Plan, setting
from descend.problem import Problem
from descend.problem.network import Network
from descend.search.candidates import DEEP_ADAPTIVE, settings
from descend.search.search import CLEARLY, _given_up, search
from descend.search.selection import score
from descend.table.data import Data
from descend.training import Limits, train


def options(**given):
    return read_options({**given, "threads": 1})


def found(problem, held_out=None, **given):
    return search(problem, held_out, options(**given))


def test_auto_tries_the_eight_at_rates_below_their_limits(small):
    problem = small("squared", l2=0.01, rows=200)
    landscape = Landscape.of(problem)
    tried = settings(problem, options(), landscape)
    assert tuple(dict.fromkeys(s.label for s in tried)) == THE_EIGHT
    assert all(s.lr < 2 / landscape.curvature.largest for s in tried if s.label == "gd")
    assert {s.batch_size for s in tried if s.label == "sgd"} == {1}
    assert {s.batch_size for s in tried if s.label == "gd"} == {FULL}
    assert {s.batch_size for s in tried if s.label == "minibatch"} == {25}


def test_what_is_typed_wins(small):
    (only,) = settings(
        small("squared"),
        options(optimizer="nesterov", lr=0.03, batch_size=8, momentum=0.5),
        Landscape.of(small("squared")),
    )
    assert (only.label, only.lr, only.batch_size, only.constants["beta"]) == ("nesterov", 0.03, 8, 0.5)


def test_a_rule_keeps_its_own_constants_unless_others_are_typed(small):
    (only,) = settings(small("squared"), options(optimizer="adagrad", lr=0.1), Landscape.of(small("squared")))
    assert only.constants["eps"] == 1e-10


@pytest.mark.parametrize("name", ["squared", "logistic", "huber"])
def test_the_kept_run_is_within_the_tolerance_of_the_optimum(small, name):
    best = found(small(name, l2=0.01, rows=200), optimizer="auto")
    gap = best.landscape.gap(float(best.fit.loss[best.best]))
    assert best.fit.outcomes[best.best] == Outcome.CONVERGED
    assert gap < 1e-4


def test_noise_cannot_win_against_convergence(small):
    problem = small("squared", l2=0.01, rows=100)
    best = found(problem, small("squared", rows=8, seed=9).data)
    assert best.fit.outcomes[best.best] == Outcome.CONVERGED
    assert best.fit.plan.settings[best.best].batch_size == FULL


def test_each_variant_has_one_leader_and_the_best_is_one_of_them(small):
    best = found(small("squared", l2=0.01, rows=100))
    labels = [best.fit.plan.settings[r].label for r in best.best_per_variant]
    assert sorted(labels) == sorted(set(labels))
    assert best.best in best.best_per_variant


def test_a_schedule_without_an_end_is_refused(small):
    with pytest.raises(UsageError) as caught:
        found(small("squared"), schedule="cosine")
    assert str(caught.value) == (
        "the schedule cosine needs to know its end, but max_epochs is not given; add --epochs, such as --epochs 100"
    )


def test_the_aim_is_relative_to_the_optimum_or_to_what_can_be_gained():
    x = np.linspace(-1, 1, 50)[:, None]
    exact = Landscape.of(Problem(Data(x, 3 * x[:, 0] + 1), loss("squared")))
    assert 0 < exact.aim(1e-4) <= 1.1e-7 * exact.baseline + 1e-12
    noisy = Landscape.of(Problem(Data(x, 3 * x[:, 0] + np.tile([1.0, -1.0], 25)), loss("squared")))
    assert noisy.aim(1e-4) == pytest.approx(noisy.optimum.objective * (1 + 1e-4), rel=1e-6)


def test_why_says_for_each_value_whether_it_was_typed(small):
    best = found(small("squared"), optimizer="adam", lr=0.1)
    assert best.why["optimizer"]["rule"] == "typed"
    assert best.why["lr"]["rule"] == "typed"
    assert best.why["batch"]["rule"] == "auto"


def test_the_leaders_of_random_order_are_trained_again_with_other_seeds(small):
    problem = small("squared", l2=0.01, rows=200)
    best = found(problem, optimizer="minibatch,gd", seeds=3)
    kinds = [(s.label, s.seed) for s in best.fit.plan.settings]
    assert {seed for label, seed in kinds if label == "minibatch"} == {0, 1, 2}
    assert {seed for label, seed in kinds if label == "gd"} == {0}
    assert all(best.fit.plan.settings[r].seed == 0 for r in best.best_per_variant)
    assert {s.seed for s in found(problem, optimizer="minibatch", seeds=1).fit.plan.settings} == {0}


def network_problem(rows=160):
    X = np.random.default_rng(0).normal(size=(rows, 3))
    y = np.sin(2 * X[:, 0]) + 0.1 * np.random.default_rng(1).normal(size=rows)
    return Problem(Data(X, y), loss("squared"), network=Network((3, 8, 1)))


def test_neighbours_of_the_best_rate_are_tried_and_kept_when_they_are_better():
    best = found(network_problem(), optimizer="adam", max_epochs=60, seeds=1)
    rates = sorted(s.lr for s in best.fit.plan.settings)

    assert len(rates) > len(DEEP_ADAPTIVE)
    added = [lr for lr in rates if lr not in DEEP_ADAPTIVE]
    assert all(np.isclose(lr**2 / np.array(DEEP_ADAPTIVE), np.array(DEEP_ADAPTIVE)[:, None]).any() for lr in added)
    assert score(best.fit, best.best) == min(score(best.fit, r) for r in range(len(best.fit.plan)))


def test_a_schedule_is_found_only_where_it_is_clearly_better():
    problem, held_out = network_problem(), network_problem(80).data
    best = found(problem, held_out, optimizer="minibatch", schedule="auto", max_epochs=40, seeds=1)
    why = best.why["schedule"]

    assert set(why["scores"]) == {"none", "cosine", "one_cycle", "plateau"}
    beats = min(why["scores"].values()) < (1 - CLEARLY) * why["scores"]["none"]
    assert (why["value"] != "none") == beats
    assert best.fit.plan.settings[best.best].schedule == why["value"]


def test_a_schedule_ends_with_the_last_step_of_the_batches_that_are_taken():
    problem = network_problem()
    (only,) = settings(
        problem, options(optimizer="adam", lr=0.1, schedule="cosine", max_epochs=3), Landscape.of(problem)
    )
    assert len(only.factors) == 3 * -(-160 // only.batch_size)


def test_a_race_never_outlasts_the_epochs_that_were_asked_for():
    best = found(network_problem(), optimizer="gd", max_epochs=2, seeds=1)
    assert best.fit.epochs.max() == 2


def test_when_all_that_were_ahead_fail_the_best_that_was_given_up_is_trained_on(small):
    problem = small("squared", rows=40)
    plan = Plan(tuple(setting("sgd", lr=lr, label="gd") for lr in (0.2, 0.1)))
    fit = train(problem, plan, limits=Limits(200, rung=20, aim=-np.inf))
    assert fit.outcomes[1] == Outcome.PRUNED
    failed = dataclasses.replace(fit, outcomes=(Outcome.DIVERGED, Outcome.PRUNED))

    assert [s.lr for s in _given_up(failed)] == [0.1]
    assert _given_up(fit) == []


def test_a_budget_that_is_over_at_once_still_gives_an_answer(small):
    best = found(small("logistic", rows=200), time_budget=0.001)
    assert best.fit.outcomes[best.best] in (Outcome.BUDGET, Outcome.CONVERGED)
    assert len(best.best_per_variant) == 8


def test_each_value_has_a_reason():
    best = found(
        network_problem(),
        network_problem(60).data,
        optimizer="auto",
        max_epochs=12,
        seeds=1,
        hidden_layer_sizes=(8,),
        restarts=2,
    )

    assert set(best.why) == {"optimizer", "lr", "batch", "schedule", "restarts"}
    assert all(why["source"] and why["rule"] in ("auto", "typed", "default") for why in best.why.values())
    assert len(best.why["optimizer"]["scores"]) == 8
    assert (
        min(best.why["optimizer"]["scores"], key=best.why["optimizer"]["scores"].get)
        == best.fit.plan.settings[best.best].label
    )
    assert len(best.why["lr"]["tried"]) >= 5
    low, high = best.why["lr"]["band"]
    assert low <= best.fit.plan.settings[best.best].lr <= high
    assert best.why["batch"]["noise_scale"] > 0
