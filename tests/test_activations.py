"""Activations against torch, autograd and central differences."""

import numpy as np
import pytest
import torch

from descend.activations import ACTIVATIONS, activation
from descend.errors import UsageError

TWINS = {
    "identity": lambda z: z, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu, "elu": torch.nn.functional.elu, "gelu": torch.nn.functional.gelu,
    "softplus": lambda z: torch.nn.functional.softplus(z, threshold=1e9),
}  # fmt: skip
NAMES = sorted(ACTIVATIONS)


def twin(name, z):
    """Value and slope by torch's autograd."""
    at = torch.tensor(z, requires_grad=True)
    value = TWINS[name](at)
    (slope,) = torch.autograd.grad(value.sum(), at)
    return value.detach().numpy(), slope.numpy()


@pytest.mark.parametrize("name", NAMES)
def test_value_and_slope_are_torchs(name):
    z = np.concatenate([np.linspace(-12, 12, 997), [-0.0, 1e-9, -1e-9, 40.0, -40.0]])

    value, slope = activation(name).evaluate(z)
    other_value, other_slope = twin(name, z)

    np.testing.assert_allclose(value, other_value, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(slope, other_slope, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_slope_is_that_of_central_differences(name):
    z, h = np.linspace(-5.05, 5, 101), 1e-6
    evaluate = activation(name).evaluate

    slope = (evaluate(z + h)[0] - evaluate(z - h)[0]) / (2 * h)

    np.testing.assert_allclose(evaluate(z)[1], slope, atol=1e-8)


def test_the_twin_can_fail():
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(activation("relu").evaluate(np.ones(3))[0], twin("elu", -np.ones(3))[0])


@pytest.mark.parametrize("z", [1e4, -1e4, 1e300, -1e300])
@pytest.mark.parametrize("name", NAMES)
def test_far_from_zero_all_is_finite(name, z):
    value, slope = activation(name).evaluate(np.array([z]))

    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_float_an_array_and_a_tensor_give_the_same(name):
    z = 0.7

    ours = [activation(name).evaluate(x) for x in (z, np.array([z]), torch.tensor([z], dtype=torch.float64))]

    for value, slope in ours[1:]:
        np.testing.assert_allclose([value.item(), slope.item()], ours[0], rtol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name):
    value, slope = activation(name).evaluate(np.linspace(-3, 3, 7, dtype=np.float32))

    assert value.dtype == slope.dtype == np.float32


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_the_peak_is_the_largest_slope(name):
    assert activation(name).evaluate(np.linspace(-3, 3, 601))[1].max() == pytest.approx(activation(name).peak)


def test_an_unknown_name_is_told_what_there_is():
    with pytest.raises(UsageError) as error:
        activation("rulu")

    assert str(error.value) == (
        "there is no activation 'rulu', there are identity, sigmoid, tanh, relu, leaky_relu, elu, gelu, softplus; try 'relu'"
    )
