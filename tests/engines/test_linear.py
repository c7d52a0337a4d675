"""The linear engine equals the plain one on every rule, loss and batch size."""

import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from descend.engines import call_ranges, choose, linear, plain, start
from descend.engines.kernels import compiled, lanes
from descend.engines.shared_runs import Part
from descend.errors import UsageError
from descend.losses import LOSSES, loss
from descend.outcome import Outcome
from descend.plan import FULL, Plan, setting
from descend.plan.rule import RULES
from descend.problem import Problem
from descend.table.data import Data

ONE = tuple(name for name, form in LOSSES.items() if form.outputs == "one")
BATCHES = (FULL, 1, 7)


def both(problem, plan, points, **more):
    """The paths of the linear and of the plain engine."""
    begin = start(problem, plan)
    return linear.advance(problem, plan, begin, np.array(points), **more), plain.advance(
        problem, plan, begin, np.array(points)
    )


def every_rule(batch_size, lr=0.01):
    """A plan of every rule; eps is large enough that noise in a vanishing gradient is not blown up."""
    return tuple(
        setting(name, lr=lr, batch_size=batch_size, **({"eps": 1e-3} if "eps" in rule.constants else {}))
        for name, rule in RULES.items()
    )


@pytest.mark.parametrize("batch_size", BATCHES)
@pytest.mark.parametrize("name", ONE)
def test_linear_is_plain_on_every_rule(small, name, batch_size):
    problem, lr = small(name, l2=0.01, weighted=True), 0.002 if name == "poisson" else 0.01
    (fast, fast_path), (slow, slow_path) = both(problem, Plan(every_rule(batch_size, lr)), [23, 46, 69])
    np.testing.assert_allclose(fast_path, slow_path, rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(fast.steps, slow.steps)
    np.testing.assert_array_equal(fast.seen, slow.seen)
    np.testing.assert_array_equal(fast.outcome, slow.outcome)


@pytest.mark.parametrize("name", RULES)
def test_the_comparison_with_plain_notices_one_changed_constant(small, name):
    problem = small("squared")
    fast, _ = linear.advance(
        problem, *[(p := Plan((setting(name, lr=0.01, batch_size=7),))), start(problem, p)], np.array([69])
    )
    slow, _ = plain.advance(
        problem, *[(q := Plan((setting(name, lr=0.01 * (1 + 1e-8), batch_size=7),))), start(problem, q)], np.array([69])
    )
    assert np.abs(fast.weights - slow.weights).max() > 1e-12


@pytest.mark.parametrize("batch_size", BATCHES)
def test_softmax_and_several_targets_are_plain(small, batch_size):
    for name in ("softmax", "squared"):
        problem = small(name, outputs=3, l2=0.01, weighted=True)
        plan = Plan(
            (setting("adam", lr=0.05, batch_size=batch_size), setting("nesterov", lr=0.02, batch_size=batch_size))
        )
        (_, fast), (_, slow) = both(problem, plan, [23, 69])
        np.testing.assert_allclose(fast, slow, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("change", [{"clip": 0.05}, {"clip_value": 0.02}, {"factors": np.array([1.0, 0.5, 0.1])}])
def test_clipping_and_schedules_are_plain(small, change):
    plan = Plan(tuple(dataclasses.replace(setting(rule, lr=0.1, batch_size=7), **change) for rule in ("sgd", "adam")))
    (_, fast), (_, slow) = both(small("huber"), plan, [69])
    np.testing.assert_allclose(fast, slow, rtol=1e-11, atol=1e-13)


def test_an_l1_penalty_is_plain_with_the_same_zeros(small):
    plan = Plan(tuple(setting(rule, lr=0.05, batch_size=b) for rule in ("sgd", "nesterov", "adam") for b in BATCHES))
    (_, fast), (_, slow) = both(small("squared", l1=0.4), plan, [230])
    np.testing.assert_allclose(fast, slow, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(fast == 0, slow == 0)
    assert (fast == 0).any()


def test_without_an_intercept(small):
    (_, fast), (_, slow) = both(small("logistic", intercept=False), Plan(every_rule(7)), [69])
    assert fast.shape[-1] == 3
    np.testing.assert_allclose(fast, slow, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_together_is_alone_whatever_the_threads(small, threads):
    problem, plan = small("logistic"), Plan(every_rule(7) + every_rule(FULL))
    together, _ = linear.advance(problem, plan, start(problem, plan), np.array([69]), threads=threads)
    for r in range(len(plan)):
        own = plan.take([r])
        alone, _ = linear.advance(problem, own, start(problem, own), np.array([69]))
        np.testing.assert_allclose(alone.weights[0], together.weights[r], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("batch_size", BATCHES)
def test_in_pieces_is_in_one_go_bit_for_bit(small, batch_size):
    problem, plan = small("squared"), Plan(every_rule(batch_size))
    state = start(problem, plan)
    for mark in (8, 23, 27, 50, 69):  # of rows one by one, four share their sums: a whole number of them to each cut
        state, _ = linear.advance(problem, plan, state, np.array([mark]))
    whole, _ = linear.advance(problem, plan, start(problem, plan), np.array([69]))
    np.testing.assert_array_equal(state.weights, whole.weights)
    np.testing.assert_array_equal(state.memory, whole.memory)


def test_many_epochs_whose_orders_do_not_fit_at_once_are_cut(small, monkeypatch):
    problem, plan = small("squared"), Plan((setting("adam", lr=0.01, batch_size=7),))
    whole, _ = linear.advance(problem, plan, start(problem, plan), np.array([230]))
    monkeypatch.setattr(call_ranges, "ORDER_CELLS", 50)
    cut, _ = linear.advance(problem, plan, start(problem, plan), np.array([230]))
    np.testing.assert_array_equal(whole.weights, cut.weights)


def test_float32_stays_float32_and_near_float64(small):
    plan = Plan((setting("nesterov", lr=0.01, batch_size=7),))
    narrow, wide = (small("squared", dtype=d) for d in (np.float32, np.float64))
    low, _ = linear.advance(narrow, plan, start(narrow, plan), np.array([230]))
    high, _ = linear.advance(wide, plan, start(wide, plan), np.array([230]))
    assert low.weights.dtype == np.float32
    np.testing.assert_allclose(low.weights, high.weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("place", ["X", "y", "sample_weight"])
@pytest.mark.parametrize("batch_size", BATCHES)
def test_a_nan_in_the_data_ends_the_run_before_it_reaches_the_weights(small, place, batch_size):
    problem = small("squared", weighted=True)
    values = getattr(problem.data, place).copy()
    values[11] = np.nan
    broken = dataclasses.replace(problem, data=dataclasses.replace(problem.data, **{place: values}))
    plan = Plan((setting("sgd", lr=0.01, batch_size=batch_size),), shuffle="none")
    (fast, path), (slow, _) = both(broken, plan, [23])
    assert fast.outcome[0] == slow.outcome[0] == Outcome.NONFINITE
    assert fast.steps[0] == slow.steps[0] == {FULL: 0, 1: 11, 7: 1}[batch_size]
    assert np.isfinite(path).all()


def test_one_diverging_run_leaves_the_others_alone(small):
    problem = small("squared")
    plan = Plan((setting("sgd", lr=1e6, batch_size=1), setting("sgd", lr=0.01, batch_size=1)))
    state, _ = linear.advance(problem, plan, start(problem, plan), np.array([23 * 40]))
    own = plan.take([1])
    alone, _ = linear.advance(problem, own, start(problem, own), np.array([23 * 40]))
    assert state.outcome.tolist() == [Outcome.NONFINITE, Outcome.RUNNING]
    np.testing.assert_array_equal(state.weights[1], alone.weights[0])


def test_read_only_data_are_read(small):
    problem = small("squared")
    for values in (problem.data.X, problem.data.y):
        values.flags.writeable = False
    plan = Plan((setting("adam", lr=0.01),))
    state, _ = linear.advance(problem, plan, start(problem, plan), np.array([23]))
    assert (state.weights != 0).all()


def test_a_rule_of_the_users_own_is_compiled(small):
    def pulled(g, v, t, lr=0.1, pull=0.5):
        v = pull * v + g if g > 0 else g
        return lr * v, v

    problem, plan = small("squared"), Plan((setting(pulled, lr=0.05),))
    assert choose(problem, Plan((setting(pulled, lr=0.05, batch_size=7),))).name == "linear"
    state, _ = linear.advance(problem, plan, start(problem, plan), np.array([230]))
    assert np.isfinite(state.weights).all()


def test_a_rule_that_returns_too_little_is_refused():
    def forgetful(g, v, t, lr=0.1):
        return (lr * g,)

    with pytest.raises(UsageError, match="the rule forgetful cannot be compiled: "):
        compiled.compile_rule(setting(forgetful, lr=0.1).rule, np.dtype(np.float64))


def test_a_rule_of_too_many_memories_is_refused_by_name():
    def heavy(g, a, b, c, d, t, lr=0.1):
        return lr * g, a, b, c, d

    with pytest.raises(UsageError) as caught:
        compiled.compile_rule(setting(heavy, lr=0.1).rule, np.dtype(np.float64))
    assert str(caught.value) == (
        "the rule heavy cannot be compiled: it keeps 4 memories, compiled rules keep at most 3; "
        "use floats, operators and descend.ops in it, as descend.rules does"
    )


SECOND = """
import numpy as np
from descend.engines.kernels import compiled, loops
from descend.losses import loss
from descend.plan.rule import RULES
f4, f8 = np.dtype(np.float32), np.dtype(np.float64)
found = [compiled.compile_rule(rule, f8) for rule in RULES.values()] + [loops.compile_loop(loss("squared"), f8, False)]
found.append(compiled.compile_rule(RULES["adam"], f4))
print([f.py_func.__name__ for f in found if not f.stats.cache_hits])
"""


def test_the_next_process_finds_every_kernel_in_the_cache():
    run = [
        subprocess.run([sys.executable, "-c", SECOND], capture_output=True, text=True, check=True) for _ in range(2)
    ][-1]
    assert run.stdout.strip() == "[]"


def test_no_compiled_code_drops_the_guard_against_nan():
    allowed = {"reassoc", "contract", "arcp", "nsz", "afn"}
    source = "".join(p.read_text() for p in Path(linear.__file__).parent.rglob("*.py"))
    assert allowed >= compiled.FAST | compiled.ONCE | set(lanes.ANY_ORDER)
    assert set(re.findall(r"fastmath=(\w+)", source)) == {"flags", "ANY_ORDER"}  # one place compiles
    assert set(re.findall(r"flags=(\w+)", source)) == {"ONCE", "ANY_ORDER"}
    assert inspect.signature(compiled.compile_kernel).parameters["flags"].default is compiled.FAST


def test_huge_rates_and_data_overflow_into_an_outcome_not_an_exception():
    problem = Problem(Data(np.array([[1e150], [-1e150]]), np.array([1.0, 2.0])), loss("squared"))
    for batch_size in (FULL, 1):
        plan = Plan((setting("sgd", lr=1e10, batch_size=batch_size),))
        state, _ = linear.advance(problem, plan, start(problem, plan), np.array([20]))
        assert state.outcome[0] == Outcome.NONFINITE


@pytest.mark.parametrize(("name", "outputs"), [("logistic", 1), ("softmax", 3), ("squared", 3)])
def test_a_step_shared_among_threads_has_the_bits_of_one_thread(small, monkeypatch, name, outputs):
    monkeypatch.setattr(linear, "SHARED_CELLS", 1)
    problem = small(name, rows=13_000, outputs=outputs, weighted=True, l2=0.1)
    plan = Plan((setting("adam", lr=0.05),))
    alone, one = linear.advance(problem, plan, start(problem, plan), np.array([13_000, 65_000]))
    for threads in (2, 3):
        assert linear._shared_by_step(problem, plan, [Part([0])], threads) == ([0], [])
        shared, many = linear.advance(problem, plan, start(problem, plan), np.array([13_000, 65_000]), threads=threads)
        np.testing.assert_array_equal(many, one)
        np.testing.assert_array_equal(shared.seen, alone.seen)
    slow, _ = plain.advance(problem, plan, start(problem, plan), np.array([65_000]))
    np.testing.assert_allclose(alone.weights, slow.weights, rtol=1e-9)


def test_a_shared_step_ends_a_run_that_leaves_the_finite_range(small, monkeypatch):
    monkeypatch.setattr(linear, "SHARED_CELLS", 1)
    problem = small("squared", rows=9000)
    problem.data.X[8999, 1] = np.inf
    plan = Plan((setting("sgd", lr=0.01),))
    state, path = linear.advance(problem, plan, start(problem, plan), np.array([18_000]), threads=2)
    assert state.outcome[0] == Outcome.NONFINITE
    assert (path == 0).all()
