from dataclasses import replace

import numpy as np
import pytest

from descend.losses import loss
from descend.plan import Plan, setting
from descend.problem import Problem, gradient
from descend.problem import moments as gramian
from descend.problem import objectives as direct_objectives
from descend.problem.moments import curvatures, fits, growth, hessian, objectives, safe
from descend.table.data import Data


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def squared(X, y, weight=None, **shape):
    return Problem(Data(X, y, weight), loss("squared"), outputs=1 if y.ndim == 1 else y.shape[1], **shape)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("targets", [(), (3,)])
def test_objectives_are_those_of_a_pass_over_the_data(targets, intercept):
    X, y, weight = random(300, 4) + 3, random(300, *targets, seed=1), np.random.default_rng(2).uniform(0, 2, 300)
    problem = squared(X, y, weight / weight.mean(), intercept=intercept, l2=0.1, l1=0.05)
    weights = random(6, problem.params, seed=3)
    got = objectives(problem.data.gram(), problem, weights)
    np.testing.assert_allclose(got, direct_objectives(problem, weights), rtol=1e-12)


@pytest.mark.parametrize("residual", [1e-8, 1e-6, 1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_a_loss_that_has_cancelled_is_not_given(residual, mean):
    X, w = random(400, 3), np.array([1.0, -2.0, 0.5])
    problem = squared(X + mean, X @ w + residual * random(400, seed=1))
    weights = np.append(w, -mean * w.sum())[None]
    got, true = objectives(problem.data.gram(), problem, weights)[0], direct_objectives(problem, weights)[0]
    assert np.isnan(got) or got == pytest.approx(true, rel=1e-9)
    assert np.isnan(got) == (residual < (1e-3 if mean == 0 else 1.0))


def test_what_has_cancelled_would_have_been_wrong(monkeypatch):
    X, w = random(400, 3), np.array([1.0, -2.0, 0.5])
    problem = squared(X, X @ w + 1e-8 * random(400, seed=1), intercept=False)
    monkeypatch.setattr(gramian, "CANCELLED", 0.0)
    got, true = objectives(problem.data.gram(), problem, w[None])[0], direct_objectives(problem, w[None])[0]
    assert np.isnan(got) or abs(got - true) > 0.1 * true


@pytest.mark.parametrize("intercept", [True, False])
def test_the_hessian_is_the_slope_of_the_gradient(intercept):
    problem = squared(random(50, 3) + 2, random(50, seed=1), intercept=intercept, l2=0.3)
    zero = gradient(problem, np.zeros(problem.params))[1]
    columns = [gradient(problem, e)[1] - zero for e in np.eye(problem.params)]
    np.testing.assert_allclose(hessian(problem.data.gram(), problem), np.transpose(columns), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(curvatures(problem, problem.data.gram()), np.linalg.eigvalsh(columns), rtol=1e-12)


def test_the_curvature_of_a_column_given_twice_is_zero():
    problem = squared(random(50, 1) @ np.ones((1, 2)), random(50, seed=1))
    assert curvatures(problem, problem.data.gram())[0] == 0


@pytest.mark.parametrize(
    ("name", "limit"), [("sgd", 2.0), ("momentum", 3.8), ("momentum_keras", 3.8), ("nesterov", 3.8 / 2.8)]
)
def test_a_rule_grows_beyond_its_stability_limit_alone(name, limit):
    values = np.array([0.25, 1.0])
    assert growth(setting(name, lr=0.999 * limit), values) < 1
    assert growth(setting(name, lr=1.001 * limit), values) > 1
    assert np.isnan(growth(setting("adam", lr=1.0), values))


def ill(kappa, rows=200, columns=6):
    U, V = np.linalg.qr(random(rows, columns))[0], np.linalg.qr(random(columns, columns, seed=1))[0]
    X = np.sqrt(rows) * (U * np.geomspace(1, 1 / kappa, columns)) @ V.T
    return squared(X, X @ random(columns, seed=2) + random(rows, seed=3))


@pytest.mark.parametrize(
    ("name", "kappa", "steps", "expected"),
    [
        ("sgd", 10, 1000, True), ("sgd", 1e10, 10_000, True), ("sgd", 1e10, 10**9, False), ("sgd", 10, 10**9, True),
        ("momentum", 10, 10**6, True), ("momentum", 1e6, 100, True), ("momentum", 1e6, 10_000, False),
        ("nesterov", 1e6, 10_000, False), ("adam", 1e10, 10_000, True),
    ],
)  # fmt: skip
def test_safe_follows_the_bound(name, kappa, steps, expected):
    problem = ill(kappa)
    assert safe(problem, Plan((setting(name, lr=0.1),)), problem.data.gram(), steps).tolist() == [expected]


def test_what_cannot_be_trained_from_moments_is_not_safe():
    plan = Plan((setting("sgd", lr=0.1), setting("sgd", lr=0.1, batch_size=10), setting("sgd", lr=10.0)))
    problem = ill(10)
    assert safe(problem, plan, problem.data.gram(), 10).tolist() == [True, False, False]
    one = Plan(plan.settings[:1])
    assert not safe(replace(problem, loss=loss("huber")), one, problem.data.gram(), 10).any()
    short = squared(random(9, 4), random(9))
    assert not fits(short, plan.settings[0])
    huge = squared(1e200 * random(50, 2), random(50))
    assert not safe(huge, one, huge.data.gram(), 10).any()


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("targets", [(), (3,)])
def test_the_gradient_is_that_of_a_pass_over_the_data(targets, intercept):
    X, y, weight = random(300, 4) + 3, random(300, *targets, seed=1), np.random.default_rng(2).uniform(0, 2, 300)
    problem = squared(X, y, weight / weight.mean(), intercept=intercept, l2=0.1)
    w = random(problem.params, seed=3)
    by_moments = gramian.gradient(problem.data.gram(), problem, w)
    np.testing.assert_allclose(by_moments, gradient(problem, w)[1], rtol=1e-11, atol=1e-12)
