"""One step in compiled code: penalty, clipping, schedule, decay, rule, projection, in that order."""

import numpy as np
import pytest
from numba import njit

from descend.engines.kernels import step
from descend.engines.kernels.compiled import compile_rule
from descend.engines.kernels.pointers import address
from descend.engines.kernels.records import StepNumbers
from descend.plan.rule import RULES


def numbers(**changed):
    """The settings that change nothing, but for those given."""
    nothing = StepNumbers(lr=0, l2=0.0, l1=0.0, clip=np.inf, clip_value=np.inf, clip_layer=np.inf)
    return nothing._replace(**changed)


def test_the_first_numbers_of_an_array_are_copied():
    to = np.zeros(4)
    njit(step.copy)(to, np.array([1.0, 2.0, 3.0]), 2)
    assert to.tolist() == [1, 2, 0, 0]


NO_LAYERS = np.empty(0, np.int64)


def prepared(g, w=None, l2=0.0, l1=0.0, norm=np.inf, value=np.inf):
    """What compiled code makes of a gradient, and whether it may be used."""
    g = g.copy()
    w = np.zeros_like(g) if w is None else w
    return g, njit(step.prepare)(numbers(l2=l2, l1=l1, clip=norm, clip_value=value), np.ones(len(g)), NO_LAYERS, w, g)


def test_case_c12_large_float32_gradients_are_clipped_without_overflow():
    g, good = prepared(np.full(100, 1e20, np.float32), norm=1.0)
    assert good
    assert g.dtype == np.float32
    np.testing.assert_allclose(g, 0.1, rtol=1e-6)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_case_c12_a_gradient_that_is_not_finite_is_not_clipped_but_refused(wrong):
    g = np.full(100, 1e20, np.float32)
    g[57] = wrong
    assert not prepared(g, norm=1.0)[1]


@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_a_weight_that_is_not_finite_is_refused_even_without_a_penalty(wrong):
    assert not prepared(np.ones(3), w=np.array([0.0, wrong, 0.0]))[1]


def test_small_gradients_are_not_lost_when_they_are_clipped():
    g, _ = prepared(np.array([3e-30, 4e-30], np.float32), norm=1e-30)
    np.testing.assert_allclose(g, [0.6e-30, 0.8e-30], rtol=1e-6)


def test_a_gradient_is_clipped_by_coordinate_then_norm_then_layer():
    g, clipped = np.array([30.0, 4.0, 5.0, 12.0]), numbers(clip_value=10.0, clip=8.0, clip_layer=4.0)

    njit(step.prepare)(clipped, np.ones(4), np.array([2, 4]), np.zeros(4), g)

    # (10, 4, 5, 10), of norm sqrt(241), is scaled to norm 8; then (10, 4) and (5, 10) are scaled to norm 4 each.
    scaled = np.array([10.0, 4.0, 5.0, 10.0]) * 8 / np.sqrt(241)
    expected = np.concatenate([half * min(1.0, 4 / np.linalg.norm(half)) for half in (scaled[:2], scaled[2:])])
    np.testing.assert_allclose(g, expected, rtol=1e-15)


def test_a_largest_norm_of_layers_means_nothing_without_layers():
    g = np.array([3.0, 4.0])

    njit(step.prepare)(numbers(clip_layer=1.0), np.ones(2), NO_LAYERS, np.zeros(2), g)

    assert g.tolist() == [3.0, 4.0]


@njit
def stepped(numbers, constants, factors, penalised, layer_ends, w, memory, g, now, before, t, checked, rule):
    return step.take_step(
        numbers, constants, factors, penalised, layer_ends, w, memory, g, now, before, t, checked, step.by_address, (rule,)
    )  # fmt: skip


def taken(g, w, t=1, checked=False, penalised=None, **changed):
    """The weights after a step of gradient descent at the rate 0.5, then 0.05, and whether it was taken."""
    g, w, constants = np.array(g), np.array(w), np.array([0.5])
    rule = address(compile_rule(RULES["sgd"], np.dtype(np.float64)))
    penalised = np.ones(len(w)) if penalised is None else penalised
    good = stepped(
        numbers(**changed), constants, np.array([1.0, 0.1]), penalised, NO_LAYERS, w, np.empty((0, len(w))), g,
        constants.copy(), np.empty_like(w), t, checked, rule,
    )  # fmt: skip
    return w.tolist(), good


def test_a_step_by_hand():
    # l2 adds 0.5 * w to the gradient: 1 + 1 = 2 and 2 - 2 = 0; the rate is 0.5.
    assert taken([1.0, 2.0], [2.0, -4.0], l2=0.5) == ([1.0, -4.0], True)


def test_the_rate_follows_the_schedule_and_stays_at_its_last_factor():
    assert [taken([1.0], [1.0], t=t)[0] for t in (1, 2, 3)] == [[0.5], [0.95], [0.95]]


def test_a_weight_that_crosses_zero_under_an_l1_penalty_stops_there_and_a_bias_goes_on():
    penalised = np.array([1.0, 0.0])

    assert taken([4.0, 4.0], [1.0, 1.0], l1=0.25, penalised=penalised) == ([0.0, -1.0], True)


def test_a_gradient_that_is_not_finite_moves_nothing():
    assert taken([np.nan, 1.0], [1.0, 1.0]) == ([1.0, 1.0], False)


def test_what_is_known_to_be_finite_is_not_looked_at_again():
    assert taken([np.inf], [1.0], checked=True) == ([-np.inf], True)
