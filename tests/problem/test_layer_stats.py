"""What a step shows of each layer, by hand."""

import numpy as np
import pytest

from descend.problem.layer_stats import KINDS, layer_stats, length
from descend.problem.network import Network, backward, forward


def test_the_numbers_of_a_step_by_hand():
    network, X = Network((1, 2, 1), "relu"), np.array([[1.0], [2.0]])
    w = np.array([3.0, -4.0, 0.0, 0.0, 1.0, 1.0, 0.5])
    z, passed, last = forward(network, w, X)
    g = backward(network, w, passed, last, np.ones_like(z)) / 2

    found = layer_stats(network, w, w - 0.1 * g, g, passed, [np.abs(passed[0].slope).max(axis=0)])

    assert KINDS == ("gradient", "weight", "update", "dead", "saturated", "nonfinite")
    assert z[:, 0].tolist() == [3.5, 6.5]
    np.testing.assert_allclose(found[0], [np.hypot(1.5, 1), 5, 0.1 * np.hypot(1.5, 1) / 5, 0.5, 0, 0])
    np.testing.assert_allclose(found[1], [np.hypot(4.5, 1), 1.5, 0.1 * np.hypot(4.5, 1) / 1.5, 0, 0, 0])


def test_saturated_slopes_are_those_below_a_twentieth_of_the_largest():
    network, X = Network((1, 2, 1), "sigmoid"), np.array([[1.0], [1.0]])
    w = np.array([0.0, 9.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    _, passed, _ = forward(network, w, X)

    found = layer_stats(network, w, w, 0 * w, passed, [np.ones(2)])

    assert found[0, 4] == 0.5


def test_non_finite_coordinates_are_counted():
    network, X = Network((1, 2, 1)), np.array([[1.0]])
    w = np.ones(7)
    g = np.array([np.nan, 1, np.inf, 1, 1, 1, 1])

    found = layer_stats(network, w, w, g, forward(network, w, X)[1], [np.ones(2)])

    assert found[:, 5].tolist() == [2, 0]


@pytest.mark.parametrize(("v", "size"), [([3, 4], 5), ([0, 0], 0), ([3e-200, 4e-200], 5e-200), ([np.inf, 1], np.inf)])
def test_lengths_do_not_overflow(v, size):
    assert length(np.array(v, float)) == pytest.approx(size)


def test_the_length_of_nan_is_nan():
    assert np.isnan(length(np.array([np.nan, 1.0])))
