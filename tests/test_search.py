"""What was typed is trained, what was left open is tried, and the choice does not hang on luck."""

import numpy as np
import pytest

from descend.candidates import settings
from descend.data import Data
from descend.errors import UsageError
from descend.landscape import Landscape
from descend.losses import loss
from descend.options import read_options
from descend.outcome import Outcome
from descend.plan import FULL, THE_EIGHT
from descend.problem import Problem
from descend.search import search


def options(**given):
    return {**read_options(given), "threads": 1}


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
    labels = [best.fit.plan.settings[r].label for r in best.leaders]
    assert sorted(labels) == sorted(set(labels))
    assert best.best in best.leaders


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
    assert all(best.fit.plan.settings[r].seed == 0 for r in best.leaders)
    assert {s.seed for s in found(problem, optimizer="minibatch", seeds=1).fit.plan.settings} == {0}
