"""Curvature, limits, optimum and bound against closed forms, simulation and other people's solvers."""

import dataclasses

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn import linear_model as theirs

from descend.engines import plain, start
from descend.losses import loss
from descend.optimum import baseline, batch_limit, bound, curvature, frozen_limit, gap, limit, optimum
from descend.plan import Plan, setting
from descend.plan.rule import RULES, rule
from descend.problem import Problem, gradient, objectives
from descend.table.data import Data


def problem(X, y, name="squared", **options):
    form = loss(name)
    return Problem(Data(np.ascontiguousarray(X, float), np.asarray(y, float)), form, form.constants, **options)


def test_case_c02_eigenvalues_limit_and_condition():
    x = np.arange(100.0)
    found = curvature(problem(x[:, None], 0.1 * x + 0.3))
    assert found.smallest == pytest.approx(0.5074, abs=1e-4)
    assert found.largest == pytest.approx(6568.49, abs=0.01)
    assert 2 / found.largest == pytest.approx(3.045e-4, abs=1e-7)
    assert found.condition == pytest.approx(12_945, abs=1)


def test_case_c02_the_limit_of_single_rows():
    x = np.arange(200.0)
    found = curvature(problem(x[:, None], 2 * x))
    assert 2 / found.row_largest == pytest.approx(2.525e-5, rel=1e-3)
    assert batch_limit(found, 1) == pytest.approx(1 / found.row_largest)
    assert batch_limit(found, 10**9) == pytest.approx(1 / found.largest, rel=1e-3)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "momentum_keras"])
def test_one_per_cent_below_the_limit_converges_and_above_diverges(name):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3)) * [1, 2, 0.5]
    p = problem(X, X @ [1.0, 2.0, 3.0] + 1)
    top = limit(rule(name), RULES[name].constants, curvature(p).largest)
    plan = Plan(tuple(setting(name, lr=top * part) for part in (0.99, 1.01)))
    state, _ = plain.advance(p, plan, start(p, plan), np.array([50 * 3000]))
    below, above = objectives(p, state.weights)
    assert below < 1e-6
    assert not above < 1e6


def test_limits_in_units_of_the_curvature():
    known = {"sgd": 2.0, "momentum": 3.8, "nesterov": 3.8 / 2.8}
    for name, value in known.items():
        assert limit(rule(name), RULES[name].constants, 1.0) == pytest.approx(value)
    assert limit(rule("adam"), RULES["adam"].constants, 1.0) is None
    assert frozen_limit(rule("adam"), RULES["adam"].constants, 1.0) == pytest.approx(38)
    assert frozen_limit(rule("rmsprop"), RULES["rmsprop"].constants, 1.0) == 2.0


def test_case_c06_separable_classes_have_no_optimum_without_penalty():
    X, y = [[-1.0], [1.0]], [0, 1]
    alone = optimum(problem(X, y, "logistic", intercept=False))
    assert alone.weights is None
    assert alone.reason == "separable: no finite optimum"
    held = optimum(problem(X, y, "logistic", intercept=False, l2=0.1))
    assert held.weights[0] == pytest.approx(1.63351, abs=1e-5)


def conditioned(seed, condition):
    """Features whose curvatures spread over `condition`."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((120, 4))
    q, _ = np.linalg.qr(X - X.mean(axis=0))
    turn, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    X = q * np.sqrt(120) * np.geomspace(1, condition**-0.5, 4) @ turn
    return X, X @ rng.standard_normal(4) * 2 + 0.3, rng


TARGETS = {
    "squared": lambda z, rng: z + rng.standard_normal(len(z)),
    "huber": lambda z, rng: z + rng.standard_t(2, len(z)),
    "logistic": lambda z, rng: (z + rng.logistic(size=len(z)) > 0) * 1.0,
    "poisson": lambda z, rng: rng.poisson(np.exp(z / 2)) * 1.0,
    "quantile": lambda z, rng: z + rng.standard_normal(len(z)),
}


def independent(p, name):
    """The lowest objective that another solver finds."""
    if name == "quantile":
        model = theirs.QuantileRegressor(alpha=0, solver="highs").fit(p.data.X, p.data.y)
        return float(objectives(p, np.r_[model.coef_, model.intercept_][None])[0])
    fun = lambda w: float(objectives(p, w[None])[0])  # noqa: E731
    jac = lambda w: gradient(p, w)[1]  # noqa: E731
    w = baseline(p)[0]
    for _ in range(5):
        w = minimize(fun, w, jac=jac, method="BFGS", options={"gtol": 1e-12, "maxiter": 5000}).x
    return fun(w)


@pytest.mark.parametrize("condition", [1, 1e1, 1e2, 1e3, 1e5, 1e6])
@pytest.mark.parametrize("name", TARGETS)
def test_thirty_convex_problems_agree_with_another_solver(name, condition):
    X, z, rng = conditioned(int(condition), condition)
    p = problem(X, TARGETS[name](z, rng), name)
    found, other = optimum(p), independent(p, name)
    reference = baseline(p)[1]
    assert found.objective - other <= 1e-6 * (reference - found.objective)
    assert other - found.objective <= 1e-6 * (reference - found.objective)


def test_the_agreement_with_another_solver_can_fail():
    X, z, rng = conditioned(1, 10)
    p = problem(X, TARGETS["squared"](z, rng))
    found = optimum(p)
    moved = float(objectives(p, (found.weights + 0.01)[None])[0])
    assert moved - independent(p, "squared") > 1e-6 * (baseline(p)[1] - found.objective)


def test_ridge_logistic_and_lasso_are_scikit_learns():
    X, z, rng = conditioned(3, 10)
    ridge = optimum(problem(X, z + 1, l2=0.2)).weights
    model = theirs.Ridge(alpha=0.1 * len(z)).fit(X, z + 1)
    np.testing.assert_allclose(ridge, [*model.coef_, model.intercept_], rtol=1e-8)
    y = (z > 0.3) * 1.0
    ours = optimum(problem(X, y, "logistic", l2=0.05)).weights
    model = theirs.LogisticRegression(C=1 / (0.05 * len(y)), tol=1e-12, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours, [*model.coef_[0], *model.intercept_], rtol=1e-4, atol=1e-6)
    lasso = optimum(problem(X, z, l1=0.1)).weights
    model = theirs.Lasso(alpha=0.05, tol=1e-14).fit(X, z)
    np.testing.assert_allclose(lasso, [*model.coef_, model.intercept_], atol=1e-7)


def test_collinear_columns_and_more_columns_than_rows():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 3)), rng.standard_normal(30)
    twice = problem(np.column_stack([X, X[:, 0]]), y)
    assert optimum(twice).objective == pytest.approx(optimum(problem(X, y)).objective, rel=1e-10)
    wide = problem(rng.standard_normal((5, 20)), y[:5])
    assert optimum(wide).objective < 1e-20


def test_one_column_a_trillion_times_another():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 2))
    y = X @ [1.0, 2.0] + 0.1 * rng.standard_normal(40)
    huge = problem(X * [1e12, 1], y)
    assert optimum(huge).objective == pytest.approx(optimum(problem(X, y)).objective, rel=1e-6)


def test_weights_are_repeated_rows(small):
    p = small("logistic", l2=0.1)
    times = np.arange(23) % 3 + 1
    weighted = dataclasses.replace(p, data=dataclasses.replace(p.data, sample_weight=times / times.mean()))
    repeated = dataclasses.replace(p, data=Data(p.data.X.repeat(times, axis=0), p.data.y.repeat(times)))
    np.testing.assert_allclose(optimum(weighted).weights, optimum(repeated).weights, rtol=1e-8)
    assert curvature(weighted).largest == pytest.approx(curvature(repeated).largest)


def test_several_targets_are_solved_one_by_one(small):
    p = small("squared", outputs=3)
    W, b = p.split(optimum(p).weights)
    alone = theirs.LinearRegression().fit(p.data.X, p.data.y)
    np.testing.assert_allclose(W.T, alone.coef_, rtol=1e-8)
    np.testing.assert_allclose(b, alone.intercept_, rtol=1e-8)


@pytest.mark.parametrize("name", ["squared", "logistic", "huber", "poisson", "quantile", "hinge", "softmax"])
def test_the_baseline_is_the_best_constant(small, name):
    p = small(name, rows=60, outputs=3 if name == "softmax" else 1)
    weights, objective = baseline(p)
    free = np.flatnonzero(p.penalised == 0)
    for j in free:
        for move in (-1e-3, 1e-3):
            other = weights.copy()
            other[j] += move
            assert objectives(p, other[None])[0] >= objective - 1e-9


@pytest.mark.parametrize("name", ["squared", "logistic", "huber", "poisson", "softmax"])
def test_the_bound_holds_and_closes_at_the_optimum(small, name):
    p = small(name, rows=60, l2=0.3, outputs=3 if name == "softmax" else 1)
    best = optimum(p)
    for seed in range(6):
        w = best.weights + 0.3 * np.random.default_rng(seed).standard_normal(p.params)
        true = float(objectives(p, w[None])[0]) - best.objective
        assert true <= bound(p, w) * (1 + 1e-9)
    assert bound(p, best.weights) < 1e-9
    free = dataclasses.replace(p, l2=0.0)
    if name == "squared":  # the distance itself
        missing = float(objectives(free, best.weights[None])[0]) - optimum(free).objective
        assert bound(free, best.weights) == pytest.approx(missing, rel=1e-9)
    else:
        assert bound(free, best.weights) == np.inf


def test_the_gap_is_the_part_still_missing():
    assert gap(1.5, 1.0, 2.0) == 0.5
    assert gap(1.0 - 1e-17, 1.0, 2.0) == 0.0
    assert gap(1.5, 1.0, 1.0) == np.inf
