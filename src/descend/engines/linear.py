"""The linear engine: compiled loops over the rows of a linear model, runs side by side on threads."""

import functools
import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import register_jitable
from numba.np.unsafe.ndarray import to_fixed_tuple

from descend.arrays import Array
from descend.engines.compiled import (
    AROUND,
    FAST,
    evaluator,
    name_apart,
    prepare,
    project,
    real,
    step_signature,
    stepper,
)
from descend.engines.state import State
from descend.losses import Loss
from descend.order import epoch_order
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.rule import fingerprint

ORDER_CELLS = 1 << 22  # row indices held at once for the epochs of one call
BLOCK = 4096  # rows whose gradients are summed apart: what threads share, and the same sums without them
SHARED_CELLS = 1 << 21  # cells from which a step of a single run is worth sharing among threads


def advance(problem: Problem, plan: Plan, state: State, marks: Array, threads: int = 1) -> tuple[State, Array]:
    """Train every running run until it has seen marks[-1] rows; see engines.plain for the contract."""
    state, path = state.copy(), np.empty((len(plan), len(marks), problem.params), problem.dtype)
    orders = functools.lru_cache(maxsize=4)(functools.partial(_orders, problem.data.rows, plan.shuffle))
    if threads == 1:
        for r, setting in enumerate(plan.settings):
            _train(problem, setting, orders, state, path, r, marks)
        return state, path
    with ThreadPoolExecutor(threads) as pool:
        if _shares(problem, plan, threads):
            for r, setting in enumerate(plan.settings):
                _train_shared(problem, setting, state, path, r, marks, pool, threads)
        else:
            jobs = [(problem, s, orders, state, path, r, marks) for r, s in enumerate(plan.settings)]
            list(pool.map(lambda job: _train(*job), jobs))
    return state, path


def _shares(problem: Problem, plan: Plan, threads: int) -> bool:
    """Whether threads share the rows of each step: few runs, all rows a step, and many of them."""
    data = problem.data
    whole = all(s.rows_a_step(data.rows) == data.rows for s in plan.settings)
    return whole and len(plan) < threads and data.rows > BLOCK and data.rows * data.features >= SHARED_CELLS


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


def _train(problem: Problem, setting: Setting, orders: Any, state: State, path: Array, r: int, marks: Array) -> None:
    """Train run r from mark to mark, in place."""
    call = _bind(problem, setting, state, r)
    for k, mark in enumerate(marks):
        if state.outcome[r] == Outcome.RUNNING:
            for lo, hi in _spans(problem.data.rows, setting, int(state.seen[r]), int(mark)):
                visit = _visit(problem.data.rows, setting, orders, lo, hi)
                begun = int(state.steps[r])
                state.steps[r], failed = call(visit, lo, hi, begun)
                state.seen[r] = _reached(problem.data.rows, setting, lo, int(state.steps[r]) - begun)
                if failed:
                    state.outcome[r] = Outcome.NONFINITE
                    break
        path[r, k] = state.weights[r]


def _spans(n: int, setting: Setting, seen: int, mark: int) -> list[tuple[int, int]]:
    """Cut the rows from `seen` up to `mark` into calls whose row orders fit in memory; no step crosses the mark."""
    batch = setting.rows_a_step(n)
    epoch, within = divmod(mark, n)
    mark = mark if within == 0 else epoch * n + within // batch * batch
    most = max(1, ORDER_CELLS // n) * n
    cuts = [seen, *range((seen // n + 1) * n + most - n, mark, most), mark]
    return [(lo, hi) for lo, hi in pairwise(cuts) if hi > lo]


def _reached(n: int, setting: Setting, lo: int, steps: int) -> int:
    """The rows seen after so many steps from row `lo` on."""
    batch = setting.rows_a_step(n)
    a_epoch = -(-n // batch)
    epochs, within = divmod(lo // n * a_epoch + lo % n // batch + steps, a_epoch)
    return epochs * n + within * batch


def _visit(n: int, setting: Setting, orders: Any, lo: int, hi: int) -> Array:
    """The orders (epochs, rows) of the epochs that rows lo..hi fall into; none when the batch is all rows."""
    if setting.rows_a_step(n) == n:
        return np.empty((0, n), np.int64)
    orders_: Array = orders(setting.seed, lo // n, -(-hi // n))
    return orders_


def _orders(n: int, shuffle: bool, seed: int, first: int, last: int) -> Array:
    return np.stack([epoch_order(n, seed, epoch, shuffle) for epoch in range(first, last)])


def _bind(problem: Problem, setting: Setting, state: State, r: int) -> Any:
    """Return the compiled loop with everything but (orders, lo, hi, steps, given=nothing) filled in."""
    dtype = problem.dtype
    X, y, weight = _arrays(problem)
    constants, lr = np.array(list(setting.constants.values()), np.float64), list(setting.constants).index("lr")
    nothing = np.empty(0, dtype)
    loop = functools.partial(
        trainer(problem.loss, dtype, _has_several(problem)),
        stepper(setting.rule, dtype),
        X,
        y,
        weight,
        state.weights[r],
        state.memory[r],
        constants,
        lr,
        np.asarray(setting.factors, np.float64),
        np.array(list(problem.constants.values()), np.float64),
        problem.penalised,
        problem.l2,
        problem.l1,
        float(setting.clip),
        float(setting.clip_value),
        problem.outputs,
        setting.rows_a_step(problem.data.rows),
    )
    return lambda orders, lo, hi, steps, given=nothing: loop(orders, lo, hi, steps, given)


def _bind_sums(problem: Problem, state: State, r: int, parts: Array) -> Any:
    """Return the compiled sums over blocks of rows with everything but (first, last) filled in."""
    return functools.partial(
        summer(problem.loss, problem.dtype, _has_several(problem)), *_arrays(problem), state.weights[r],
        np.array(list(problem.constants.values()), np.float64), problem.outputs, parts,
    )  # fmt: skip


def _arrays(problem: Problem) -> tuple[Array, Array, Array]:
    """Features, targets (rows, 1) or (rows, targets), and weights, empty when there are none, of one dtype."""
    data, dtype = problem.data, problem.dtype
    weight = np.empty(0, dtype) if data.weight is None else data.weight.astype(dtype)
    y = data.y.astype(dtype, copy=False)
    return data.X, y if y.ndim == 2 else y[:, None], weight


def _has_several(problem: Problem) -> bool:
    return problem.outputs > 1 or problem.loss.outputs == "classes"


@functools.cache
def trainer(loss: Loss, dtype: np.dtype[Any], several: bool) -> Any:
    """Compile the loop over epochs, batches and rows for one loss; it takes any rule as a function pointer."""
    f, i = real(dtype), types.int64
    vector, table, shared = types.Array(f, 1, "C"), types.Array(f, 2, "C"), types.Array(f, 2, "C", readonly=True)
    numbers, orders = types.Array(types.float64, 1, "C"), types.Array(i, 2, "C")
    signature = types.UniTuple(i, 2)(
        types.FunctionType(step_signature(dtype)), shared, shared, vector, vector, table,
        numbers, i, numbers, numbers, numbers, *[types.float64] * 4, i, i, orders, i, i, i, vector,
    )  # fmt: skip
    evaluate, accumulate, respond, count, tag = _parts(loss, several)

    def train(
        step: Any, X: Any, y: Any, weight: Any, w: Any, memory: Any,
        h: Any, lr: int, factors: Any, constants: Any, penalised: Any,
        l2: float, l1: float, norm: float, value: float, outputs: int, batch: int,
        orders: Any, lo: int, hi: int, t: int, given: Any,
    ) -> Any:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        n, at, tail = X.shape[0], lo, to_fixed_tuple(constants, count)
        g, part, z, now, before = (
            np.empty_like(w),
            np.empty_like(w),
            np.empty(outputs, w.dtype),
            h.copy(),
            np.empty_like(w),
        )
        while at < hi:
            epoch = at // n
            begin = at - epoch * n
            end = min(begin + batch, n)
            order = orders[epoch - lo // n] if orders.shape[0] > 0 else np.empty(0, np.int64)
            if given.size > 0:
                g[:] = given
            elif end - begin <= BLOCK:
                g[:] = 0
                accumulate(evaluate, respond, tail, X, y, weight, w, g, z, order, begin, end)
            else:
                g[:] = 0
                for first in range(begin, end, BLOCK):
                    part[:] = 0
                    accumulate(evaluate, respond, tail, X, y, weight, w, part, z, order, first, min(first + BLOCK, end))
                    for j in range(g.size):
                        g[j] += part[j]
            for j in range(g.size):
                g[j] /= end - begin
            if not prepare(g, w, penalised, l2, l1, norm, value):
                return t, 1
            t += 1
            now[lr] = h[lr] * factors[min(t, factors.size) - 1]
            if l1 > 0:
                before[:] = w
            step(w, g, memory, now, penalised, float(t))
            if l1 > 0:
                project(before, w, g, penalised)
            at += end - begin
        return t, 0

    name_apart(train, f"{loss.name}_{dtype}_{'several' if several else 'one'}_{tag}")
    return njit(signature, cache=True, error_model="numpy", nogil=True, fastmath=FAST)(train)


@functools.cache
def summer(loss: Loss, dtype: np.dtype[Any], several: bool) -> Any:
    """Compile the sums of gradients over blocks of rows, for threads that share a step."""
    f, i = real(dtype), types.int64
    vector, table, shared = types.Array(f, 1, "C"), types.Array(f, 2, "C"), types.Array(f, 2, "C", readonly=True)
    numbers = types.Array(types.float64, 1, "C")
    signature = types.void(shared, shared, vector, vector, numbers, i, table, i, i)
    evaluate, accumulate, respond, count, tag = _parts(loss, several)

    def sums(
        X: Any, y: Any, weight: Any, w: Any, constants: Any, outputs: int, parts: Any, first: int, last: int
    ) -> None:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        z, tail, order = np.empty(outputs, w.dtype), to_fixed_tuple(constants, count), np.empty(0, np.int64)
        for b in range(first, last):
            parts[b] = 0
            end = min((b + 1) * BLOCK, X.shape[0])
            accumulate(evaluate, respond, tail, X, y, weight, w, parts[b], z, order, b * BLOCK, end)

    name_apart(sums, f"{loss.name}_{dtype}_{'several' if several else 'one'}_{tag}")
    return njit(signature, cache=True, error_model="numpy", nogil=True, fastmath=FAST)(sums)


def _parts(loss: Loss, several: bool) -> tuple[Any, Any, Any, int, str]:
    """What a loop over rows is made of: the loss, the sum over rows, the response to scores; and its fingerprint."""
    evaluate, tag, count = evaluator(loss)
    accumulate = _several if several else _one
    respond = _softmax if loss.outputs == "classes" else _targets
    return evaluate, accumulate, respond, count, tag + fingerprint(accumulate) + fingerprint(respond) + AROUND


# The functions below are of the module, not closures: a closure in a closure would never be found in the disk cache.
@register_jitable
def _one(
    evaluate: Any, respond: Any, tail: Any, X: Any, y: Any, weight: Any,
    w: Any, g: Any, z: Any, order: Any, begin: int, end: int,
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for a single output."""
    d = X.shape[1]
    for i in range(begin, end):
        row = order[i] if order.size > 0 else i
        score = w[d] if w.size > d else w.dtype.type(0)
        for j in range(d):
            score += X[row, j] * w[j]
        slope = evaluate(score, y[row, 0], *tail)[1]
        s = weight[row] if weight.size > 0 else w.dtype.type(1)
        pull = w.dtype.type(s * slope)
        for j in range(d):
            g[j] += pull * X[row, j]
        if w.size > d:
            g[d] += pull


@register_jitable
def _several(
    evaluate: Any, respond: Any, tail: Any, X: Any, y: Any, weight: Any,
    w: Any, g: Any, z: Any, order: Any, begin: int, end: int,
) -> None:  # fmt: skip
    """Add the gradients of some rows to g, for an output a class or a target."""
    d, k = X.shape[1], z.size
    for i in range(begin, end):
        row = order[i] if order.size > 0 else i
        for c in range(k):
            z[c] = w[d * k + c] if w.size > d * k else w.dtype.type(0)
        for j in range(d):
            for c in range(k):
                z[c] += X[row, j] * w[j * k + c]
        s = weight[row] if weight.size > 0 else w.dtype.type(1)
        respond(evaluate, tail, z, y[row])
        for c in range(k):
            z[c] *= s
        for j in range(d):
            for c in range(k):
                g[j * k + c] += z[c] * X[row, j]
        if w.size > d * k:
            for c in range(k):
                g[d * k + c] += z[c]


@register_jitable
def _softmax(evaluate: Any, tail: Any, z: Any, y: Any) -> None:
    """Replace the scores z of one example by the slopes of its loss, for a class index; by NaN when there is no such class."""
    if not 0 <= y[0] < z.size:
        z[:] = np.nan
        return
    top, total = z.max(), 0.0
    for c in range(z.size):
        z[c] = math.exp(z[c] - top)
        total += z[c]
    for c in range(z.size):
        z[c] /= total
    z[int(y[0])] -= 1


@register_jitable
def _targets(evaluate: Any, tail: Any, z: Any, y: Any) -> None:
    """Replace the scores z of one example by the slopes of its loss, averaged over the targets."""
    for c in range(z.size):
        z[c] = evaluate(z[c], y[c], *tail)[1] / z.size
