"""Stability limits against simulation by the plain engine: one per cent below converges, one above diverges."""

import numpy as np
import pytest

from descend.engines import plain, start
from descend.optimum import (
    Curvature,
    batch_limit,
    curvature,
    frozen_limit,
    limit,
    mean_square_limit,
    stability_limit,
)
from descend.plan import Plan, setting
from descend.plan.rule import RULES, rule
from descend.problem import objectives


def adam_frozen(g, m, t, lr=0.1, beta1=0.9):
    """Adam with a preconditioner of 1."""
    m = beta1 * m + (1 - beta1) * g
    return lr * m / (1 - beta1**t), m


def nadam_frozen(g, m, t, lr=0.1, beta1=0.9):
    """Nadam with a preconditioner of 1 and its momentum grown."""
    m = beta1 * m + (1 - beta1) * g
    return lr * (beta1 * m + (1 - beta1) * g), m


def scaled_frozen(g, s, t, lr=0.1):
    """RMSprop or Adagrad with a preconditioner of 1."""
    return lr * g, s


@pytest.fixture
def bowl(make):
    X = np.random.default_rng(0).standard_normal((30, 2)) * [1.0, 2.0]
    return make(X, X @ [1.0, 2.0] + 1)


def objectives_after(p, given, rates, steps, batch_size=0):
    plan = Plan(tuple(setting(given, lr=lr, batch_size=batch_size) for lr in rates))
    return objectives(p, plain.advance(p, plan, start(p, plan), np.array([p.data.rows * steps]))[0].weights)


@pytest.mark.parametrize(
    ("name", "frozen"),
    [("adam", adam_frozen), ("adamw", adam_frozen), ("amsgrad", adam_frozen), ("nadam", nadam_frozen),
     ("rmsprop", scaled_frozen), ("adagrad", scaled_frozen), ("adadelta", scaled_frozen)],
)  # fmt: skip
def test_a_frozen_rule_converges_below_its_limit_and_diverges_above(bowl, name, frozen):
    top = frozen_limit(name, RULES[name].constants, curvature(bowl).largest)
    below, above = objectives_after(bowl, frozen, [0.99 * top, 1.01 * top], 1500)
    assert below < 1e-6
    assert not above < 1e6


def test_the_simulation_can_fail(bowl):
    wrong = limit("sgd", {}, curvature(bowl).largest)  # nesterov's is lower
    assert not objectives_after(bowl, "nesterov", [0.99 * wrong], 1500)[0] < 1e6


def test_rules_by_name_or_as_rules():
    assert limit("momentum", {"beta": 0.5}, 2.0) == limit(rule("momentum"), {"beta": 0.5}, 2.0) == 1.5
    assert limit("momentum_keras", {"beta": 0.5}, 2.0) == 1.5


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "adamw", "amsgrad", "nadam", "adadelta", "lion"])
def test_adaptive_rules_have_no_limit_of_their_x_log_x(name):
    assert limit(name, RULES[name].constants, 1.0) is None


def test_a_rule_with_a_limit_keeps_it_frozen_and_others_have_none():
    assert frozen_limit("momentum", {"beta": 0.9}, 1.0) == 3.8
    assert frozen_limit("lion", RULES["lion"].constants, 1.0) is None
    assert limit(scaled_frozen, {"lr": 0.1}, 1.0) is None
    assert frozen_limit(scaled_frozen, {"lr": 0.1}, 1.0) is None


def test_without_curvature_every_rate_is_stable():
    assert limit("sgd", {}, 0.0) == np.inf


@pytest.mark.parametrize("batch_size", [1, 3, 10])
def test_batches_converge_at_the_safe_rate_where_all_rows_can_be_fitted(bowl, batch_size):
    safe = batch_limit(curvature(bowl), batch_size)
    assert objectives_after(bowl, "sgd", [safe], 150, batch_size)[0] < 1e-8


@pytest.mark.parametrize("batch_size", [1, 2])
def test_twice_the_safe_rate_is_the_limit_where_all_rows_are_alike(make, batch_size):
    alike = make(np.full((4, 1), 3.0), np.full(4, 5.0))
    safe = batch_limit(curvature(alike), batch_size)
    below, above = objectives_after(alike, "sgd", [1.98 * safe, 2.02 * safe], 500, batch_size)
    assert below < 1e-6
    assert not above < 1e6


def of_rows(largest, row):
    """The curvature of a whole whose steepest single row has this one."""
    return Curvature(
        largest=largest, smallest=0.1, smallest_determined=0.1, bound=1.0, method="", rows=lambda: (row, 1.0)
    )


def second_moment_growth(name, lr, beta, mean, variance):
    """The spectral radius of the recursion of the second moments of (w, v), for curvatures mean ± deviation."""

    def step(a):
        if name == "nesterov":
            return np.array([[1 - lr * a * (1 + beta), -lr * beta**2], [a, beta]])
        return np.array([[1 - lr * a, -lr * beta], [a, beta]])

    both = [step(mean + side * np.sqrt(variance)) for side in (-1, 1)]
    return np.abs(np.linalg.eigvals(sum(np.kron(m, m) for m in both) / 2)).max()


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
@pytest.mark.parametrize(("largest", "row", "batch"), [(1.0, 5.0, 8), (1.0, 30.0, 1), (2.0, 50.0, 4), (1.0, 200.0, 64)])
def test_below_the_limit_on_batches_every_second_moment_shrinks_and_above_one_grows(name, beta, largest, row, batch):
    given = {} if name == "sgd" else {"beta": beta}
    top = mean_square_limit(name, given, of_rows(largest, row), batch)
    curvatures = np.geomspace(1e-4, 1, 60) * largest

    def growth(lr):
        return max(second_moment_growth(name, lr, given.get("beta", 0.0), h, (row - h) * h / batch) for h in curvatures)

    assert growth(0.99 * top) < 1
    assert growth(1.01 * top) > 1


def test_without_momentum_or_with_all_rows_the_limits_are_those_that_were_known():
    c = of_rows(2.0, 30.0)
    for name in ("sgd", "momentum", "nesterov"):
        assert mean_square_limit(name, {"beta": 0.0}, c, 8) == pytest.approx(2 * batch_limit(c, 8))
        assert stability_limit(name, {"beta": 0.9}, c, 100, 100) == limit(name, {"beta": 0.9}, 2.0)
    assert stability_limit("adam", {"beta1": 0.9}, c, 8, 100) is None


@pytest.fixture
def fitted_exactly(make):
    X = np.random.default_rng(1).standard_normal((64, 3)) * [1.0, 2.0, 0.5]
    return make(X, X @ [1.0, 2.0, -1.0] + 1)


def objective_after_batches(p, name, lr, beta, batch_size):
    plan = Plan((setting(name, lr=lr, batch_size=batch_size, beta=beta),))
    return objectives(p, plain.advance(p, plan, start(p, plan), np.array([64 * 400]))[0].weights)[0]


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
@pytest.mark.parametrize(("beta", "batch_size"), [(0.9, 8), (0.9, 1), (0.99, 8)])
def test_batches_with_momentum_converge_below_their_limit(fitted_exactly, name, beta, batch_size):
    top = stability_limit(name, {"beta": beta}, curvature(fitted_exactly), batch_size, 64)
    assert objective_after_batches(fitted_exactly, name, 0.9 * top, beta, batch_size) < 1e-6


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_the_limit_of_all_rows_is_none_of_batches(fitted_exactly, name):
    whole = limit(name, {"beta": 0.9}, curvature(fitted_exactly).largest)
    assert not objective_after_batches(fitted_exactly, name, 0.9 * whole, 0.9, 1) < 1e6
