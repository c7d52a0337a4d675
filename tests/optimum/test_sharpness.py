"""The sharpness at the start against the whole Hessian by differences."""

import numpy as np
import pytest

from descend.losses import loss
from descend.optimum import curvature, sharpness
from descend.problem import Problem, gradient
from descend.problem.initialise import initial
from descend.problem.network import Network
from descend.table.data import Data


def problem_of(network, rows=80, scale=1.0, loss_name="squared"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, network.sizes[0])) * scale
    return Problem(Data(X, (X[:, 0] / scale) ** 2), loss(loss_name), network=network)


def hessian(problem, w, h=1e-5):
    columns = [(gradient(problem, w + h * e)[1] - gradient(problem, w - h * e)[1]) / (2 * h) for e in np.eye(len(w))]
    return (np.array(columns) + np.array(columns).T) / 2


@pytest.mark.parametrize("batch_norm", [False, True])
def test_it_is_the_largest_eigenvalue_in_size(batch_norm):
    network = Network((3, 5, 1), "tanh", batch_norm)
    problem = problem_of(network)
    w = initial(network, "auto", 0)

    found = sharpness(problem, w)

    assert found.largest == pytest.approx(np.abs(np.linalg.eigvalsh(hessian(problem, w))).max(), rel=0.1)
    assert found.method == "power iteration at the start, 80 rows"


def test_of_a_linear_model_it_is_the_curvature():
    linear = Problem(problem_of(Network((3, 1))).data, loss("squared"))

    assert sharpness(linear, np.zeros(4)).largest == pytest.approx(curvature(linear).largest, rel=0.1)


def test_a_start_beyond_the_finite_range_has_none():
    network = Network((3, 5, 5, 1), "identity")

    assert np.isnan(sharpness(problem_of(network, scale=1e200), 1e100 * np.ones(network.params)).largest)


def test_a_flat_start_has_sharpness_zero_but_for_the_bias():
    network = Network((3, 5, 1), "relu")

    assert sharpness(problem_of(network), np.zeros(network.params)).largest == pytest.approx(2, rel=0.05)
