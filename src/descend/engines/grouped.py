"""Runs side by side: those that take the same rows a step share them, and their gradients are two matrix products.

The scores of a block of rows under all weights are one product, and so are the gradients: each number of the block is
read once for all runs, and the matrix library keeps it in registers. With several outputs a single run is a group too:
one class beside the other makes the same matrix.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba.extending import register_jitable

from descend.arrays import Array
from descend.engines.call_ranges import rows_seen
from descend.engines.dispatch import Ranges, examples_of, loss_settings_of
from descend.engines.kernels.compiled import compile_kernel, compile_rule, evaluator
from descend.engines.kernels.pointers import address
from descend.engines.kernels.records import (
    Call,
    Examples,
    GroupRuns,
    GroupSettings,
    Indices,
    LossSettings,
    StepNumbers,
)
from descend.engines.kernels.step import as_tuple, by_address, copy, take_step
from descend.engines.state import State
from descend.losses import Loss
from descend.ops import exp
from descend.outcome import Outcome
from descend.plan import FULL, Plan
from descend.problem import Problem
from descend.sparse import is_sparse

FEWEST_RUNS = 8  # from which a group is worth it; with several outputs as many rows a step
MOST_RUNS = 64  # of one group and one output: enough for the matrix product, few enough for the cache
PRODUCT_ROWS = 256  # rows of one matrix product: 256 x 64 scores of float64 are 128 kB, and fit a core's cache
FEWEST_PRODUCT_ROWS = 32  # of one matrix product where outputs are many; fewer would leave the vector units idle
MOST_RULES = 8  # rules that one group mixes; arbitrary, it decides how many plans are cut into groups


def groups(problem: Problem, plan: Plan, state: State) -> list[list[int]]:
    """Return groups of running runs that can be trained together; they do not depend on the number of threads.

    A group takes the same rows of dense features at every step, and stands at one step.
    """
    if is_sparse(problem.data.X):
        return []
    alike: dict[tuple[int, ...], list[int]] = {}
    for r, s in enumerate(plan.settings):
        if state.outcome[r] == Outcome.RUNNING:
            batch = s.rows_a_step(problem.data.rows)
            seed = FULL if batch == problem.data.rows else s.seed
            alike.setdefault((batch, seed, int(state.seen[r]), int(state.steps[r])), []).append(r)
    several = problem.outputs > 1
    return [
        part for (batch, *_), runs in alike.items() if (batch if several else len(runs)) >= FEWEST_RUNS
        for part in _parts(plan, runs, problem.outputs)
    ]  # fmt: skip


def _parts(plan: Plan, runs: list[int], outputs: int) -> Iterator[list[int]]:
    """Cut a group into two or more of like size: as many as the cores of a small machine, or as the cache asks for."""
    order = list(dict.fromkeys(plan.settings[r].rule for r in runs))
    runs = sorted(runs, key=lambda r: order.index(plan.settings[r].rule))
    most = max(1, 2 * MOST_RUNS // (1 + outputs))
    for part in np.array_split(runs, max(2, -(-len(runs) // most), -(-len(order) // MOST_RULES))):
        if 0 < len({plan.settings[r].rule for r in part}) <= MOST_RULES:
            yield part.tolist()


def train(
    problem: Problem, plan: Plan, runs: list[int], state: State, path: Array, record_points: Array, ranges: Ranges
) -> None:  # fmt: skip
    """Train a group from record point to record point, in place."""
    setting, rows = plan.settings[runs[0]], problem.data.rows
    trained = GroupRuns(state.weights[runs], state.memory[runs])
    failed, loop = np.zeros(len(runs), np.int64), _loop(problem, plan, runs, trained)
    seen, steps = int(state.seen[runs[0]]), int(state.steps[runs[0]])
    for k, point in enumerate(record_points):
        for lo, hi, orders in ranges(setting, seen, int(point)):
            before, ended = steps, failed > 0
            steps = loop(Call(orders, lo, hi, before), failed)
            seen = rows_seen(rows, setting, lo, steps - before)
            for at in np.flatnonzero((failed > 0) & ~ended):
                r, last = runs[at], int(failed[at]) - 1
                state.steps[r], state.outcome[r] = last, Outcome.NONFINITE
                state.seen[r] = rows_seen(rows, setting, lo, last - before)
        path[runs, k] = trained.W
    going = [r for r, step in zip(runs, failed, strict=True) if step == 0]
    state.weights[runs], state.memory[runs], state.steps[going], state.seen[going] = *trained, steps, seen


def _loop(problem: Problem, plan: Plan, runs: list[int], trained: GroupRuns) -> Callable[[Call, Array], int]:
    """The compiled loop with all but the call and the failures filled in."""
    settings, dtype = [plan.settings[r] for r in runs], problem.dtype
    factors = [np.asarray(s.factors, np.float64) for s in settings]
    schedules = list(dict.fromkeys(f.tobytes() for f in factors))
    group = GroupSettings(
        rules=np.array([address(compile_rule(s.rule, dtype)) for s in settings], np.int64),
        constants=_table([list(s.constants.values()) for s in settings]),
        lr=np.array([list(s.constants).index("lr") for s in settings], np.int64),
        factors=_table([np.frombuffer(f).tolist() for f in schedules]),
        schedule=np.array([schedules.index(f.tobytes()) for f in factors], np.int64),
        penalised=problem.penalised, l2=float(problem.l2), l1=float(problem.l1),
        clip=np.array([s.clip for s in settings], np.float64),
        clip_value=np.array([s.clip_value for s in settings], np.float64),
    )  # fmt: skip
    loop = compile_group_loop(problem.loss, dtype, problem.outputs > 1)
    batch_size = settings[0].rows_a_step(problem.data.rows)
    return functools.partial(loop, examples_of(problem), loss_settings_of(problem), group, batch_size, trained)


def _table(rows: list[list[float]]) -> Array:
    """Rows of different lengths as one table; each goes on with its last value."""
    width = max(map(len, rows))
    return np.array([row + row[-1:] * (width - len(row)) for row in rows], np.float64)


@functools.cache
def compile_group_loop(loss: Loss, dtype: np.dtype[Any], several: bool = False) -> Any:
    """Compile the loop over epochs and batches for a group; it takes any rules by their addresses.

    `failed` receives for each run the step at which it left the finite range, else 0 (runs,).
    """
    evaluate, places = evaluator(loss, dtype), (0,) * len(loss.constants)
    slopes_of = (classes if loss.outputs == "classes" else targets) if several else single
    unfold, fold = (unfolded, folded) if several else (as_it_is, added)

    def group_loop(
        examples: Examples, loss_settings: LossSettings, group: GroupSettings, batch_size: int, trained: GroupRuns,
        call: Call, failed: Indices,
    ) -> Any:  # fmt: skip
        X, y, sample_weight = examples
        W, memory = trained
        orders, at, last_row, t = call
        (n, d), (runs, params), k = X.shape, W.shape, loss_settings.outputs
        tail = as_tuple(loss_settings.constants, places)
        most, inputs = min(batch_size, max(FEWEST_PRODUCT_ROWS, PRODUCT_ROWS // k)), params // k
        block, target = np.ones((most, inputs), W.dtype), np.empty((y.shape[1], most), W.dtype)
        scores, by_output = np.empty(runs * k * most, W.dtype), np.empty((runs * k, inputs), W.dtype)
        weight, workspace, nothing = np.empty(most, W.dtype), np.empty((2, most), W.dtype), np.empty(0, np.int64)
        G, part, before = np.empty_like(W), np.empty((runs * k, inputs), W.dtype), np.empty(params, W.dtype)
        rules, constants, lr, factors, schedule, penalised, l2, l1, clip, clip_value = group
        now = constants.copy()
        while at < last_row:
            epoch = at // n
            begin = at - epoch * n
            end = min(begin + batch_size, n)
            order = orders[epoch - call.first // n] if orders.shape[0] > 0 else nothing
            G[:] = 0
            matrix = unfold(W, by_output, k)
            for first in range(begin, end, most):
                size = min(most, end - first)
                for i in range(size):
                    row = order[first + i] if order.size > 0 else first + i
                    for c in range(y.shape[1]):
                        target[c, i] = y[row, c]
                    weight[i] = sample_weight[row] if sample_weight.size > 0 else W.dtype.type(1)
                    for j in range(d):
                        block[i, j] = X[row, j]
                z, rows = scores[: runs * k * size].reshape(runs * k, size), block[:size]
                np.dot(matrix, rows.T, z)
                for r in range(runs):
                    slopes_of(evaluate, tail, z[r * k : r * k + k], target, weight, workspace)
                np.dot(z, rows, part)
                fold(G, part, k)
            t += 1
            for r in range(runs):
                if failed[r] > 0:
                    continue
                g = G[r]
                for j in range(params):
                    g[j] /= end - begin
                numbers = StepNumbers(lr[r], l2, l1, clip[r], clip_value[r], np.inf)
                if not take_step(
                    numbers, constants[r], factors[schedule[r]], penalised, nothing, W[r], memory[r], g, now[r], before, t,
                    False, by_address, (rules[r],),
                ):  # fmt: skip
                    failed[r] = t
            at += end - begin
        return t

    return compile_kernel(group_loop, dtype, loss.name, several)


@register_jitable
def single(evaluate: Any, tail: Any, z: Array, target: Array, weight: Array, workspace: Array) -> None:
    """Replace the scores of some rows, z (1, rows), by the weighted slopes of their losses."""
    for i in range(z.shape[1]):
        z[0, i] = weight[i] * evaluate(z[0, i], target[0, i], *tail)[1]


@register_jitable
def targets(evaluate: Any, tail: Any, z: Array, target: Array, weight: Array, workspace: Array) -> None:
    """The same for scores (targets, rows), averaged over the targets."""
    for c in range(z.shape[0]):
        for i in range(z.shape[1]):
            z[c, i] = weight[i] * evaluate(z[c, i], target[c, i], *tail)[1] / z.shape[0]


@register_jitable
def classes(evaluate: Any, tail: Any, z: Array, target: Array, weight: Array, workspace: Array) -> None:
    """The same for scores (classes, rows), row by row side by side; NaN where there is no such class; workspace: (2, rows)."""
    (k, size), top, total = z.shape, workspace[0], workspace[1]
    copy(top, z[0], size)
    total[:size] = 0
    for c in range(1, k):
        for i in range(size):
            top[i] = max(top[i], z[c, i])
    for c in range(k):
        for i in range(size):
            z[c, i] = exp(z[c, i] - top[i])
            total[i] += z[c, i]
    for i in range(size):
        total[i] = weight[i] / total[i]
    for c in range(k):
        for i in range(size):
            z[c, i] *= total[i]
    for i in range(size):
        if 0 <= target[0, i] < k:
            z[int(target[0, i]), i] -= weight[i]
        else:
            z[:, i] = np.nan


@register_jitable
def unfolded(W: Array, by_output: Array, k: int) -> Array:
    """Weights (runs, inputs * outputs) as a row an output, (runs * outputs, inputs)."""
    for r in range(W.shape[0]):
        for j in range(by_output.shape[1]):
            for c in range(k):
                by_output[r * k + c, j] = W[r, j * k + c]
    return by_output


@register_jitable
def folded(G: Array, part: Array, k: int) -> None:
    """Add gradients of a row an output to those of a row a run."""
    for r in range(G.shape[0]):
        for j in range(part.shape[1]):
            for c in range(k):
                G[r, j * k + c] += part[r * k + c, j]


@register_jitable
def as_it_is(W: Array, by_output: Array, k: int) -> Array:
    """Weights of one output."""
    return W


@register_jitable
def added(G: Array, part: Array, k: int) -> None:
    """Add gradients of one output."""
    for r in range(G.shape[0]):
        for j in range(part.shape[1]):
            G[r, j] += part[r, j]
