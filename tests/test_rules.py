"""Every rule against literal numbers, against torch, and against the properties that its algebra must have."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles import GOLDEN, GRADIENTS, TWINS, WORKED, torch_path

from descend.plan.rule import RULES

NAMES = tuple(RULES)
STATELESS_UNITS = ("rmsprop", "adagrad", "adam", "amsgrad", "rmsprop_keras", "adam_keras")


def walk(name, gradients, start=1.0, factors=None, **constants):
    """Weights after each step, on floats or arrays, with decoupled decay first where the rule has it."""
    rule = RULES[name]
    values, memory, w, path = rule.with_constants(**constants), list(rule.memory.values()), start, []
    if isinstance(start, np.ndarray):
        memory = [np.full(start.shape, m) for m in memory]
    for t, g in enumerate(gradients, 1):
        now = {**values, "lr": values["lr"] * (1 if factors is None else factors[t - 1])}
        step, *memory = rule.update(g, *memory, t, **now)
        w = w * (1 - now["lr"] * now.get("decay", 0.0)) - step
        path.append(w)
    return path


@pytest.mark.parametrize("worked", WORKED, ids=lambda w: w.rule)
def test_three_steps_are_the_ones_worked_by_hand(worked):
    np.testing.assert_allclose(walk(worked.rule, GRADIENTS, **worked.constants), worked.weights, rtol=0, atol=1e-14)


def test_every_rule_has_steps_worked_by_hand():
    assert {w.rule for w in WORKED} == set(RULES)


@pytest.mark.parametrize("worked", WORKED, ids=lambda w: w.rule)
def test_the_hand_worked_steps_notice_one_changed_constant(worked):
    changed = {**worked.constants, "lr": worked.constants["lr"] * (1 + 1e-9)}
    assert np.abs(np.subtract(walk(worked.rule, GRADIENTS, **changed), worked.weights)).max() > 1e-14


@pytest.mark.parametrize("entry", GOLDEN)
def test_five_golden_steps_in_fifty_digits(entry):
    document = json.loads((Path(__file__).parent / "golden.json").read_text())
    name, constants = GOLDEN[entry]
    expected = [float(w) for w in document["theta_after_step_1_to_5"][entry]]
    np.testing.assert_allclose(walk(name, map(float, document["grads"]), **constants), expected, rtol=0, atol=1e-14)


def test_a_rate_inside_the_velocity_parts_from_one_outside_when_it_changes():
    gradients, factors = (0.1, -0.2, 0.3, 0.0, 0.0001), (1, 1, 0.1, 0.1, 0.1)
    outside = walk("momentum", gradients, factors=factors, lr=0.1)
    inside = walk("momentum_keras", gradients, factors=factors, lr=0.1)
    np.testing.assert_allclose(outside, [0.99, 1.001, 0.99899, 0.997181, 0.9955519], atol=1e-14)
    np.testing.assert_allclose(inside, [0.99, 1.001, 1.0079, 1.01411, 1.019698], atol=1e-14)


def awkward_gradients(steps=100, params=7, seed=0):
    """Gradients of every size, with zeros and changes of sign."""
    rng = np.random.default_rng(seed)
    sizes = rng.choice([0.0, 1e-20, 1e-4, 1.0, 1.0, 1.0, 1e3, 1e18], size=(steps, params))
    return sizes * rng.standard_normal((steps, params))


@pytest.mark.parametrize("lr", [1e-3, 0.1, 10.0, 1e6])
@pytest.mark.parametrize("twin", TWINS, ids=lambda t: t.rule)
def test_a_hundred_steps_are_those_of_torch(twin, lr):
    gradients, start = awkward_gradients(), np.linspace(-1, 1, 7)
    with np.errstate(all="ignore"):
        ours, theirs = walk(twin.rule, gradients, start, lr=lr), torch_path(twin, lr, gradients, start)
        scale = np.maximum(np.maximum.accumulate(np.abs(theirs), axis=0), 1e-3 * lr)
        apart = np.where(np.equal(ours, theirs), 0.0, np.abs(np.subtract(ours, theirs)) / scale)
    both_overflow = ~np.isfinite(ours) & ~np.isfinite(theirs)  # decay times 1e6 leaves the range of float64
    assert both_overflow.mean() < 0.3
    assert (apart[~both_overflow] < 1e-12).all()


@pytest.mark.parametrize("twin", TWINS, ids=lambda t: t.rule)
def test_the_twin_of_torch_notices_one_changed_constant(twin):
    gradients, start = awkward_gradients(), np.linspace(-1, 1, 7)
    other = {"sgd": "lr", "momentum": "beta", "nesterov": "beta", "adagrad": "eps", "rmsprop": "rho", "adadelta": "rho"}
    name = other.get(twin.rule, "beta2")
    changed = {
        "lr": 0.1,
        name: {**RULES[twin.rule].constants, "lr": 0.1}[name] * 0.999 + (1e-3 if name == "eps" else 0),
    }
    ours, theirs = walk(twin.rule, gradients, start, **changed), torch_path(twin, 0.1, gradients, start)
    assert (np.abs(np.subtract(ours, theirs)) / (np.abs(theirs) + 1e-3)).max() > 1e-9


def test_lion_is_the_sign_of_an_interpolated_momentum():
    gradients, w, m = awkward_gradients(), np.zeros(7), np.zeros(7)
    for ours, g in zip(walk("lion", gradients, np.zeros(7), lr=0.01), gradients, strict=True):
        w = w - 0.01 * np.sign(0.9 * m + 0.1 * g)
        m = 0.99 * m + 0.01 * g
        np.testing.assert_allclose(ours, w, atol=1e-15)


def test_nesterov_is_the_look_ahead_form_of_the_textbook():
    slope, beta, lr = (lambda w: 3 * w - 1), 0.9, 0.05
    ahead, u = 1.0, 0.0  # the textbook's weights and velocity
    ours, v = 1.0, 0.0
    for _ in range(50):
        u = beta * u + lr * slope(ahead - beta * u)
        ahead = ahead - u
        step, v = RULES["nesterov"].update(slope(ours), v, 1, lr=lr, beta=beta)
        ours = ours - step
        assert ours == pytest.approx(ahead - beta * u, abs=1e-13)


@pytest.mark.parametrize(
    ("name", "g", "step"),
    [
        ("rmsprop", 0.01, 9.99990),
        ("rmsprop_keras", 0.01, 3.14658),
        ("rmsprop", 1e-4, 9.99001),
        ("rmsprop_keras", 1e-4, 0.314658),
    ],
)
def test_case_c08_epsilon_inside_or_outside_the_root(name, g, step):
    assert 1 - walk(name, [g], lr=1.0)[0] == pytest.approx(step, abs=1e-5 * step)


@pytest.mark.parametrize("name", NAMES)
def test_floats_arrays_and_tensors_give_the_same_numbers(name):
    gradients = awkward_gradients(20, 3)
    arrays = walk(name, gradients, np.ones(3), lr=0.1)
    memory = [torch.full((3,), m, dtype=torch.float64) for m in RULES[name].memory.values()]
    w = torch.ones(3, dtype=torch.float64)
    constants = RULES[name].with_constants(lr=0.1)
    for t, g in enumerate(gradients, 1):
        step, *memory = RULES[name].update(torch.tensor(g), *memory, t, **constants)
        w = w * (1 - 0.1 * constants.get("decay", 0.0)) - step
    for j in range(3):
        floats = walk(name, gradients[:, j].tolist(), 1.0, lr=0.1)
        np.testing.assert_allclose([a[j] for a in arrays], floats, rtol=1e-13)
    np.testing.assert_allclose(w.numpy(), arrays[-1], rtol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_a_zero_gradient_never_makes_a_nan_and_never_moves_from_rest(name):
    constants = {"decay": 0.0} if "decay" in RULES[name].constants else {}
    assert walk(name, [0.0] * 5, **constants) == [1.0] * 5


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8))
def test_turning_the_sign_of_gradient_and_weight_turns_the_path(name, gradients):
    mirrored = walk(name, [-g for g in gradients], -1.0)
    np.testing.assert_array_equal(np.negative(mirrored), walk(name, gradients, 1.0))


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4), st.permutations(range(4)))
def test_a_rule_is_elementwise(name, gradients, order):
    g = np.array(gradients)
    straight, permuted = walk(name, [g, 2 * g], np.ones(4)), walk(name, [g[order], 2 * g[order]], np.ones(4))
    np.testing.assert_array_equal(straight[-1][order], permuted[-1])


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "amsgrad", "adam_keras", "rmsprop_keras"])
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6), st.integers(-20, 20))
def test_without_epsilon_the_scale_of_the_gradient_does_not_matter(name, gradients, power):
    scaled = walk(name, [g * 2.0**power for g in gradients], eps=0.0)
    np.testing.assert_array_equal(scaled, walk(name, gradients, eps=0.0))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=200))
def test_a_step_of_adam_stays_below_its_proven_bound(gradients):
    path = np.array([1.0, *walk("adam", gradients, lr=1.0, eps=1e-30)])
    bound = (1 - 0.9) / np.sqrt((1 - 0.999) * (1 - 0.9**2 / 0.999))
    assert bound == pytest.approx(7.2703, abs=1e-4)
    assert np.abs(np.diff(path)).max() <= bound * (1 + 1e-9)


def test_adagrad_steps_shrink_for_a_constant_gradient():
    steps = -np.diff(np.array([1.0, *walk("adagrad", [0.3] * 50)]))
    assert (np.diff(steps) < 0).all()


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=10))
def test_special_constants_turn_one_rule_into_another(gradients):
    np.testing.assert_array_equal(walk("momentum", gradients, beta=0.0), walk("sgd", gradients))
    np.testing.assert_array_equal(walk("adamw", gradients, decay=0.0), walk("adam", gradients))
    np.testing.assert_allclose(
        walk("momentum_keras", gradients, lr=0.1), walk("momentum", gradients, lr=0.1), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.sampled_from([1e-40, 1e-30, 1e30, -1e30, 1.0]), min_size=1, max_size=6))
def test_float32_extremes_are_finite_or_declared_not_to_be(name, gradients):
    with np.errstate(all="ignore"):
        path = walk(name, [np.array([g], np.float32) for g in gradients], np.ones(1, np.float32))
    assert all(np.isfinite(w).all() or not np.isfinite(w).all() for w in path)
