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
    targets_alone,
    together,
    train_to,
)
from descend.engines.full_pass import GRADIENTS, batch_gradient, block_sums, fill
from descend.engines.kernels.compiled import compile_rule
from descend.engines.kernels.loops import BLOCK, compile_loop, compile_online_loop
from descend.engines.kernels.pointers import address
from descend.engines.kernels.records import Call, Examples, SparseExamples
from descend.engines.shared_runs import Part, told_of, train_together
from descend.engines.state import State
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.sparse import is_sparse
from descend.table.data import Add

SHARED_CELLS = 1 << 21  # features of all rows from which threads share a step of a single run; arbitrary, about 1 ms
SHARED_BATCH = 1 << 17  # features of a batch from which processes share a step: about two exchanges (arbitrary)


def advance(
    problem: Problem, plan: Plan, state: State, record_points: Array, threads: int = 1, layer_stats: Array | None = None
) -> tuple[State, Array]:
    """Train every running run until it has seen record_points[-1] rows; see engines.contract. There are no layers."""
    state, path = state.copy(), np.empty((len(plan), len(record_points), problem.params), problem.dtype)
    groups = [] if problem.data.in_parts else grouped.groups(problem, plan, state)
    in_groups = {r for runs in groups for r in runs}
    parts = [Part(runs, group=True) for runs in groups] + [Part([r]) for r in range(len(plan)) if r not in in_groups]
    whole, by_batches = _shared_by_step(problem, plan, parts, threads)
    for r in whole:
        _train_shared(problem, plan, state, path, r, record_points, threads)
    if by_batches:
        _train_in_step(problem, plan, state, path, record_points, by_batches, threads)
    rest = [part for part in parts if part.runs[0] not in {*whole, *by_batches}]
    train_together(train_parts, problem, plan, state, path, record_points, rest, threads)
    return state, path


def train_parts(
    problem: Problem, plan: Plan, state: State, path: Array, record_points: Array, parts: list[Part], threads: int,
    layer_stats: Array | None = None,
) -> None:  # fmt: skip
    """Train groups of runs, and single ones, in place, side by side on threads; see `shared_runs.Trainer`."""
    ranges = ranges_of(problem, plan)
    jobs: list[Callable[[], None]] = [
        functools.partial(grouped.train, problem, plan, runs, state, path, record_points, ranges) if group
        else functools.partial(_train, problem, plan.settings[runs[0]], ranges, state, path, runs[0], record_points)
        for runs, group in parts
    ]  # fmt: skip
    with one_blas_thread() if jobs else nullcontext():
        together(jobs, threads)


def _shared_by_step(problem: Problem, plan: Plan, parts: list[Part], threads: int) -> tuple[list[int], list[int]]:
    """The runs whose rows are shared at each step: by threads or processes all rows, by processes the rows of a batch.

    Processes share the steps of fewer runs than they are; of more runs, each takes its part whole, where it holds all rows.
    """
    data, team, whole, by_batches = problem.data, problem.data.team, list[int](), list[int]()
    sizes = [setting.rows_a_step(data.rows) for setting in plan.settings]
    few = team is not None and (len(parts) < team.size or data.in_parts)
    large = data.rows > BLOCK and data.cells >= SHARED_CELLS and (team is not None or len(plan) < threads)
    for (r, *others), group in parts:
        if sizes[r] == data.rows:
            if large and not others and (few or (not group and set(sizes) == {data.rows})):
                whole.append(r)
        elif few and not others and sizes[r] * data.features >= SHARED_BATCH:
            by_batches.append(r)
    return whole, [] if is_sparse(data.X) or plan.shuffle != "auto" else by_batches


def _train_shared(
    problem: Problem, plan: Plan, state: State, path: Array, r: int, record_points: Array, threads: int
) -> None:  # fmt: skip
    """Train run r on the whole batch, the blocks of each step shared among threads; the bits are those of `_train`."""
    n, loop = problem.data.rows, _loop_by_address(problem, plan.settings[r], state, r, targets_alone(problem))
    sums, blocks = block_sums(problem)
    order = np.empty((0, n), np.int64)
    with ThreadPoolExecutor(threads) as pool:

        def own(first: int, last: int) -> None:
            parts = parts_of(last - first, threads)
            list(pool.map(lambda part: sums(state.weights[r], blocks, first + part[0], first + part[1]), parts))

        for k, point in enumerate(record_points):
            while state.outcome[r] == Outcome.RUNNING and state.seen[r] + n <= point:
                fill(problem, GRADIENTS, state.weights[r], blocks, own)
                state.steps[r], failed = loop(Call(order, 0, n, int(state.steps[r])), np.add.reduce(blocks, axis=0))
                if failed:
                    state.outcome[r] = Outcome.NONFINITE
                else:
                    state.seen[r] += n
            path[r, k] = state.weights[r]


def _train_in_step(
    problem: Problem, plan: Plan, state: State, path: Array, record_points: Array, runs: list[int], threads: int
) -> None:  # fmt: skip
    """Train runs by batches, together with the processes that hold the same rows: all take the same steps."""
    team, parts = problem.data.team, [Part([r]) for r in runs]
    assert team is not None
    with team.in_step(told_of(__name__, plan, state, record_points, parts)) as add:
        if add is None:
            train_parts(problem, plan, state, path, record_points, parts, threads)
        else:
            train_in_step(add, problem, plan, state, path, record_points, parts, threads)


def train_in_step(
    add: Add, problem: Problem, plan: Plan, state: State, path: Array, record_points: Array, parts: list[Part], threads: int,
    layer_stats: Array | None = None,
) -> None:  # fmt: skip
    """Train single runs by batches, in place, of which `add` adds up the gradients; see `shared_runs.Trainer`."""
    for part in parts:
        _train_batches(add, problem, plan, state, path, part.runs[0], record_points, threads)


def _train_batches(
    add: Add, problem: Problem, plan: Plan, state: State, path: Array, r: int, record_points: Array, threads: int
) -> None:  # fmt: skip
    """Train run r by batches whose rows are shared among processes; the sums are those of `_train` but for rounding."""
    setting, n = plan.settings[r], problem.data.rows
    loop = _loop_by_address(problem, setting, state, r, targets_alone(problem))
    ranges, batch = ranges_of(problem, plan), setting.rows_a_step(n)
    gradient, weights = batch_gradient(problem, threads), state.weights[r]
    for k, point in enumerate(record_points):
        for lo, hi, orders in ranges(setting, int(state.seen[r]), int(point)):
            while state.outcome[r] == Outcome.RUNNING and (at := int(state.seen[r])) < hi:
                rows = orders[at // n - lo // n][at % n : at % n + batch]
                total = add(problem.data, weights, rows, functools.partial(gradient, weights))
                state.steps[r], failed = loop(Call(orders[:0], at, at + len(rows), int(state.steps[r])), total)
                if failed:
                    state.outcome[r] = Outcome.NONFINITE
                else:
                    state.seen[r] += len(rows)
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
    problem: Problem, setting: Setting, state: State, r: int, examples: Examples | SparseExamples | None = None
) -> Callable[[Call, Array], tuple[int, int]]:
    """The compiled loop of any rule, with all but the call and the sum of gradients filled in; examples: all rows when None."""
    loop = compile_loop(problem.loss, problem.dtype, has_several(problem), is_sparse(problem.data.X))
    rule = address(compile_rule(setting.rule, problem.dtype))
    return functools.partial(loop, rule, *_arguments(problem, setting, state, r, examples))


def _arguments(
    problem: Problem, setting: Setting, state: State, r: int, examples: Examples | SparseExamples | None = None
) -> tuple[Any, ...]:  # fmt: skip
    """What all loops of a run take before the call."""
    return (
        examples or examples_of(problem), loss_settings_of(problem), step_settings_of(problem, setting),
        setting.rows_a_step(problem.data.rows), run_of(state, r),
    )  # fmt: skip
