"""What can be moved by address, and how long an address holds."""

import pytest
import torch

import descend.torch as dt
from descend.torch.placement import Batch, parts_of

FORM = dt.Momentum.form


def state_of(w):
    return {"momentum_buffer": torch.zeros_like(w)}


def placed(w, g):
    found = parts_of(FORM, w, g, state_of(w))
    return None if found is None else found[1]


class Subclass(torch.Tensor):
    """A tensor whose numbers may be elsewhere."""


CASES = {
    "contiguous": (torch.ones(2, 3), torch.ones(2, 3), True),
    "one number": (torch.ones(()), torch.ones(()), True),
    "empty": (torch.ones(0, 3), torch.ones(0, 3), True),
    "channels last": (
        torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last), False,
    ),
    "one of them channels last": (
        torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last), torch.ones(2, 3, 4, 5), None,
    ),
    "transposed": (torch.ones(2, 3).t(), torch.ones(2, 3).t(), None),
    "complex": (torch.ones(2, dtype=torch.complex64), torch.ones(2, dtype=torch.complex64), False),
    "half": (torch.ones(2, dtype=torch.float16), torch.ones(2, dtype=torch.float16), None),
    "negated": (torch.ones(2), torch.ones(2, dtype=torch.complex64).conj().imag, False),
    "meta": (torch.ones(2, device="meta"), torch.ones(2, device="meta"), None),
    "sparse": (torch.ones(2, 2), torch.eye(2).to_sparse(), None),
    "subclass": (torch.ones(2).as_subclass(Subclass), torch.ones(2), None),
}  # fmt: skip


@pytest.mark.parametrize(("w", "g", "expected"), CASES.values(), ids=CASES)
def test_only_numbers_that_lie_one_after_the_other_here_are_moved_by_address(w, g, expected):
    assert placed(w, g) is expected


def test_a_negated_gradient_is_read_as_what_it_means():
    g = torch.complex(torch.zeros(2), torch.tensor([1.0, -2.0])).conj().imag
    assert g.is_neg()
    parts, _ = parts_of(FORM, torch.ones(2), g, state_of(torch.ones(2)))
    assert not parts[1].is_neg()
    assert parts[1].tolist() == [-1.0, 2.0]


def batch_of(w, state):
    w.grad = torch.ones_like(w)
    batch = Batch(FORM, torch.float32, torch.float32)
    batch.add(w, state, *parts_of(FORM, w, w.grad, state))
    return batch


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        (lambda w, states: None, True),
        (lambda w, states: setattr(w, "grad", torch.zeros(3)), True),
        (lambda w, states: setattr(w, "grad", torch.zeros(6)[::2]), False),
        (lambda w, states: setattr(w, "grad", torch.sparse_coo_tensor([[0]], [1.0], (3,), check_invariants=True)), False),
        (lambda w, states: setattr(w, "data", w.data.clone()), False),
        (lambda w, states: states.update({w: state_of(w)}), False),
        (lambda w, states: states[w].update(state_of(w)), False),
        (lambda w, states: setattr(states[w]["momentum_buffer"], "data", torch.ones(3)), False),
    ],
    ids=["nothing", "gradient", "spaced", "sparse", "weights", "state", "memory", "data of memory"],
)  # fmt: skip
def test_a_batch_holds_until_something_moves(change, holds):
    w = torch.ones(3, requires_grad=True)
    states = {w: state_of(w)}
    batch = batch_of(w, states[w])
    change(w, states)
    assert batch.holds([w], [w.grad], states) is holds


def test_a_batch_is_one_of_its_parameters_alone():
    w, other = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    states = {w: state_of(w)}
    batch = batch_of(w, states[w])
    assert not batch.holds([w, other], [w.grad, w.grad], states)
    assert not batch.holds([other], [w.grad], states)


def test_releases_of_torch_that_count_changes_one_tensor_at_a_time(monkeypatch):
    count = torch.autograd.graph.increment_version

    def one(tensor):
        if isinstance(tensor, list):
            raise TypeError("expected a Tensor")
        count(tensor)

    monkeypatch.setattr(torch.autograd.graph, "increment_version", one)
    w = torch.ones(2, requires_grad=True)
    before = w._version
    optimizer = dt.SGD([w], lr=0.1)
    w.grad = torch.ones(2)
    optimizer.step()
    assert w._version == before + 1
