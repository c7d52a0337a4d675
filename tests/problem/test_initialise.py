"""Start weights against the moments that their papers give."""

import numpy as np
import pytest

from descend.problem.initialise import initial
from descend.problem.network import Network

IN, OUT = 300, 200
NETWORK = Network((IN, OUT, 3), "relu")
VARIANCE = {"he": 2 / IN, "xavier": 2 / (IN + OUT), "lecun": 1 / IN, "normal:0.3": 0.09}


def first(how, network=NETWORK, seed=0):
    return initial(network, how, seed)[network.layers[0].W]


@pytest.mark.parametrize("how", VARIANCE)
def test_normal_draws_have_the_variance_of_the_paper(how):
    W = first(how)

    assert abs(W.mean()) < 4 * np.sqrt(VARIANCE[how] / W.size)
    assert W.var() == pytest.approx(VARIANCE[how], rel=4 * np.sqrt(2 / W.size))
    assert np.abs(W).max() > 3 * np.sqrt(VARIANCE[how])


@pytest.mark.parametrize("how", ["he", "xavier", "lecun"])
def test_uniform_draws_have_the_same_variance_and_a_bound(how):
    W, bound = first(f"{how}_uniform"), np.sqrt(3 * VARIANCE[how])

    assert W.var() == pytest.approx(VARIANCE[how], rel=4 * np.sqrt(0.8 / W.size))
    assert 0.99 * bound < np.abs(W).max() <= bound


@pytest.mark.parametrize(("sizes", "gain"), [((30, 20, 1), 2.0), ((20, 30, 1), 2.0)])
def test_orthogonal_matrices_keep_lengths_but_for_the_gain(sizes, gain):
    W = first("orthogonal", Network(sizes)).reshape(sizes[0], sizes[1])
    product = W.T @ W if sizes[0] > sizes[1] else W @ W.T

    np.testing.assert_allclose(product, gain * np.eye(min(sizes[:2])), atol=1e-12)


@pytest.mark.parametrize(
    ("activation", "how"), [("relu", "he"), ("gelu", "he"), ("tanh", "xavier"), ("sigmoid", "xavier")]
)
def test_auto_takes_what_suits_the_activation(activation, how):
    network = Network((IN, OUT, 3), activation)

    np.testing.assert_array_equal(first("auto", network), first(how, network))
    assert initial(network, "auto", 0)[network.layers[1].W].var() == pytest.approx(2 / (OUT + 3), rel=0.2)


def test_zeros_biases_and_normalisation():
    network = Network((4, 3, 2), batch_norm=True)
    layer, w = network.layers[0], initial(network, "he", 0)

    assert not initial(Network((4, 3, 2)), "zeros", 0).any()
    assert [w[part].tolist() for part in (layer.scale, layer.shift, layer.mean, layer.variance)] == [[1] * 3, [0] * 3, [0] * 3, [1] * 3]  # fmt: skip
    assert not w[network.layers[1].b].any()


def test_the_seed_decides():
    assert (first("he", seed=3) == first("he", seed=3)).all()
    assert (first("he", seed=3) != first("he", seed=4)).all()
