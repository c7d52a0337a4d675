"""D1, D2 and D5 of any loop, on both sides of every threshold."""

from dataclasses import replace

import numpy as np
import pytest

from descend.diagnosis import Loop, diagnose_loop
from descend.diagnosis.divergence import EXPLODING, RISE
from descend.diagnosis.evidence import LEARNED
from descend.diagnosis.slow import DEAD, SATURATED, VANISHED
from descend.diagnosis.stagnation import MOST_GRADIENT
from descend.diagnosis.steps import MANY_STEPS, Failure, Steps

LAYERS = ("a", "b", "c", "head")
ROW = np.ones((3, 4))
STILL = Steps(
    loss=np.ones(MANY_STEPS), lr=0.1, layers=LAYERS, signal=ROW, gradient=ROW, symmetric=np.zeros(4, bool),
    activations=("relu",), units=np.array([10]), dead=np.array([0]), bounded=("tanh",), saturated=np.zeros((3, 1)),
    lost=np.full(3, np.nan), least=1e-19, eps=1e-8,
)  # fmt: skip
LEARNED_LOSS = np.linspace(1.0, 0.0, MANY_STEPS)


def codes(steps):
    return [finding.code for finding in diagnose_loop(Loop(), steps)]


def growing(factor):
    """Signals that grow by a factor from the first hidden layer to the last."""
    signal = ROW.copy()
    signal[:, 1], signal[:, 2] = np.sqrt(factor), factor
    return signal


def shrinking(ratio):
    """Gradients of which the first hidden layer's is that part of the last one's."""
    gradient = ROW.copy()
    gradient[:, 0], gradient[:, 1] = ratio, np.sqrt(ratio)
    return gradient


def rising_to(factor):
    return np.repeat([1.0, factor], MANY_STEPS // 2)


EDGES = {
    "D101": (lambda x: {"loss": rising_to(x)}, RISE * 1.01, RISE * 0.99),
    "D102": (lambda x: {"signal": growing(x)}, EXPLODING * 1.01, EXPLODING * 0.99),
    "D202": (lambda x: {"gradient": shrinking(x)}, VANISHED * 0.99, VANISHED * 1.01),
    "D206": (lambda x: {"dead": np.array([x])}, int(10 * DEAD) + 1, int(10 * DEAD)),
    "D207": (lambda x: {"saturated": np.full((3, 1), x)}, SATURATED, SATURATED - 0.01),
    "D208": (lambda x: {"symmetric": np.array([x, False, False, False])}, True, False),
    "D501": (lambda x: {"lost": np.full(3, x)}, MOST_GRADIENT + 0.01, MOST_GRADIENT),
    "D502": (lambda x: {"eps": x}, 0.9e-19, 1.1e-19),
    "D103": (lambda x: {"failure": x}, Failure(step=3, place="the loss"), None),
}


@pytest.mark.parametrize(("code", "edge"), EDGES.items(), ids=EDGES)
def test_a_finding_begins_at_its_threshold(code, edge):
    change, beyond, within = edge
    assert codes(replace(STILL, **change(beyond))) == [code]
    assert codes(replace(STILL, **change(within))) == []


@pytest.mark.parametrize("code", ["D102", "D202", "D206", "D207", "D208"])
def test_a_loop_that_learns_or_has_just_begun_is_left_in_peace(code):
    change, beyond, _ = EDGES[code]
    broken = replace(STILL, **change(beyond))
    assert codes(replace(broken, loss=LEARNED_LOSS)) == []
    assert codes(replace(broken, loss=broken.loss[: MANY_STEPS - 1])) == []


def test_a_loss_that_blew_up_at_once_is_compared_with_its_first_value():
    loss = np.r_[1.0, 1e6, 1e8, 1e7, 1e6, np.linspace(1e6, 1e3, 30)]
    assert codes(replace(STILL, loss=loss)) == ["D101"]
    assert codes(replace(STILL, loss=np.r_[loss[:-10], np.full(10, 0.3)])) == []


def test_learning_is_half_of_the_loss_or_more():
    assert replace(STILL, loss=np.repeat([1.0, 1 - LEARNED], 10)).learned
    assert not replace(STILL, loss=np.repeat([1.0, 1.01 - LEARNED], 10)).learned
    assert replace(STILL, loss=np.repeat([-1.0, -1.5], 10)).learned
    assert not replace(STILL, loss=np.full(3, np.nan)).learned


def test_a_gradient_of_exactly_0_is_none_that_vanishes():
    gradient = shrinking(1e-6)
    gradient[:, 0] = 0.0
    assert codes(replace(STILL, gradient=gradient)) == []


def test_a_constant_output_layer_is_no_symmetric_start():
    assert codes(replace(STILL, symmetric=np.array([False, False, False, True]))) == []


TEXTS = {
    "D101": "learning rate 0.1 is too high: the training loss rose from 1 to 3.03",
    "D102": (
        "exploding gradients: signals or gradients grow by a factor of 3.18 per layer, the gradient of a has norm 1 at the "
        "first step; training has not recovered from it"
    ),
    "D202": (
        "vanishing gradients: the gradient of a is 9.9e-05 times that of c, a factor of 0.0099 per layer; the first layers "
        "hardly change"
    ),
    "D206": (
        "dead units: 6 of 10 units of relu had slope 0 for all rows of 3 sampled batches, so that no gradient passes them"
    ),
    "D207": (
        "saturated units: 75% of the outputs of tanh are at the ends of the activation, where its slope is below a "
        "twentieth of its peak"
    ),
    "D208": "symmetric start: all units of a start with equal weights and stay equal, as if they were one unit",
    "D501": (
        "float32 stagnation: steps leave the weights unchanged that have 51% of the squared gradient, since they are smaller "
        "than half a unit in the last place; this is not convergence"
    ),
    "D502": (
        "epsilon 9e-20 is too small for float32: the square of a gradient below 1e-19 underflows to 0, and the step then "
        "divides by epsilon alone"
    ),
    "D103": "the first NaN or inf is in the loss at step 3, at learning rate 0.1",
}


@pytest.mark.parametrize("code", TEXTS)
def test_texts(code):
    change, beyond, _ = EDGES[code]
    (finding,) = diagnose_loop(Loop(), replace(STILL, **change(beyond)))
    assert finding.text == TEXTS[code]
    assert finding.fix


def test_rows_and_unknown_rates_are_said():
    failure = Failure(step=2, place="the input", rows=tuple(range(1, 9)))
    (finding,) = diagnose_loop(Loop(), replace(STILL, failure=failure, lr=float("nan")))
    assert (
        finding.text == "the first NaN or inf is in the input at step 2, rows 1, 2, 3, 4, 5, … of the batch (8 in all)"
    )
    assert finding.fix == ("look at these rows of the data",)
    (finding,) = diagnose_loop(Loop(), replace(STILL, loss=rising_to(4.0), lr=float("nan")))
    assert finding.text == "the learning rate is too high: the training loss rose from 1 to 4"


def test_a_failure_makes_an_explosion_an_error_that_comes_first():
    found = diagnose_loop(Loop(), replace(STILL, signal=growing(100.0), failure=Failure(step=2, place="the loss")))
    assert [(finding.code, finding.level) for finding in found] == [("D102", "error"), ("D103", "error")]
    assert found[0].text.endswith("training diverged by step 2")
