"""in_place: one step of a rule on tensors of another library, by their addresses; on threads where they are large."""

import functools
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines.dispatch import parts_of, together
from descend.engines.kernels.tensors import compile_clock, compile_sweep
from descend.errors import UsageError
from descend.plan.rule import RULES, Rule

LARGE = 1 << 20  # coordinates from which threads gain more than they cost: starting them takes about 0.1 ms


@dataclass(frozen=True)
class Kind:
    """What is compiled once: a rule for tensors of one kind.

    Args:
        rule: how gradients become steps.
        shared: how many of its memories, the last ones, are one number for all coordinates of a tensor.
        dtype: of weights, gradients and the other memories, float32 or float64.
        counter_dtype: of step counters and shared memories.
    """

    rule: Rule
    shared: int
    dtype: np.dtype[Any]
    counter_dtype: np.dtype[Any]


class Tensors:
    """Tensors that a rule moves together, in place; their owner keeps them alive, contiguous, and where they are.

    Args:
        kind: of all of them; it must compile, see `compiles`.
        counters: addresses of step counter and shared memories (tensors, 1 + shared); 0 where no steps are counted.
        addresses: of weights, gradient and the other memories (tensors, 2 + memories); they may be changed between steps.
        sizes: coordinates of each tensor (tensors,).
    """

    def __init__(self, kind: Kind, counters: Array, addresses: Array, sizes: Array) -> None:
        kernels = _kernels(kind)
        assert kernels is not None
        self.addresses, self.counters = addresses, counters
        self.starts, self.times = np.concatenate([[0], np.cumsum(sizes)]), np.empty(len(sizes))
        self.before, self.total = np.empty((kind.shared, len(sizes))), int(self.starts[-1])
        self._clock, self._sweep = kernels

    def step(self, constants: list[float], sign: float, l2: float, threads: int) -> None:
        """Take one step by the gradients sign * g + l2 * w; constants: in the order of the rule."""
        values = np.array(constants)
        self._clock(self.counters, values, self.times, self.before)
        work = partial(self._sweep, self.addresses, self.starts, self.times, self.before, values, sign, l2)
        if threads == 1 or self.total < LARGE:
            work(0, self.total)
        else:
            together([partial(work, *part) for part in parts_of(self.total, threads)], threads)


def compiles(kind: Kind) -> bool:
    """Tell whether a rule can be compiled; it is, the first time."""
    return _kernels(kind) is not None


@functools.cache
def _kernels(kind: Kind) -> tuple[Any, Any] | None:
    counting = kind.rule if kind.shared else RULES["sgd"]  # without shared memories all clocks are the same
    try:
        return compile_clock(counting, kind.shared, kind.counter_dtype), compile_sweep(
            kind.rule, kind.shared, kind.dtype
        )
    except UsageError:
        return None
