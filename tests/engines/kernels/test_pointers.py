"""A compiled function is called by its address, as it would be by its name."""

import gc

import numpy as np
import pytest
from numba import njit, types

from descend.engines.kernels.compiled import compile_rule
from descend.engines.kernels.pointers import address, function_at
from descend.engines.kernels.records import Vector, argument_types
from descend.engines.kernels.step import by_address, compiled_rule
from descend.plan.rule import RULES

FLOAT = np.dtype(np.float64)


def compiled_map(x: Vector, out: Vector) -> None:
    """A signature."""


at = function_at(compiled_map)


@njit(types.void(*argument_types(compiled_map, FLOAT)))
def doubled(x, out):
    for i in range(x.size):
        out[i] = 2 * x[i]


@njit
def through(where, x, out):
    at(where, x)(x, out)


@njit
def stepping(where, w, g, memory, constants, penalised, t):
    by_address(w, g, memory, constants, penalised, t, where)


def test_the_function_at_an_address_is_the_one_it_was_taken_from():
    x, out = np.arange(3.0), np.zeros(3)
    through(address(doubled), x, out)
    assert out.tolist() == [0.0, 2.0, 4.0]


def test_an_address_is_the_same_at_every_asking():
    assert address(doubled) == address(doubled) != 0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", RULES)
def test_a_rule_called_by_address_takes_the_same_step(name, dtype):
    rule, rng = RULES[name], np.random.default_rng(0)
    compiled = compile_rule(rule, np.dtype(dtype))
    constants = np.array(list(rule.with_constants(lr=0.1).values()))
    w, g = rng.normal(size=5).astype(dtype), rng.normal(size=5).astype(dtype)
    memory = np.zeros((max(len(rule.memory), 1), 5), dtype)
    one, other = w.copy(), w.copy()
    compiled(one, g.copy(), memory.copy(), constants, np.ones(5), 1.0)
    gc.collect()
    stepping(address(compiled), other, g.copy(), memory.copy(), constants, np.ones(5), 1.0)
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one, w)


def test_the_signature_is_that_of_every_compiled_rule():
    (signature,) = compile_rule(RULES["adam"], FLOAT).nopython_signatures

    assert signature == types.void(*argument_types(compiled_rule, FLOAT))
