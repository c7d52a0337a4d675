"""Four steps of one row at once are the steps of the plain engine, whatever the width, dtype and cut."""

import dataclasses

import numpy as np
import pytest

from descend.engines import linear, lookahead, plain, start
from descend.losses import LOSSES, loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.table.data import Data
from descend.table.scaled_rows import ScaledRows

ONE = tuple(name for name, form in LOSSES.items() if form.outputs == "one")


def plan_of(lr=0.01, shuffle="auto", **options):
    return Plan((setting("sgd", lr=lr, batch_size=1, **options),), shuffle=shuffle)


def trained(engine, problem, plan, *points):
    state, path = start(problem, plan), None
    for point in points:
        state, path = engine.advance(problem, plan, state, np.array([point]))
    return state, path[0, -1]


def wide_problem(rows, features, dtype=np.float64, **options):
    """Random features of any number, and a target that follows them."""
    rng = np.random.default_rng(features)
    X = rng.normal(size=(rows, features)) / np.sqrt(features)
    y = X @ rng.normal(size=features) + 0.3 * rng.normal(size=rows)
    return Problem(Data(X.astype(dtype), y.astype(dtype)), loss("squared"), **options)


def test_plain_gradient_descent_takes_it_and_nothing_else_does(small):
    problem, own = small("squared"), plan_of().settings[0]
    assert lookahead.fits(problem, own)
    for other in (
        setting("momentum", lr=0.01, batch_size=1), setting("sgd", lr=0.01, batch_size=2),
        dataclasses.replace(own, clip=1.0), dataclasses.replace(own, clip_value=1.0),
        dataclasses.replace(own, factors=np.array([1.0, 1e-200])),
    ):  # fmt: skip
        assert not lookahead.fits(problem, other)
    assert lookahead.fits(problem, dataclasses.replace(own, factors=np.array([1.0, 0.0])))
    assert not lookahead.fits(small("squared", l1=0.1), own)
    assert not lookahead.fits(small("squared", outputs=3), own)
    assert not lookahead.fits(small("squared", rows=1), own)


@pytest.mark.parametrize("name", ONE)
def test_every_loss_is_plain(small, name):
    problem = small(name, l2=0.05, weighted=True)
    fast, slow = (trained(engine, problem, plan_of(0.005), 23 * 7)[1] for engine in (linear, plain))
    np.testing.assert_allclose(fast, slow, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("features", [1, 7, 8, 9, 16, 50])
@pytest.mark.parametrize("intercept", [True, False])
def test_every_width_is_plain(features, intercept):
    problem, plan = wide_problem(26, features, l2=0.05, intercept=intercept), plan_of(0.05)
    fast, slow = (trained(engine, problem, plan, 26 * 3)[1] for engine in (linear, plain))
    np.testing.assert_allclose(fast, slow, rtol=1e-10, atol=1e-12)


def test_a_schedule_counts_each_step(small):
    problem, plan = small("squared", l2=0.1), plan_of()
    own = dataclasses.replace(plan.settings[0], factors=np.linspace(1, 0, 30) ** 2)
    fast, slow = (
        trained(engine, problem, dataclasses.replace(plan, settings=(own,)), 69)[1] for engine in (linear, plain)
    )
    np.testing.assert_allclose(fast, slow, rtol=1e-11)
    constant = trained(linear, problem, plan, 69)[1]
    assert np.abs(constant - slow).max() > 1e-3


def test_where_a_call_begins_moves_no_bit(small):
    problem, plan = small("logistic", rows=203, l2=0.1), plan_of(0.05)
    whole, once = trained(linear, problem, plan, 406)
    cut, often = trained(linear, problem, plan, 64, 68, 203, 203 + 136, 406)
    np.testing.assert_array_equal(once, often)
    assert whole.steps[0] == cut.steps[0] == 406
    anywhere = trained(linear, problem, plan, 61, 250, 406)[1]
    np.testing.assert_allclose(anywhere, once, rtol=1e-12)


def test_float32_keeps_a_penalty_that_one_step_would_round_away():
    """A decay of 1e-9 a step is far below the rounding of float32 weights, and must not vanish in 1 - 1e-9."""
    problem, plan = wide_problem(400, 5, np.float32), plan_of(0.01)
    with_penalty = dataclasses.replace(problem, l2=1e-7)
    exact = dataclasses.replace(
        with_penalty, data=Data(*(a.astype(np.float64) for a in (problem.data.X, problem.data.y)))
    )
    fast, slow = trained(linear, with_penalty, plan, 4000)[1], trained(plain, exact, plan, 4000)[1]
    np.testing.assert_allclose(fast, slow, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_scaled_as_they_are_read(dtype):
    rng, rows, center, width = np.random.default_rng(1), 90, np.array([1e4, -3.0, 0.0]), np.array([2.5, 1e-3, 40.0])
    source = (rng.normal(size=(rows, 3)) * width + center).astype(dtype)
    features = ScaledRows(source, center, width, dtype)
    y = rng.normal(size=rows).astype(dtype)
    copied = Problem(Data(features[:], y), loss("squared"), l2=0.01)
    read = dataclasses.replace(copied, data=dataclasses.replace(copied.data, X=features))

    fast, slow = trained(linear, read, plan_of(), 270)[1], trained(plain, copied, plan_of(), 270)[1]

    assert features.readable  # no copy was made
    np.testing.assert_allclose(fast, slow, rtol=2e-5 if dtype == np.float32 else 1e-11, atol=1e-7)


@pytest.mark.parametrize("at", [1, 3, 5, 70])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e160])
def test_a_bad_row_ends_the_run_at_its_step(small, at, value):
    problem = small("squared", rows=101, l2=0.01)
    problem.data.X[at, 1] = value
    plan = plan_of(shuffle="none")
    (fast, path), (slow, right) = (trained(engine, problem, plan, 101) for engine in (linear, plain))
    assert fast.outcome[0] == slow.outcome[0] == Outcome.NONFINITE
    assert fast.steps[0] == slow.steps[0]
    assert fast.seen[0] == slow.seen[0]
    np.testing.assert_allclose(path, right, rtol=1e-11)


def test_large_numbers_that_stay_finite_are_trained_on(small):
    """A large weight is left to the careful loop, which goes on."""
    problem = small("squared", rows=101)
    problem.data.y[50] = 1e155
    plan = plan_of(shuffle="none")
    (fast, path), (slow, right) = (trained(engine, problem, plan, 202) for engine in (linear, plain))
    assert fast.outcome[0] == slow.outcome[0] == Outcome.RUNNING
    assert np.abs(right).max() > 1e150
    np.testing.assert_allclose(path, right, rtol=1e-11)
