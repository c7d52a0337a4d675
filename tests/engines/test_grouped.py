"""Runs that share their rows are trained as each would be alone."""

import dataclasses

import numpy as np
import pytest

from descend.engines import grouped, linear, plain, start
from descend.losses import LOSSES, loss
from descend.outcome import Outcome
from descend.plan import FULL, Plan, setting
from descend.plan.rule import RULES
from descend.problem import Problem
from descend.table.data import Data

ONE = tuple(name for name, form in LOSSES.items() if form.outputs == "one")


def many(batch_size, rates=(0.002, 0.01), **options):
    """Every rule at two rates."""
    return tuple(
        setting(name, lr=lr, batch_size=batch_size, **({"eps": 1e-3} if "eps" in rule.constants else {}), **options)
        for name, rule in RULES.items() for lr in rates
    )  # fmt: skip


@pytest.mark.parametrize("batch_size", [1, 7, FULL])
@pytest.mark.parametrize("name", ONE)
def test_a_group_of_all_rules_is_plain(small, name, batch_size):
    problem, plan = small(name, rows=300, weighted=True, l2=0.01, l1=0.001), Plan(many(batch_size, (0.001, 0.002)))
    begin, points = start(problem, plan), np.array([150, 600])
    assert sum(map(len, grouped.groups(problem, plan, begin))) == len(plan)
    _, fast = linear.advance(problem, plan, begin, points)
    _, slow = plain.advance(problem, plan, begin, points)
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("batch_size", [7, 8, FULL])
@pytest.mark.parametrize("name", ["softmax", "squared"])
@pytest.mark.parametrize("runs", [1, 2, 26])
def test_several_outputs_are_plain(name, batch_size, runs):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(600, 4)), rng.normal(size=(600, 3))
    target = y.argmax(axis=1).astype(float) if name == "softmax" else y
    data = Data(X, target, sample_weight=rng.uniform(0.5, 1.5, 600))
    problem, plan = (
        Problem(data, loss(name), outputs=3, l2=0.01, l1=0.001),
        Plan(many(batch_size, (0.001, 0.002))[:runs]),
    )
    begin, points = start(problem, plan), np.array([300, 1200])
    assert bool(grouped.groups(problem, plan, begin)) == (batch_size != 7)
    _, fast = linear.advance(problem, plan, begin, points)
    _, slow = plain.advance(problem, plan, begin, points)
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-10)


def test_a_class_that_is_not_there_ends_the_runs():
    X = np.random.default_rng(0).normal(size=(20, 2))
    problem = Problem(Data(X, np.full(20, 3.0)), loss("softmax"), outputs=3)
    plan = Plan((setting("sgd", lr=0.1), setting("adam", lr=0.1)))
    state, _ = linear.advance(problem, plan, start(problem, plan), np.array([40]))
    assert (state.outcome == Outcome.NONFINITE).all()


def test_groups_do_not_depend_on_anything_but_the_plan(small):
    problem, plan = small("squared"), Plan(many(7) + many(5) + (setting("sgd", lr=0.1, batch_size=3),))
    found = grouped.groups(problem, plan, start(problem, plan))
    runs = [r for group in found for r in group]
    assert sorted(runs) == list(range(4 * len(RULES)))
    assert all(len({plan.settings[r].batch_size for r in group}) == 1 for group in found)
    assert all(len({plan.settings[r].rule for r in group}) <= grouped.MOST_RULES for group in found)


def test_runs_of_other_seeds_do_not_share_their_order(small):
    problem = small("squared")
    plan = Plan(tuple(setting("sgd", lr=0.01, batch_size=7, seed=seed) for seed in range(10)))
    assert grouped.groups(problem, plan, start(problem, plan)) == []
    whole = Plan(tuple(setting("sgd", lr=0.01, seed=seed) for seed in range(10)))
    assert sum(map(len, grouped.groups(problem, whole, start(problem, whole)))) == 10


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(small, threads):
    problem, plan = small("logistic", rows=700), Plan(many(64) + many(FULL))
    points = np.array([700, 2100])
    one, _ = linear.advance(problem, plan, start(problem, plan), points)
    some, _ = linear.advance(problem, plan, start(problem, plan), points, threads=threads)
    np.testing.assert_array_equal(one.weights, some.weights)
    np.testing.assert_array_equal(one.memory, some.memory)


def test_a_diverging_run_drops_out_and_the_others_go_on(small):
    problem = small("squared")
    rates = (1e6, *np.linspace(0.001, 0.02, 9))
    plan = Plan(tuple(setting("sgd", lr=float(lr), batch_size=7) for lr in rates))
    begin = start(problem, plan)
    state, path = linear.advance(problem, plan, begin, np.array([23 * 40, 23 * 80]))
    slow, _ = plain.advance(problem, plan, begin, np.array([23 * 40, 23 * 80]))
    assert state.outcome.tolist() == [Outcome.NONFINITE] + [Outcome.RUNNING] * 9
    np.testing.assert_array_equal(state.steps, slow.steps)
    np.testing.assert_array_equal(state.seen, slow.seen)
    np.testing.assert_allclose(state.weights[1:], slow.weights[1:], rtol=1e-9)
    assert np.isfinite(path[1:]).all()


def test_schedules_and_clips_are_each_runs_own(small):
    problem = small("squared")
    base = [setting("momentum", lr=0.02, batch_size=7) for _ in range(9)]
    runs = [
        dataclasses.replace(
            s, factors=np.linspace(1, 0.1, 2 + k), clip=0.5 + k if k % 2 else np.inf, clip_value=2.0 + k
        )
        for k, s in enumerate(base)
    ]
    plan = Plan(tuple(runs))
    _, fast = linear.advance(problem, plan, start(problem, plan), np.array([230]))
    _, slow = plain.advance(problem, plan, start(problem, plan), np.array([230]))
    np.testing.assert_allclose(fast, slow, rtol=1e-10)
    assert len(np.unique(fast[:, 0, 0])) == 9
