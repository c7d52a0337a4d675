"""Where runs stand: the start, and states taken apart and put beside each other."""

import dataclasses

import numpy as np
import pytest

from descend.engines.state import State, start
from descend.errors import UsageError
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.problem.initialise import initial
from descend.problem.network import Network
from descend.table.data import Data

DEEP = Problem(Data(np.ones((5, 2)), np.arange(5.0)), loss("squared"), network=Network((2, 3, 1)))


def numbered(runs, slots):
    """A state of three weights in which no two numbers are alike."""
    weights, memory = np.arange(3.0 * runs).reshape(runs, 3), 100 + np.arange(3.0 * runs * slots)
    counters = 10 * np.arange(1, runs + 1)
    return State(weights, memory.reshape(runs, slots, 3), counters, 7 * counters, np.full(runs, Outcome.RUNNING))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_linear_model_starts_at_zero_with_the_memory_of_each_rule(small, dtype):
    problem = small("squared", dtype=dtype)
    state = start(problem, Plan((setting("adam", lr=0.1), setting("sgd", lr=0.1), setting("adagrad_keras", lr=0.1))))

    assert (state.weights.shape, state.weights.dtype, state.weights.any()) == ((3, 4), dtype, False)
    np.testing.assert_allclose(state.memory[:, :, 0], [[0, 0], [0, 0], [0.1, 0]], rtol=1e-7)  # Keras's accumulator: 0.1
    assert (state.steps.tolist(), state.seen.tolist()) == ([0, 0, 0], [0, 0, 0])
    assert state.outcome.tolist() == [Outcome.RUNNING] * 3


def test_a_network_starts_by_the_init_and_seed_of_each_run():
    settings = [dataclasses.replace(setting("sgd", lr=0.1, seed=seed), init="he") for seed in (0, 5)]
    state = start(DEEP, Plan(tuple(settings)))

    for weights, seed in zip(state.weights, (0, 5), strict=True):
        np.testing.assert_array_equal(weights, initial(DEEP.network, "he", seed))


def test_a_start_with_nan_is_refused_for_a_network():
    weights = np.zeros((1, DEEP.params))
    weights[0, 1:3] = np.nan, np.inf
    with pytest.raises(UsageError) as caught:
        start(DEEP, Plan((setting("sgd", lr=0.1),), start=weights))
    assert str(caught.value) == "the start has 2 weights that are not finite; start from finite weights"
    assert caught.value.code == "bad-start"


def test_a_copy_shares_nothing_and_a_part_has_the_runs_asked_for():
    state = numbered(3, 2)
    other, part = state.copy(), state.take([2, 0])
    other.weights[:] = other.steps[:] = -1

    assert state.weights[0].tolist() == [0.0, 1.0, 2.0]
    assert state.steps.tolist() == [10, 20, 30]
    assert (part.weights[:, 0].tolist(), part.seen.tolist()) == ([6.0, 0.0], [210, 70])
    np.testing.assert_array_equal(part.memory, state.memory[[2, 0]])


@pytest.mark.parametrize(("first", "second"), [(2, 0), (0, 2), (1, 1)])
def test_beside_each_other_the_shorter_memory_is_filled_with_zeros(first, second):
    one, two = numbered(1, first), numbered(2, second)
    both = one.beside(two)

    assert both.memory.shape == (3, max(first, second), 3)
    np.testing.assert_array_equal(both.memory[:1, :first], one.memory)
    np.testing.assert_array_equal(both.memory[1:, :second], two.memory)
    assert not both.memory[:1, first:].any()
    assert not both.memory[1:, second:].any()
    assert both.steps.tolist() == [10, 10, 20]
