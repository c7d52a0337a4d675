"""The definition of a network against torch: scores, gradients, statistics, dropout."""

import numpy as np
import pytest
import torch
from tests.test_activations import TWINS

from descend import losses
from descend.errors import UsageError
from descend.problem.initialise import initial
from descend.problem.network import (
    Network,
    backward,
    check_memory,
    dropout_masks,
    forward,
    layer_vectors,
    scores,
    updated_statistics,
)  # fmt: skip

ROWS = 9
LOSSES = {"squared": 2, "logistic": 1, "softmax": 3, "poisson": 1, "huber": 1}


def weights_of(network, seed=0):
    """Random weights; variances near 1."""
    rng = np.random.default_rng(seed)
    w = rng.normal(size=network.params) * 0.7
    for layer in network.hidden:
        if layer.variance is not None:
            w[layer.variance] = rng.random(layer.fan_out) + 0.5
    return w


def batch(outputs, name="squared", rows=ROWS):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(rows, 4))
    y = {"logistic": rng.integers(0, 2, rows), "softmax": rng.integers(0, 3, rows), "poisson": rng.poisson(2, rows)}
    return X, y.get(name, rng.normal(size=(rows, outputs) if outputs > 1 else rows)).astype(float)


def loss_and_slope(name, z, y):
    """Sum over the rows, and slope (rows, outputs)."""
    flat = z if name in ("squared", "softmax") else z[:, 0]
    value, slope = losses.loss(name).evaluate(flat, y)
    return value.sum(), slope.reshape(z.shape)


def torch_scores(network, w, X, training, masks=None):
    """The same network in torch's own functions; w a tensor."""
    h = torch.as_tensor(X)
    for number, layer in enumerate(network.hidden):
        z = h @ w[layer.W].reshape(layer.fan_in, layer.fan_out)
        if layer.b is not None:
            z = z + w[layer.b]
        else:
            z = torch.nn.functional.batch_norm(
                z, w[layer.mean].detach().clone(), w[layer.variance].detach().clone(), w[layer.scale], w[layer.shift],
                training and len(z) > 1,
            )  # fmt: skip
        a = TWINS[network.activation](z)
        a = a if masks is None else a * torch.as_tensor(masks[number])
        h = a + h if layer.skips else a
    last = network.layers[-1]
    return h @ w[last.W].reshape(last.fan_in, last.fan_out) + w[last.b]


def torch_gradient(network, w, X, y, name, masks=None):
    at = torch.tensor(w, requires_grad=True)
    z = torch_scores(network, at, X, True, masks)
    F, target = torch.nn.functional, torch.as_tensor(y)
    total = {
        "squared": lambda: ((z - target) ** 2).sum(), "huber": lambda: F.huber_loss(z[:, 0], target, reduction="sum"),
        "logistic": lambda: F.binary_cross_entropy_with_logits(z[:, 0], target, reduction="sum"),
        "softmax": lambda: F.cross_entropy(z, target.long(), reduction="sum"),
        "poisson": lambda: F.poisson_nll_loss(z[:, 0], target, reduction="sum"),
    }[name]()  # fmt: skip
    (g,) = torch.autograd.grad(total, at)
    return g.numpy()


def gradient(network, w, X, y, name, masks=None):
    z, passed, last = forward(network, w, X, masks)
    return backward(network, w, passed, last, loss_and_slope(name, z, y)[1])


EVERY = [
    pytest.param(Network((4, 5, 5, outputs), activation, batch_norm, residual), name,
                 id=f"{activation}-{name}-{'norm' if batch_norm else 'bias'}-{'skip' if residual else 'straight'}")
    for activation in sorted(TWINS) for name, outputs in LOSSES.items()
    for batch_norm in (False, True) for residual in (False, True)
]  # fmt: skip


@pytest.mark.parametrize(("network", "name"), EVERY)
def test_the_gradient_is_autograds(network, name):
    w, (X, y) = weights_of(network), batch(network.sizes[-1], name)

    ours, theirs = gradient(network, w, X, y, name), torch_gradient(network, w, X, y, name)

    assert np.abs(theirs).max() > 1e-3
    np.testing.assert_allclose(
        ours[network.trained], theirs[network.trained], rtol=1e-10, atol=1e-10 * np.abs(theirs).max()
    )


@pytest.mark.parametrize(("network", "name"), EVERY)
def test_the_gradient_is_that_of_central_differences(network, name):
    w, (X, y) = weights_of(network), batch(network.sizes[-1], name)
    h = 1e-5

    def value(at):
        return loss_and_slope(name, forward(network, at, X)[0], y)[0]

    trained = np.flatnonzero(network.trained)
    slope = np.array([(value(w + h * e) - value(w - h * e)) / (2 * h) for e in np.eye(network.params)[trained]])

    ours = gradient(network, w, X, y, name)[trained]
    np.testing.assert_allclose(ours, slope, rtol=1e-6, atol=1e-6 * np.abs(slope).max())


def test_central_differences_can_fail():
    network, (X, y) = Network((4, 5, 2), "tanh"), batch(2)
    w = weights_of(network)

    assert not np.allclose(
        gradient(network, w, X, y, "squared"), gradient(network, 1.01 * w, X, y, "squared"), rtol=1e-6
    )


@pytest.mark.parametrize("batch_norm", [False, True])
def test_predictions_use_the_running_statistics(batch_norm):
    network = Network((4, 6, 6, 3), "relu", batch_norm, residual=True, dropout=0.5)
    w, (X, _) = weights_of(network), batch(3)

    theirs = torch_scores(network, torch.tensor(w), X, training=False).numpy()

    np.testing.assert_allclose(scores(network, w, X), theirs, rtol=1e-12)


def test_running_statistics_follow_torchs():
    network = Network((4, 3, 1), batch_norm=True)
    w, twin, layer = initial(network, "he", 0), torch.nn.BatchNorm1d(3).double(), network.hidden[0]
    for seed in range(3):
        X = np.random.default_rng(seed).normal(size=(ROWS, 4))
        w = updated_statistics(network, w, forward(network, w, X)[1])
        twin(torch.as_tensor(X) @ torch.tensor(w[layer.W].reshape(4, 3)))

    np.testing.assert_allclose(w[layer.mean], twin.running_mean.numpy(), rtol=1e-12)
    np.testing.assert_allclose(w[layer.variance], twin.running_var.numpy(), rtol=1e-12)


def test_a_batch_of_two_has_variance_one_to_normalise_by_and_two_to_remember():
    """C26: the batch [0, 2]."""
    network = Network((1, 1, 1), "identity", batch_norm=True)
    w, layer = initial(network, "zeros", 0), network.hidden[0]
    w[layer.W] = 1.0

    _, passed, _ = forward(network, w, np.array([[0.0], [2.0]]))
    moved = updated_statistics(network, w, passed)

    np.testing.assert_allclose(passed[0].hat[:, 0], [-1.0, 1.0], rtol=1e-5)
    assert passed[0].variance.tolist() == [2.0]
    assert moved[layer.variance].tolist() == pytest.approx([0.9 * 1 + 0.1 * 2])
    assert moved[layer.mean].tolist() == pytest.approx([0.1])


def test_a_batch_of_one_row_is_normalised_by_the_running_statistics():
    network = Network((4, 5, 2), "tanh", batch_norm=True)
    w, (X, y) = weights_of(network), batch(2, rows=1)

    z, passed, _ = forward(network, w, X)

    np.testing.assert_array_equal(z, scores(network, w, X))
    np.testing.assert_array_equal(updated_statistics(network, w, passed), w)
    ours, theirs = gradient(network, w, X, y, "squared"), torch_gradient(network, w, X, y, "squared")
    np.testing.assert_allclose(ours[network.trained], theirs[network.trained], rtol=1e-10)


def test_dropout_keeps_its_share_and_the_expectation():
    network = Network((4, 200, 1), dropout=0.3)

    (mask,) = dropout_masks(network, 500, seed=1, step=2)

    kept, cells = (mask > 0).mean(), mask.size
    assert abs(kept - 0.7) < 4 * np.sqrt(0.3 * 0.7 / cells)
    assert set(np.unique(mask)) == {0.0, 1 / 0.7}
    assert dropout_masks(Network((4, 2, 1)), 500, 1, 2) is None


def test_dropout_is_a_function_of_seed_step_and_layer():
    network = Network((4, 50, 50, 1), dropout=0.5)
    masks = [dropout_masks(network, 20, seed, step) for seed, step in ((1, 2), (1, 2), (1, 3), (2, 2))]

    assert all((a == b).all() for a, b in zip(masks[0], masks[1], strict=True))
    for other in (masks[2][0], masks[3][0], masks[0][1]):
        assert 0.4 < (masks[0][0] == other).mean() < 0.6


def test_the_gradient_with_dropout_is_autograds():
    network = Network((4, 6, 6, 2), "tanh", batch_norm=True, residual=True, dropout=0.4)
    w, (X, y) = weights_of(network), batch(2)
    masks = dropout_masks(network, ROWS, 1, 1)

    ours, theirs = gradient(network, w, X, y, "squared", masks), torch_gradient(network, w, X, y, "squared", masks)

    np.testing.assert_allclose(ours[network.trained], theirs[network.trained], rtol=1e-10, atol=1e-12)


def test_without_hidden_layers_it_is_a_linear_model():
    network, (X, _) = Network((4, 2)), batch(2)
    w = weights_of(network)

    np.testing.assert_allclose(scores(network, w, X), X @ w[:8].reshape(4, 2) + w[8:], rtol=1e-15)


def test_the_layout_of_the_flat_vector():
    network = Network((3, 2, 2, 1), batch_norm=True, residual=True)

    assert network.params == (6 + 8) + (4 + 8) + (2 + 1)
    assert [layer.skips for layer in network.layers] == [False, True, False]
    assert network.penalised.sum() == 6 + 4 + 2
    assert (~network.trained).sum() == 8
    assert [len(part) for part in layer_vectors(network, np.zeros(network.params))] == [10, 8, 3]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"sizes": (3, 0, 1)}, "a hidden layer has width 0, it must be a whole number of at least 1; give widths such as 64,64, or none for a linear model"),
        ({"sizes": (3, -2, 1)}, "a hidden layer has width -2, it must be a whole number of at least 1; give widths such as 64,64, or none for a linear model"),
        ({"sizes": (3, 2.5, 1)}, "a hidden layer has width 2.5, it must be a whole number of at least 1; give widths such as 64,64, or none for a linear model"),
        ({"sizes": (3, 2, 1), "dropout": 1.0}, "dropout is 1, it must be at least 0 and below 1; try 0.2"),
        ({"sizes": (3, 2, 1), "dropout": float("nan")}, "dropout is nan, it must be at least 0 and below 1; try 0.2"),
    ],
)  # fmt: skip
def test_shapes_that_cannot_be(options, text):
    with pytest.raises(UsageError) as error:
        Network(**options)

    assert str(error.value) == text


def test_more_parameters_than_memory_is_said_before():
    with pytest.raises(UsageError) as error:
        check_memory(Network((1000, 100_000, 10)), runs=40, slots=2, itemsize=8, available=8 * 10**9)

    assert str(error.value) == (
        "40 networks of 101,100,010 parameters need 194.1 GB with all that training keeps, 8.0 GB are free; "
        "use smaller hidden layers or fewer settings"
    )
