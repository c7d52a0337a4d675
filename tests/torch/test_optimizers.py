"""Every optimizer against torch's own, against 50-digit numbers, and against what all optimizers of torch hold to."""

import copy
import inspect
import io
import json
import pickle
import weakref
from pathlib import Path

import pytest
import torch
from tests.oracles import GOLDEN, GRADIENTS, TWINS, WORKED
from tests.torch.made import NAMES, apart, default_dtype, give, same, walk, weights
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau, StepLR
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

import descend.torch as dt
from descend.plan.rule import RULES

OPTIMIZERS = dt.OPTIMIZERS
every_rule = pytest.mark.parametrize("name", NAMES)
every_twin = pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.rule)


def theirs(twin, params, **options):
    """torch's optimizer of a rule, with the learning rate that is ours by default."""
    return twin.optimizer(params, **{"lr": RULES[twin.rule].constants["lr"], **twin.options, **options})


def constants_of(name, constants):
    """Constants by their names in the rule as options by their names in torch."""
    places = OPTIMIZERS[name].form.places
    whole = {**RULES[name].constants, **constants}
    return {
        option: tuple(whole[c] for c in held) if len(held) > 1 else whole[held[0]] for option, held in places.items()
    }


def test_every_rule_has_an_optimizer():
    assert set(OPTIMIZERS) == set(RULES)


@every_twin
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float64, 1e-12)])
def test_twenty_five_steps_are_those_of_torch(twin, dtype, tolerance):
    with default_dtype(dtype):
        a = weights(dtype)
        b = same(a)
        ours, other = OPTIMIZERS[twin.rule](a), theirs(twin, b)
        for step in range(25):
            give(step, a, b)
            ours.step()
            other.step()
            assert apart(a, b) < tolerance


@every_twin
def test_the_comparison_with_torch_notices_one_changed_constant(twin):
    a = weights()
    b = same(a)
    walk(OPTIMIZERS[twin.rule](a), a, 25)
    walk(theirs(twin, b, lr=RULES[twin.rule].constants["lr"] * (1 + 1e-5)), b, 25)
    assert apart(a, b) > 1e-10


@every_twin
@pytest.mark.parametrize(
    "options", [{"weight_decay": 0.1}, {"maximize": True}, {"weight_decay": 0.1, "maximize": True}]
)
def test_penalty_and_maximize_are_those_of_torch(twin, options):
    with default_dtype(torch.float64):
        a = weights()
        b = same(a)
        walk(OPTIMIZERS[twin.rule](a, **options), a, 10)
        walk(theirs(twin, b, **options), b, 10)
        assert apart(a, b) < 1e-12


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.rule)
def test_three_steps_are_the_ones_worked_by_hand(worked):
    with default_dtype(torch.float64):
        w = torch.tensor(1.0, requires_grad=True)
        optimizer = OPTIMIZERS[worked.rule]([w], **constants_of(worked.rule, worked.constants))
        for g, expected in zip(GRADIENTS, worked.weights, strict=True):
            w.grad = torch.tensor(g)
            optimizer.step()
            assert w.item() == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("entry", GOLDEN)
def test_five_golden_steps_in_fifty_digits(entry):
    document = json.loads((Path(__file__).parent.parent / "golden.json").read_text())
    name, constants = GOLDEN[entry]
    with default_dtype(torch.float64):
        w = torch.ones(3, requires_grad=True)
        optimizer = OPTIMIZERS[name]([w], **constants_of(name, constants))
        for g, expected in zip(document["grads"], document["theta_after_step_1_to_5"][entry], strict=True):
            w.grad = torch.full((3,), float(g))
            optimizer.step()
            assert w.tolist() == pytest.approx([float(expected)] * 3, abs=1e-14)


@every_rule
def test_the_loss_falls_and_rises_with_maximize(name):
    for maximize in (False, True):
        w = torch.tensor([0.5, -0.3], requires_grad=True)
        optimizer = OPTIMIZERS[name]([w], lr=1.0 if name == "adadelta" else 0.01, maximize=maximize)
        losses = []
        for _ in range(20):
            optimizer.zero_grad()
            loss = (w - 1).square().sum()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert (losses[-1] > losses[0]) == maximize


@every_rule
def test_layouts_that_are_not_contiguous_give_the_same_numbers(name):
    torch.manual_seed(0)
    plain = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    last = plain.clone(memory_format=torch.channels_last)
    transposed = plain.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0)
    spaced = torch.zeros(2, 3, 4, 10, dtype=torch.float64)[..., ::2].copy_(plain)
    params = [p.detach().requires_grad_() for p in (plain.clone(), last, transposed, spaced)]
    for p in params:
        walk(OPTIMIZERS[name]([p]), [p], 3)
    assert not any(p.is_contiguous() for p in params[1:])
    for p in params[1:]:
        torch.testing.assert_close(p, params[0], rtol=1e-13, atol=0)


@every_rule
def test_gradients_of_another_layout_than_their_parameter_give_the_same_numbers(name):
    a = [torch.randn(4, 3, dtype=torch.float64, requires_grad=True)]
    b = same(a)
    x, y = OPTIMIZERS[name](a), OPTIMIZERS[name](b)
    for step in range(3):
        give(step, a, b)
        b[0].grad = b[0].grad.t().contiguous().t()
        x.step()
        y.step()
    assert apart(a, b) < 1e-13


@every_rule
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_the_float32_step_rounded(name, dtype):
    low = [torch.linspace(-2, 2, 9).to(dtype).requires_grad_()]
    high = [low[0].detach().float().requires_grad_()]
    x, y = OPTIMIZERS[name](low, lr=0.01), OPTIMIZERS[name](high, lr=0.01)
    low[0].grad = torch.linspace(-1, 1, 9).to(dtype)
    high[0].grad = low[0].grad.float()
    x.step()
    y.step()
    torch.testing.assert_close(low[0], high[0].to(dtype), rtol=0, atol=0.01 * torch.finfo(dtype).eps)


@every_rule
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_parameters_are_pairs_of_real_ones(name, dtype):
    torch.manual_seed(0)
    z = [torch.randn(3, dtype=dtype, requires_grad=True)]
    pairs = [torch.view_as_real(z[0].detach()).clone().requires_grad_()]
    x, y = OPTIMIZERS[name](z), OPTIMIZERS[name](pairs)
    for _ in range(5):
        z[0].grad = torch.randn(3, dtype=dtype).conj()
        pairs[0].grad = torch.view_as_real(z[0].grad.resolve_conj()).clone()
        x.step()
        y.step()
    torch.testing.assert_close(torch.view_as_real(z[0].detach()), pairs[0].detach(), rtol=1e-6, atol=0)


@every_rule
@pytest.mark.parametrize("layout", ["coalesced", "uncoalesced"])
def test_sparse_gradients_give_the_dense_path(name, layout):
    a = [torch.randn(6, 2, dtype=torch.float64, requires_grad=True)]
    b = same(a)
    x, y = OPTIMIZERS[name](a, lr=0.01), OPTIMIZERS[name](b, lr=0.01)
    for step in range(4):
        rows, values = torch.tensor([[step, 5]]), torch.randn(2, 2, dtype=torch.float64)
        if layout == "uncoalesced":
            rows, values = torch.cat([rows, rows], 1), torch.cat([values, values])
        g = torch.sparse_coo_tensor(rows, values, (6, 2), check_invariants=True)
        b[0].grad = g.to_dense()
        a[0].grad = g.coalesce() if layout == "coalesced" else g
        x.step()
        y.step()
    assert apart(a, b) < 1e-13


@every_rule
def test_no_gradients_zero_gradients_and_frozen_parameters(name):
    options = {"weight_decay": 0.0} if name == "adamw" else {}
    params = weights()
    before = [p.detach().clone() for p in params]
    optimizer = OPTIMIZERS[name](params, **options)
    optimizer.step()
    assert all(torch.equal(p, q) for p, q in zip(params, before, strict=True))
    for p in params:
        p.grad = torch.zeros_like(p)
    for _ in range(3):
        optimizer.step()
    assert all(torch.equal(p, q) for p, q in zip(params, before, strict=True))
    params[0].grad, params[1].grad = None, torch.ones_like(params[1])
    optimizer.step()
    assert torch.equal(params[0], before[0])
    assert not torch.equal(params[1], before[1])


@every_rule
def test_gradients_that_come_and_go_leave_each_parameter_its_own_time(name):
    a, b = weights(), weights()
    together, alone = OPTIMIZERS[name](a), OPTIMIZERS[name]([b[0]])
    for step in range(6):
        give(step, a, b)
        if step % 2:
            a[0].grad = b[0].grad = None
        together.step()
        alone.step()
    assert torch.equal(a[0], b[0])


@every_rule
def test_nan_stays_visible_where_it_is(name):
    w = torch.ones(20, requires_grad=True)
    optimizer = OPTIMIZERS[name]([w])
    w.grad = torch.ones(20)
    w.grad[3] = torch.nan
    optimizer.step()
    assert torch.isnan(w).nonzero().tolist() == [[3]]


@every_rule
def test_a_group_has_options_of_its_own(name):
    a, b, c, d = (torch.ones(3, requires_grad=True) for _ in range(4))
    grouped = OPTIMIZERS[name]([{"params": [a], "lr": 0.5}, {"params": [b], "weight_decay": 0.3}], lr=0.01)
    apart_from_it = OPTIMIZERS[name]([c], lr=0.5), OPTIMIZERS[name]([d], lr=0.01, weight_decay=0.3)
    for step in range(3):
        give(step, [a, b, c, d])
        c.grad, d.grad = a.grad.clone(), b.grad.clone()
        for optimizer in (grouped, *apart_from_it):
            optimizer.step()
    assert torch.equal(a, c)
    assert torch.equal(b, d)


@every_rule
def test_a_group_that_is_added_later_trains(name):
    a, b = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    optimizer = OPTIMIZERS[name]([a], lr=0.01)
    walk(optimizer, [a], 2)
    optimizer.add_param_group({"params": b, "lr": 0.1})
    walk(optimizer, [a, b], 2)
    alone = torch.ones(3, requires_grad=True)
    other = OPTIMIZERS[name]([alone], lr=0.1)
    for step in range(2):
        give(step, [a, alone])
        other.step()
    assert torch.equal(alone, b)


@every_rule
@pytest.mark.parametrize(
    "schedule",
    [lambda o: StepLR(o, 2, 0.5), lambda o: CosineAnnealingLR(o, 5), lambda o: ReduceLROnPlateau(o, patience=0)],
    ids=["step", "cosine", "plateau"],
)
def test_schedulers_of_torch_change_the_rate(name, schedule):
    a = weights()
    b = same(a)
    x, y = OPTIMIZERS[name](a, lr=0.1), OPTIMIZERS[name](b, lr=0.1)
    scheduler = schedule(x)
    for step in range(6):
        give(step, a, b)
        y.param_groups[0]["lr"] = x.param_groups[0]["lr"]
        x.step()
        y.step()
        scheduler.step(*([1.0] if isinstance(scheduler, ReduceLROnPlateau) else []))
    assert x.param_groups[0]["lr"] < 0.1
    assert apart(a, b) == 0


@every_rule
def test_a_rate_may_be_a_tensor(name):
    a = weights()
    b = same(a)
    rate = torch.tensor(0.25, dtype=torch.float64)
    x = OPTIMIZERS[name](a, lr=rate)
    walk(x, a, 2)
    rate.fill_(0.125)
    walk(x, a, 2, first=2)
    y = OPTIMIZERS[name](b, lr=0.25)
    walk(y, b, 2)
    y.param_groups[0]["lr"] = 0.125
    walk(y, b, 2, first=2)
    assert apart(a, b) == 0


@every_rule
def test_a_closure_is_called_with_gradients_on_and_its_loss_returned(name):
    w = torch.ones(3, requires_grad=True)
    optimizer = OPTIMIZERS[name]([w])

    def closure():
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 3.0
    assert (w < 1).all()
    assert optimizer.step() is None


@every_rule
def test_hooks_run_in_order_and_can_be_removed(name):
    calls = []
    w = torch.ones(2, requires_grad=True)
    optimizer = OPTIMIZERS[name]([w])
    handles = [
        register_optimizer_step_pre_hook(lambda *_: calls.append("global before")),
        optimizer.register_step_pre_hook(lambda *_: calls.append("before")),
        optimizer.register_step_post_hook(lambda *_: calls.append("after")),
        register_optimizer_step_post_hook(lambda *_: calls.append("global after")),
    ]
    walk(optimizer, [w], 1)
    assert calls == ["global before", "before", "after", "global after"]
    for handle in handles:
        handle.remove()
    walk(optimizer, [w], 1)
    assert len(calls) == 4


@every_rule
def test_hooks_of_states_run(name):
    calls = []
    w = torch.ones(2, requires_grad=True)
    optimizer = OPTIMIZERS[name]([w])
    optimizer.register_state_dict_pre_hook(lambda _: calls.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "mine": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: calls.append("load"))
    optimizer.register_load_state_dict_post_hook(lambda o: calls.append("loaded"))
    state = optimizer.state_dict()
    assert state["mine"] == 1
    optimizer.load_state_dict(state)
    assert calls == ["pre", "load", "loaded"]


@every_twin
@pytest.mark.parametrize("to_torch", [True, False], ids=["ours to torch", "torch to ours"])
@pytest.mark.parametrize("before", [0, 3])
def test_states_are_exchanged_with_torch_and_training_goes_on_alike(twin, to_torch, before):
    with default_dtype(torch.float64):
        a = weights()
        make = (lambda p: OPTIMIZERS[twin.rule](p, lr=0.02), lambda p: theirs(twin, p, lr=0.02))
        first, second = make if to_torch else make[::-1]
        one = first(a)
        walk(one, a, before)
        b = same(a)
        other = second(b)
        other.load_state_dict(copy.deepcopy(one.state_dict()))  # torch shares the tensors of a state
        walk(one, a, 5, first=before)
        walk(other, b, 5, first=before)
        assert apart(a, b) < 1e-12


@every_twin
def test_states_have_the_keys_shapes_and_dtypes_of_torch(twin):
    a, b = weights(torch.float32), weights(torch.float32)
    x, y = OPTIMIZERS[twin.rule](a), theirs(twin, b)
    walk(x, a, 2)
    walk(y, b, 2)
    looks = [
        [{key: (tuple(v.shape), v.dtype, v.device.type) for key, v in sorted(o.state[p].items())} for p in params]
        for o, params in ((x, a), (y, b))
    ]
    assert looks[0] == looks[1]
    assert x.param_groups[0].keys() - {"params", "capturable", "fused"} == (
        y.param_groups[0].keys() - {"params", "capturable", "fused"}
    )


@every_rule
@pytest.mark.parametrize("way", ["state_dict", "deepcopy", "pickle", "save", "weights only"])
def test_copies_go_on_as_the_original_does(name, way):
    a = weights()
    optimizer = OPTIMIZERS[name](a, lr=0.02)
    walk(optimizer, a, 3)
    if way in ("deepcopy", "pickle"):
        copied = copy.deepcopy(optimizer) if way == "deepcopy" else pickle.loads(pickle.dumps(optimizer))
        b = copied.param_groups[0]["params"]
    else:
        b = same(a)
        copied, state = OPTIMIZERS[name](b, lr=0.5), copy.deepcopy(optimizer.state_dict())
        if way != "state_dict":
            file = io.BytesIO()
            torch.save(state, file)
            state = torch.load(io.BytesIO(file.getvalue()), weights_only=way == "weights only")
        copied.load_state_dict(state)
    walk(optimizer, a, 3, first=3)
    walk(copied, b, 3, first=3)
    assert apart(a, b) == 0
    assert copied.param_groups[0]["lr"] == 0.02


@every_rule
def test_states_are_loaded_in_the_dtype_of_the_parameters_with_whole_counters(name):
    a, b = weights(torch.float64), weights(torch.float32)
    x, y = OPTIMIZERS[name](a), OPTIMIZERS[name](b)
    walk(x, a, 2)
    state = x.state_dict()
    y.load_state_dict(state)
    for p in b:
        for key, value in y.state[p].items():
            assert value.dtype is torch.float32
            assert key != "step" or value.item() == 2
    walk(y, b, 1)
    assert all(v.dtype is torch.float64 for v in state["state"].get(0, {}).values() if v.dim())


@every_rule
def test_counters_that_are_plain_numbers_and_groups_without_newer_flags_load(name):
    a = weights()
    optimizer = OPTIMIZERS[name](a)
    walk(optimizer, a, 2)
    b = same(a)
    state = copy.deepcopy(optimizer.state_dict())
    for kept in state["state"].values():
        kept.update({key: int(value) for key, value in kept.items() if key == "step"})
    for flag in ("maximize", "foreach", "capturable", "differentiable", "fused"):
        del state["param_groups"][0][flag]
    other = OPTIMIZERS[name](b)
    other.load_state_dict(state)
    walk(optimizer, a, 2, first=2)
    walk(other, b, 2, first=2)
    assert apart(a, b) == 0


@every_rule
def test_names_of_parameters_are_kept(name):
    model = torch.nn.Linear(2, 1)
    optimizer = OPTIMIZERS[name](model.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    other = OPTIMIZERS[name](torch.nn.Linear(2, 1).named_parameters())
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["param_names"] == ["weight", "bias"]


@every_rule
def test_a_scaler_skips_a_step_that_overflowed_and_takes_the_others(name):
    w = torch.ones(3, requires_grad=True)
    optimizer = OPTIMIZERS[name]([w], lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    scaler.scale(w.sum() * torch.inf).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.equal(w, torch.ones(3))
    assert all(s.get("step", 0) == 0 for s in optimizer.state.values())
    optimizer.zero_grad()
    scaler.scale(w.square().sum()).backward()
    scaler.step(optimizer)
    expected = torch.ones(3, requires_grad=True)
    other = OPTIMIZERS[name]([expected], lr=0.01)
    expected.square().sum().backward()
    other.step()
    assert torch.equal(w, expected)


@every_rule
def test_steps_leave_no_tensors_behind_and_move_memories_in_place(name):
    params = weights()
    optimizer = OPTIMIZERS[name](params)
    walk(optimizer, params, 2)
    before = {id(v) for s in optimizer.state.values() for v in s.values()}
    walk(optimizer, params, 3)
    assert {id(v) for s in optimizer.state.values() for v in s.values()} == before
    params[0].grad = torch.ones_like(params[0])
    gradient = weakref.ref(params[0].grad)
    optimizer.step()
    optimizer.zero_grad()
    assert gradient() is None


@every_rule
def test_backward_through_values_that_a_step_changed_is_refused(name):
    w = torch.ones(3, requires_grad=True)
    loss = w.square().sum()
    walk(OPTIMIZERS[name]([w]), [w], 1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@every_rule
def test_parameters_on_two_devices_are_each_moved_where_they_are(name):
    here, there = torch.ones(3, requires_grad=True), torch.ones(3, device="meta", requires_grad=True)
    optimizer = OPTIMIZERS[name]([here, there])
    here.grad, there.grad = torch.ones(3), torch.ones(3, device="meta")
    optimizer.step()
    assert (here < 1).all()
    assert all(v.is_meta for v in optimizer.state[there].values() if v.dim())
    assert all(v.is_cpu for v in optimizer.state[here].values())


@every_rule
def test_the_signature_shows_every_option_and_its_default(name):
    found = {p.name: p.default for p in inspect.signature(OPTIMIZERS[name]).parameters.values()}
    assert list(found)[:2] == ["params", "lr"]
    assert {k: v for k, v in found.items() if k != "params"} == OPTIMIZERS[name].form.defaults


@every_twin
def test_defaults_are_those_of_torch(twin):
    ours, other = OPTIMIZERS[twin.rule](weights()), twin.optimizer(weights(), **twin.options)
    shared = ours.defaults.keys() & other.defaults.keys() - {"params"}
    assert {k: ours.defaults[k] for k in shared} == {k: other.defaults[k] for k in shared}


@every_rule
def test_repr_names_the_optimizer_and_its_options(name):
    text = repr(OPTIMIZERS[name](weights(), lr=0.25))
    assert text.startswith(f"{OPTIMIZERS[name].__name__} (\nParameter Group 0\n")
    assert "    lr: 0.25\n" in text
