"""The loop over sparse rows that moves only the weights that a batch touches; its cost is in the non-zeros.

It is exact, up to rounding, for rules whose step is zero where the gradient is zero: gradient descent and Adagrad. A
quadratic penalty moves every weight at every step; under gradient descent it multiplies an untouched weight by
1 - lr * l2, and the steps that a weight has missed are applied when it is touched again (Langford, Li and Zhang 2009 do
the same for l1). Rules with a moving average move all their weights at each step by definition, and a rule's l1 steps
depend on the sign of the weight: they take the loop over all weights.
"""

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numba.extending import register_jitable

from descend import rules
from descend.arrays import Array
from descend.engines.kernels.compiled import compile_kernel, rule_parts
from descend.engines.kernels.loops import loss_parts
from descend.engines.kernels.records import Batch, Call, LossSettings, Run, SparseExamples, SparseRows, StepSettings
from descend.engines.kernels.rows import CHUNK
from descend.engines.kernels.step import as_tuple, schedule
from descend.losses import Loss
from descend.plan import Setting
from descend.plan.rule import Rule
from descend.problem import Problem
from descend.sparse import is_sparse

STILL_AT_ZERO = (rules.sgd, rules.adagrad, rules.adagrad_keras)  # rules whose step is 0 where the gradient is 0
MOST_BATCH_ROWS = 1024  # rows a step beyond which nearly all columns are touched; arbitrary
MOST_DECAY = 0.5  # of a weight by the penalty in one step: 1 - lr * l2 stays far from 0, where its logarithm is taken


class Lazy(NamedTuple):
    """What is known of each column.

    Args:
        touched: the columns of the batch, in the order of their first non-zero (columns,), the first `size` of them.
        step: the last step whose batch touched the column (columns,).
        decay: the logarithm of the decay that the column's weights have had (columns,).
    """

    touched: Array
    step: Array
    decay: Array


def fits(problem: Problem, setting: Setting) -> bool:
    """Tell whether the weights that a batch does not touch may wait."""
    batch, rule = setting.rows_a_step(problem.data.rows), setting.rule.update
    still = rule in STILL_AT_ZERO and setting.constants.get("eps", 1.0) > 0
    decay = setting.lr * problem.l2 * float(np.max(setting.factors))
    multiplies = problem.l2 == 0 or (rule is rules.sgd and decay < MOST_DECAY)
    free = np.isinf(setting.clip) and np.isinf(setting.clip_value) and problem.l1 == 0
    few = batch <= min(MOST_BATCH_ROWS, problem.data.rows - 1)
    return is_sparse(problem.data.X) and few and still and multiplies and free


@functools.cache
def compile_lazy_loop(loss: Loss, rule: Rule, dtype: np.dtype[Any], several: bool) -> Any:
    """Compile the loop over epochs, batches and the non-zeros of their rows, with the rule inside."""
    evaluate, accumulate, respond, places = loss_parts(loss, dtype, several, sparse=True)
    update, load, save, _, _, rule_places, tag = rule_parts(rule)

    def lazy(
        examples: SparseExamples, loss_settings: LossSettings, settings: StepSettings, batch_size: int, run: Run, call: Call
    ) -> Any:  # fmt: skip
        X, y, sample_weight = examples
        w, memory = run
        orders, at, last_row, t = call
        n, d, k, epoch = y.shape[0], X.features, loss_settings.outputs if several else 1, -1
        constants, factors, _, _, (lr, l2, _, _, _, _) = settings
        tail, now = as_tuple(loss_settings.constants, places), constants.copy()
        workspace, order = np.empty((3, loss_settings.outputs if several else CHUNK), w.dtype), orders[0]
        g, decay = np.zeros_like(w), 0.0
        columns = Lazy(np.empty(d, np.int64), np.full(d, -1, np.int64), np.zeros(d))
        while at < last_row:
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - call.first // n]
            begin = at - epoch * n
            end = min(begin + batch_size, n)
            batch = Batch(order, begin, end)
            size = _touch(X, w, g, batch, k, t, columns, decay)
            accumulate(evaluate, respond, tail, examples, w, g, workspace, batch)
            if not _prepare(w, g, columns.touched, size, d, k, l2, end - begin):
                _catch_up(w, columns.decay, decay, d, k)
                return t, 1
            t += 1
            schedule(lr, constants, factors, now, t)
            last = (float(t),) + as_tuple(now, rule_places)
            for i in range(size):
                for q in range(columns.touched[i] * k, (columns.touched[i] + 1) * k):
                    new = update(g[q], *(load(memory, q) + last))
                    w[q] -= new[0]
                    save(memory, q, new)
            for q in range(d * k, w.size):
                new = update(g[q], *(load(memory, q) + last))
                w[q] -= new[0]
                save(memory, q, new)
            if l2 > 0:
                decay += math.log1p(-now[lr] * l2)
                for i in range(size):
                    columns.decay[columns.touched[i]] = decay
            at += end - begin
        _catch_up(w, columns.decay, decay, d, k)
        return t, 0

    return compile_kernel(lazy, dtype, loss.name, several, tag)


@register_jitable
def _touch(X: SparseRows, w: Array, g: Array, batch: Batch, k: int, t: int, columns: Lazy, decay: float) -> int:
    """List the columns of a batch, apply the decay that their weights missed, set their gradients to 0; how many."""
    order, begin, end = batch
    touched, step, decays = columns
    size, at, starts = 0, X.columns, X.starts
    for i in range(begin, end):
        for place in range(starts[order[i]], starts[order[i] + 1]):
            j = at[place]
            if step[j] != t:
                step[j] = t
                touched[size] = j
                size += 1
                by = math.exp(decay - decays[j]) if decay != decays[j] else 1.0
                for q in range(j * k, (j + 1) * k):
                    w[q] *= by
                    g[q] = 0
    for q in range(X.features * k, w.size):
        g[q] = 0
    return size


@register_jitable
def _prepare(w: Array, g: Array, touched: Array, size: int, d: int, k: int, l2: float, rows: int) -> bool:
    """What `step.prepare` does, for the touched weights alone: means, penalty; False when one is not finite."""
    finite = True
    for i in range(size):
        for q in range(touched[i] * k, (touched[i] + 1) * k):
            g[q] = g[q] / rows + l2 * w[q]
            finite &= (abs(g[q]) < np.inf) & (abs(w[q]) < np.inf)
    for q in range(d * k, w.size):
        g[q] /= rows
        finite &= (abs(g[q]) < np.inf) & (abs(w[q]) < np.inf)
    return finite


@register_jitable
def _catch_up(w: Array, decays: Array, decay: float, d: int, k: int) -> None:
    """Apply the decay that weights have missed to all of them."""
    for j in range(d):
        if decays[j] != decay:
            by = math.exp(decay - decays[j])
            for q in range(j * k, (j + 1) * k):
                w[q] *= by
