"""What torch's own tests ask of every optimizer, asked of every rule; GROUPS says which test holds each property.

The reference that theirs lack is here: each rule as a sum over all gradients so far, in 50 digits.
"""

import copy
from pathlib import Path

import mpmath
import numpy as np
import pytest
import torch
from mpmath import mpf, sqrt
from tests.torch.made import NAMES, apart, default_dtype, give, same, walk, weights

import descend.torch as dt
from descend.engines import in_place
from descend.plan.rule import RULES

OPTIMIZERS = dt.OPTIMIZERS
every_rule = pytest.mark.parametrize("name", NAMES)

# Each property of torch's test_optim.py, and the tests that hold it here.
GROUPS = {
    "1 the loss falls, rises with maximize; layouts, schedulers, groups with a rate of their own": (
        "the_loss_falls_and_rises_with_maximize", "layouts_that_are_not_contiguous_give_the_same_numbers",
        "schedulers_of_torch_change_the_rate", "a_group_has_options_of_its_own",
    ),
    "2 a tensor as rate": ("a_rate_may_be_a_tensor",),
    "3 sparse gradients": ("a_long_sparse_walk_is_the_dense_one", "sparse_gradients_give_the_dense_path"),
    "4 complex numbers": (
        "complex_parameters_are_pairs_of_real_ones", "complex_and_real_parameters_share_a_group",
    ),
    "5 every way to compute a step gives the same weights and states": ("compiled_steps_are_those_on_tensors",),
    "6 half, single and double precision": (
        "half_precision_is_the_float32_step_rounded", "twenty_five_steps_are_those_of_torch", "every_rule_in_fifty_digits",
    ),
    "7 dtypes and devices mixed": (
        "parameters_of_several_dtypes_share_a_group", "parameters_on_two_devices_are_each_moved_where_they_are",
    ),
    "8 default dtypes": ("counters_have_the_dtype_that_torch_gives_them",),
    "9 more than 2^32 coordinates": ("more_coordinates_than_32_bits_count_are_moved",),
    "10 memory": ("a_compiled_step_allocates_no_tensor",),
    "11 meta tensors": ("a_step_that_can_be_captured_reads_no_number_back",),
    "12 overflow of a scaler": ("a_scaler_skips_a_step_that_overflowed_and_takes_the_others",),
    "13 a state moves to the device of its parameter": ("a_state_is_loaded_where_its_parameter_is",),
    "14 groups with options of their own": (
        "a_group_has_options_of_its_own", "a_rate_of_nearly_0_leaves_its_group_where_it_is",
    ),
    "15 no gradients": ("no_gradients_zero_gradients_and_frozen_parameters",),
    "16 gradients of 0": ("no_gradients_zero_gradients_and_frozen_parameters",),
    "17 repr": ("repr_names_the_optimizer_and_its_options",),
    "18 states": ("copies_go_on_as_the_original_does",),
    "19 states without newer flags": ("counters_that_are_plain_numbers_and_groups_without_newer_flags_load",),
    "20 names of parameters": ("names_of_parameters_are_kept",),
    "21 files": ("copies_go_on_as_the_original_does",),
    "22 counters that are plain numbers": ("counters_that_are_plain_numbers_and_groups_without_newer_flags_load",),
    "23 a state that is loaded stays as it was": ("a_state_is_loaded_where_its_parameter_is",),
    "24 to 29 hooks of states": ("hooks_of_states_run", "a_hook_that_is_prepended_runs_first"),
    "30 to 32 hooks of steps": ("hooks_run_in_order_and_can_be_removed",),
    "33 deepcopy": ("a_copy_has_every_public_attribute",),
    "34 what a step returns": ("a_closure_is_called_with_gradients_on_and_its_loss_returned",),
    "35 the fastest way is the default": ("foreach_and_fused_change_no_bit",),
    "36 a state has what the rule remembers": ("a_state_holds_what_the_rule_remembers_and_no_more",),
    "37 errors": ("what_cannot_be_done_is_said", "what_torch_refuses_is_refused"),
}  # fmt: skip


def test_every_property_is_held_by_tests_that_there_are():
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    named = {test for tests in GROUPS.values() for test in tests}
    assert [test for test in sorted(named) if f"def test_{test}(" not in text] == []


# --- the reference in 50 digits: a rule as a function of all gradients so far, the last one last


def _sum(beta, xs):
    return sum(beta ** (len(xs) - 1 - i) * x for i, x in enumerate(xs))


def _average(beta, xs):
    return (1 - beta) * _sum(beta, xs)


def _squares(g):
    return [x**2 for x in g]


def _adam(g, c):
    t = len(g)
    m, v = _average(c["beta1"], g) / (1 - c["beta1"] ** t), _average(c["beta2"], _squares(g)) / (1 - c["beta2"] ** t)
    return m / (sqrt(v) + c["eps"])


def _amsgrad(g, c):
    t = len(g)
    top = max(_average(c["beta2"], _squares(g[: i + 1])) for i in range(t))
    return _average(c["beta1"], g) / (1 - c["beta1"] ** t) / (sqrt(top / (1 - c["beta2"] ** t)) + c["eps"])


def _nadam(g, c):
    t = len(g)
    mu = [c["beta1"] * (1 - mpf(0.5) * mpf(0.96) ** (c["psi"] * i)) for i in range(1, t + 2)]
    now = mpmath.fprod(mu[:-1])
    m = mu[-1] * _average(c["beta1"], g) / (1 - now * mu[-1]) + (1 - mu[-2]) * g[-1] / (1 - now)
    return m / (sqrt(_average(c["beta2"], _squares(g)) / (1 - c["beta2"] ** t)) + c["eps"])


def _adadelta(g, c):
    moved = []
    for t in range(len(g)):
        size = _average(c["rho"], _squares(moved)) if moved else mpf(0)
        moved.append(g[t] * sqrt((size + c["eps"]) / (_average(c["rho"], _squares(g[: t + 1])) + c["eps"])))
    return moved[-1]


def _lion(g, c):
    before = _average(c["beta2"], g[:-1]) if len(g) > 1 else mpf(0)
    return mpmath.sign(c["beta1"] * before + (1 - c["beta1"]) * g[-1])


def _adam_keras(g, c):
    t = len(g)
    factor = sqrt(1 - c["beta2"] ** t) / (1 - c["beta1"] ** t)
    return factor * _average(c["beta1"], g) / (sqrt(_average(c["beta2"], _squares(g))) + c["eps"])


DIRECTIONS = {
    "sgd": lambda g, c: g[-1],
    "momentum": lambda g, c: _sum(c["beta"], g),
    "nesterov": lambda g, c: g[-1] + c["beta"] * _sum(c["beta"], g),
    "adagrad": lambda g, c: g[-1] / (sqrt(sum(_squares(g))) + c["eps"]),
    "rmsprop": lambda g, c: g[-1] / (sqrt(_average(c["rho"], _squares(g))) + c["eps"]),
    "adam": _adam, "adamw": _adam, "amsgrad": _amsgrad, "nadam": _nadam, "adadelta": _adadelta, "lion": _lion,
    "momentum_keras": lambda g, c: _sum(c["beta"], g),
    "adagrad_keras": lambda g, c: g[-1] / sqrt(mpf(0.1) + sum(_squares(g)) + c["eps"]),
    "rmsprop_keras": lambda g, c: g[-1] / sqrt(_average(c["rho"], _squares(g)) + c["eps"]),
    "adam_keras": _adam_keras,
}  # fmt: skip


def fifty_digits(name, start, gradients, l2, sign, nudge=0.0):
    """The weights after each step, in 50 digits; nudge: of the last constant, relative."""
    with mpmath.workdps(50):
        constants = {k: mpf(v) for k, v in RULES[name].constants.items()}
        constants["lr"] *= 1 + mpf(nudge)
        w, seen, path = mpf(start), [], []
        for g in gradients:
            seen.append(sign * mpf(g) + mpf(l2) * w)
            decay = 1 - constants["lr"] * constants.get("decay", mpf(0))
            w = decay * w - constants["lr"] * DIRECTIONS[name](seen, constants)
            path.append(float(w))
        return path


def gradients_of_every_size(count):
    rng = np.random.default_rng(0)
    return (10.0 ** rng.uniform(-4, 3, count) * rng.choice([-1.0, 1.0], count)).tolist()


@every_rule
@pytest.mark.parametrize("how", ["plain", "penalty", "maximize"])
def test_every_rule_in_fifty_digits(name, how):
    penalty, sign = 0.1 if how == "penalty" and name != "adamw" else 0.0, -1 if how == "maximize" else 1
    gradients = gradients_of_every_size(12)
    options = {"maximize": how == "maximize", **({"weight_decay": penalty} if penalty else {})}
    with default_dtype(torch.float64):
        w = torch.tensor([0.7, 0.7], requires_grad=True)
        optimizer, path = OPTIMIZERS[name]([w], **options), []
        for g in gradients:
            w.grad = torch.full((2,), g)
            optimizer.step()
            path.append(w.tolist())
    expected = fifty_digits(name, 0.7, gradients, penalty, sign)
    np.testing.assert_allclose(path, np.stack([expected, expected], 1), rtol=1e-13, atol=1e-14)


def test_the_reference_in_fifty_digits_notices_a_change_in_the_tenth():
    gradients = gradients_of_every_size(12)
    for name in NAMES:
        right, wrong = (np.array(fifty_digits(name, 0.7, gradients, 0.0, 1, nudge)) for nudge in (0.0, 1e-9))
        assert not np.allclose(right, wrong, rtol=1e-13, atol=1e-14), name


# --- properties that need a test of their own


def states_of(optimizer, params):
    return [{key: torch.as_tensor(value).clone() for key, value in optimizer.state[p].items()} for p in params]


@every_rule
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compiled_steps_are_those_on_tensors(name, dtype, monkeypatch):
    """Seven steps; no gradients at all in the second, none of the matrix in the third and fourth."""
    found = []
    for compiled in (True, False):
        if not compiled:
            monkeypatch.setattr(in_place, "compiles", lambda kind: False)
        with default_dtype(torch.float64):
            params = weights(dtype)
            optimizer = OPTIMIZERS[name](params)
            for step in range(7):
                give(step, params)
                for p in params if step == 1 else params[:1] if step in (2, 3) else []:
                    p.grad = None
                optimizer.step()
            found.append([*params, *(v for s in states_of(optimizer, params) for v in s.values())])
    tolerance = 1e-12 if dtype is torch.float64 else 2e-5
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


def rosenbrock(w):
    x, y = w.detach()
    return torch.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


@every_rule
def test_a_long_sparse_walk_is_the_dense_one(name):
    """Down Rosenbrock's valley; each step sees one of the two coordinates, in two halves."""
    lr = {"adadelta": 0.1}.get(name, 1e-4)
    a, b = (torch.tensor([-0.5, 0.5], dtype=torch.float64, requires_grad=True) for _ in range(2))
    x, y = OPTIMIZERS[name]([a], lr=lr), OPTIMIZERS[name]([b], lr=lr)
    for step in range(200):
        at = step % 2
        half = rosenbrock(a)[at] / 2
        a.grad = torch.sparse_coo_tensor([[at, at]], torch.stack([half, half]), (2,), check_invariants=True)
        b.grad = torch.zeros(2, dtype=torch.float64)
        b.grad[at] = rosenbrock(b)[at]
        x.step()
        y.step()
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    assert not torch.equal(a.detach(), torch.tensor([-0.5, 0.5], dtype=torch.float64))


@every_rule
def test_complex_and_real_parameters_share_a_group(name):
    z, r = (
        torch.ones(3, dtype=torch.complex128, requires_grad=True),
        torch.ones(3, dtype=torch.float64, requires_grad=True),
    )
    z2, r2 = (p.detach().clone().requires_grad_() for p in (z, r))
    together, alone = OPTIMIZERS[name]([z, r]), [OPTIMIZERS[name]([p]) for p in (z2, r2)]
    for step in range(3):
        torch.manual_seed(step)
        z.grad, r.grad = torch.randn(3, dtype=torch.complex128), torch.randn(3, dtype=torch.float64)
        z2.grad, r2.grad = z.grad.clone(), r.grad.clone()
        for optimizer in (together, *alone):
            optimizer.step()
    assert torch.equal(z, z2)
    assert torch.equal(r, r2)


@every_rule
def test_parameters_of_several_dtypes_share_a_group(name):
    dtypes = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    a = [torch.linspace(-1, 1, 5, dtype=dtype).requires_grad_() for dtype in dtypes]
    b = same(a)
    together, alone = OPTIMIZERS[name](a, lr=0.01), [OPTIMIZERS[name]([p], lr=0.01) for p in b]
    for step in range(3):
        for p, q in zip(a, b, strict=True):
            p.grad = torch.linspace(-1, 1 + step, 5).to(p.dtype)
            q.grad = p.grad.clone()
        for optimizer in (together, *alone):
            optimizer.step()
    for p, q in zip(a, b, strict=True):
        assert torch.equal(p, q)


@pytest.mark.slow
def test_more_coordinates_than_32_bits_count_are_moved():
    """So many tensors of 2^20 coordinates at one address that a call moves 2^32 + 2^20: the last ones are moved as often."""
    w, g, many = np.zeros(1 << 20, np.float32), np.ones(1 << 20, np.float32), (1 << 12) + 1
    kind = in_place.Kind(RULES["sgd"], 0, np.dtype(np.float32), np.dtype(np.float32))
    addresses = np.tile(np.array([[w.ctypes.data, g.ctypes.data]], np.int64), (many, 1))
    tensors = in_place.Tensors(kind, np.zeros((many, 1), np.int64), addresses, np.full(many, 1 << 20))
    assert tensors.total == (1 << 32) + (1 << 20)
    tensors.step([1.0], 1.0, 0.0, 1)
    assert (w == -many).all()


@every_rule
def test_a_compiled_step_allocates_no_tensor(name):
    w = torch.ones(100_000, requires_grad=True)
    optimizer = OPTIMIZERS[name]([w])
    walk(optimizer, [w], 2)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        optimizer.step()
    assert (
        max((event.cpu_memory_usage for event in profile.events()), default=0) < w.numel()
    )  # bytes: a tensor has 4 times


@every_rule
def test_a_state_is_loaded_where_its_parameter_is(name):
    a = weights(torch.float32)
    optimizer = OPTIMIZERS[name](a)
    walk(optimizer, a, 2)
    state = optimizer.state_dict()
    before = copy.deepcopy(state)
    there = [torch.empty_like(p, device="meta").requires_grad_() for p in a]
    other = OPTIMIZERS[name](there)
    other.load_state_dict(state)
    for key, kept in before["state"].items():
        assert all(torch.equal(value, state["state"][key][k]) for k, value in kept.items())
    for p in there:
        assert all(other.state[p][key].is_meta for key in other.form.own_keys if key in other.state[p])
        p.grad = torch.zeros_like(p)
    if not other.form.shared_keys:  # whose number went to the meta device, where there are none
        other.step()
        assert all(other.state[p][key].is_cpu for p in there for key in other.form.number_keys)


@every_rule
def test_a_rate_of_nearly_0_leaves_its_group_where_it_is(name):
    a, b = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    optimizer = OPTIMIZERS[name]([{"params": [a], "lr": 1e-28}, {"params": [b]}], lr=0.01)
    walk(optimizer, [a, b], 3)
    assert torch.equal(a, torch.ones(3))
    assert not torch.equal(b, torch.ones(3))


@every_rule
def test_a_hook_that_is_prepended_runs_first(name):
    w, calls = torch.ones(2, requires_grad=True), []
    optimizer = OPTIMIZERS[name]([w])
    for register in (optimizer.register_state_dict_pre_hook, optimizer.register_load_state_dict_post_hook):
        register(lambda *_: calls.append("second"))
        register(lambda *_: calls.append("first"), prepend=True)
    optimizer.load_state_dict(optimizer.state_dict())
    assert calls == ["first", "second"] * 2


@every_rule
def test_a_copy_has_every_public_attribute(name):
    optimizer = OPTIMIZERS[name](weights())
    copied = copy.deepcopy(optimizer)
    public = [{key for key in vars(o) if not key.startswith("_")} for o in (optimizer, copied)]
    assert public[0] == public[1] >= {"state", "param_groups", "defaults"}
    assert copied.defaults == optimizer.defaults


@every_rule
@pytest.mark.parametrize("way", ["foreach", "fused"])
def test_foreach_and_fused_change_no_bit(name, way):
    a = weights()
    b = same(a)
    walk(OPTIMIZERS[name](a, **{way: True}), a, 3)
    walk(OPTIMIZERS[name](b), b, 3)
    assert apart(a, b) == 0


@every_rule
def test_a_state_holds_what_the_rule_remembers_and_no_more(name):
    params = weights()
    optimizer = OPTIMIZERS[name](params)
    walk(optimizer, params, 1)
    form = OPTIMIZERS[name].form
    for p in params:
        assert set(optimizer.state[p]) == set(form.state_keys)
        assert len(form.own_keys) + len(form.shared_keys) == len(RULES[name].memory)
