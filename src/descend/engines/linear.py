"""The linear engine: compiled loops over the rows of a linear model, runs side by side on threads."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.engines import grouped, lazy_sparse, lookahead
from descend.engines.dispatch import (
    Loop,
    Ranges,
    examples_of,
    has_several,
    loss_settings_of,
    parts_of,
    ranges_of,
    run_of,
    step_settings_of,
    together,
    train_to,
)
from descend.engines.full_pass import GRADIENTS, block_sums, fill
from descend.engines.kernels.compiled import compile_rule
from descend.engines.kernels.loops import BLOCK, compile_loop, compile_online_loop
from descend.engines.kernels.pointers import address
from descend.engines.kernels.records import Call
from descend.engines.state import State
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.sparse import is_sparse

SHARED_CELLS = 1 << 21  # features of all rows from which threads share a step of a single run; arbitrary, about 1 ms


def advance(
    problem: Problem, plan: Plan, state: State, record_points: Array, threads: int = 1, layer_stats: Array | None = None
) -> tuple[State, Array]:
    """Train every running run until it has seen record_points[-1] rows; see engines.contract. There are no layers."""
    state, path = state.copy(), np.empty((len(plan), len(record_points), problem.params), problem.dtype)
    ranges = ranges_of(problem, plan)
    groups = grouped.groups(problem, plan, state)
    in_groups = {r for runs in groups for r in runs}
    jobs: list[Callable[[], None]] = [
        functools.partial(grouped.train, problem, plan, runs, state, path, record_points, ranges) for runs in groups
    ]
    with ThreadPoolExecutor(threads) as pool, one_blas_thread() if jobs else nullcontext():
        shared = _shares(problem, plan, threads)
        for r in (r for r in range(len(plan)) if r not in in_groups):
            setting = plan.settings[r]
            if shared:
                _train_shared(problem, setting, state, path, r, record_points, pool, threads)
            else:
                jobs.append(functools.partial(_train, problem, setting, ranges, state, path, r, record_points))
        together(jobs, threads)
    return state, path


def _shares(problem: Problem, plan: Plan, threads: int) -> bool:
    """Whether threads, or processes, share the rows of each step: few runs, all rows a step, and many of them."""
    data = problem.data
    whole = all(s.rows_a_step(data.rows) == data.rows for s in plan.settings)
    return whole and (len(plan) < threads or data.team is not None) and data.rows > BLOCK and data.cells >= SHARED_CELLS


def _train_shared(
    problem: Problem, setting: Setting, state: State, path: Array, r: int, record_points: Array,
    pool: ThreadPoolExecutor, threads: int,
) -> None:  # fmt: skip
    """Train run r on the whole batch, the blocks of each step shared among threads; the bits are those of `_train`."""
    n, loop = problem.data.rows, _loop_by_address(problem, setting, state, r)
    sums, blocks = block_sums(problem)

    def own(first: int, last: int) -> None:
        parts = parts_of(last - first, threads)
        list(pool.map(lambda part: sums(state.weights[r], blocks, first + part[0], first + part[1]), parts))

    order = np.empty((0, n), np.int64)
    for k, point in enumerate(record_points):
        while state.outcome[r] == Outcome.RUNNING and state.seen[r] + n <= point:
            fill(problem, GRADIENTS, state.weights[r], blocks, own)
            call = Call(order, 0, n, int(state.steps[r]))
            state.steps[r], failed = loop(call, np.add.reduce(blocks, axis=0))
            if failed:
                state.outcome[r] = Outcome.NONFINITE
            else:
                state.seen[r] += n
        path[r, k] = state.weights[r]


def _train(
    problem: Problem, setting: Setting, ranges: Ranges, state: State, path: Array, r: int, record_points: Array
) -> None:  # fmt: skip
    """Train run r from record point to record point, in place."""
    loop = _loop(problem, setting, state, r)
    for k, point in enumerate(record_points):
        train_to(loop, ranges, setting, problem.data.rows, state, r, int(point))
        path[r, k] = state.weights[r]


def _loop(problem: Problem, setting: Setting, state: State, r: int) -> Loop:
    """The fastest compiled loop for a run, with all but the call filled in."""
    several, dtype = has_several(problem), problem.dtype
    if lazy_sparse.fits(problem, setting):
        lazy = lazy_sparse.compile_lazy_loop(problem.loss, setting.rule, dtype, several)
        return functools.partial(lazy, *_arguments(problem, setting, state, r))
    if setting.rows_a_step(problem.data.rows) == 1 and not several and not is_sparse(problem.data.X):
        careful = functools.partial(_online_loop, problem, setting, state, r)
        return (
            lookahead.loop_of(problem, setting, run_of(state, r), careful)
            if lookahead.fits(problem, setting)
            else careful()
        )
    loop, nothing = _loop_by_address(problem, setting, state, r), np.empty(0, dtype)
    return lambda call: loop(call, nothing)


def _online_loop(problem: Problem, setting: Setting, state: State, r: int) -> Loop:
    """The loop of one row a step that tests each step."""
    online = compile_online_loop(problem.loss, setting.rule, problem.dtype)
    return functools.partial(online, *_arguments(problem, setting, state, r))


def _loop_by_address(
    problem: Problem, setting: Setting, state: State, r: int
) -> Callable[[Call, Array], tuple[int, int]]:
    """The compiled loop of any rule, with all but the call and the sum of gradients filled in."""
    loop = compile_loop(problem.loss, problem.dtype, has_several(problem), is_sparse(problem.data.X))
    rule = address(compile_rule(setting.rule, problem.dtype))
    return functools.partial(loop, rule, *_arguments(problem, setting, state, r))


def _arguments(problem: Problem, setting: Setting, state: State, r: int) -> tuple[Any, ...]:
    """What all loops of a run take before the call."""
    return (
        examples_of(problem), loss_settings_of(problem), step_settings_of(problem, setting),
        setting.rows_a_step(problem.data.rows), run_of(state, r),
    )  # fmt: skip
