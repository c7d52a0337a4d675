"""Runs side by side: those that take the same rows a step share them, and their gradients are two matrix products.

With several outputs a single run is a group too: one class beside the other makes the same matrix.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import register_jitable
from numba.np.unsafe.ndarray import to_fixed_tuple

from descend.arrays import Array
from descend.engines.kernels.compiled import (
    AROUND,
    FAST,
    evaluator,
    name_apart,
    prepare,
    project,
    real,
    step_at,
    stepper,
)
from descend.engines.kernels.pointers import address
from descend.engines.state import State
from descend.losses import Loss
from descend.ops import exp
from descend.outcome import Outcome
from descend.plan import FULL, Plan
from descend.plan.rule import fingerprint
from descend.problem import Problem
from descend.sparse import is_sparse

FEWEST = 8  # runs that are worth a group; of several outputs, rows a step
WIDEST = 64  # runs of one group: enough for the matrix unit, few enough for the cache
ROWS = 256  # rows of one matrix product
FEWEST_ROWS = 32  # of one matrix product, where outputs are many
RULES = 8  # rules that one group may mix


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
        part for (batch, *_), runs in alike.items() if (batch if several else len(runs)) >= FEWEST
        for part in _parts(plan, runs, problem.outputs)
    ]  # fmt: skip


def _parts(plan: Plan, runs: list[int], outputs: int) -> Iterator[list[int]]:
    """Cut a group into two or more of like size: as many as the cores of a small machine, or as the cache asks for."""
    order = list(dict.fromkeys(plan.settings[r].rule for r in runs))
    runs = sorted(runs, key=lambda r: order.index(plan.settings[r].rule))
    widest = max(1, 2 * WIDEST // (1 + outputs))
    for part in np.array_split(runs, max(2, -(-len(runs) // widest), -(-len(order) // RULES))):
        if 0 < len({plan.settings[r].rule for r in part}) <= RULES:
            yield part.tolist()


def train(
    problem: Problem, plan: Plan, runs: list[int], state: State, path: Array, marks: Array,
    arrays: tuple[Array, Array, Array], spans: Callable[[int, int], list[tuple[int, int, Array]]],
    reached: Callable[[int, int], int],
) -> None:  # fmt: skip
    """Train a group from mark to mark, in place.

    Args:
        arrays: features, targets and example weights.
        spans: the calls (from row, to row, orders) that lead from one mark to the next.
        reached: the rows seen after so many steps from a row on.
    """
    weights, memory = state.weights[runs], state.memory[runs]
    failed, call = np.zeros(len(runs), np.int64), _bind(problem, plan, runs, arrays, weights, memory)
    seen, steps = int(state.seen[runs[0]]), int(state.steps[runs[0]])
    for k, mark in enumerate(marks):
        for lo, hi, orders in spans(seen, int(mark)):
            begun, ended = steps, failed > 0
            steps = call(orders, lo, hi, steps, failed)
            seen = reached(lo, steps - begun)
            for at in np.flatnonzero((failed > 0) & ~ended):
                r = runs[at]
                state.steps[r], state.outcome[r] = failed[at] - 1, Outcome.NONFINITE
                state.seen[r] = reached(lo, int(failed[at]) - 1 - begun)
        path[runs, k] = weights
    going = [r for r, step in zip(runs, failed, strict=True) if step == 0]
    state.weights[runs], state.memory[runs], state.steps[going], state.seen[going] = weights, memory, steps, seen


def _bind(
    problem: Problem, plan: Plan, runs: list[int], arrays: tuple[Array, Array, Array], weights: Array, memory: Array
) -> Any:  # fmt: skip
    """Return the compiled loop with everything but (orders, lo, hi, steps, failed) filled in."""
    settings, dtype = [plan.settings[r] for r in runs], problem.dtype
    rules = list(dict.fromkeys(s.rule for s in settings))
    steps = [address(stepper(rules[k % len(rules)], dtype)) for k in range(RULES)]
    schedules: dict[bytes, Array] = {np.asarray(s.factors, np.float64).tobytes(): s.factors for s in settings}
    names = [list(s.constants) for s in settings]
    return functools.partial(
        looper(problem.loss, dtype, problem.outputs > 1), *steps, *arrays, weights, memory,
        _table([list(s.constants.values()) for s in settings]),
        np.array([own.index("lr") for own in names]), np.array([rules.index(s.rule) for s in settings]),
        _table([list(f) for f in schedules.values()]),
        np.array([list(schedules).index(np.asarray(s.factors, np.float64).tobytes()) for s in settings]),
        np.array(list(problem.constants.values()), np.float64), problem.penalised, problem.l2, problem.l1,
        np.array([float(s.clip) for s in settings]), np.array([float(s.clip_value) for s in settings]),
        settings[0].rows_a_step(problem.data.rows), problem.outputs,
    )  # fmt: skip


def _table(rows: list[list[float]]) -> Array:
    """Rows of different lengths as one table; each goes on with its last value."""
    width = max(map(len, rows))
    return np.array([row + row[-1:] * (width - len(row)) for row in rows], np.float64)


@functools.cache
def looper(loss: Loss, dtype: np.dtype[Any], several: bool = False) -> Any:
    """Compile the loop over epochs and batches for a group; it takes any rules by their addresses."""
    f, i = real(dtype), types.int64
    vector, table, shared = types.Array(f, 1, "C"), types.Array(f, 2, "C"), types.Array(f, 2, "C", readonly=True)
    numbers, indices = types.Array(types.float64, 1, "C"), types.Array(i, 1, "C")
    rows_of = types.Array(types.float64, 2, "C")
    signature = i(
        *[i] * RULES, shared, shared, vector, table,
        types.Array(f, 3, "C"), rows_of, indices, indices, rows_of, indices, numbers, numbers,
        types.float64, types.float64, numbers, numbers, i, i, types.Array(i, 2, "C"), i, i, i, indices,
    )  # fmt: skip
    evaluate, tag, count = evaluator(loss)
    slopes_of = (classes if loss.outputs == "classes" else targets) if several else single
    unfold, fold = (unfolded, folded) if several else (as_it_is, added)
    tag += AROUND + TAKEN + "".join(fingerprint(f) for f in (slopes_of, unfold, fold))

    def together(
        a0: int, a1: int, a2: int, a3: int, a4: int, a5: int, a6: int, a7: int,
        X: Any, y: Any, weight: Any, W: Any, memory: Any,
        h: Any, lr: Any, which: Any, factors: Any, schedule: Any, constants: Any, penalised: Any,
        l2: float, l1: float, norm: Any, value: Any, batch: int, k: int,
        orders: Any, lo: int, hi: int, t: int, failed: Any,
    ) -> int:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        s0, s1, s2, s3 = step_at(a0, W), step_at(a1, W), step_at(a2, W), step_at(a3, W)
        s4, s5, s6, s7 = step_at(a4, W), step_at(a5, W), step_at(a6, W), step_at(a7, W)
        (n, d), (runs, params), tail, at = X.shape, W.shape, to_fixed_tuple(constants, count), lo
        most, inputs = min(batch, max(FEWEST_ROWS, ROWS // k)), params // k
        block, target = np.ones((most, inputs), W.dtype), np.empty((y.shape[1], most), W.dtype)
        scores, wide = np.empty(runs * k * most, W.dtype), np.empty((runs * k, inputs), W.dtype)
        share, room, now, nothing = (
            np.empty(most, W.dtype),
            np.empty((2, most), W.dtype),
            h.copy(),
            np.empty(0, np.int64),
        )
        G, part, before = np.empty_like(W), np.empty((runs * k, inputs), W.dtype), np.empty(params, W.dtype)
        while at < hi:
            epoch = at // n
            begin = at - epoch * n
            end = min(begin + batch, n)
            order = orders[epoch - lo // n] if orders.shape[0] > 0 else nothing
            G[:] = 0
            matrix = unfold(W, wide, k)
            for first in range(begin, end, most):
                size = min(most, end - first)
                for i in range(size):
                    row = order[first + i] if order.size > 0 else first + i
                    for c in range(y.shape[1]):
                        target[c, i] = y[row, c]
                    share[i] = weight[row] if weight.size > 0 else W.dtype.type(1)
                    for j in range(d):
                        block[i, j] = X[row, j]
                z, rows = scores[: runs * k * size].reshape(runs * k, size), block[:size]
                np.dot(matrix, rows.T, z)
                for r in range(runs):
                    slopes_of(evaluate, tail, z[r * k : r * k + k], target, share, room)
                np.dot(z, rows, part)
                fold(G, part, k)
            t += 1
            for r in range(runs):
                if failed[r] > 0:
                    continue
                g, w = G[r], W[r]
                for j in range(params):
                    g[j] /= end - begin
                if not prepare(g, w, penalised, l2, l1, norm[r], value[r]):
                    failed[r] = t
                    continue
                now[r, lr[r]] = h[r, lr[r]] * factors[schedule[r], min(t, factors.shape[1]) - 1]
                if l1 > 0:
                    before[:] = w
                _take(which[r], s0, s1, s2, s3, s4, s5, s6, s7, w, g, memory[r], now[r], penalised, float(t))
                if l1 > 0:
                    project(before, w, g, penalised)
            at += end - begin
        return t

    name_apart(together, f"{loss.name}_{dtype}_{several}_{tag}")
    return njit(signature, cache=True, error_model="numpy", nogil=True, fastmath=FAST)(together)


@register_jitable
def single(evaluate: Any, tail: Any, z: Any, target: Any, share: Any, room: Any) -> None:
    """Replace the scores of some rows, z (1, rows), by the weighted slopes of their losses."""
    for i in range(z.shape[1]):
        z[0, i] = share[i] * evaluate(z[0, i], target[0, i], *tail)[1]


@register_jitable
def targets(evaluate: Any, tail: Any, z: Any, target: Any, share: Any, room: Any) -> None:
    """The same for scores (targets, rows), averaged over the targets."""
    for c in range(z.shape[0]):
        for i in range(z.shape[1]):
            z[c, i] = share[i] * evaluate(z[c, i], target[c, i], *tail)[1] / z.shape[0]


@register_jitable
def classes(evaluate: Any, tail: Any, z: Any, target: Any, share: Any, room: Any) -> None:
    """The same for scores (classes, rows), row by row side by side; NaN where there is no such class; room: (2, rows)."""
    (k, size), top, total = z.shape, room[0], room[1]
    top[:size], total[:size] = z[0], 0
    for c in range(1, k):
        for i in range(size):
            top[i] = max(top[i], z[c, i])
    for c in range(k):
        for i in range(size):
            z[c, i] = exp(z[c, i] - top[i])
            total[i] += z[c, i]
    for i in range(size):
        total[i] = share[i] / total[i]
    for c in range(k):
        for i in range(size):
            z[c, i] *= total[i]
    for i in range(size):
        if 0 <= target[0, i] < k:
            z[int(target[0, i]), i] -= share[i]
        else:
            z[:, i] = np.nan


@register_jitable
def unfolded(W: Any, wide: Any, k: int) -> Any:
    """Weights (runs, inputs * outputs) as a row an output, (runs * outputs, inputs)."""
    for r in range(W.shape[0]):
        for j in range(wide.shape[1]):
            for c in range(k):
                wide[r * k + c, j] = W[r, j * k + c]
    return wide


@register_jitable
def folded(G: Any, part: Any, k: int) -> None:
    """Add gradients of a row an output to those of a row a run."""
    for r in range(G.shape[0]):
        for j in range(part.shape[1]):
            for c in range(k):
                G[r, j * k + c] += part[r * k + c, j]


@register_jitable
def as_it_is(W: Any, wide: Any, k: int) -> Any:
    """Weights of one output."""
    return W


@register_jitable
def added(G: Any, part: Any, k: int) -> None:
    """Add gradients of one output."""
    for r in range(G.shape[0]):
        for j in range(part.shape[1]):
            G[r, j] += part[r, j]


@register_jitable
def _take(
    which: int, s0: Any, s1: Any, s2: Any, s3: Any, s4: Any, s5: Any, s6: Any, s7: Any,
    w: Any, g: Any, memory: Any, h: Any, penalised: Any, t: float,
) -> None:  # fmt: skip
    """Take one step by one of the rules; a tuple of functions is still an experiment in the compiler, and warns."""
    if which == 0:
        s0(w, g, memory, h, penalised, t)
    elif which == 1:
        s1(w, g, memory, h, penalised, t)
    elif which == 2:
        s2(w, g, memory, h, penalised, t)
    elif which == 3:
        s3(w, g, memory, h, penalised, t)
    elif which == 4:
        s4(w, g, memory, h, penalised, t)
    elif which == 5:
        s5(w, g, memory, h, penalised, t)
    elif which == 6:
        s6(w, g, memory, h, penalised, t)
    else:
        s7(w, g, memory, h, penalised, t)


TAKEN = fingerprint(getattr(_take, "__wrapped__", _take))
