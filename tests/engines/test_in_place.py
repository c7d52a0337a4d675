"""Tensors that are moved by address equal the rule on NumPy arrays, whatever their number, size and threads."""

import numpy as np
import pytest

from descend.engines import in_place
from descend.plan.rule import RULES, Rule

F8 = np.dtype(np.float64)


class Owner:
    """Weights, gradients and memories of some tensors, each an array of its own."""

    def __init__(self, rule, sizes, shared=0, dtype=F8):
        rng = np.random.default_rng(0)
        starts = list(rule.memory.values())
        own = starts[: len(starts) - shared]
        self.weights = [rng.normal(size=n).astype(dtype) for n in sizes]
        self.gradients = [rng.normal(size=n).astype(dtype) for n in sizes]
        self.memories = [[np.full(n, v, dtype) for v in own] for n in sizes]
        self.numbers = [[np.zeros(1, dtype), *(np.full(1, v, dtype) for v in starts[len(own) :])] for _ in sizes]
        self.rule, self.kind = rule, in_place.Kind(rule, shared, dtype, dtype)

    def tensors(self):
        rows = zip(self.weights, self.gradients, self.memories, strict=True)
        addresses = [[a.ctypes.data for a in (w, g, *m)] for w, g, m in rows]
        counters = [[a.ctypes.data for a in numbers] for numbers in self.numbers]
        return in_place.Tensors(
            self.kind, np.array(counters), np.array(addresses), np.array([w.size for w in self.weights])
        )

    def constants(self):
        return list(self.rule.constants.values())


def expected(owner, steps, sign=1.0, l2=0.0):
    found = []
    for w, g in zip(owner.weights, owner.gradients, strict=True):
        w, memory, c = w.astype(np.float64), list(owner.rule.memory.values()), owner.rule.constants
        memory = [np.full(w.shape, m) for m in memory]
        for t in range(1, steps + 1):
            step, *memory = owner.rule.update(sign * g + l2 * w, *memory, t, **c)
            w = w * (1 - c["lr"] * c.get("decay", 0.0)) - step
        found.append(w)
    return found


@pytest.mark.parametrize("name", ["sgd", "adamw", "nadam"])
@pytest.mark.parametrize(("sign", "l2"), [(1.0, 0.0), (-1.0, 0.1)])
def test_tensors_of_every_size_follow_the_rule(name, sign, l2):
    owner = Owner(RULES[name], (3, 0, 1, 70), shared=int(name == "nadam"))
    wanted, tensors = expected(owner, 4, sign, l2), owner.tensors()
    for _ in range(4):
        tensors.step(owner.constants(), sign, l2, threads=1)
    for w, right in zip(owner.weights, wanted, strict=True):
        np.testing.assert_allclose(w, right, rtol=1e-13)
    assert [n[0][0] for n in owner.numbers] == [4.0] * 4


def test_the_oracle_notices_one_step_more():
    owner = Owner(RULES["adamw"], (3,))
    assert np.abs(expected(owner, 4)[0] - expected(owner, 5)[0]).max() > 1e-6


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_change_no_bits(threads, monkeypatch):
    monkeypatch.setattr(in_place, "LARGE", 10)
    alone, shared = (Owner(RULES["adam"], (5, 0, 31, 2, 8)) for _ in range(2))
    for owner, count in ((alone, 1), (shared, threads)):
        tensors = owner.tensors()
        for _ in range(3):
            tensors.step(owner.constants(), 1.0, 0.0, count)
    for a, b in zip(alone.weights, shared.weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_tensor_without_a_counter_is_at_its_first_step():
    owner = Owner(RULES["sgd"], (3,))
    wanted, tensors = expected(owner, 1), owner.tensors()
    tensors.counters[:] = 0
    tensors.step(owner.constants(), 1.0, 0.0, threads=1)
    np.testing.assert_array_equal(owner.weights[0], wanted[0])
    assert owner.numbers[0][0][0] == 0.0


def test_a_rule_that_cannot_be_compiled_is_told_apart():
    def spoken(g, t, lr=0.1):
        return (lr * float(str(g)),)

    assert in_place.compiles(in_place.Kind(RULES["sgd"], 0, F8, F8))
    assert not in_place.compiles(in_place.Kind(Rule.of(spoken), 0, F8, F8))
