"""The loop over sparse rows that moves only the weights that a batch touches; its cost is in the non-zeros.

It is exact, up to rounding, for rules that rest where the gradient is zero: gradient descent and Adagrad. A quadratic
penalty moves every weight at every step; under gradient descent it multiplies an untouched weight by 1 - lr * l2, and
the steps that a weight has missed are made up for when it is touched again (Langford, Li and Zhang 2009 do the same
for l1). Rules with a moving average move all their weights at each step by definition, and a rule's l1 steps depend on
the sign of the weight: they take the loop over all weights.
"""

import functools
import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import register_jitable
from numba.np.unsafe.ndarray import to_fixed_tuple

from descend import rules
from descend.engines.kernels.compiled import FAST, name_apart, real, sweeper
from descend.engines.kernels.loops import parts
from descend.engines.kernels.nonzeros import type_of
from descend.engines.kernels.rows import CHUNK
from descend.losses import Loss
from descend.plan import Setting
from descend.plan.rule import Rule, fingerprint
from descend.problem import Problem
from descend.sparse import is_sparse

RESTING = (rules.sgd, rules.adagrad, rules.adagrad_keras)
MOST_ROWS = 1024  # of a batch: beyond, nearly all columns are touched


def fits(problem: Problem, setting: Setting) -> bool:
    """Tell whether the weights that a batch does not touch may wait."""
    batch, rule = setting.rows_a_step(problem.data.rows), setting.rule.update
    still = rule in RESTING and setting.constants.get("eps", 1.0) > 0
    shrinks = problem.l2 == 0 or (rule is rules.sgd and setting.lr * problem.l2 * float(np.max(setting.factors)) < 0.5)
    free = np.isinf(setting.clip) and np.isinf(setting.clip_value) and problem.l1 == 0
    return is_sparse(problem.data.X) and batch <= min(MOST_ROWS, problem.data.rows - 1) and still and shrinks and free


@functools.cache
def toucher(loss: Loss, rule: Rule, dtype: np.dtype[Any], several: bool) -> Any:
    """Compile the loop over epochs, batches and the non-zeros of their rows, with the rule inside."""
    f, i = real(dtype), types.int64
    vector, table, shared = types.Array(f, 1, "C"), types.Array(f, 2, "C"), types.Array(f, 2, "C", readonly=True)
    numbers, orders = types.Array(types.float64, 1, "C"), types.Array(i, 2, "C")
    signature = types.UniTuple(i, 2)(
        type_of(f), shared, vector, vector, table, numbers, i, numbers, numbers, types.float64, i, i, orders, i, i, i
    )
    evaluate, accumulate, respond, count, tag = parts(loss, several, sparse=True)
    made = sweeper(rule)
    update, load, save, of_rule = made.update, made.load, made.save, made.count
    tag += made.tag + fingerprint(_touch) + fingerprint(_finish) + fingerprint(_wait_no_more)

    def touched(
        X: Any, y: Any, weight: Any, w: Any, memory: Any, h: Any, lr: int, factors: Any, constants: Any,
        l2: float, outputs: int, batch: int, orders: Any, lo: int, hi: int, t: int,
    ) -> Any:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        n, d, k, at, epoch = y.shape[0], X[3], outputs if several else 1, lo, -1
        tail, now = to_fixed_tuple(constants, count), h.copy()
        room, order = np.empty((3, outputs if several else CHUNK), w.dtype), orders[0]
        g, shrunk = np.zeros_like(w), 0.0
        seen, before, columns = np.full(d, -1, np.int64), np.zeros(d), np.empty(d, np.int64)
        while at < hi:
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - lo // n]
            begin = at - epoch * n
            end = min(begin + batch, n)
            size = _touch(X, w, g, order, begin, end, k, t, seen, before, columns, shrunk)
            accumulate(evaluate, respond, tail, X, y, weight, w, g, room, order, begin, end)
            if not _finish(w, g, columns, size, d, k, l2, end - begin):
                _wait_no_more(w, before, shrunk, d, k)
                return t, 1
            t += 1
            now[lr] = h[lr] * factors[min(t, factors.size) - 1]
            last = (float(t),) + to_fixed_tuple(now, of_rule)
            for i in range(size):
                for q in range(columns[i] * k, (columns[i] + 1) * k):
                    new = update(g[q], *(load(memory, q) + last))
                    w[q] -= new[0]
                    save(memory, q, new)
            for q in range(d * k, w.size):
                new = update(g[q], *(load(memory, q) + last))
                w[q] -= new[0]
                save(memory, q, new)
            if l2 > 0:
                shrunk += math.log1p(-now[lr] * l2)
                for i in range(size):
                    before[columns[i]] = shrunk
            at += end - begin
        _wait_no_more(w, before, shrunk, d, k)
        return t, 0

    name_apart(touched, "_".join(map(str, (loss.name, dtype, several, rule.name, tag))))
    return njit(signature, cache=True, error_model="numpy", nogil=True, fastmath=FAST)(touched)


@register_jitable
def _touch(
    X: Any, w: Any, g: Any, order: Any, begin: int, end: int, k: int, t: int,
    seen: Any, before: Any, columns: Any, shrunk: float,
) -> int:  # fmt: skip
    """List the columns of a batch, bring their weights up to date and set their gradients to 0."""
    size, at = 0, X[1]
    for i in range(begin, end):
        for place in range(X[2][order[i]], X[2][order[i] + 1]):
            j = at[place]
            if seen[j] != t:
                seen[j] = t
                columns[size] = j
                size += 1
                by = math.exp(shrunk - before[j]) if shrunk != before[j] else 1.0
                for q in range(j * k, (j + 1) * k):
                    w[q] *= by
                    g[q] = 0
    for q in range(X[3] * k, w.size):
        g[q] = 0
    return size


@register_jitable
def _finish(w: Any, g: Any, columns: Any, size: int, d: int, k: int, l2: float, rows: int) -> bool:
    """Make sums means, add the penalty's slope; False when a gradient or a weight is not finite."""
    finite = True
    for i in range(size):
        for q in range(columns[i] * k, (columns[i] + 1) * k):
            g[q] = g[q] / rows + l2 * w[q]
            finite &= (abs(g[q]) < np.inf) & (abs(w[q]) < np.inf)
    for q in range(d * k, w.size):
        g[q] /= rows
        finite &= (abs(g[q]) < np.inf) & (abs(w[q]) < np.inf)
    return finite


@register_jitable
def _wait_no_more(w: Any, before: Any, shrunk: float, d: int, k: int) -> None:
    """Bring all weights up to date."""
    for j in range(d):
        if before[j] != shrunk:
            by = math.exp(shrunk - before[j])
            for q in range(j * k, (j + 1) * k):
                w[q] *= by
