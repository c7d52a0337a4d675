"""dispatch: what compiled loops are called with, and how runs are led from record point to record point, on threads."""

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from descend.arrays import Array
from descend.engines.call_ranges import Range, call_ranges, orders_of, rows_seen
from descend.engines.kernels.nonzeros import sparse_rows
from descend.engines.kernels.records import (
    Call,
    Examples,
    LossSettings,
    Run,
    SparseExamples,
    StepNumbers,
    StepSettings,
    readonly,
)
from descend.engines.state import State
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.sparse import is_sparse


class Ranges(Protocol):
    """Returns the calls that lead a run from a row to a record point, see `call_ranges`."""

    def __call__(self, setting: Setting, seen: int, point: int) -> list[Range]: ...  # noqa: D102


class Loop(Protocol):
    """A compiled loop with all but the call filled in; returns the steps in all, and 1 where one failed."""

    def __call__(self, call: Call) -> tuple[int, int]: ...  # noqa: D102


def ranges_of(problem: Problem, plan: Plan) -> Ranges:
    """Return what cuts the way of any run of a plan into calls, with the row orders that they need."""
    return functools.partial(call_ranges, problem.data.rows, orders_of(problem.data, plan.shuffle))


def examples_of(problem: Problem) -> Examples | SparseExamples:
    """Return the training rows as compiled loops take them, all of one dtype."""
    X = problem.data.X
    return SparseExamples(sparse_rows(X), *_targets_of(problem)) if is_sparse(X) else dense_examples(problem, X)


def held_examples(problem: Problem) -> Examples | SparseExamples:
    """Return those of the training rows that this process holds, see `Data.held`."""
    return examples_of(replace(problem, data=problem.data.held))


def targets_alone(problem: Problem) -> Examples | SparseExamples:
    """Return the training rows for loops that are given sums of gradients; without features where others hold a part of them."""
    if not problem.data.in_parts:
        return examples_of(problem)
    return dense_examples(problem, np.empty((0, problem.data.features), problem.dtype))


def dense_examples(problem: Problem, X: Any) -> Examples:
    """Return the training rows with these features (rows, features), dense."""
    return Examples(readonly(X), *_targets_of(problem))


def _targets_of(problem: Problem) -> tuple[Array, Array]:
    """The targets (rows, targets), and the sample weights (rows,), empty for none, in the dtype of the problem."""
    data, dtype = problem.data, problem.dtype
    y = data.y.astype(dtype, copy=False)
    weight = np.empty(0, dtype) if data.sample_weight is None else data.sample_weight.astype(dtype)
    return readonly(y if y.ndim == 2 else y[:, None]), weight


def has_several(problem: Problem) -> bool:
    """Return whether a row has several scores: one a class, or one a target."""
    return problem.outputs > 1 or problem.loss.outputs == "classes"


def parts_of(blocks: int, threads: int) -> list[tuple[int, int]]:
    """Return the first and the last block, excluded, of each thread's part of so many blocks."""
    return list(pairwise(np.linspace(0, blocks, threads + 1).astype(int).tolist()))


def loss_settings_of(problem: Problem) -> LossSettings:
    """Return the loss's constants and the number of outputs."""
    return LossSettings(np.array(list(problem.constants.values()), np.float64), int(problem.outputs))


def step_settings_of(problem: Problem, setting: Setting) -> StepSettings:
    """Return how a run's gradients become steps."""
    layers = problem.network.layers if problem.network is not None else ()
    numbers = StepNumbers(
        lr=list(setting.constants).index("lr"), l2=float(problem.l2), l1=float(problem.l1),
        clip=float(setting.clip), clip_value=float(setting.clip_value), clip_layer=float(setting.clip_layer),
    )  # fmt: skip
    return StepSettings(
        constants=np.array(list(setting.constants.values()), np.float64), factors=np.asarray(setting.factors, np.float64),
        penalised=problem.penalised, layer_ends=np.array([layer.last for layer in layers], np.int64), numbers=numbers,
    )  # fmt: skip


def run_of(state: State, r: int) -> Run:
    """Return what training changes of run r, in place."""
    return Run(state.weights[r], state.memory[r])


def together(jobs: Sequence[Callable[[], None]], threads: int) -> None:
    """Do all jobs, on threads where there is more than one of both."""
    if threads == 1 or len(jobs) <= 1:
        for job in jobs:
            job()
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda job: job(), jobs))


def train_to(loop: Loop, ranges: Ranges, setting: Setting, n: int, state: State, r: int, point: int) -> None:
    """Train run r up to a record point, in place, unless it has ended; n: rows of the data."""
    if state.outcome[r] != Outcome.RUNNING:
        return
    for lo, hi, orders in ranges(setting, int(state.seen[r]), point):
        before = int(state.steps[r])
        state.steps[r], failed = loop(Call(orders, lo, hi, before))
        state.seen[r] = rows_seen(n, setting, lo, int(state.steps[r]) - before)
        if failed:
            state.outcome[r] = Outcome.NONFINITE
            return
