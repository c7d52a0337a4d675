"""What compiled loops are called with, and how a run is led to a mark."""

import numpy as np
import pytest

from descend.engines.dispatch import arrays_of, numbers_of, to_mark, together
from descend.engines.state import start
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.table.data import Data


def problem_of(weight=None):
    return Problem(Data(np.ones((4, 2), np.float32), np.arange(4), weight), loss("squared"))


def test_arrays_are_of_one_dtype_and_targets_have_two_dimensions():
    X, y, weight = arrays_of(problem_of(np.ones(4)))

    assert {X.dtype, y.dtype, weight.dtype} == {np.dtype(np.float32)}
    assert (y.shape, weight.shape) == ((4, 1), (4,))
    assert arrays_of(problem_of())[2].size == 0


def test_numbers_name_the_place_of_the_rate():
    constants, lr, factors = numbers_of(setting("adam", lr=0.5))

    assert constants[lr] == 0.5
    assert (len(constants), factors.tolist()) == (4, [1.0])


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

    def call(orders, lo, hi, steps):
        calls.append((lo, hi))
        return steps + (1 if failed else 2), failed

    to_mark(call, lambda *_: [(0, 4, None), (4, 8, None)], how, 4, state, 0, 8)
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
