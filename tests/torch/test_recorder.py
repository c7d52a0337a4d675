"""What a sampled step records, by hand-worked numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from descend.torch.recorder import MOST_SAMPLES, Recorder, labels


def two_layers():
    """Weights 2 and 3, so that every number can be worked by hand."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False))
    with torch.no_grad():
        model[0].weight.fill_(2.0)
        model[2].weight.fill_(3.0)
    return model


def step(recorder, model, optimizer, x, zero=True):
    recorder.begin()
    loss = model(torch.tensor([[x]])).sum()
    if zero:
        optimizer.zero_grad()
    loss.backward()
    recorder.before_step()
    optimizer.step()
    recorder.after_step()
    recorder.end()
    recorder.after_loss(loss.item())


@pytest.fixture
def recorded():
    model = two_layers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    return Recorder(model, [optimizer]), model, optimizer


def test_signals_gradients_and_losses(recorded):
    recorder, model, optimizer = recorded
    step(recorder, model, optimizer, 1.0)
    step(recorder, model, optimizer, 4.0)
    seen, loop = recorder.steps(None), recorder.loop()
    assert seen.layers == ("0 (Linear)", "2 (Linear)")
    np.testing.assert_array_equal(seen.signal, [[2.0, 6.0], [8.0, 24.0]])
    np.testing.assert_array_equal(seen.gradient, [[3.0, 2.0], [12.0, 8.0]])
    np.testing.assert_array_equal(seen.loss, [6.0, 24.0])
    assert loop.names == ("0.weight", "2.weight")
    np.testing.assert_array_equal(loop.gradient, [[3.0, 2.0], [12.0, 8.0]])
    assert loop.held.tolist() == [True, True]
    assert loop.calls == ("optimizer",)


def test_what_zero_grad_leaves_is_seen_before_backward(recorded):
    recorder, model, optimizer = recorded
    step(recorder, model, optimizer, 1.0)
    step(recorder, model, optimizer, 1.0, zero=False)
    before = recorder.loop().before
    assert np.isnan(before[0]).all()
    np.testing.assert_array_equal(before[1], [3.0, 2.0])


def test_gradients_that_are_accumulated_on_purpose_are_no_remains(recorded):
    recorder, model, optimizer = recorded
    for turn in range(6):
        recorder.begin()
        model(torch.ones(1, 1)).sum().backward()
        if turn % 2:
            optimizer.step()
            recorder.after_step()
            optimizer.zero_grad()
        recorder.end()
        recorder.after_loss(1.0)
    assert np.isnan(recorder.loop().before).all()
    assert len(recorder.loop().before) == 3


def test_dead_units_are_those_without_a_slope_in_any_batch(recorded):
    recorder, model, optimizer = recorded
    step(recorder, model, optimizer, -1.0)
    assert (recorder.steps(None).dead, recorder.steps(None).units) == ([1], [1])
    step(recorder, model, optimizer, 1.0)
    assert recorder.steps(None).dead == [0]
    assert recorder.steps(None).activations == ("relu in 1 (ReLU)",)


def test_units_at_0_rest_behind_weights_of_0(recorded):
    recorder, model, optimizer = recorded
    step(recorder, model, optimizer, 0.0)
    assert recorder.steps(None).dead == [0]


def test_frozen_parameters_are_left_out(recorded):
    recorder, model, optimizer = recorded
    model[0].requires_grad_(False)
    step(recorder, model, optimizer, 1.0)
    assert recorder.loop().names == ("2.weight",)
    assert recorder.steps(None).layers == ("2 (Linear)",)


def test_saturation_is_read_but_not_of_what_the_model_returns():
    model = nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Linear(1, 1), nn.Sigmoid())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    recorder = Recorder(model, [optimizer])
    with torch.no_grad():
        model[0].weight.fill_(10.0)
    step(recorder, model, optimizer, 1.0)
    seen = recorder.steps(None)
    assert seen.bounded == ("tanh in 1 (Tanh)",)
    np.testing.assert_array_equal(seen.saturated, [[1.0]])


def test_a_mode_of_ones_own_may_span_the_steps():
    model = two_layers()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    recorder = Recorder(model, [optimizer])
    recorder.begin()
    with torch.device("cpu"):  # a mode on top of the recorder's, which cannot be taken from below it
        recorder.end()
        assert not recorder.samples
    assert torch.overrides._len_torch_function_stack() == 1
    torch.overrides._pop_mode()


def test_labels_name_the_kind_of_a_module():
    assert labels(two_layers()) == {
        "the model": "the model", "0": "0 (Linear)", "1": "1 (ReLU)", "2": "2 (Linear)",
    }  # fmt: skip


def test_samples_are_bounded_and_a_gradient_that_was_seen_once_stays_seen(recorded):
    recorder, model, optimizer = recorded
    for turn in range(100):
        step(recorder, model, optimizer, 1.0 if turn == 50 else 0.0)
    gradient = recorder.loop().gradient
    assert gradient.shape == (MOST_SAMPLES, 2)
    assert (gradient > 0).any(axis=0).tolist() == [True, True]
    assert len(recorder.steps(None).loss) == 100
