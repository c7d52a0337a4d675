"""What was typed is trained, what was left open is tried, and the choice does not hang on luck."""

import numpy as np
import pytest
from tests.search.made import found, network_problem, options, seeds_of_variants

from descend.errors import UsageError
from descend.optimum.landscape import Landscape
from descend.outcome import Outcome
from descend.plan import FULL, THE_EIGHT
from descend.search import candidates
from descend.search.candidates import settings


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


def test_a_race_never_outlasts_the_epochs_that_were_asked_for():
    best = found(network_problem(), optimizer="gd", max_epochs=2, seeds=1)
    assert best.fit.epochs.max() == 2


def test_a_budget_that_is_over_at_once_still_gives_an_answer(small):
    best = found(small("logistic", rows=200), time_budget=0.001)
    tried = [best.fit.plan.settings[r].label for r in best.best_per_variant]
    assert best.fit.outcomes[best.best] in (Outcome.BUDGET, Outcome.CONVERGED)
    assert best.fit.epochs[best.best] >= 1
    assert {*tried, *best.skipped} == set(THE_EIGHT)
    assert not {*tried} & {*best.skipped}


def test_every_variant_that_was_named_is_repeated_with_the_same_seeds():
    named = ",".join(THE_EIGHT)
    best = found(network_problem(), network_problem(60).data, optimizer=named, max_epochs=8, seeds=3)
    assert seeds_of_variants(best) == {name: [0, 1, 2] for name in THE_EIGHT}


def test_one_row_a_step_of_a_network_is_not_tried_on_many_rows(monkeypatch):
    monkeypatch.setattr(candidates, "MOST_ROWS_ONE_BY_ONE", 50)
    assert "sgd" not in seeds_of_variants(found(network_problem(), optimizer="auto", max_epochs=2, seeds=1))
    assert "sgd" in seeds_of_variants(found(network_problem(), optimizer="sgd", max_epochs=2, seeds=1))


def test_the_choice_is_the_same_whatever_the_pace_where_no_budget_binds(small):
    problem = small("logistic", rows=300)
    one, other = (found(problem, time_budget=budget, seeds=2) for budget in (None, 300))
    assert [s.lr for s in one.fit.plan.settings] == [s.lr for s in other.fit.plan.settings]
    np.testing.assert_array_equal(one.fit.epochs, other.fit.epochs)
    assert one.best == other.best


def test_a_schedule_ends_with_the_last_step_of_the_batches_that_are_taken():
    problem = network_problem()
    (only,) = settings(
        problem, options(optimizer="adam", lr=0.1, schedule="cosine", max_epochs=3), Landscape.of(problem)
    )
    assert len(only.factors) == 3 * -(-160 // only.batch_size)
