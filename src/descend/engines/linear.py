"""The linear engine: compiled loops over the rows of a linear model, runs side by side on threads."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.engines import grouped as wide
from descend.engines import lazy_sparse as touched
from descend.engines.call_ranges import calls, order_of, reached
from descend.engines.dispatch import arrays_of, numbers_of, to_mark, together
from descend.engines.kernels.compiled import stepper
from descend.engines.kernels.loops import BLOCK, constants_type, online, summer, trainer
from descend.engines.kernels.pointers import address
from descend.engines.state import State
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.sparse import is_sparse

SHARED_CELLS = 1 << 21  # cells from which a step of a single run is worth sharing among threads


def advance(problem: Problem, plan: Plan, state: State, marks: Array, threads: int = 1) -> tuple[State, Array]:
    """Train every running run until it has seen marks[-1] rows; see engines.plain for the contract."""
    state, path = state.copy(), np.empty((len(plan), len(marks), problem.params), problem.dtype)
    orders = functools.lru_cache(maxsize=2)(functools.partial(order_of, problem.data, plan.shuffle))
    groups = wide.groups(problem, plan, state)
    grouped = {r for runs in groups for r in runs}
    alone = [r for r in range(len(plan)) if r not in grouped]
    spans, arrays = functools.partial(calls, problem.data.rows, orders), arrays_of(problem)
    jobs: list[Callable[[], None]] = [
        functools.partial(_train_group, problem, plan, runs, state, path, marks, arrays, spans) for runs in groups
    ]
    with ThreadPoolExecutor(threads) as pool, one_blas_thread() if jobs else nullcontext():
        shared = _shares(problem, plan, threads)
        for r in alone:
            setting = plan.settings[r]
            if shared:
                _train_shared(problem, setting, state, path, r, marks, pool, threads)
            else:
                jobs.append(functools.partial(_train, problem, setting, spans, state, path, r, marks))
        together(jobs, threads)
    return state, path


def _shares(problem: Problem, plan: Plan, threads: int) -> bool:
    """Whether threads share the rows of each step: few runs, all rows a step, and many of them."""
    data = problem.data
    whole = all(s.rows_a_step(data.rows) == data.rows for s in plan.settings)
    return whole and len(plan) < threads and data.rows > BLOCK and data.cells >= SHARED_CELLS


def _train_shared(
    problem: Problem, setting: Setting, state: State, path: Array, r: int, marks: Array,
    pool: ThreadPoolExecutor, threads: int,
) -> None:  # fmt: skip
    """Train run r on the whole batch, the blocks of each step shared among threads; the bits are those of `_train`."""
    n, call = problem.data.rows, _bind(problem, setting, state, r)
    parts = np.empty((-(-n // BLOCK), problem.params), problem.dtype)
    cuts = np.linspace(0, len(parts), threads + 1).astype(int).tolist()
    sums = _bind_sums(problem, state, r, parts)
    order = np.empty((0, n), np.int64)
    for k, mark in enumerate(marks):
        while state.outcome[r] == Outcome.RUNNING and state.seen[r] + n <= mark:
            list(pool.map(lambda span: sums(*span), pairwise(cuts)))
            state.steps[r], failed = call(order, 0, n, int(state.steps[r]), given=np.add.reduce(parts, axis=0))
            if failed:
                state.outcome[r] = Outcome.NONFINITE
            else:
                state.seen[r] += n
        path[r, k] = state.weights[r]


def _train(problem: Problem, setting: Setting, spans: Any, state: State, path: Array, r: int, marks: Array) -> None:
    """Train run r from mark to mark, in place."""
    call = _bind(problem, setting, state, r)
    for k, mark in enumerate(marks):
        to_mark(call, spans, setting, problem.data.rows, state, r, int(mark))
        path[r, k] = state.weights[r]


def _train_group(
    problem: Problem, plan: Plan, runs: list[int], state: State, path: Array, marks: Array, arrays: Any, spans: Any
) -> None:  # fmt: skip
    """Train runs that share their rows, in place."""
    setting = plan.settings[runs[0]]
    seen_by = functools.partial(reached, problem.data.rows, setting)
    wide.train(problem, plan, runs, state, path, marks, arrays, functools.partial(spans, setting), seen_by)


def _bind(problem: Problem, setting: Setting, state: State, r: int) -> Any:
    """Return the compiled loop with everything but (orders, lo, hi, steps, given=nothing) filled in."""
    dtype = problem.dtype
    batch, several, sparse = setting.rows_a_step(problem.data.rows), _has_several(problem), is_sparse(problem.data.X)
    if touched.fits(problem, setting):
        return _bind_touched(problem, setting, state, r)
    alone = batch == 1 and not several and not sparse
    kernel = (
        online(problem.loss, setting.rule, dtype)
        if alone
        else functools.partial(trainer(problem.loss, dtype, several, sparse), address(stepper(setting.rule, dtype)))
    )
    kind = np.dtype(str(constants_type(setting.rule, dtype))) if alone else np.float64
    loop = functools.partial(
        kernel, *arrays_of(problem), state.weights[r], state.memory[r],
        *numbers_of(setting, kind),
        np.array(list(problem.constants.values()), np.float64), problem.penalised,
        problem.l2, problem.l1, float(setting.clip), float(setting.clip_value), problem.outputs, batch,
    )  # fmt: skip
    nothing = np.empty(0, dtype)
    return lambda orders, lo, hi, steps, given=nothing: loop(orders, lo, hi, steps, given)


def _bind_touched(problem: Problem, setting: Setting, state: State, r: int) -> Any:
    """Return what `_bind` does, for the loop over the weights that a batch touches."""
    loop = functools.partial(
        touched.toucher(problem.loss, setting.rule, problem.dtype, _has_several(problem)), *arrays_of(problem),
        state.weights[r], state.memory[r], *numbers_of(setting),
        np.array(list(problem.constants.values()), np.float64), problem.l2, problem.outputs,
        setting.rows_a_step(problem.data.rows),
    )  # fmt: skip
    return lambda orders, lo, hi, steps: loop(orders, lo, hi, steps)


def _bind_sums(problem: Problem, state: State, r: int, parts: Array) -> Any:
    """Return the compiled sums over blocks of rows with everything but (first, last) filled in."""
    return functools.partial(
        summer(problem.loss, problem.dtype, _has_several(problem), is_sparse(problem.data.X)), *arrays_of(problem), state.weights[r],
        np.array(list(problem.constants.values()), np.float64), problem.outputs, parts,
    )  # fmt: skip


def _has_several(problem: Problem) -> bool:
    return problem.outputs > 1 or problem.loss.outputs == "classes"
