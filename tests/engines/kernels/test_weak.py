"""Weak numbers: they take the dtype of what they meet, and keep all digits among themselves."""

import operator

import numpy as np
import pytest
from numba import njit

from descend import ops
from descend.engines.kernels.compiled import compile_rule
from descend.engines.kernels.weak import strong, weak, weakened
from descend.plan.rule import RULES, rule

BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, ops.maximum]
COMPARED = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("word", BINARY)
def test_among_themselves_and_with_whole_numbers_they_keep_all_digits(word):
    found = njit(lambda a, b: (strong(word(weak(a), weak(b))), strong(word(weak(a), 3)), strong(word(2, weak(b)))))

    a, b = 0.1, 1.7

    np.testing.assert_allclose(found(a, b), (word(a, b), word(a, 3), word(2, b)), rtol=1e-15)


@pytest.mark.parametrize("word", BINARY)
def test_with_float32_they_make_float32(word):
    found = njit(lambda a, x: (word(weak(a), x), word(x, weak(a))))
    x = np.float32(1.7)

    left, right = found(0.1, x)

    assert type(np.array([left, right], np.float32)[0]) is np.float32
    np.testing.assert_array_max_ulp(np.float32(left), word(np.float32(0.1), x), 2)
    np.testing.assert_array_max_ulp(np.float32(right), word(x, np.float32(0.1)), 2)
    assert float(left) == float(np.float32(left))


@pytest.mark.parametrize("word", COMPARED)
def test_they_compare_as_what_they_are(word):
    found = njit(lambda a, b: (word(weak(a), weak(b)), word(weak(a), b), word(a, weak(b))))

    for pair in ((1.0, 2.0), (2.0, 1.0), (1.5, 1.5)):
        assert found(*pair) == (word(*pair),) * 3


def test_one_number_words():
    found = njit(
        lambda a: (strong(-weak(a)), strong(abs(weak(-a))), strong(ops.sqrt(weak(a))), strong(ops.sign(weak(-a))))
    )

    assert found(2.0) == (-2.0, 2.0, np.sqrt(2.0), -1.0)


def test_a_tuple_becomes_weak():
    assert njit(lambda a, b: strong(weakened((a, b))[1]))(1.0, 2.0) == 2.0


@pytest.mark.parametrize("name", RULES)
def test_every_rule_moves_float32_weights_as_numpy_does(name):
    """The plain rule on float32 arrays is the oracle: Python's floats are weak there too."""
    read, rng = rule(name), np.random.default_rng(0)
    constants, slots = read.with_constants(lr=0.1), len(read.memory)
    w = rng.normal(size=50).astype(np.float32)
    memory = np.zeros((max(slots, 1), 50), np.float32)
    memory[:slots] = np.array(list(read.memory.values()))[:, None]
    by_hand, kept, h = w.copy(), [m.copy() for m in memory[:slots]], np.array(list(constants.values()))

    for t in range(1, 6):
        g = rng.normal(size=50).astype(np.float32)
        compile_rule(read, np.dtype(np.float32))(w, g, memory, h, np.zeros(50), float(t))
        step, *kept = read.update(g, *kept, t, **constants)
        by_hand = by_hand - step

    assert by_hand.dtype == np.float32
    np.testing.assert_allclose(w, by_hand, rtol=2e-5, atol=2e-6)


def beyond_weak(g, t, lr=0.1):
    """A rule with a word that weak numbers do not know."""
    return (g * (lr // 0.03),)


def test_a_rule_that_weak_numbers_cannot_serve_is_computed_in_float64():
    w, g = np.zeros(1, np.float32), np.ones(1, np.float32)

    compile_rule(rule(beyond_weak), np.dtype(np.float32))(
        w, g, np.zeros((1, 1), np.float32), np.array([0.1]), np.ones(1), 1.0
    )

    assert w.tolist() == [-3.0]
