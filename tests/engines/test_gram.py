import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from descend.engines import start
from descend.engines.gram import advance, determined
from descend.engines.plain import advance as plain_advance
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.plan.rule import RULES
from descend.problem import Problem, moments
from descend.table.data import Data

LINEAR = {"sgd": 0.4, "momentum": 0.1, "nesterov": 0.1, "momentum_keras": 0.1}
RATES = {name: LINEAR.get(name, 1.0 if name == "adadelta" else 0.01) for name in RULES}


def plain(problem, plan, state, points, threads=1, layer_stats=None):
    return plain_advance(problem, plan, state, points)


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def table(kappa=10.0, rows=100, columns=5, targets=(), dtype=np.float64, noise=0.3):
    """Centred columns of this condition number, turned so that no axis is special."""
    U, V = np.linalg.qr(random(rows, columns))[0], np.linalg.qr(random(columns, columns, seed=1))[0]
    X = np.sqrt(rows) * (U * np.geomspace(1, 1 / kappa, columns)) @ V.T
    y = X @ random(columns, *targets, seed=2) + 1 + noise * random(rows, *targets, seed=3)
    return Data(X.astype(dtype), y.astype(dtype))


def squared(data, **shape):
    outputs = 1 if data.y.ndim == 1 else data.y.shape[1]
    return Problem(data, loss("squared"), outputs=outputs, **shape)


def apart(path, expected):
    """The largest difference so far relative to the largest weight so far, of each mark and all runs."""
    return np.abs(path - expected).max() / np.abs(expected).max()


def both(problem, plan, steps, every=1, **options):
    points = problem.data.rows * np.arange(every, steps + 1, every)
    ours = advance(problem, plan, start(problem, plan), points, **options)
    return ours, plain(problem, plan, start(problem, plan), points)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kappa", [1.0, 1e3, 1e6, 1e10])
def test_every_rule_follows_plain_as_far_as_the_data_determine(name, kappa):
    problem, plan, steps = squared(table(kappa)), Plan((setting(name, lr=RATES[name]),)), 300
    gram = problem.data.gram()
    certain = int(determined(problem, plan, gram, steps)[0])
    assert certain == steps or name in ("rmsprop", "rmsprop_keras")
    (state, path), (expected, expected_path) = both(problem, plan, steps, gram=gram)
    assert apart(path[:, :certain], expected_path[:, :certain]) < 1e-9
    for field in ("steps", "seen", "outcome"):
        assert np.array_equal(getattr(state, field), getattr(expected, field))
    if certain == steps:
        np.testing.assert_allclose(state.memory, expected.memory, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("kappa", [1.0, 1e3, 1e10])
@pytest.mark.parametrize("steps", [10, 3000])
def test_a_linear_rule_is_within_the_tolerance_where_bound_or_twin_say_so(name, kappa, steps):
    problem, plan = squared(table(kappa, rows=30, columns=3)), Plan((setting(name, lr=RATES[name]),))
    gram = problem.data.gram()
    assert determined(problem, plan, gram, steps).tolist() == [steps]  # less pessimistic than the bound
    assert moments.safe(problem, plan, gram, steps)[0] or (name != "sgd" and kappa > 1 and steps > 10)
    (_, path), (_, expected) = both(problem, plan, steps, every=10)
    assert apart(path, expected) < 1e-9


def test_the_comparison_sees_a_wrong_last_digit():
    problem, plan = squared(table()), Plan((setting("sgd", lr=0.1),))
    gram = problem.data.gram()
    (_, path), (_, expected) = both(problem, plan, 100, gram=replace(gram, c=gram.c * (1 + 1e-8)))
    assert apart(path, expected) > 1e-9


def test_where_a_rule_parts_another_order_of_the_rows_parts_too():
    data = table(rows=60)
    problem, plan, steps = squared(data), Plan((setting("rmsprop_keras", lr=0.01),)), 300
    turned = squared(data.take(np.arange(60)[::-1]))
    points = 60 * np.arange(1, steps + 1)
    (_, path), (_, expected) = both(problem, plan, steps)
    (_, other) = plain(turned, plan, start(turned, plan), points)
    certain = int(determined(problem, plan, problem.data.gram(), steps)[0])
    assert 20 < certain < 250
    assert apart(path[:, :certain], expected[:, :certain]) < 1e-9
    assert apart(other[:, :certain], expected[:, :certain]) < 1e-9
    assert apart(path, expected) > 1e-6
    assert apart(other, expected) > 1e-6


VARIANTS = {
    "no intercept": (table(), {"intercept": False}),
    "several targets": (table(targets=(3,)), {}),
    "several targets, no intercept, l2": (table(targets=(2,)), {"intercept": False, "l2": 0.1}),
    "weights": (replace(table(), sample_weight=np.linspace(0, 2, 100)), {}),
    "l2": (table(), {"l2": 0.3}),
    "l1": (table(), {"l1": 0.2}),
    "elastic net, several targets": (table(targets=(2,)), {"l1": 0.1, "l2": 0.1}),
    "columns not centred": (replace(table(), X=table().X + 3), {}),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ["sgd", "nesterov", "adamw"])
def test_every_shape_of_problem_follows_plain(variant, name):
    data, shape = VARIANTS[variant]
    problem, lr = squared(data, **shape), {"sgd": 0.01, "nesterov": 0.002, "adamw": 0.01}[name]
    plain_setting = setting(name, lr=lr)
    settings = (
        plain_setting, replace(plain_setting, clip=0.5), replace(plain_setting, clip_value=0.1),
        replace(plain_setting, factors=np.linspace(1, 0.1, 50)),
    )  # fmt: skip
    plan = Plan(settings, start=random(problem.params, seed=5))
    (state, path), (expected, expected_path) = both(problem, plan, 200, every=7)
    assert np.array_equal(state.steps, expected.steps)
    for r in range(len(plan)):
        assert apart(path[r], expected_path[r]) < 1e-9
    assert np.array_equal(path == 0, expected_path == 0)


def test_l1_reaches_exact_zeros():
    problem, plan = squared(table(), l1=0.5), Plan((setting("sgd", lr=0.1),))
    state, _ = advance(problem, plan, start(problem, plan), np.array([100 * 300]))
    assert (state.weights == 0).any()
    assert (state.weights != 0).any()


def test_a_column_of_huge_mean_follows_plain():
    data = table()
    problem = squared(replace(data, X=data.X + np.array([1e6, 0, 0, 0, 0])))
    plan = Plan((setting("sgd", lr=1e-13), setting("adam", lr=1e-7)))
    (_, path), (_, expected) = both(problem, plan, 300, every=10)
    for r in range(2):
        assert apart(path[r], expected[r]) < 1e-9


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_float32_stays_float32_and_as_exact_as_plain(name):
    plan = Plan((setting(name, lr=0.01),))
    short = table(dtype=np.float32)
    long = squared(Data(short.X.astype(np.float64), short.y.astype(np.float64)))
    (state, path), (_, rough) = both(squared(short), plan, 300)
    _, (_, exact) = both(long, plan, 300)
    assert path.dtype == state.weights.dtype == state.memory.dtype == np.float32
    assert apart(path, exact) < 1e-5
    assert apart(path, exact) < 2 * apart(rough, exact) + 1e-7


def test_threads_change_no_bit():
    problem = squared(table(rows=2000, columns=7))
    plan = Plan(tuple(setting(name, lr=lr) for name in ("sgd", "adam", "nesterov") for lr in (0.01, 0.02, 0.05)))
    points = 2000 * np.array([1, 50, 200])
    one, path = advance(problem, plan, start(problem, plan), points, threads=1)
    two, path_two = advance(problem, plan, start(problem, plan), points, threads=2)
    assert np.array_equal(path, path_two)
    assert np.array_equal(one.memory, two.memory)


def test_a_run_is_the_same_alone_and_in_parts():
    problem, plan = squared(table()), Plan((setting("adam", lr=0.01), setting("momentum", lr=0.05)))
    whole, path = advance(problem, plan, start(problem, plan), 100 * np.array([30, 80]))
    half, first = advance(problem, plan, start(problem, plan), np.array([100 * 30]))
    rest, second = advance(problem, plan, half, np.array([100 * 80]))
    assert np.array_equal(path, np.concatenate([first, second], axis=1))
    assert np.array_equal(whole.memory, rest.memory)
    assert np.array_equal(whole.seen, rest.seen)
    alone = plan.take([1])
    assert np.array_equal(advance(problem, alone, start(problem, alone), np.array([8000]))[0].weights, rest.weights[1:])


def test_no_step_crosses_a_mark_and_the_given_state_is_kept():
    problem, plan = squared(table()), Plan((setting("sgd", lr=0.1),))
    before = start(problem, plan)
    state, path = advance(problem, plan, before, np.array([99, 100, 350]))
    assert (state.steps.tolist(), state.seen.tolist()) == ([3], [300])
    assert not path[0, 0].any()
    assert not before.weights.any()
    assert np.array_equal(path[0, 2], state.weights[0])


def test_a_run_that_leaves_the_finite_range_stops_and_leaves_the_others_alone():
    problem, plan = squared(table()), Plan((setting("sgd", lr=30.0), setting("sgd", lr=0.1)))
    (state, path), (expected, _) = both(problem, plan, 300)
    assert state.outcome.tolist() == expected.outcome.tolist() == [Outcome.NONFINITE, Outcome.RUNNING]
    assert 0 < state.steps[0] <= expected.steps[0]  # the loss, a square, leaves the range before the gradient does
    assert state.seen[0] == 100 * state.steps[0]
    assert np.isfinite(state.weights).all()
    assert state.steps[1] == 300
    assert np.array_equal(path[0, -1], state.weights[0])


def test_a_start_that_is_not_finite_takes_no_step():
    problem, plan = squared(table()), Plan((setting("sgd", lr=0.1),), start=np.full(6, np.nan))
    state, _ = advance(problem, plan, start(problem, plan), np.array([1000]))
    assert (state.outcome.tolist(), state.steps.tolist()) == ([Outcome.NONFINITE], [0])


def converging():
    """Adam on perfectly conditioned data reaches the last digit, and with it the noise."""
    return squared(table(kappa=1.0, rows=30, columns=2)), Plan((setting("adam", lr=0.05), setting("sgd", lr=0.1)))


def test_a_gradient_of_noise_leaves_the_run_below_the_mark():
    problem, plan = converging()
    points = 30 * np.arange(100, 5001, 100)
    state, path = advance(problem, plan, start(problem, plan), points)
    assert 200 < state.steps[0] < 5000
    assert state.seen[0] == 30 * state.steps[0]
    assert state.outcome.tolist() == [Outcome.RUNNING, Outcome.RUNNING]
    assert state.steps[1] == 5000  # a rule linear in the gradient is bounded instead
    assert np.array_equal(path[0, -1], state.weights[0])
    best = np.linalg.lstsq(np.c_[problem.data.X, np.ones(30)], problem.data.y, rcond=None)[0]
    np.testing.assert_allclose(state.weights, [best, best], rtol=1e-12)


def test_another_engine_finishes_what_is_left():
    problem, plan = converging()
    plan = Plan((*plan.settings, setting("sgd", lr=0.01, batch_size=15)))
    points = 30 * np.arange(100, 1501, 100)
    left, left_path = advance(problem, plan, start(problem, plan), points)
    state, path = advance(problem, plan, start(problem, plan), points, direct=plain)
    assert left.seen[2] == 0  # a run of small batches is none of this engine's
    assert state.seen.tolist() == [45_000] * 3
    expected, expected_path = plain(problem, plan, left, points)
    assert np.array_equal(state.weights, expected.weights)
    for r in range(3):
        past = points > left.seen[r]
        assert np.array_equal(path[r, ~past], left_path[r, ~past])
        assert np.array_equal(path[r, past], expected_path[r, past])


def test_compiled_code_is_found_again_by_another_process():
    code = """
import numpy as np
from descend.engines.gram import compile_gram_loop
stats = compile_gram_loop(np.dtype(np.float64)).stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""

    def hits():
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    if hits() != ["1", "0"]:
        assert hits() == ["1", "0"]
