"""Gradients are derivatives, penalties spare the bias, blocks are the whole."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from descend.losses import loss
from descend.problem import Problem, gradient, mean_losses, objectives, penalty
from descend.problem import problem as module
from descend.problem.initialise import initial
from descend.problem.network import Network
from descend.problem.network import scores as network_scores
from descend.table.data import Data


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["squared", "logistic", "huber", "poisson", "softmax"])
def test_the_gradient_is_that_of_the_objective(small, name, weighted):
    p = small(name, outputs=3 if name == "softmax" else 1, weighted=weighted, l2=0.3)
    w, h = np.random.default_rng(0).standard_normal(p.params) / 3, 1e-6
    steps = np.eye(p.params) * h
    central = (objectives(p, w + steps) - objectives(p, w - steps)) / (2 * h)
    np.testing.assert_allclose(gradient(p, w)[1], central, rtol=1e-6, atol=1e-8)


def test_the_check_of_the_gradient_can_fail(small):
    p, q = small("squared", l2=0.3), small("squared", l2=0.31)
    w = np.ones(4)
    assert np.abs(gradient(p, w)[1] - gradient(q, w)[1]).max() > 1e-3


def test_several_targets_are_averaged(small):
    p = small("squared", outputs=3)
    w = np.random.default_rng(0).standard_normal(p.params)
    W, b = p.split(w)
    assert mean_losses(p, w[None])[0] == pytest.approx(np.mean((p.data.X @ W + b - p.data.y) ** 2))


def test_the_penalty_spares_the_bias(small):
    p = small("squared", l2=2.0, l1=0.5)
    assert penalty(p, np.array([[3.0, 0.0, -4.0, 100.0]])).tolist() == [25.0 + 3.5]
    assert small("squared").penalised.tolist() == [1, 1, 1, 0]
    assert small("squared", intercept=False).params == 3


@pytest.mark.parametrize("name", ["logistic", "softmax"])
def test_losses_by_blocks_are_the_losses_of_all_rows(small, name, monkeypatch):
    p = small(name, rows=700, outputs=3 if name == "softmax" else 1, weighted=True)
    weights = np.random.default_rng(0).standard_normal((5, p.params))
    whole = mean_losses(p, weights)
    monkeypatch.setattr(module, "BLOCK_CELLS", 1)
    np.testing.assert_allclose(mean_losses(p, weights), whole, rtol=1e-13)


def test_scaled_data_are_told_from_raw_ones(small):
    assert small("squared").scaled
    raw = small("squared")
    raw.data.X[:, 1] *= 1e4
    assert not raw.scaled


def test_a_network_problem_is_measured_by_its_definition():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.integers(0, 2, 20)
    shape = Network((3, 4, 1), "tanh")
    problem = Problem(Data(X, y, np.full(20, 1.0)), loss("logistic"), l2=0.5, network=shape)
    w = initial(shape, "auto", 0)

    value, g = gradient(problem, w)

    p = 1 / (1 + np.exp(-network_scores(shape, w, X)[:, 0]))
    by_hand = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert value == pytest.approx(by_hand)
    assert mean_losses(problem, w[None])[0] == pytest.approx(by_hand)
    assert objectives(problem, w[None])[0] == pytest.approx(by_hand + 0.25 * np.square(w[:12]).sum() + 0.25 * np.square(w[16:20]).sum())  # fmt: skip
    step = 1e-6 * rng.normal(size=problem.params)
    change = objectives(problem, (w + step)[None])[0] - objectives(problem, (w - step)[None])[0]
    assert change == pytest.approx(2 * g @ step, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "outputs"), [("squared", 1), ("logistic", 1), ("softmax", 3), ("squared", 12)])
@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_the_bits_of_a_run_do_not_depend_on_the_runs_beside_it(dtype, name, outputs, kind):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 20)).astype(dtype)
    y = rng.integers(0, 2, 1000) if name != "squared" or outputs == 1 else rng.standard_normal((1000, outputs))
    p = Problem(Data(kind(X), y.astype(dtype), rng.random(1000)), loss(name), outputs=outputs)
    runs = rng.standard_normal((11, p.params)).astype(dtype)
    alone = np.concatenate([mean_losses(p, run[None]) for run in runs])
    np.testing.assert_array_equal(mean_losses(p, runs), alone)
    np.testing.assert_array_equal(mean_losses(p, runs[3:8]), alone[3:8])
