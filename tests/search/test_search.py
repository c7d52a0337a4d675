"""What was typed is trained, what was left open is tried, and the choice does not hang on luck."""

import dataclasses
import time

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
from descend.search import candidates
from descend.search import search as search_module
from descend.search.candidates import NETWORK_ADAPTIVE, settings
from descend.search.search import CLEARLY, LOWER, SEEDED, after_failures, search
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
    fit = train(problem, plan, limits=Limits(epochs=200, rung=20, aim=-np.inf))
    assert fit.outcomes[1] == Outcome.PRUNED
    failed = dataclasses.replace(fit, outcomes=(Outcome.DIVERGED, Outcome.PRUNED))

    assert [s.lr for s in after_failures(failed, lower=True)] == [0.1]
    assert after_failures(fit, lower=True) == []
    every = dataclasses.replace(fit, outcomes=(Outcome.DIVERGED, Outcome.NONFINITE))
    assert [s.lr for s in after_failures(every, lower=True)] == [0.1 * share for share in LOWER]
    assert after_failures(every, lower=False) == []


def test_a_budget_that_is_over_at_once_still_gives_an_answer(small):
    best = found(small("logistic", rows=200), time_budget=0.001)
    tried = [best.fit.plan.settings[r].label for r in best.best_per_variant]
    assert best.fit.outcomes[best.best] in (Outcome.BUDGET, Outcome.CONVERGED)
    assert best.fit.epochs[best.best] >= 1
    assert {*tried, *best.skipped} == set(THE_EIGHT)
    assert not {*tried} & {*best.skipped}


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


def seeds_of_variants(result):
    return {
        result.fit.plan.settings[r].label: [result.fit.plan.settings[k].seed for k in result.seeds_of(r)]
        for r in result.best_per_variant
    }


def test_every_variant_that_was_named_is_repeated_with_the_same_seeds():
    named = ",".join(THE_EIGHT)
    best = found(network_problem(), network_problem(60).data, optimizer=named, max_epochs=8, seeds=3)
    assert seeds_of_variants(best) == {name: [0, 1, 2] for name in THE_EIGHT}


def test_where_none_was_named_the_best_variants_of_a_network_are():
    best = found(network_problem(), network_problem(60).data, optimizer="auto", max_epochs=8, seeds=3)
    seeds = seeds_of_variants(best)
    assert sorted(map(len, seeds.values())) == [1] * 4 + [3] * SEEDED
    assert best.fit.plan.settings[best.best].label in [label for label in seeds if len(seeds[label]) == 3]


def test_one_row_a_step_of_a_network_is_not_tried_on_many_rows(monkeypatch):
    monkeypatch.setattr(candidates, "MOST_ROWS_ONE_BY_ONE", 50)
    assert "sgd" not in seeds_of_variants(found(network_problem(), optimizer="auto", max_epochs=2, seeds=1))
    assert "sgd" in seeds_of_variants(found(network_problem(), optimizer="sgd", max_epochs=2, seeds=1))


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


def test_the_choice_is_the_same_whatever_the_pace_where_no_budget_binds(small):
    problem = small("logistic", rows=300)
    one, other = (found(problem, time_budget=budget, seeds=2) for budget in (None, 300))
    assert [s.lr for s in one.fit.plan.settings] == [s.lr for s in other.fit.plan.settings]
    np.testing.assert_array_equal(one.fit.epochs, other.fit.epochs)
    assert one.best == other.best


def test_compilation_is_charged_to_no_training(small, monkeypatch):
    """Each group of runs seems to be compiled for longer than the whole budget."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def compiled_first(*given):
        now[0] += 100.0
        return dataclasses.replace(train(*given), compiling=100.0)

    monkeypatch.setattr(search_module, "train", compiled_first)
    best = found(small("squared", rows=200, l2=0.01), time_budget=30, max_epochs=3, seeds=2)

    assert (best.skipped, best.out_of_time) == ((), False)
    assert {s.batch_size for s in best.fit.plan.settings} == {FULL, 1, 25}
    assert {s.seed for s in best.fit.plan.settings} == {0, 1}
    assert best.fit.compiling == now[0]
