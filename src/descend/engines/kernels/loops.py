"""Compiled loops over epochs, batches and rows of a linear model; each compiled once a loss, or once a loss and rule."""

import functools
from typing import Any

import numpy as np
from numba import njit, types
from numba.np.unsafe.ndarray import to_fixed_tuple

from descend.engines.kernels import rows
from descend.engines.kernels.compiled import (
    AROUND,
    FAST,
    evaluator,
    name_apart,
    prepare,
    project,
    real,
    step_at,
    sweep,
    sweeper,
)
from descend.engines.kernels.nonzeros import one_sparse, several_sparse, type_of
from descend.engines.kernels.rows import AHEAD, CHUNK, fetch_row
from descend.losses import Loss
from descend.plan.rule import Rule, fingerprint

BLOCK = 4096  # rows whose gradients are summed apart: what threads share, and the same sums without them


def parts(loss: Loss, several: bool, sparse: bool = False) -> tuple[Any, Any, Any, int, str]:
    """What a loop over rows is made of: the loss, the sum over rows, the response to scores, the number of the loss's
    constants; and the fingerprint of it all."""
    evaluate, tag, count = evaluator(loss)
    of_one, of_several = (one_sparse, several_sparse) if sparse else (rows.one, rows.several)
    accumulate = of_several if several else of_one
    respond = rows.response(loss)
    return evaluate, accumulate, respond, count, tag + fingerprint(accumulate) + fingerprint(respond)


def _common(dtype: np.dtype[Any], constants: Any, sparse: bool = False) -> list[Any]:
    """The types of the arguments that all training loops share, from X to given."""
    f, i = real(dtype), types.int64
    vector, table, shared = types.Array(f, 1, "C"), types.Array(f, 2, "C"), types.Array(f, 2, "C", readonly=True)
    numbers, orders = types.Array(types.float64, 1, "C"), types.Array(i, 2, "C")
    return [
        type_of(f) if sparse else shared, shared, vector, vector, table, constants, i, numbers, numbers, numbers,
        *[types.float64] * 4, i, i, orders, i, i, i, vector,
    ]  # fmt: skip


@functools.cache
def trainer(loss: Loss, dtype: np.dtype[Any], several: bool, sparse: bool = False) -> Any:
    """Compile the loop over epochs, batches and rows for one loss; it takes any rule by its address."""
    numbers = types.Array(types.float64, 1, "C")
    arguments = [types.int64, *_common(dtype, numbers, sparse)]
    evaluate, accumulate, respond, count, tag = parts(loss, several, sparse)
    tag += AROUND

    def train(
        rule: int, X: Any, y: Any, weight: Any, w: Any, memory: Any,
        h: Any, lr: int, factors: Any, constants: Any, penalised: Any,
        l2: float, l1: float, norm: float, value: float, outputs: int, batch: int,
        orders: Any, lo: int, hi: int, t: int, given: Any,
    ) -> Any:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        step = step_at(rule, w)
        n, at, tail, epoch, nothing = y.shape[0], lo, to_fixed_tuple(constants, count), -1, np.empty(0, np.int64)
        g, part, before, now = np.empty_like(w), np.empty_like(w), np.empty_like(w), h.copy()
        room, order = np.empty((3, outputs if several else CHUNK), w.dtype), nothing
        while at < hi:
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - lo // n] if orders.shape[0] > 0 else nothing
            begin = at - epoch * n
            end = min(begin + batch, n)
            if given.size > 0:
                g[:] = given
            elif end - begin <= BLOCK:
                g[:] = 0
                accumulate(evaluate, respond, tail, X, y, weight, w, g, room, order, begin, end)
            else:
                g[:] = 0
                for first in range(begin, end, BLOCK):
                    part[:] = 0
                    last = min(first + BLOCK, end)
                    accumulate(evaluate, respond, tail, X, y, weight, w, part, room, order, first, last)
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

    return _compiled(train, types.UniTuple(types.int64, 2)(*arguments), loss, dtype, several, sparse, tag)


@functools.cache
def online(loss: Loss, rule: Rule, dtype: np.dtype[Any]) -> Any:
    """Compile the loop for one output and one row a step, with the rule inside: a call a row would cost as much as the row."""
    constants = types.Array(constants_type(rule, dtype), 1, "C")
    evaluate, _, _, count, tag = parts(loss, several=False)
    made = sweeper(rule)
    update, load, save, decay, of_rule = made.update, made.load, made.save, made.decay, made.count
    tag += made.tag

    def one_by_one(
        X: Any, y: Any, weight: Any, w: Any, memory: Any,
        h: Any, lr: int, factors: Any, constants: Any, penalised: Any,
        l2: float, l1: float, norm: float, value: float, outputs: int, batch: int,
        orders: Any, lo: int, hi: int, t: int, given: Any,
    ) -> Any:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        (n, d), tail, epoch, nothing = X.shape, to_fixed_tuple(constants, count), -1, np.empty(0, np.int64)
        g, before, now, order = np.empty_like(w), np.empty_like(w), h.copy(), nothing
        one, simple = w.dtype.type(1), l2 == 0 and l1 == 0 and norm == np.inf and value == np.inf
        for at in range(lo, hi):
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - lo // n] if orders.shape[0] > 0 else nothing
            row = at - epoch * n
            if order.size > 0:
                if row + AHEAD < n:
                    fetch_row(X, order[row + AHEAD])
                row = order[row]
            score = w[d] if w.size > d else w.dtype.type(0)
            for j in range(d):
                score += X[row, j] * w[j]
            share = weight[row] if weight.size > 0 else one
            pull = w.dtype.type(share * evaluate(score, y[row, 0], *tail)[1])
            finite = abs(pull) < np.inf
            for j in range(d):
                g[j] = pull * X[row, j]
                finite &= (abs(g[j]) < np.inf) & (abs(w[j]) < np.inf)
            if w.size > d:
                g[d] = pull
                finite &= abs(w[d]) < np.inf
            if not finite or not (simple or prepare(g, w, penalised, l2, l1, norm, value)):
                return t, 1
            t += 1
            now[lr] = h[lr] * factors[min(t, factors.size) - 1]
            if l1 > 0:
                before[:] = w
            shrink = now[lr] * now[decay] if decay >= 0 else 0.0
            sweep(update, load, save, (float(t),) + to_fixed_tuple(now, of_rule), shrink, w, g, memory, penalised)
            if l1 > 0:
                project(before, w, g, penalised)
        return t, 0

    signature = types.UniTuple(types.int64, 2)(*_common(dtype, constants))
    return _compiled(one_by_one, signature, loss, dtype, rule.name, tag)


def constants_type(rule: Rule, dtype: np.dtype[Any]) -> Any:
    """Return the type of a rule's constants where it is compiled in: a rule without memory loses no digits in its own dtype."""
    return types.float64 if rule.memory else real(dtype)


@functools.cache
def summer(loss: Loss, dtype: np.dtype[Any], several: bool, sparse: bool = False) -> Any:
    """Compile the sums of gradients over blocks of rows, for threads that share a step."""
    f, i = real(dtype), types.int64
    vector, table, shared = types.Array(f, 1, "C"), types.Array(f, 2, "C"), types.Array(f, 2, "C", readonly=True)
    numbers = types.Array(types.float64, 1, "C")
    features = type_of(f) if sparse else shared
    signature = types.void(features, shared, vector, vector, numbers, i, table, i, i)
    evaluate, accumulate, respond, count, tag = parts(loss, several, sparse)

    def sums(
        X: Any, y: Any, weight: Any, w: Any, constants: Any, outputs: int, sums_of: Any, first: int, last: int
    ) -> None:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        room, order = np.empty((3, outputs if several else CHUNK), w.dtype), np.empty(0, np.int64)
        tail = to_fixed_tuple(constants, count)
        for b in range(first, last):
            sums_of[b] = 0
            end = min((b + 1) * BLOCK, y.shape[0])
            accumulate(evaluate, respond, tail, X, y, weight, w, sums_of[b], room, order, b * BLOCK, end)

    return _compiled(sums, signature, loss, dtype, several, sparse, tag)


def _compiled(function: Any, signature: Any, loss: Loss, *parts_of_name: Any) -> Any:
    name_apart(function, "_".join(map(str, (loss.name, *parts_of_name))))
    return njit(signature, cache=True, error_model="numpy", nogil=True, fastmath=FAST)(function)
