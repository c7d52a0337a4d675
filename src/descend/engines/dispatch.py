"""driving: what every compiled engine is called with, and how it is led from mark to mark, run beside run."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines.call_ranges import reached
from descend.engines.kernels.nonzeros import unpacked
from descend.engines.state import State
from descend.outcome import Outcome
from descend.plan import Setting
from descend.problem import Problem
from descend.sparse import is_sparse


def arrays_of(problem: Problem) -> tuple[Any, Array, Array]:
    """Return features, targets (rows, 1) or (rows, targets), and weights, empty when there are none, of one dtype."""
    data, dtype = problem.data, problem.dtype
    weight = np.empty(0, dtype) if data.sample_weight is None else data.sample_weight.astype(dtype)
    y = data.y.astype(dtype, copy=False)
    return unpacked(data.X) if is_sparse(data.X) else data.X, y if y.ndim == 2 else y[:, None], weight


def numbers_of(setting: Setting, dtype: Any = np.float64) -> tuple[Array, int, Array]:
    """Return a rule's constants, the place of lr among them, and the factors of its schedule."""
    constants = np.array(list(setting.constants.values()), dtype)
    return constants, list(setting.constants).index("lr"), np.asarray(setting.factors, np.float64)


def together(jobs: Sequence[Callable[[], None]], threads: int) -> None:
    """Do all jobs, on threads where there is more than one of both."""
    if threads == 1 or len(jobs) <= 1:
        for job in jobs:
            job()
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda job: job(), jobs))


def to_mark(
    call: Callable[..., tuple[int, int]], spans: Callable[..., Any], setting: Setting, n: int, state: State, r: int, mark: int
) -> None:  # fmt: skip
    """Train run r up to a mark, in place, unless it has ended.

    Args:
        call: the compiled loop: (orders, from row, to row, steps) to steps and whether it failed.
        spans: the calls that lead there, see `spans.calls`: (setting, rows seen, mark).
        n: rows of the data.
    """
    if state.outcome[r] != Outcome.RUNNING:
        return
    for lo, hi, visit in spans(setting, int(state.seen[r]), mark):
        begun = int(state.steps[r])
        state.steps[r], failed = call(visit, lo, hi, begun)
        state.seen[r] = reached(n, setting, lo, int(state.steps[r]) - begun)
        if failed:
            state.outcome[r] = Outcome.NONFINITE
            return
