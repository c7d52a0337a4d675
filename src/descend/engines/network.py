"""The network engine: an epoch of a fully connected network in one compiled call, runs side by side on threads."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.engines.dispatch import (
    Ranges,
    examples_of,
    loss_settings_of,
    ranges_of,
    run_of,
    step_settings_of,
    together,
    train_to,
)
from descend.engines.kernels.barrier import abandon, barrier
from descend.engines.kernels.compiled import compile_rule
from descend.engines.kernels.network_loop import (
    compile_activation,
    compile_loss,
    compile_network_loop,
    compile_network_scores,
)
from descend.engines.kernels.passes import layer_table
from descend.engines.kernels.pointers import address
from descend.engines.kernels.records import BatchParts, Call, Member, NetworkSettings, readonly
from descend.engines.shared_runs import Part, train_together
from descend.engines.state import State
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.problem.layer_stats import KINDS
from descend.problem.network import Network

# Rows of one pass: its buffers stay in a core's cache. Larger batches are summed in passes, unless they are normalised,
# which needs all rows of the batch at once.
MOST_PASS_ROWS = 512
# Parts of a batch, and the rows of a part from which it has so many. Products of 16 rows take a quarter longer than those
# of 32, so that two threads gained little on batches of 32 rows, and one lost.
PART_ROWS = ((4, 64), (2, 32))
# Products of rows and weights of a part: 60 microseconds. Two threads that wait for each other, and read what the other
# wrote, lose about 10 a step; from here on they gained a third or more, on cores that others used too.
LEAST_PART_WORK = 1 << 19


def advance(
    problem: Problem, plan: Plan, state: State, record_points: Array, threads: int = 1, layer_stats: Array | None = None
) -> tuple[State, Array]:
    """Train every running run until it has seen record_points[-1] rows; see engines.contract."""
    state, path = state.copy(), np.empty((len(plan), len(record_points), problem.params), problem.dtype)
    parts = [Part([r]) for r in range(len(plan))]
    train_together(train_parts, problem, plan, state, path, record_points, parts, threads, layer_stats)
    return state, path


def train_parts(
    problem: Problem, plan: Plan, state: State, path: Array, record_points: Array, parts: list[Part], threads: int,
    layer_stats: Array | None = None,
) -> None:  # fmt: skip
    """Train some runs, in place, side by side on threads; see `shared_runs.Trainer`."""
    ranges = ranges_of(problem, plan)
    alone = int((state.outcome == Outcome.RUNNING).sum()) == 1  # among all, wherever they are trained

    def train(r: int) -> None:
        stats = None if layer_stats is None else layer_stats[r]
        _train(problem, plan.settings[r], ranges, state, path, r, record_points, stats, alone, threads)

    with one_blas_thread():
        together([functools.partial(train, r) for (r,), _ in parts], 1 if alone else threads)


def batch_parts(problem: Problem, batch: int, alone: bool) -> BatchParts:
    """Return how batches of so many rows are cut into parts, which threads can share.

    The cut depends on the rows, the network, and on whether the run trains alone, never on the number of threads, and so
    do the bits. Runs side by side go to threads one by one, uncut.
    """
    network = problem.network
    assert network is not None
    if network.batch_norm and len(network.layers) > 1:
        return BatchParts(batch, 1, batch)
    allowed = (p for p, rows in PART_ROWS if alone and batch >= p * max(rows, LEAST_PART_WORK / problem.params))
    parts = next(allowed, 1)
    return BatchParts(batch, parts, min(-(-batch // parts), MOST_PASS_ROWS))


def cores() -> int:
    """Return the cores of this process: more threads than cores would wait for each other a thousand times as long."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _train(
    problem: Problem, setting: Setting, ranges: Ranges, state: State, path: Array, r: int, record_points: Array,
    layer_stats: Array | None, alone: bool, threads: int,
) -> None:  # fmt: skip
    """Train run r from record point to record point, in place."""
    assert problem.network is not None
    stats = np.empty((len(problem.network.layers), len(KINDS)))
    batch = batch_parts(problem, setting.rows_a_step(problem.data.rows), alone)
    loop = _loop(problem, setting, state, r, batch, stats)
    members = _members(problem, batch, min(threads, batch.parts, cores()))
    with ThreadPoolExecutor(len(members)) as pool:
        shared = (
            functools.partial(_on_all, loop, members, pool) if len(members) > 1 else functools.partial(loop, members[0])
        )
        for k, point in enumerate(record_points):
            stats[:] = np.nan
            train_to(shared, ranges, setting, problem.data.rows, state, r, int(point))
            path[r, k] = state.weights[r]
            if layer_stats is not None:
                layer_stats[k] = stats


def _on_all(
    loop: Callable[[Member, Call], tuple[int, int]], members: list[Member], pool: ThreadPoolExecutor, call: Call
) -> tuple[int, int]:
    """Run a loop on the threads of all members, which wait for each other at every step."""
    try:
        *others, result = [pool.submit(loop, member, call) for member in reversed(members)]
        for other in others:
            other.result()
        return result.result()
    except BaseException:  # one of them has no thread, or no memory: the others wait for it
        abandon(members[0].barrier)
        raise


def _members(problem: Problem, batch: BatchParts, threads: int) -> list[Member]:
    """The threads that train a run together, and what they share."""
    network, params, dtype = problem.network, problem.params, problem.dtype
    assert network is not None
    units = sum(layer.fan_out for layer in network.layers[:-1])
    first = Member(
        number=0, threads=threads, barrier=barrier(), gradients=np.empty((batch.parts, params), dtype),
        raw=np.empty(params, dtype), before=np.empty(params, dtype),
        reach=np.empty((threads, units), dtype), flat=np.empty((threads, len(network.layers)), np.int64),
        finite=np.empty(1, np.int64),
    )  # fmt: skip
    return [first._replace(number=number) for number in range(threads)]


def _loop(
    problem: Problem, setting: Setting, state: State, r: int, batch: BatchParts, stats: Array
) -> Callable[[Member, Call], tuple[int, int]]:
    """The compiled loop with all but the thread and the call filled in."""
    network, dtype = problem.network, problem.dtype
    assert network is not None
    form = activation(network.activation)
    return functools.partial(
        compile_network_loop(dtype), address(compile_rule(setting.rule, dtype)), address(compile_activation(form, dtype)),
        address(compile_loss(problem.loss, dtype)), examples_of(problem), loss_settings_of(problem),
        NetworkSettings(layer_table(network), float(network.dropout), int(setting.seed), float(form.peak)),
        step_settings_of(problem, setting), batch, run_of(state, r), stats,
    )  # fmt: skip


def predict(network: Network, weights: Array, X: Array) -> Array:
    """Return predictions z (rows, outputs) as `problem.network.scores` does, to rounding, compiled and without slopes kept."""
    dtype, form = weights.dtype, activation(network.activation)
    z = np.empty((len(X), network.layers[-1].fan_out), dtype)
    compile_network_scores(dtype)(
        address(compile_activation(form, dtype)), readonly(np.asarray(X, dtype)),
        NetworkSettings(layer_table(network), 0.0, 0, 0.0), np.ascontiguousarray(weights), z,
    )  # fmt: skip
    return z
