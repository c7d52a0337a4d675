"""The plain engine, which defines the others, against numbers worked by hand and against torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from descend.engines import plain, start
from descend.engines.plain import clip
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.plan.order import epoch_order
from descend.problem import Problem
from descend.table.data import Data


def trained(problem, points, *settings, **plan):
    plan = Plan(tuple(settings), **plan)
    return plain.advance(problem, plan, start(problem, plan), np.array(points))


def test_two_steps_of_gradient_descent_worked_by_hand():
    # x = 1, 3; y = 2, 4; w = b = 0: residuals -2, -4, slopes -4, -8; dw = (-4 - 24)/2 = -14, db = -6.
    problem = Problem(Data(np.array([[1.0], [3.0]]), np.array([2.0, 4.0])), loss("squared"))
    _, path = trained(problem, [2, 4], setting("sgd", lr=0.1))
    # w = 1.4, b = 0.6: residuals 0, 0.8, slopes 0, 1.6; dw = 2.4, db = 0.8.
    np.testing.assert_allclose(path[0], [[1.4, 0.6], [1.16, 0.52]])


def test_the_last_short_batch_counts_its_own_rows():
    # Batches (1, 2) and (3): gradients of w^2-like rows y = 1, 2, 6 with x = 1, no intercept, lr 0.25.
    problem = Problem(Data(np.ones((3, 1)), np.array([1.0, 2.0, 6.0])), loss("squared"), intercept=False)
    _, path = trained(problem, [3], setting("sgd", lr=0.25, batch_size=2), shuffle="none")
    after_first = 0.25 * 2 * 1.5
    assert path[0, 0, 0] == pytest.approx(after_first + 0.25 * 2 * (6 - after_first))


def test_a_bias_is_never_penalised_and_never_decayed():
    problem = Problem(Data(np.zeros((4, 1)), np.full(4, 10.0)), loss("squared"), l2=5.0)
    _, path = trained(problem, [400], setting("sgd", lr=0.1), setting("adamw", lr=0.5, decay=0.5))
    assert path[0, 0].tolist() == pytest.approx([0.0, 10.0])
    assert path[1, 0, 1] == pytest.approx(10.0, abs=0.2)


def test_example_weights_are_repeated_rows():
    X, y = np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 0.0, 2.0])
    weight = np.array([1.0, 2.0, 3.0])
    weighted = Problem(Data(X, y, weight / weight.mean()), loss("squared"), l2=0.1)
    repeated = Problem(Data(X.repeat([1, 2, 3], axis=0), y.repeat([1, 2, 3])), loss("squared"), l2=0.1)
    one, _ = trained(weighted, [30], setting("nesterov", lr=0.02))
    two, _ = trained(repeated, [60], setting("nesterov", lr=0.02))
    np.testing.assert_allclose(one.weights, two.weights, rtol=1e-12)


def test_a_step_never_crosses_a_record_point_and_full_batches_wait_for_the_epoch(small):
    problem = small("squared", rows=23)
    state, _ = trained(problem, [20], setting("sgd", lr=0.01, batch_size=7), setting("sgd", lr=0.01))
    assert state.seen.tolist() == [14, 0]
    assert state.steps.tolist() == [2, 0]


def test_in_two_calls_is_in_one(small):
    problem = small("logistic")
    plan = Plan((setting("adam", lr=0.1, batch_size=7), setting("momentum", lr=0.1, batch_size=1)))
    state, _ = plain.advance(problem, plan, start(problem, plan), np.array([30]))
    state, _ = plain.advance(problem, plan, state, np.array([69]))
    whole, _ = plain.advance(problem, plan, start(problem, plan), np.array([69]))
    np.testing.assert_array_equal(state.weights, whole.weights)


def test_case_c16_a_schedule_depends_on_the_step_alone():
    factors = np.array([1, 1, 1, 1, 0.1, 0.1])
    problem = Problem(Data(np.ones((1, 1)), np.array([1.0])), loss("quantile"), {"tau": 0.5}, intercept=False)
    base = setting("sgd", lr=1e-3)
    plan = Plan((replace(base, factors=factors),))
    _, whole = plain.advance(problem, plan, start(problem, plan), np.arange(1, 7))
    state, _ = plain.advance(problem, plan, start(problem, plan), np.array([2]))
    _, rest = plain.advance(problem, plan, state, np.arange(3, 7))
    np.testing.assert_allclose(np.diff(np.r_[0, whole[0, :, 0]]), 0.5e-3 * factors)
    np.testing.assert_array_equal(whole[0, 2:], rest[0])


@pytest.mark.parametrize(
    ("rule", "optimizer", "options"),
    [("sgd", torch.optim.SGD, {}), ("nesterov", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
     ("adam", torch.optim.Adam, {}), ("adamw", torch.optim.AdamW, {})],
)  # fmt: skip
def test_a_whole_run_of_batches_is_that_of_torch(small, rule, optimizer, options):
    problem = small("logistic", l2=0.05)
    plan = Plan((setting(rule, lr=0.05, batch_size=7, seed=3),))
    state, _ = plain.advance(problem, plan, start(problem, plan), np.array([23 * 9]))
    w, b = (torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (3, 1))
    theirs = optimizer([{"params": [w]}, {"params": [b], "weight_decay": 0.0}], lr=0.05, **options)
    X, y = torch.tensor(problem.data.X), torch.tensor(problem.data.y)
    for epoch in range(9):
        order = epoch_order(23, 3, epoch)
        for lo in range(0, 23, 7):
            rows = order[lo : lo + 7]
            theirs.zero_grad()
            cost = torch.nn.functional.binary_cross_entropy_with_logits(X[rows] @ w + b, y[rows])
            (cost + 0.05 / 2 * w.square().sum()).backward()
            theirs.step()
    np.testing.assert_allclose(state.weights[0], [*w.detach().numpy(), *b.detach().numpy()], rtol=1e-10, atol=1e-12)


def test_case_c12_clipping_neither_overflows_nor_lets_a_non_finite_gradient_pass():
    np.testing.assert_allclose(clip(np.full(100, 1e20, np.float32), 1.0, np.inf), 0.1, rtol=1e-6)
    together = clip(np.array([3.0, 4.0, 0.3, 0.4]), 1.0, np.inf)
    np.testing.assert_allclose(together, [0.597022, 0.796030, 0.0597022, 0.0796030], atol=1e-6)
    assert clip(np.array([5.0, -0.5]), np.inf, 1.0).tolist() == [1.0, -0.5]
    problem = Problem(Data(np.array([[1.0], [np.inf]]), np.ones(2)), loss("squared"))
    state, path = trained(problem, [2], setting("sgd", lr=0.1))
    assert state.outcome[0] == Outcome.NONFINITE
    assert path[0, 0].tolist() == [0.0, 0.0]


def test_the_l1_penalty_gives_exact_zeros_and_the_lasso(small):
    from sklearn.linear_model import Lasso

    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 6))
    y = X[:, 0] * 2 - X[:, 1] + 0.1 * rng.standard_normal(200)
    problem = Problem(Data(X, y), loss("squared"), l1=0.3)
    settings = (setting("sgd", lr=0.1), setting("momentum", lr=0.02), setting("nesterov", lr=0.02))
    state, _ = trained(problem, [200 * 1500], *settings)
    theirs = Lasso(alpha=0.15, tol=1e-14).fit(X, y)
    for r in range(len(settings)):
        np.testing.assert_allclose(state.weights[r, :6], theirs.coef_, atol=1e-8)
        assert (state.weights[r, 2:6] == 0).all()
