"""Losses: slopes are derivatives, bounds hold, nothing overflows that has a value."""

import numpy as np
import pytest
import torch
from mpmath import mp
from scipy.special import expit

from descend.errors import UsageError
from descend.losses import LOSSES, loss, softmax

SMOOTH = {"squared": (-3, 3), "logistic": (-30, 30), "poisson": (-5, 5)}
TARGETS = {"squared": [-1.0, 0.3], "logistic": [0.0, 1.0], "huber": [-1.0, 0.3], "poisson": [0.0, 4.0],
           "quantile": [-1.0, 0.3], "hinge": [0.0, 1.0]}  # fmt: skip
ONE = tuple(TARGETS)


@pytest.mark.parametrize("name", ONE)
def test_the_slope_is_the_derivative_away_from_kinks(name):
    form, h = LOSSES[name], 1e-6
    for y in TARGETS[name]:
        z = np.linspace(-4.03, 4.07, 200)
        slope = form.evaluate(z, y, **form.constants)[1]
        central = (form.evaluate(z + h, y, **form.constants)[0] - form.evaluate(z - h, y, **form.constants)[0]) / (
            2 * h
        )
        smooth = (
            np.abs(form.evaluate(z + h, y, **form.constants)[1] - form.evaluate(z - h, y, **form.constants)[1]) < 1e-3
        )
        assert smooth.mean() > 0.95
        np.testing.assert_allclose(slope[smooth], central[smooth], rtol=1e-7, atol=1e-8)


def test_the_check_of_slopes_can_fail():
    z, h = np.linspace(-2, 2, 9), 1e-6
    half = lambda z: 0.5 * (z - 1) ** 2  # noqa: E731  the other convention
    central = (half(z + h) - half(z - h)) / (2 * h)
    assert np.abs(LOSSES["squared"].evaluate(z, 1.0)[1] - central).max() > 0.5


@pytest.mark.parametrize("name", ["squared", "logistic", "huber"])
def test_no_second_difference_exceeds_the_curvature_bound(name):
    form, z = LOSSES[name], np.linspace(-6, 6, 4001)
    slopes = form.evaluate(z, TARGETS[name][1], **form.constants)[1]
    steepest = (np.diff(slopes) / np.diff(z)).max()
    assert steepest == pytest.approx(form.curvature, rel=1e-3)


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("z", [-1e4, 1e4])
def test_far_out_there_is_no_nan_and_no_warning(name, z):
    form = LOSSES[name]
    for y in TARGETS[name]:
        for value in (*form.evaluate(np.array([z]), y, **form.constants), *form.evaluate(z, y, **form.constants)):
            assert not np.isnan(value).any()
            assert np.isfinite(value).all() or (name == "poisson" and z > 0)


def test_logistic_against_fifty_digits():
    mp.dps = 50
    for z in (-700.0, -40.0, -1.5, 0.0, 1e-9, 3.0, 40.0, 700.0):
        for y in (0.0, 1.0):
            value, slope = LOSSES["logistic"].evaluate(z, y)
            assert float(value) == pytest.approx(
                float(mp.log(1 + mp.e ** mp.mpf(z)) - y * mp.mpf(z)), rel=1e-14, abs=1e-300
            )
            assert float(slope) == pytest.approx(float(1 / (1 + mp.e ** -mp.mpf(z)) - y), rel=1e-14, abs=1e-16)


def test_hand_worked_values():
    assert LOSSES["squared"].evaluate(3.0, 1.0) == (4.0, 4.0)
    assert [float(v) for v in LOSSES["huber"].evaluate(3.0, 1.0)] == [1.5, 1.0]
    assert [float(v) for v in LOSSES["huber"].evaluate(1.5, 1.0)] == [0.125, 0.5]
    assert [float(v) for v in LOSSES["quantile"].evaluate(0.0, 2.0, tau=0.9)] == [1.8, -0.9]
    assert [float(v) for v in LOSSES["quantile"].evaluate(2.0, 0.0, tau=0.9)] == pytest.approx([0.2, 0.1])
    assert [float(v) for v in LOSSES["hinge"].evaluate(0.5, 1.0)] == [0.5, -1.0]
    assert [float(v) for v in LOSSES["poisson"].evaluate(0.0, 3.0)] == [1.0, -2.0]


@pytest.mark.parametrize("name", ONE)
def test_floats_arrays_and_tensors_agree(name):
    form, z = LOSSES[name], [-1.7, 0.4, 2.2]
    y = TARGETS[name][1]
    arrays = form.evaluate(np.array(z), y, **form.constants)
    tensors = form.evaluate(torch.tensor(z, dtype=torch.float64), y, **form.constants)
    floats = [form.evaluate(one, y, **form.constants) for one in z]
    for part in (0, 1):
        np.testing.assert_allclose(arrays[part], [float(f[part]) for f in floats], rtol=1e-14)
        np.testing.assert_allclose(tensors[part].numpy(), arrays[part], rtol=1e-14)


def test_softmax_is_torchs_cross_entropy():
    z, y = np.random.default_rng(0).standard_normal((5, 4)) * 3, np.array([0, 3, 1, 1, 2])
    tensor = torch.tensor(z, requires_grad=True)
    value = torch.nn.functional.cross_entropy(tensor, torch.tensor(y), reduction="none")
    value.sum().backward()
    ours = softmax(z, y)
    np.testing.assert_allclose(ours[0], value.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(ours[1], tensor.grad.numpy(), rtol=1e-10, atol=1e-15)
    assert np.isfinite(softmax(np.array([[1e4, -1e4, 0.0]]), np.array([1]))[0]).all()


def test_means_are_the_inverse_links():
    z = np.linspace(-800, 800, 17)
    np.testing.assert_allclose(LOSSES["logistic"].mean(z), expit(z), rtol=1e-14)
    np.testing.assert_allclose(LOSSES["poisson"].mean(np.array([0.0, 1.0])), [1.0, np.e])
    assert LOSSES["squared"].mean(3.5) == 3.5
    assert LOSSES["hinge"].mean(np.array([-0.1, 0.0, 2.0])).tolist() == [0.0, 0.0, 1.0]
    np.testing.assert_allclose(LOSSES["softmax"].mean(np.array([[0.0, 0.0]])), [[0.5, 0.5]])


@pytest.mark.parametrize(
    ("name", "y", "allowed"),
    [("squared", [1.0, np.nan, np.inf], [True, False, False]), ("logistic", [0, 1, 2], [True, True, False]),
     ("poisson", [0, 2.5, -1], [True, True, False]), ("softmax", [0, 3, 1.5], [True, True, False])],
)  # fmt: skip
def test_targets_that_are_allowed(name, y, allowed):
    assert np.asarray(LOSSES[name].allows(np.array(y, float))).tolist() == allowed


def test_an_unknown_loss_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        loss("logistc")
    assert str(caught.value) == (
        "there is no loss 'logistc', there are squared, logistic, huber, poisson, quantile, hinge, softmax, mse, logloss; "
        "try 'logistic'"
    )
