"""Matrix products keep to one thread while threads share the cores, and get their own back."""

import pytest

from descend.engines.kernels import blas
from descend.engines.kernels.blas import one_thread_each


def threads():
    """Threads of the products that compiled code calls."""
    return [library["num_threads"] for library in blas._controller().info() if library["user_api"] == "blas"]


def test_products_are_held_to_one_thread_and_let_go():
    before = threads()
    assert before
    with one_thread_each():
        assert set(threads()) == {1}
    assert threads() == before


def test_they_are_let_go_when_training_fails():
    before = threads()
    with pytest.raises(KeyboardInterrupt), one_thread_each():
        raise KeyboardInterrupt
    assert threads() == before
