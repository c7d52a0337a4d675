"""D6: each fault of a training loop is seen in plain arrays, with torch where torch makes them, and sound loops are silent."""

import numpy as np
import pytest
import torch

from descend.demo_data import example
from descend.diagnosis import Loop, diagnose_loop

NAMES = ("fc.weight", "fc.bias", "head.weight")


def codes(loop):
    return [f.code for f in diagnose_loop(loop)]


def recorded(steps=6, zeroed=True, held=None, detached=False):
    """What a small torch loop shows."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    parameters = dict(model.named_parameters())
    own = [p for name, p in parameters.items() if held is None or name in held]
    optimizer = torch.optim.SGD(own, lr=0.01)
    X, y, before, gradient = torch.randn(20, 3), torch.randn(20, 1), [], []
    for _ in range(steps):
        if zeroed:
            model.zero_grad()
        before.append([0.0 if p.grad is None else float(p.grad.norm()) for p in parameters.values()])
        hidden = model[1](model[0](X))
        out = model[2](hidden.detach() if detached else hidden)
        torch.nn.functional.mse_loss(out, y).backward()
        gradient.append([np.nan if p.grad is None else float(p.grad.norm()) for p in parameters.values()])
        optimizer.step()
    mask = np.array([held is None or name in held for name in parameters])
    return Loop(
        names=tuple(parameters),
        held=mask,
        gradient=np.array(gradient),
        before=np.array(before),
        prediction=(20, 1),
        target=(20, 1),
    )


def test_a_sound_loop_is_silent():
    assert codes(recorded()) == []
    assert codes(Loop()) == []


def test_a_missing_zero_grad_adds_gradients_up():
    (found,) = diagnose_loop(recorded(zeroed=False))
    assert (found.code, found.level, found.evidence["parameter"]) == ("D601", "error", "0.weight")


def test_a_parameter_outside_the_optimizer_is_named():
    (found,) = diagnose_loop(recorded(held=("0.weight", "0.bias")))
    assert (found.code, found.evidence["parameter"]) == ("D602", "2.weight")


def test_a_detached_layer_gets_no_gradient():
    (found,) = diagnose_loop(recorded(detached=True))
    assert (found.code, found.evidence) == ("D603", {"parameter": "0.weight", "steps": 6})


def test_probabilities_into_a_loss_of_scores_are_softmax_twice():
    z = torch.randn(10, 3)
    assert codes(Loop(outputs=torch.softmax(z, 1).numpy(), of_scores=True)) == ["D604"]
    assert codes(Loop(outputs=z.numpy(), of_scores=True)) == []
    assert codes(Loop(outputs=torch.softmax(z, 1).numpy())) == []


@pytest.mark.parametrize(
    ("training", "evaluating", "expected"),
    [([True] * 3, [False], []), ([True] * 3, [True], ["D605"]), ([True, False], None, ["D605"]), (None, None, [])],
)
def test_the_mode_must_fit_the_work(training, evaluating, expected):
    given = [None if v is None else np.array(v) for v in (training, evaluating)]
    assert codes(Loop(training=given[0], evaluating=given[1])) == expected


def test_a_scheduler_steps_after_the_optimizer():
    assert codes(Loop(calls=("scheduler", "optimizer"))) == ["D606"]
    assert codes(Loop(calls=("optimizer", "scheduler", "optimizer"))) == []


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [((100, 1), (100,), "D608"), ((100,), (100, 1), "D608"), ((100, 3), (100, 2), "D607"), ((5,), (5,), None)],
)
def test_shapes_that_differ(prediction, target, expected):
    assert codes(Loop(prediction=prediction, target=target)) == ([expected] if expected else [])


def test_the_textbook_example_is_d608():
    """The seed's model predicts a column, and its target is flat."""
    told = example()
    rows = len(told.y)
    (found,) = diagnose_loop(Loop(prediction=(rows, 1), target=(rows,)))
    assert found.code == "D608"
    assert f"a table of shape ({rows}, {rows})" in found.text


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ([[0, 0], [0, np.nan], [0, 0]], ["D609"]),
        ([[0, 0], [0, 1], [0, 0]], []),
        ([[0, 0]] * 2, []),
        ([[np.nan] * 2] * 3, []),
    ],
    ids=["none moves", "one moves once", "too few steps", "no gradients"],
)
def test_steps_that_change_nothing(moved, expected):
    assert codes(Loop(names=("a", "b"), moved=np.array(moved, float))) == expected


@pytest.mark.parametrize(("change", "expected"), [(0.51, ["D610"]), (0.49, [])])
def test_weights_that_are_replaced_between_steps(change, expected):
    assert codes(Loop(names=("a", "b"), between=np.array([[0.0, 1.0], [0.0, change]]))) == expected
    assert (
        codes(Loop(names=("a", "b"), between=np.array([[0.0, change], [0.0, 0.0]]))) == []
    )  # loaded once, at the start


@pytest.mark.parametrize(("equal", "expected"), [([True] * 3, ["D611"]), ([True, False, True], []), ([True] * 2, [])])
def test_batches_without_content(equal, expected):
    assert codes(Loop(equal_rows=np.array(equal))) == expected


@pytest.mark.parametrize(("trained", "expected"), [(0, ["D612"]), (1, []), (None, [])])
def test_normalisation_that_is_trained_alone(trained, expected):
    assert codes(Loop(layers=2, trained=trained)) == expected


@pytest.mark.parametrize(("lowered", "expected"), [([False, False], ["D613"]), ([False, True], []), ([], [])])
def test_autocast_without_effect(lowered, expected):
    assert codes(Loop(lowered=np.array(lowered, bool))) == expected


def test_ranks_that_are_out_of_step():
    (found,) = diagnose_loop(Loop(ranks=2, alike=3, apart=("norm.weight",)))
    assert (found.code, found.level) == ("D614", "error")
    assert found.text == (
        "ranks are out of step: 3 parameters alike on 2 ranks at the start, 1 apart after the first steps, the first is norm.weight: "
        "each rank trains a model of its own"
    )
    assert codes(Loop(ranks=2, alike=3)) == []


def test_parameters_that_train_would_freeze():
    (found,) = diagnose_loop(Loop(thawed=("stem.weight", "stem.bias")))
    assert (found.code, found.level) == ("D615", "error")
    assert found.text == (
        "the model's own train() would freeze 2 parameters of those that are trained, the first is stem.weight: it was not called"
    )
