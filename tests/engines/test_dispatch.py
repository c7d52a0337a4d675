"""What compiled loops are called with, and how a run is led to a record point."""

import numpy as np
import pytest

from descend.engines.dispatch import examples_of, step_settings_of, together, train_to
from descend.engines.state import start
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.problem.network import Network
from descend.table.data import Data


def problem_of(weight=None):
    return Problem(Data(np.ones((4, 2), np.float32), np.arange(4), weight), loss("squared"))


def test_arrays_are_of_one_dtype_and_targets_have_two_dimensions():
    X, y, weight = examples_of(problem_of(np.ones(4)))

    assert {X.dtype, y.dtype, weight.dtype} == {np.dtype(np.float32)}
    assert (y.shape, weight.shape) == ((4, 1), (4,))
    assert examples_of(problem_of()).sample_weight.size == 0


def test_numbers_name_the_place_of_the_rate():
    settings = step_settings_of(problem_of(), setting("adam", lr=0.5))

    assert settings.constants[settings.numbers.lr] == 0.5
    assert (len(settings.constants), settings.factors.tolist()) == (4, [1.0])
    assert settings.layer_ends.size == 0


def test_a_network_says_where_its_layers_end():
    network = Network((2, 3, 1), batch_norm=True)
    problem = Problem(problem_of().data, loss("squared"), network=network)

    assert step_settings_of(problem, setting("sgd", lr=1)).layer_ends.tolist() == [2 * 3 + 4 * 3, network.params]


@pytest.mark.parametrize("threads", [1, 2])
def test_all_jobs_are_done_and_an_error_is_not_swallowed(threads):
    done = []
    together([lambda: done.append(1), lambda: done.append(2)], threads)

    assert sorted(done) == [1, 2]
    with pytest.raises(ZeroDivisionError):
        together([lambda: done.append(3), lambda: 1 / 0], threads)


def led(failed, outcome=Outcome.RUNNING):
    """Two calls of two steps of two rows each; the first fails after one step, if any."""
    how, problem = setting("sgd", lr=1, batch_size=2), problem_of()
    state, calls = start(problem, Plan((how,))), []
    state.outcome[0] = outcome

    def loop(call):
        calls.append((call.first, call.last))
        return call.steps + (1 if failed else 2), failed

    train_to(loop, lambda *_: [(0, 4, None), (4, 8, None)], how, 4, state, 0, 8)
    return state, calls


def test_a_run_is_led_call_by_call():
    state, calls = led(0)

    assert calls == [(0, 4), (4, 8)]
    assert (state.steps[0], state.seen[0], state.outcome[0]) == (4, 8, Outcome.RUNNING)


def test_a_failed_call_ends_the_run_where_it_failed():
    state, calls = led(1)

    assert calls == [(0, 4)]
    assert (state.steps[0], state.seen[0], state.outcome[0]) == (1, 2, Outcome.NONFINITE)


def test_a_run_that_has_ended_stays_where_it_is():
    assert led(0, Outcome.STOPPED)[1] == []
