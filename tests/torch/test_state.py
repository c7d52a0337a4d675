"""States: what they start with, and what they become when they are loaded."""

import torch
from tests.torch.made import default_dtype

import descend.torch as dt
from descend.torch.state import number_dtype, number_of, start_state, take_over

GROUP = {"capturable": False}


def test_counters_have_the_dtype_that_torch_gives_them():
    assert number_dtype() is torch.float32
    with default_dtype(torch.float64):
        assert number_dtype() is torch.float64
    with default_dtype(torch.bfloat16):
        assert number_dtype() is torch.float32


def test_a_state_starts_at_the_start_values_of_the_rule_in_the_layout_of_the_parameter():
    w = torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last).requires_grad_()
    state = start_state(dt.AdagradKeras.form, GROUP, w)
    assert set(state) == {"sum", "step"}
    assert torch.equal(state["sum"], torch.full_like(w, 0.1))
    assert state["sum"].stride() == w.stride()
    assert not state["sum"].requires_grad
    assert state["step"].shape == ()


def test_both_parts_of_a_complex_memory_start_at_the_start_value():
    state = start_state(dt.AdagradKeras.form, GROUP, torch.ones(1, dtype=torch.complex64))
    assert state["sum"].tolist() == [complex(torch.tensor(0.1), torch.tensor(0.1))]


def test_numbers_are_made_what_the_step_reads_once():
    state = {"step": 3}
    first = number_of(state, "step", torch.float32)
    assert first.item() == 3
    assert number_of(state, "step", torch.float32) is first
    assert number_of(state, "step", torch.float64).dtype is torch.float64


def test_memories_that_torch_has_not_made_yet_are_left_out():
    state = {"momentum_buffer": None}
    take_over(dt.Momentum.form, "Momentum", torch.ones(2), state)
    assert state == {}
