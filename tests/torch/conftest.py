"""Shared by the tests of torch: one thread, and random numbers that are the same in every test."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """One thread of torch, whose random numbers start anew."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)
