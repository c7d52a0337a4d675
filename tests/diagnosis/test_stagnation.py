"""A weight in float32 that moves by less than half its last digit does not move; that is seen, and not called converged."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import descend as ds
from descend.diagnosis.stagnation import stagnation
from descend.losses import loss
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.table.data import Data
from descend.training import Limits, train


def far(dtype, lr, optimizer="sgd", start=9000.0):
    """(w - 10000)^2 from 9000, where float32 numbers are 2^-10 apart."""
    problem = Problem(Data(np.ones((4, 1), dtype), np.full(4, 1e4, dtype)), loss("squared"), intercept=False)
    plan = Plan((setting(optimizer, lr=lr),), start=np.array([start]))
    return train(problem, plan, limits=Limits(epochs=30))


def seen_of(fit):
    return stagnation(fit.problem, fit.plan.settings[0], fit.state)


def test_a_step_below_half_the_last_digit_is_lost():
    fit = far(np.float32, 1e-8)
    seen = seen_of(fit)
    assert fit.weights[0, 0] == 9000
    assert (seen.lost, seen.moving, seen.stuck) == (1, 1, True)
    assert seen.step == pytest.approx(2e-5)
    assert seen.half_ulp == 2**-11


@pytest.mark.parametrize(("dtype", "lr"), [(np.float64, 1e-8), (np.float32, 1e-3)])
def test_a_step_that_moves_the_weight_is_not_called_lost(dtype, lr):
    seen = seen_of(far(dtype, lr))
    assert (seen.lost, seen.stuck) == (0, False)


def test_a_rule_with_memory_is_judged_by_the_step_it_would_take():
    assert seen_of(far(np.float32, 1e-5, "adam")).stuck
    assert not seen_of(far(np.float32, 1e-2, "adam")).stuck


def test_at_the_optimum_nothing_moves_and_nothing_is_stuck():
    assert not seen_of(far(np.float32, 1e-3, start=10_000.0)).stuck


def test_the_verdict_names_it_and_does_not_call_it_converged():
    X = np.ones((40, 1), np.float32)
    model = ds.DescentRegressor(optimizer="gd", lr=0.1, scale=False, fit_intercept=False, l2=0, warm_start=True)
    model.fit(X, np.full(40, 1e4, np.float32))
    with pytest.warns(ConvergenceWarning, match="not converged"):
        model.set_params(lr=1e-8).fit(X, np.full(40, 1.1e4, np.float32))
    assert model.verdict_.status == "stopped"
    (finding, *_) = [f for f in model.findings_ if f.code == "D501"]
    assert finding.text.startswith("float32 stagnation: the next step leaves 1 of 1 weights unchanged")
    assert finding.fix == ("pass float64 data", "--lr auto")


def test_the_same_in_float64_is_slow_but_not_stuck():
    X = np.ones((40, 1))
    model = ds.DescentRegressor(optimizer="gd", lr=0.1, scale=False, fit_intercept=False, l2=0, warm_start=True)
    model.fit(X, np.full(40, 1e4)).set_params(lr=1e-8)
    with pytest.warns(ConvergenceWarning, match="not converged"):
        model.fit(X, np.full(40, 1.1e4))
    assert "D501" not in [f.code for f in model.findings_]


@pytest.mark.parametrize(("dtype", "stuck"), [(np.float32, True), (np.float64, False)])
@pytest.mark.parametrize("offset", [1e6, -1e6])
def test_a_single_weight_that_stands_still_under_most_of_the_gradient_is_seen(dtype, stuck, offset):
    """Both slopes are at their optimum; the intercept is 100 short of its own, and float32 has no smaller steps there."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2)).astype(dtype)
    X -= X.mean(axis=0)
    problem = Problem(Data(X, (X @ [1.0, -2.0] + offset).astype(dtype)), loss("squared"))
    begin = np.array([1.0, -2.0, offset - 100])
    fit = train(problem, Plan((setting("sgd", lr=1e-5),), start=begin), limits=Limits(epochs=1))
    seen = stagnation(problem, fit.plan.settings[0], fit.state)

    assert seen.stuck == stuck
    assert (seen.gradient_share > 0.99) == stuck
