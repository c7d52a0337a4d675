"""What the search of a problem on a sample keeps, and what it trains on all rows."""

from dataclasses import replace

import numpy as np
import pytest
from tests.search.made import ROWS, X, problem, unlimited

from descend.losses import loss
from descend.outcome import Outcome
from descend.problem import Problem, objectives
from descend.search import by_sample, task
from descend.search.sample import sample_of
from descend.search.search import search
from descend.table.data import Data

pytestmark = pytest.mark.usefixtures("small_samples")


@pytest.mark.parametrize("name", ["squared", "logistic"])
def test_the_best_of_a_sample_is_trained_on_all_rows(name):
    given = problem(name)
    result = search(given, None, unlimited())
    fit, best = result.fit, result.best
    assert result.sample_rows == 1000
    assert fit.outcomes[best] is Outcome.CONVERGED
    assert result.landscape.gap(float(fit.loss[best])) < 1e-3
    assert fit.loss[best] == pytest.approx(float(objectives(given, fit.weights[[best]])[0]), rel=1e-9)
    assert {s.label for s in fit.plan.settings} == {
        "gd", "sgd", "minibatch", "momentum", "nesterov", "adagrad", "rmsprop", "adam",
    }  # fmt: skip
    sampled = [result.why[value]["source"].endswith("on 1,000 of 8,000 rows") for value in ("lr", "optimizer")]
    assert sampled == [name == "logistic"] * 2  # moments train squares on all rows, rates of all


def test_the_best_of_each_variant_is_measured_on_all_rows():
    given = problem("logistic")
    result = search(given, None, unlimited())
    ahead = list(result.best_per_variant)
    np.testing.assert_allclose(result.fit.loss[ahead], objectives(given, result.fit.weights[ahead]), rtol=1e-9)


def test_settings_that_lost_on_the_sample_count_as_pruned():
    result = search(problem("logistic"), None, unlimited())
    others = [o for r, o in enumerate(result.fit.outcomes) if r != result.best]
    assert all(o is Outcome.PRUNED or o.failed for o in others)


def test_what_the_user_typed_sees_all_rows():
    assert search(problem(), None, unlimited(optimizer="adam", lr=0.1)).sample_rows is None
    assert search(problem("logistic"), None, unlimited(optimizer="adam", lr="auto")).sample_rows == 1000
    assert search(problem("logistic"), None, unlimited(optimizer="adam,gd", lr="auto")).sample_rows is None
    assert search(problem(), None, unlimited(optimizer="adam", lr="auto")).sample_rows is None  # moments train it


def test_a_best_setting_that_fails_on_all_rows_is_searched_for_again(monkeypatch):
    trained = task.train

    def failing(given, plan, *rest):
        fit = trained(given, plan, *rest)
        lost = given.data.rows == ROWS and len(plan) == 1
        return replace(fit, outcomes=(Outcome.DIVERGED,)) if lost else fit

    monkeypatch.setattr(task, "train", failing)
    result = search(problem("logistic"), None, unlimited())
    assert result.sample_rows is None
    assert result.fit.outcomes[result.best] is Outcome.CONVERGED


def test_a_race_that_took_its_time_leaves_some_for_all_rows(monkeypatch):
    seconds = []
    trained = task.train

    def recorded(given, plan, held_out, limits, *rest):
        if given.data.rows == ROWS:
            seconds.append(limits.seconds)
        return trained(given, plan, held_out, limits, *rest)

    monkeypatch.setattr(task, "train", recorded)
    result = search(problem("logistic"), None, unlimited(time_budget=1e-3))
    assert seconds == [pytest.approx(by_sample.FINAL_SHARE * 1e-3)]
    assert result.sample_rows == 1000


def test_squares_that_moments_train_compete_on_all_rows_and_batches_on_the_sample(monkeypatch):
    seen, trained = {}, task.train

    def recorded(given, plan, *rest):
        for setting in plan.settings:
            seen.setdefault(setting.label, set()).add(given.data.rows)
        return trained(given, plan, *rest)

    monkeypatch.setattr(task, "train", recorded)
    result = search(problem(), None, unlimited())
    assert {label for label, rows in seen.items() if rows == {1000}} == {"sgd", "minibatch"}
    assert {label for label, rows in seen.items() if rows == {ROWS}} == {
        "gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam",
    }  # fmt: skip
    ahead = {result.fit.plan.settings[r].label: result.fit.outcomes[r] for r in result.best_per_variant}
    assert {label for label, outcome in ahead.items() if outcome is Outcome.PRUNED} == {"sgd", "minibatch"}
    assert len(ahead) == 8


@pytest.mark.parametrize("quick", [False, True])
def test_variants_that_are_shown_get_the_time_that_others_get(quick):
    mixed = X @ (np.eye(4) + 0.9)
    given = Problem(Data(mixed, problem().data.y), loss("squared"), l2=1e-3)
    result = search(given, None, unlimited(max_epochs=500), quick=quick)
    ahead = {result.fit.plan.settings[r].label: r for r in result.best_per_variant}
    fastest = result.fit.epochs[result.best]
    longest = max(result.fit.epochs[r] for label, r in ahead.items() if label not in ("sgd", "minibatch"))
    assert longest <= max(20, 2 * fastest) if quick else longest > max(20, 2 * fastest)


def test_where_moments_lead_nowhere_the_best_of_the_sample_is_trained_on_all_rows():
    mixed = X @ (np.ones((4, 4)) + 0.1 * np.eye(4))
    result = search(Problem(Data(mixed, problem().data.y), loss("squared")), None, unlimited(max_epochs=1))
    on_all = {
        s.label for s, o in zip(result.fit.plan.settings, result.fit.outcomes, strict=True) if o is not Outcome.PRUNED
    }
    assert on_all & {"sgd", "minibatch"}  # thousands of steps an epoch come farther than one
    assert result.fit.loss[result.best] == min(result.fit.loss[list(result.best_per_variant)])


def test_runs_that_nobody_sees_are_not_measured():
    given = problem("logistic")
    result = search(given, None, unlimited(), quick=True)
    before = [r for r in result.best_per_variant if r != result.best]
    sample = sample_of(given, unlimited())
    np.testing.assert_allclose(result.fit.loss[before], objectives(sample, result.fit.weights[before]), rtol=1e-6)
