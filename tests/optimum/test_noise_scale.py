"""The noise scale is tr(Σ) / |G|², as rows one by one give it."""

import numpy as np
import pytest

from descend.losses import loss
from descend.optimum.noise_scale import noise_scale
from descend.problem import Problem, gradient
from descend.problem.network import Network
from descend.table.data import Data


def by_rows(problem, weights):
    g = np.array([gradient(problem, weights, np.array([i]))[1] for i in range(problem.data.rows)])
    g = g - problem.l2 * problem.penalised * weights
    G = g.mean(axis=0)
    variance = np.square(g - G).sum() / (len(g) - 1)
    return variance, float(np.square(G).sum())


def of(rows, noise, l2=0.0, network=None):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(rows, 3))
    y = X @ [1.0, -2.0, 0.5] + noise * rng.normal(size=rows)
    return Problem(Data(X, y), loss("squared"), l2=l2, network=network)


@pytest.mark.parametrize("noise", [0.1, 1.0, 10.0])
def test_it_is_the_variance_of_a_row_over_the_squared_gradient(noise):
    problem = of(2000, noise)
    found = noise_scale(problem, np.zeros(4))
    variance, squared = by_rows(problem, np.zeros(4))

    assert found.squared_gradient == pytest.approx(squared, rel=1e-9)
    assert found.variance == pytest.approx(variance, rel=0.4)  # from 32 batches
    assert found.rows == pytest.approx(variance / squared, rel=0.5)


def test_the_penalty_is_no_part_of_it():
    weights = np.ones(4)
    with_penalty, without = (noise_scale(of(500, 1.0, l2), weights) for l2 in (5.0, 0.0))
    assert with_penalty.rows == pytest.approx(without.rows, rel=1e-9)


def test_more_noise_asks_for_more_rows():
    quiet, loud = (noise_scale(of(2000, noise), np.zeros(4)).rows for noise in (0.1, 30.0))
    assert loud > 10 * quiet


def test_where_the_gradient_is_zero_no_batch_is_enough():
    problem = Problem(Data(np.ones((10, 1)), np.zeros(10)), loss("squared"))
    found = noise_scale(problem, np.zeros(2))
    assert (found.rows, found.variance) == (np.inf, 0.0)


def test_too_few_rows_say_nothing():
    assert noise_scale(of(3, 1.0), np.zeros(4)) is None


def test_networks_have_one_too():
    network = Network((3, 4, 1))
    found = noise_scale(of(200, 1.0, network=network), np.random.default_rng(0).normal(size=network.params))
    assert 0 < found.rows < np.inf
