"""Descent: rules of one's own, and what is refused, in words."""

import copy
import pickle
import subprocess
import sys
from operator import is_

import pytest
import torch
from tests.torch.made import apart, give, same, walk, weights

import descend.torch as dt
from descend import rules
from descend.errors import UsageError
from descend.ops import sqrt


def signed(g, m=0.25, t=1, lr=0.1, beta=0.5, scale=2.0):
    """A rule with a memory that does not start at 0, and that uses t."""
    m = beta * m + g
    return lr * scale * m / sqrt(t), m


def interpreted(g, m, t, lr=0.1):
    """A rule that works on tensors and cannot be compiled."""
    m = m + torch.tanh(g)
    return lr * m, m


def four(g, a, b, c, d, t, lr=0.1):
    """A rule with more memories than compiled rules have."""
    return lr * (a + b + c + d + g), a + g, a + b, b + c, c + d


def by_hand(rule, w, gradients, **constants):
    """The path of a rule on one tensor, by plain calls."""
    from descend.plan.rule import Rule

    read = Rule.of(rule)
    memory = [torch.full_like(w, v) for v in read.memory.values()]
    for t, g in enumerate(gradients, 1):
        step, *memory = rule(g, *memory, t, **{**read.constants, **constants})
        w = w - step
    return w


@pytest.mark.parametrize("rule", [signed, interpreted, four, rules.adam_keras], ids=lambda rule: rule.__name__)
def test_a_rule_of_ones_own_is_followed(rule):
    w = torch.linspace(-1, 1, 7, dtype=torch.float64).requires_grad_()
    start, gradients = w.detach().clone(), [torch.randn(7, dtype=torch.float64) for _ in range(5)]
    optimizer = dt.Descent([w], rule, lr=0.05)
    for g in gradients:
        w.grad = g.clone()
        optimizer.step()
    torch.testing.assert_close(w.detach(), by_hand(rule, start, gradients, lr=0.05), rtol=1e-13, atol=1e-14)


def test_the_oracle_of_plain_calls_notices_another_constant():
    w = torch.ones(3, dtype=torch.float64)
    gradients = [torch.ones(3, dtype=torch.float64)] * 3
    assert (by_hand(signed, w, gradients) - by_hand(signed, w, gradients, beta=0.5001)).abs().max() > 1e-6


def test_rules_have_their_own_names_and_constants():
    w = [torch.ones(2, requires_grad=True)]
    optimizer = dt.Descent(w, "adam", lr=0.5, beta1=0.8)
    walk(optimizer, w, 1)
    assert {k: v for k, v in optimizer.param_groups[0].items() if k in ("lr", "beta1", "beta2", "eps")} == {
        "lr": 0.5, "beta1": 0.8, "beta2": 0.999, "eps": 1e-8,
    }  # fmt: skip
    assert set(optimizer.state[w[0]]) == {"m", "v", "step"}


def test_decay_of_a_rule_of_ones_own_is_decoupled_and_weight_decay_is_not():
    a, b = [torch.full((2,), 2.0, requires_grad=True)], [torch.full((2,), 2.0, requires_grad=True)]

    def decayed(g, t, lr=0.1, decay=0.5):
        return (lr * g,)

    walk_with_ones(dt.Descent(a, decayed), a)
    walk_with_ones(dt.Descent(b, "sgd", lr=0.1, weight_decay=0.5), b)
    torch.testing.assert_close(a[0].detach(), torch.full((2,), 2 * 0.95 - 0.1))
    torch.testing.assert_close(b[0].detach(), torch.full((2,), 2 - 0.1 * (1 + 0.5 * 2)))


def walk_with_ones(optimizer, params):
    for p in params:
        p.grad = torch.ones_like(p)
    optimizer.step()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_a_rule_of_ones_own_is_copied(copied):
    a = weights()
    optimizer = dt.Descent(a, signed)
    walk(optimizer, a, 2)
    other = copied(optimizer)
    b = other.param_groups[0]["params"]
    walk(optimizer, a, 2, first=2)
    walk(other, b, 2, first=2)
    assert apart(a, b) == 0


def test_ten_million_coordinates_on_threads_move_as_few_do():
    torch.manual_seed(0)
    size = (1 << 20) + 17
    a = [torch.randn(size, requires_grad=True), torch.randn(3, requires_grad=True), torch.randn(0, requires_grad=True)]
    b = same(a)
    x, y = dt.Adam(a), torch.optim.Adam(b)
    for step in range(2):
        give(step, a, b)
        x.step()
        y.step()
    assert apart(a, b) < 1e-6


def test_what_changes_between_steps_is_noticed():
    a = weights()
    b = same(a)
    x, y = dt.Adam(a), torch.optim.Adam(b)
    for step in range(8):
        give(step, a, b)
        for optimizer, params in ((x, a), (y, b)):
            p, q = params[:2]
            if step == 2:
                p.data = p.data.clone() + 1  # moved to another place
            if step == 3:
                optimizer.state[q]["exp_avg"] = torch.zeros_like(q)
            if step == 4:
                optimizer.state[q]["exp_avg_sq"].data = torch.ones_like(q)
            if step == 5:
                optimizer.state[p] = {}
            if step == 6:
                optimizer.param_groups[0]["params"] = params[1:]
            if step == 7:
                optimizer.param_groups[0]["lr"] = 0.5
        x.step()
        y.step()
        assert apart(a, b) < 1e-7


REFUSED = {
    "no parameters": (
        lambda w: dt.Adam([]), "no-parameters",
        "Adam was given no parameters, it needs at least one; pass model.parameters()",
    ),
    "twice": (
        lambda w: dt.Adam([w, w]), "parameter-twice",
        "parameter number 2 of its group is given twice, each must be in one group once; leave out the second, "
        "model.parameters() has each once",
    ),
    "twice by name": (
        lambda w: dt.Adam([("a.weight", w), ("b.weight", w)]), "parameter-twice",
        "parameter b.weight is given twice, each must be in one group once; leave out the second, model.parameters() has "
        "each once",
    ),
    "in two groups": (
        lambda w: dt.Adam([{"params": [w]}, {"params": [w]}]), "parameter-twice",
        "parameter number 1 of its group is given twice, each must be in one group once; leave out the second, "
        "model.parameters() has each once",
    ),
    "unknown option": (
        lambda w: dt.Lion([w], beta=(0.9, 0.99)), "unknown-option",
        "Lion has no option 'beta', it has weight_decay, lr, betas, maximize, foreach, capturable, differentiable, fused; "
        "try 'betas'",
    ),
    "option of another rule": (
        lambda w: dt.SGD([w], momentum=0.9), "unknown-option",
        "SGD has no option 'momentum', it has weight_decay, lr, maximize, foreach, capturable, differentiable, fused; "
        "try 'lr'",
    ),
    "negative rate": (
        lambda w: dt.Adam([w], lr=-1), "option-range", "lr is -1, it must be a finite number of at least 0; try 0.001"
    ),
    "rate of NaN": (
        lambda w: dt.Adam([w], lr=float("nan")), "option-range",
        "lr is nan, it must be a finite number of at least 0; try 0.001",
    ),
    "rate of several": (
        lambda w: dt.Adam([w], lr=torch.tensor([1.0, 2.0])), "option-range",
        "lr is tensor([1., 2.]), it must be a finite number of at least 0; try 0.001",
    ),
    "betas": (
        lambda w: dt.Adam([w], betas=(1.0, 0.999)), "option-range",
        "betas is 1.0, it must be at least 0 and below 1; try (0.9, 0.999)",
    ),
    "one beta": (
        lambda w: dt.Adam([w], betas=0.9), "option-range", "betas is 0.9, it must be 2 numbers; try (0.9, 0.999)"
    ),
    "eps": (
        lambda w: dt.Adagrad([w], eps=-1e-8), "option-range",
        "eps is -1e-08, it must be a finite number of at least 0; try 1e-10",
    ),
    "rho": (lambda w: dt.Adadelta([w], rho=1.5), "option-range", "rho is 1.5, it must be at least 0 and below 1; try 0.9"),
    "momentum": (
        lambda w: dt.Momentum([w], momentum=-0.5), "option-range",
        "momentum is -0.5, it must be a finite number of at least 0; try 0.9",
    ),
    "a truth value as a rate": (
        lambda w: dt.Adam([w], lr=True), "option-range", "lr is True, it must be a finite number of at least 0; try 0.001",
    ),
    "groups without parameters": (
        lambda w: dt.Adam([{"params": []}, {"params": (p for p in ())}]), "no-parameters",
        "Adam was given no parameters, it needs at least one; pass model.parameters()",
    ),
    "a module": (
        lambda w: dt.Adam(torch.nn.Linear(1, 1)), "no-parameters",
        "Adam was given a Linear, it takes parameters, or groups of them; pass model.parameters()",
    ),
    "a group that holds nothing": (
        lambda w: dt.Adam([{"lr": 0.1}]), "no-parameters",
        'a group has lr and no params; give {"params": [...], "lr": ...}',
    ),
    "weight decay": (
        lambda w: dt.AdamW([w], weight_decay=-0.1), "option-range",
        "weight_decay is -0.1, it must be a finite number of at least 0; try 0.01",
    ),
    "constant of one's own": (
        lambda w: dt.Descent([w], signed, scale="big"), "option-range",
        "scale is 'big', it must be a finite number; try 2.0",
    ),
    "differentiable": (
        lambda w: dt.Adam([w], differentiable=True), "not-differentiable",
        "Adam does not take differentiable=True: its step is not recorded for backward; call descend.rules.adam on tensors, "
        "which autograd follows",
    ),
    "foreach and fused": (
        lambda w: dt.Adam([w], foreach=True, fused=True), "foreach-and-fused",
        "Adam was given both foreach=True and fused=True, at most one of them can be true; leave both out, the fastest way "
        "is chosen",
    ),
    "capturable": (
        lambda w: dt.Adam([w], capturable=True), "capturable-on-cpu",
        "Adam was given capturable=True and parameters in the memory of the CPU, where there are no graphs; leave it out",
    ),
    "another rule in a group": (
        lambda w: dt.Momentum([{"params": [w], "nesterov": True}]), "other-rule",
        "Momentum stands for nesterov=False, and the group has nesterov=True; use Nesterov",
    ),
    "not a rule": (
        lambda w: dt.Descent([w], lambda g, lr: g), "not-a-rule",
        "<lambda>(g, lr) is not a rule: a rule reads (g, memory..., t, lr=..., constants=...); compare descend.rules.adam",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_said(make, code, text):
    with pytest.raises(UsageError) as caught:
        make(torch.ones(2, requires_grad=True))
    assert (caught.value.code, str(caught.value)) == (code, text)


def test_a_group_that_is_refused_is_not_added():
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = dt.Adam([a])
    with pytest.raises(UsageError):
        optimizer.add_param_group({"params": [b], "lr": -1})
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": [b]})


STATES = {
    "nesterov into momentum": (
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), dt.Momentum, "other-rule",
        "Momentum stands for nesterov=False, and the group has nesterov=True; use Nesterov",
    ),
    "momentum into plain": (
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), dt.SGD, "other-rule",
        "SGD stands for momentum=0, and the group has momentum=0.9; use Momentum",
    ),
    "amsgrad into adam": (
        lambda p: torch.optim.Adam(p, amsgrad=True), dt.Adam, "other-rule",
        "Adam stands for amsgrad=False, and the group has amsgrad=True; use AMSGrad",
    ),
    "centered": (
        lambda p: torch.optim.RMSprop(p, centered=True), dt.RMSprop, "other-rule",
        "RMSprop stands for centered=False, and the group has centered=True; torch.optim has an optimizer for it, "
        "descend.torch has none",
    ),
    "memories": (
        lambda p: dt.Lion(p), dt.Adam, "other-state",
        "the saved state has step, exp_avg, Adam keeps exp_avg, exp_avg_sq, step; load it into the optimizer of that rule",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "kind", "code", "text"), STATES.values(), ids=STATES)
def test_the_state_of_another_rule_is_refused_and_nothing_is_changed(make, kind, code, text):
    a = weights()
    saved = make(a)
    walk(saved, a, 1)
    b = same(a)
    optimizer = kind(b, lr=0.5)
    walk(optimizer, b, 1)
    with pytest.raises(UsageError) as caught:
        optimizer.load_state_dict(saved.state_dict())
    assert (caught.value.code, str(caught.value)) == (code, text)
    assert optimizer.param_groups[0]["lr"] == 0.5
    walk(optimizer, b, 1)


def test_a_state_of_other_shapes_is_refused():
    a, b = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    saved = dt.Adam([a])
    walk(saved, [a], 1)
    with pytest.raises(UsageError) as caught:
        dt.Adam([b]).load_state_dict(saved.state_dict())
    assert str(caught.value) == (
        "the saved exp_avg has the shape (2,), its parameter (3,); give the parameters in the order in which they were "
        "when it was saved"
    )


def test_what_torch_refuses_is_refused():
    w = torch.ones(2, requires_grad=True)
    with pytest.raises(TypeError, match="should be an iterable of Tensors or dicts"):
        dt.Adam(w)
    with pytest.raises(TypeError, match="ordered collections"):
        dt.Adam([{"params": {w}}])
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        dt.Adam([w * 2])
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        dt.Adam([1.0])


def test_without_torch_the_import_says_how_to_install_it():
    script = "import sys; sys.modules['torch'] = None\ntry: import descend.torch\nexcept ImportError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "descend.torch needs torch, which is not installed; pip install 'descend[torch]'\n"


def test_the_profiler_sees_steps():
    w = [torch.ones(2, requires_grad=True)]
    optimizer = dt.Adam(w)
    with torch.autograd.profiler.profile() as profile:
        walk(optimizer, w, 1)
    assert "Optimizer.step#Adam.step" in {event.name for event in profile.function_events}


def test_a_scheduler_that_turns_momentum_on_is_refused_where_there_is_none_and_followed_where_there_is():
    w = [torch.ones(2, requires_grad=True)]
    optimizer = dt.SGD(w, lr=0.1)
    torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=4)
    with pytest.raises(UsageError) as caught:
        walk(optimizer, w, 1)
    assert str(caught.value) == "SGD stands for momentum=0, and the group has momentum=0.95; use Momentum"
    a = weights()
    b = same(a)
    paths = []
    for params, made in ((a, dt.Momentum(a, lr=0.1)), (b, torch.optim.SGD(b, lr=0.1, momentum=0.9))):
        scheduler = torch.optim.lr_scheduler.OneCycleLR(made, 0.1, total_steps=6)
        for step in range(5):
            walk(made, params, 1, first=step)
            scheduler.step()
        paths.append(made.param_groups[0]["momentum"])
    assert paths[0] == paths[1] != 0.9
    assert apart(a, b) < 1e-12


@pytest.mark.parametrize("kind", dt.OPTIMIZERS.values(), ids=dt.OPTIMIZERS)
def test_a_step_that_can_be_captured_reads_no_number_back(kind):
    w = torch.ones(3, device="meta", requires_grad=True)
    optimizer, seen = kind([w], capturable=True, weight_decay=0.1), []
    optimizer.param_groups[0]["lr"] = torch.tensor(0.1, device="meta")
    for _ in range(2):
        w.grad = torch.ones(3, device="meta")
        optimizer.step()  # a number of a meta tensor cannot be read
        seen.append(list(optimizer.state[w].values()))
    assert all(value.is_meta for value in seen[0])
    assert all(map(is_, *seen))  # a graph reads and writes where they were when it was captured
