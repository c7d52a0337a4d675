"""Compiled loops over epochs, batches and rows of a linear model; each compiled once a loss, or once a loss and rule."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from descend.engines.kernels import rows
from descend.engines.kernels.compiled import compile_kernel, evaluator, rule_parts
from descend.engines.kernels.nonzeros import add_one_sparse, add_several_sparse
from descend.engines.kernels.records import (
    Batch,
    Call,
    Examples,
    Indices,
    LossSettings,
    Numbers,
    ReadTable,
    Run,
    SparseExamples,
    StepSettings,
    Table,
    Vector,
)
from descend.engines.kernels.rows import AHEAD, CHUNK, add_losses, prefetch_row
from descend.engines.kernels.step import as_tuple, by_address, copy, inline, take_step
from descend.engines.kernels.weak import as_they_are
from descend.losses import Loss
from descend.plan.rule import Rule

# Rows whose gradients are summed apart, and the sums then added: threads that share a step take whole blocks, and the
# bits are the same without them. So many rows of 100 features are 3 MB: large beside the hand-over to a thread, small
# beside the rows that are worth sharing. Sums of sums also round less than one long sum.
BLOCK = 4096


class LossParts(NamedTuple):
    """What a loop over rows captures of a loss: its function, the sum over rows, and a zero a constant.

    Args:
        accumulate: adds the gradients of some rows, see `rows.add_one`.
        respond: turns the scores of a row into slopes, where there are several.
    """

    evaluate: Callable[..., Any]
    accumulate: Callable[..., None]
    respond: Callable[..., None]
    places: tuple[int, ...]


def loss_parts(loss: Loss, dtype: np.dtype[Any], several: bool, sparse: bool = False) -> LossParts:
    """Return what a loop captures of a loss."""
    of_one, of_several = (add_one_sparse, add_several_sparse) if sparse else (rows.add_one, rows.add_several)
    return LossParts(
        evaluator(loss, dtype), of_several if several else of_one, rows.response(loss), (0,) * len(loss.constants)
    )


def _examples(sparse: bool) -> type[Any]:
    return SparseExamples if sparse else Examples


@functools.cache
def compile_loop(loss: Loss, dtype: np.dtype[Any], several: bool, sparse: bool = False) -> Any:
    """Compile the loop over epochs, batches and rows for one loss; it takes any rule by its address.

    `given` is the sum of all rows' gradients, where others have computed it (params,), else empty.
    """
    evaluate, accumulate, respond, places = loss_parts(loss, dtype, several, sparse)

    def loop(
        rule: int, examples: Examples, loss_settings: LossSettings, settings: StepSettings, batch_size: int, run: Run,
        call: Call, given: Vector,
    ) -> Any:  # fmt: skip
        X, y, sample_weight = examples
        w, memory = run
        orders, at, last_row, t = call
        n, tail, epoch, nothing = y.shape[0], as_tuple(loss_settings.constants, places), -1, np.empty(0, np.int64)
        g, part = np.empty_like(w), np.empty_like(w)
        constants, factors, penalised, layer_ends, numbers = settings
        now, before = constants.copy(), np.empty_like(w)
        workspace, order = np.empty((3, loss_settings.outputs if several else CHUNK), w.dtype), nothing
        while at < last_row:
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - call.first // n] if orders.shape[0] > 0 else nothing
            begin = at - epoch * n
            end = min(begin + batch_size, n)
            if given.size > 0:
                copy(g, given, g.size)
            elif end - begin <= BLOCK:
                g[:] = 0
                accumulate(evaluate, respond, tail, examples, w, g, workspace, Batch(order, begin, end))
            else:
                g[:] = 0
                for first in range(begin, end, BLOCK):
                    part[:] = 0
                    block = Batch(order, first, min(first + BLOCK, end))
                    accumulate(evaluate, respond, tail, examples, w, part, workspace, block)
                    for j in range(g.size):
                        g[j] += part[j]
            for j in range(g.size):
                g[j] /= end - begin
            if not take_step(
                numbers, constants, factors, penalised, layer_ends, w, memory, g, now, before, t + 1, False, by_address, (rule,)
            ):  # fmt: skip
                return t, 1
            t += 1
            at += end - begin
        return t, 0

    return compile_kernel(loop, dtype, loss.name, several, sparse, examples=_examples(sparse))


@functools.cache
def compile_online_loop(loss: Loss, rule: Rule, dtype: np.dtype[Any]) -> Any:
    """Compile the loop for one output and one row a step, with the rule inside: a call a row would cost as much as the row.

    A rule without memory is computed in the dtype of the weights, where it loses no digits; others in float64.
    """
    evaluate, _, _, places = loss_parts(loss, dtype, several=False)
    update, load, save, lr, decay, rule_places, tag = rule_parts(rule)
    kind = np.float64 if rule.memory or dtype == np.float64 else np.float32

    def one_by_one(
        examples: Examples, loss_settings: LossSettings, settings: StepSettings, batch_size: int, run: Run, call: Call
    ) -> Any:  # fmt: skip
        X, y, sample_weight = examples
        w, memory = run
        orders, t = call.orders, call.steps
        (n, d), tail, epoch, nothing = X.shape, as_tuple(loss_settings.constants, places), -1, np.empty(0, np.int64)
        g, order, one = np.empty_like(w), nothing, w.dtype.type(1)
        constants, factors, penalised, layer_ends, numbers = settings
        now, before = constants.astype(kind), np.empty_like(w)
        unclipped = numbers.clip == np.inf and numbers.clip_value == np.inf
        simple = numbers.l2 == 0 and numbers.l1 == 0 and unclipped
        for at in range(call.first, call.last):
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - call.first // n] if orders.shape[0] > 0 else nothing
            row = at - epoch * n
            if order.size > 0:
                if row + AHEAD < n:
                    prefetch_row(X, order[row + AHEAD])
                row = order[row]
            score = w[d] if w.size > d else w.dtype.type(0)
            for j in range(d):
                score += X[row, j] * w[j]
            weight = sample_weight[row] if sample_weight.size > 0 else one
            slope = w.dtype.type(weight * evaluate(score, y[row, 0], *tail)[1])
            finite = abs(slope) < np.inf
            for j in range(d):
                g[j] = slope * X[row, j]
                finite &= (abs(g[j]) < np.inf) & (abs(w[j]) < np.inf)
            if w.size > d:
                g[d] = slope
                finite &= abs(w[d]) < np.inf
            parts = (update, load, save, as_they_are, lr, decay, rule_places)
            if not finite or not take_step(
                numbers, constants, factors, penalised, layer_ends, w, memory, g, now, before, t + 1, simple, inline, parts
            ):  # fmt: skip
                return t, 1
            t += 1
        return t, 0

    return compile_kernel(one_by_one, dtype, loss.name, tag)


@functools.cache
def compile_block_sums(loss: Loss, dtype: np.dtype[Any], several: bool, sparse: bool = False) -> Any:
    """Compile the sums of gradients over blocks of rows (blocks, params), for threads and processes that share a step.

    `order` holds the rows that are cut into blocks; all of them, as they are, when it is empty.
    """
    evaluate, accumulate, respond, places = loss_parts(loss, dtype, several, sparse)

    def sums(
        examples: Examples, loss_settings: LossSettings, order: Indices, w: Vector, blocks: Table, first: int, last: int
    ) -> None:  # fmt: skip
        workspace = np.empty((3, loss_settings.outputs if several else CHUNK), w.dtype)
        tail, n = as_tuple(loss_settings.constants, places), order.size if order.size > 0 else examples.y.shape[0]
        for b in range(first, last):
            blocks[b] = 0
            batch = Batch(order, b * BLOCK, min((b + 1) * BLOCK, n))
            accumulate(evaluate, respond, tail, examples, w, blocks[b], workspace, batch)

    return compile_kernel(sums, dtype, loss.name, several, sparse, examples=_examples(sparse))


@functools.cache
def compile_row_squares(dtype: np.dtype[Any]) -> Any:
    """Compile the sum of squares of each row, float64 (rows,), of features that are centred and scaled as they are read."""

    def squares(X: ReadTable, center: Numbers, inverse: Numbers, totals: Numbers, first: int, last: int) -> None:
        for i in range(first, last):
            total = 0.0
            for j in range(X.shape[1]):
                x = (X[i, j] - center[j]) * inverse[j]
                total += x * x
            totals[i] = total

    return compile_kernel(squares, dtype)


@functools.cache
def compile_block_losses(loss: Loss, dtype: np.dtype[Any]) -> Any:
    """Compile the sums of losses over blocks of rows, float64 (blocks,), for a single output."""
    evaluate, _, _, places = loss_parts(loss, dtype, several=False)

    def losses(
        examples: Examples, loss_settings: LossSettings, w: Vector, totals: Numbers, first: int, last: int
    ) -> None:
        workspace, tail, n = (
            np.empty((3, CHUNK), w.dtype),
            as_tuple(loss_settings.constants, places),
            examples.y.shape[0],
        )
        order = np.empty(0, np.int64)
        for b in range(first, last):
            batch = Batch(order, b * BLOCK, min((b + 1) * BLOCK, n))
            totals[b] = add_losses(evaluate, tail, examples, w, workspace, batch)

    return compile_kernel(losses, dtype, loss.name)
