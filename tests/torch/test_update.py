"""One step of a group: by address, on tensors, and on the rows that a sparse gradient touches."""

from collections import defaultdict

import pytest
import torch
from tests.torch.made import give, same

import descend.torch as dt
from descend.torch import update
from descend.torch.update import step_group


def group_of(kind, params, **options):
    return kind(params, **options).param_groups[0]


def test_a_batch_is_returned_for_the_next_step_where_there_is_one():
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, dtype=torch.float64, requires_grad=True)
    group, states = group_of(dt.Adam, [a, b]), defaultdict(dict)
    assert step_group(dt.Adam.form, group, states, None) is None
    a.grad = torch.ones(2)
    first = step_group(dt.Adam.form, group, states, None)
    assert step_group(dt.Adam.form, group, states, first) is first
    b.grad = torch.ones(2, dtype=torch.float64)
    assert step_group(dt.Adam.form, group, states, first) is None


@pytest.mark.parametrize("kind", [dt.SGD, dt.Adagrad])
def test_rows_that_a_sparse_gradient_does_not_touch_are_not_read(kind):
    w = torch.ones(4, 2, requires_grad=True)
    states = defaultdict(dict)
    with torch.no_grad():
        w[1] = torch.nan
    w.grad = torch.sparse_coo_tensor([[0, 3]], torch.ones(2, 2), (4, 2), check_invariants=True)
    step_group(kind.form, group_of(kind, [w]), states, None)
    assert torch.isnan(w).all(dim=1).tolist() == [False, True, False, False]
    assert (w[[0, 3]] < 1).all()
    assert torch.equal(w[2], torch.ones(2))


def test_a_penalty_moves_rows_that_a_sparse_gradient_does_not_touch():
    w = torch.ones(3, requires_grad=True)
    w.grad = torch.sparse_coo_tensor([[0]], [0.0], (3,), check_invariants=True)
    step_group(dt.SGD.form, group_of(dt.SGD, [w], lr=0.5, weight_decay=0.5), defaultdict(dict), None)
    assert w.tolist() == [0.75] * 3


@pytest.mark.parametrize("kind", dt.OPTIMIZERS.values(), ids=dt.OPTIMIZERS)
@pytest.mark.parametrize("most", [1 << 22, 8], ids=["one tensor", "several"])
def test_small_tensors_that_are_moved_as_one_move_as_they_do_alone(kind, most, monkeypatch):
    monkeypatch.setattr(update, "MOST", most)
    shapes = ((3, 4), (), (0, 2), (2, 3), (5,))
    torch.manual_seed(0)
    a = [torch.randn(shape).bfloat16().requires_grad_() for shape in shapes]
    a[3] = torch.randn(3, 2).bfloat16().t().requires_grad_()
    a.append(torch.randn(4).half().requires_grad_())
    b = same(a)
    together, alone = kind(a, weight_decay=0.1, maximize=True), [kind([p], weight_decay=0.1, maximize=True) for p in b]
    for step in range(4):
        give(step, a, b)
        if step == 1:  # from then on the first is a step behind
            a[0].grad = b[0].grad = None
        for optimizer in (together, *alone):
            optimizer.step()
    for p, q, optimizer in zip(a, b, alone, strict=True):
        assert torch.equal(p, q)
        assert all(torch.equal(together.state[p][key], value) for key, value in optimizer.state[q].items())
