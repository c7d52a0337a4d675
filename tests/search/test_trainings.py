"""What is trained after what: lower rates after failures, rates between, seeds, other weights, schedules."""

import dataclasses
import time

import numpy as np
from tests.search.made import found, network_problem, seeds_of_variants

from descend.outcome import Outcome
from descend.plan import FULL, Plan, setting
from descend.search import task
from descend.search.candidates import NETWORK_ADAPTIVE
from descend.search.selection import score
from descend.search.trainings import CLEARLY, LOWER, SEEDED, after_failures
from descend.training import Limits, train


def test_when_all_that_were_ahead_fail_the_best_that_was_given_up_is_trained_on(small):
    problem = small("squared", rows=40)
    plan = Plan(tuple(setting("sgd", lr=lr, label="gd") for lr in (0.2, 0.1)))
    fit = train(problem, plan, limits=Limits(epochs=200, rung=20, aim=-np.inf))
    assert fit.outcomes[1] == Outcome.PRUNED
    failed = dataclasses.replace(fit, outcomes=(Outcome.DIVERGED, Outcome.PRUNED))

    assert [s.lr for s in after_failures(failed, lower=True)] == [0.1]
    assert after_failures(fit, lower=True) == []
    every = dataclasses.replace(fit, outcomes=(Outcome.DIVERGED, Outcome.NONFINITE))
    assert [s.lr for s in after_failures(every, lower=True)] == [0.1 * share for share in LOWER]
    assert after_failures(every, lower=False) == []


def test_neighbours_of_the_best_rate_are_tried_and_kept_when_they_are_better():
    best = found(network_problem(), optimizer="adam", max_epochs=60, seeds=1, time_budget=None)
    rates = sorted(s.lr for s in best.fit.plan.settings)

    assert len(rates) > len(NETWORK_ADAPTIVE)
    added = [lr for lr in rates if lr not in NETWORK_ADAPTIVE]
    assert all(
        np.isclose(lr**2 / np.array(NETWORK_ADAPTIVE), np.array(NETWORK_ADAPTIVE)[:, None]).any() for lr in added
    )
    assert score(best.fit, best.best) == min(score(best.fit, r) for r in range(len(best.fit.plan)))


def test_a_schedule_is_found_only_where_it_is_clearly_better():
    problem, held_out = network_problem(), network_problem(80).data
    best = found(problem, held_out, optimizer="minibatch", schedule="auto", max_epochs=40, seeds=1)
    why = best.why["schedule"]

    assert set(why["scores"]) == {"none", "cosine", "one_cycle", "plateau"}
    beats = min(why["scores"].values()) < (1 - CLEARLY) * why["scores"]["none"]
    assert (why["value"] != "none") == beats
    assert best.fit.plan.settings[best.best].schedule == why["value"]


def test_where_every_rate_fails_lower_ones_are_tried_until_one_trains():
    """The initial weights of a network say nothing about batches of one row with a heavy momentum."""
    best = found(network_problem(), optimizer="momentum", momentum=0.999, batch_size=1, max_epochs=30, seeds=1)
    rates = [s.lr for s in best.fit.plan.settings]

    assert not best.fit.outcomes[best.best].failed
    assert best.fit.loss[best.best] < best.landscape.baseline
    assert best.fit.plan.settings[best.best].lr <= max(rates)


def test_a_typed_rate_that_fails_is_not_replaced(small):
    best = found(small("squared", rows=100), optimizer="gd", lr=100.0)
    assert len(best.fit.plan) == 1
    assert best.fit.outcomes[0].failed


def test_a_run_that_is_kept_is_never_called_pruned(small):
    best = found(small("squared", rows=100), optimizer="momentum", momentum=0.999, batch_size=8, time_budget=2)
    assert best.fit.outcomes[best.best] != Outcome.PRUNED


def test_where_none_was_named_the_best_variants_of_a_network_are():
    best = found(network_problem(), network_problem(60).data, optimizer="auto", max_epochs=8, seeds=3)
    seeds = seeds_of_variants(best)
    assert sorted(map(len, seeds.values())) == [1] * 4 + [3] * SEEDED
    assert best.fit.plan.settings[best.best].label in [label for label in seeds if len(seeds[label]) == 3]


def test_a_seed_for_which_there_was_no_time_counts_nowhere():
    best = found(network_problem(4000), optimizer="adam,rmsprop", seeds=50, time_budget=1.0)
    for r in best.best_per_variant:
        assert all(best.fit.epochs[k] > 0 for k in best.seeds_of(r))


def test_starts_that_were_trained_for_the_spread_are_not_trained_again():
    best = found(
        network_problem(), optimizer="adam", lr=0.01, max_epochs=5, seeds=3, restarts=5, hidden_layer_sizes=(8,)
    )
    assert sorted(s.seed for s in best.fit.plan.settings) == [0, 1, 2, 3, 4]
    assert score(best.fit, best.best) == min(score(best.fit, r) for r in range(5))
    assert len(best.seeds_of(best.best)) == 3


def test_the_plateau_schedule_may_go_on_where_the_constant_rate_ended():
    best = found(network_problem(), network_problem(60).data, optimizer="minibatch", lr=0.5, schedule="auto", seeds=1)
    ended = {s.schedule: int(best.fit.epochs[r]) for r, s in enumerate(best.fit.plan.settings)}
    assert ended["plateau"] > ended["none"]
    assert ended["cosine"] <= ended["none"]


def test_compilation_is_charged_to_no_training(small, monkeypatch):
    """Each group of runs seems to be compiled for longer than the whole budget."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def compiled_first(*given):
        now[0] += 100.0
        return dataclasses.replace(train(*given), compiling=100.0)

    monkeypatch.setattr(task, "train", compiled_first)
    best = found(small("squared", rows=200, l2=0.01), time_budget=30, max_epochs=3, seeds=2)

    assert (best.skipped, best.out_of_time) == ((), False)
    assert {s.batch_size for s in best.fit.plan.settings} == {FULL, 1, 25}
    assert {s.seed for s in best.fit.plan.settings} == {0, 1}
    assert best.fit.compiling == now[0]


def test_the_leaders_of_random_order_are_trained_again_with_other_seeds(small):
    problem = small("squared", l2=0.01, rows=200)
    best = found(problem, optimizer="minibatch,gd", seeds=3)
    kinds = [(s.label, s.seed) for s in best.fit.plan.settings]
    assert {seed for label, seed in kinds if label == "minibatch"} == {0, 1, 2}
    assert {seed for label, seed in kinds if label == "gd"} == {0}
    assert all(best.fit.plan.settings[r].seed == 0 for r in best.best_per_variant)
    assert {s.seed for s in found(problem, optimizer="minibatch", seeds=1).fit.plan.settings} == {0}


def test_without_a_time_no_clock_decides_how_long_a_network_trains(monkeypatch):
    plans, limits_given = [], []

    def spied(problem, plan, held_out, limits, *rest):
        plans.append(plan)
        limits_given.append(limits)
        return train(problem, plan, held_out, limits, *rest)

    monkeypatch.setattr(task, "train", spied)
    found(network_problem(), max_epochs=20, seeds=1, time_budget=None)

    assert len({s.batch_size for plan in plans for s in plan.settings}) > 1
    assert all(limits.seconds is None for limits in limits_given)
