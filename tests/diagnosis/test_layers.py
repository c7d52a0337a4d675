"""A replay writes down what each layer passes, forward and back."""

import numpy as np
import pytest
from tests.diagnosis.made import deep

from descend.diagnosis.layers import replay
from descend.problem import gradient
from descend.problem.initialise import initial
from descend.problem.network import layer_vectors


def of(problem, init="auto", weights=None):
    weights = initial(problem.network, init, 0) if weights is None else weights
    return replay(problem, weights, np.arange(problem.data.rows)), weights


def test_gradient_norms_are_those_of_the_gradient():
    problem = deep()
    seen, weights = of(problem)
    g = gradient(problem, weights)[1]
    assert seen.gradient == pytest.approx([np.linalg.norm(own) for own in layer_vectors(problem.network, g)])


def test_the_slope_in_a_layers_output_agrees_with_differences():
    """Adding h to the bias after a layer moves the loss by the slope in its output times the next layer's weights."""
    problem = deep((3, 4, 1), "identity")
    seen, weights = of(problem)
    last = problem.network.layers[-1]
    W = weights[last.W]
    z = problem.data.X @ weights[problem.network.layers[0].W].reshape(3, 4) @ W + weights[last.b]
    upstream = np.outer(2 * (z - problem.data.y), W)
    assert seen.upstream_gradient == pytest.approx([np.sqrt(np.square(upstream).mean())])


def test_growth_is_the_factor_a_layer_of_weights_that_stretch():
    problem = deep((3, *[16] * 8, 1), "identity")
    seen, _ = of(problem, "normal:0.5")
    assert seen.growth == pytest.approx(0.5 * np.sqrt(16), rel=0.2)


def test_decay_is_small_where_small_sigmoids_follow_each_other():
    assert of(deep((3, *[8] * 8, 1), "sigmoid"), "normal:0.1")[0].decay < 0.3
    assert 0.3 < of(deep((3, *[16] * 8, 1), "tanh"), "xavier")[0].decay < 3


def test_the_first_place_that_is_not_finite_is_named():
    problem = deep((3, 4, 4, 1), "relu")
    seen, weights = of(problem)
    assert seen.nonfinite_place == ""
    weights[problem.network.layers[1].W] = 1e308
    weights[problem.network.layers[0].W] = 1e10
    assert of(problem, weights=weights)[0].nonfinite_place == "the output of layer 2"


def test_units_of_equal_weights_are_alike():
    assert of(deep((3, 4, 4, 1)), "zeros")[0].symmetric.tolist() == [True, True]
    assert of(deep((3, 4, 4, 1)))[0].symmetric.tolist() == [False, False]
