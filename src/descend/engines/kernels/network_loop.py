"""network_loop: the compiled loop over epochs and batches of a network, and what it calls by address.

Every thread of a run runs the loop. A thread takes its share of the parts of each batch, then of the coordinates.
"""

import functools
from typing import Any

import numpy as np
from numba.extending import register_jitable

from descend.activations import Activation
from descend.engines.kernels import rows
from descend.engines.kernels.barrier import wait
from descend.engines.kernels.compiled import compile_kernel, evaluator
from descend.engines.kernels.passes import (
    FAN_IN,
    FAN_OUT,
    SCALE,
    UNITS,
    backward,
    forward,
    measure,
    move_statistics,
    observe,
    table,
)
from descend.engines.kernels.pointers import function_at
from descend.engines.kernels.records import (
    BatchParts,
    Call,
    Examples,
    LossSettings,
    Member,
    NetworkSettings,
    Numbers,
    NumberTable,
    PassBuffers,
    PassRows,
    ReadTable,
    Run,
    StepSettings,
    Table,
    Vector,
)
from descend.engines.kernels.rows import respond_to
from descend.engines.kernels.step import apply_gradient, as_tuple, by_address, copy, prepare
from descend.losses import Loss

RANGE = 1024  # coordinates of a share are a multiple of it: each is computed in the same vector as without shares


@register_jitable
def share_of(size: int, number: int, threads: int) -> tuple[int, int]:
    """Return the first coordinate, and the last, excluded, that a thread of so many moves."""
    width = -(-size // (threads * RANGE)) * RANGE if threads > 1 else size
    return min(number * width, size), min((number + 1) * width, size)


def compiled_activation(values: Vector, slopes: Vector) -> None:
    """The signature of every compiled activation: inputs become values, and slopes are written beside them."""


def compiled_loss(z: Table, y: Table, sample_weight: Vector, constants: Numbers) -> None:
    """The signature of every compiled loss: predictions z (rows, outputs) become the weighted slopes of their losses."""


activation_at, loss_at = function_at(compiled_activation), function_at(compiled_loss)


@functools.cache
def compile_activation(form: Activation, dtype: np.dtype[Any]) -> Any:
    """Compile an activation, see `compiled_activation`."""
    evaluate = register_jitable(forceinline=True)(form.evaluate)

    def act(values: Vector, slopes: Vector) -> None:
        for i in range(values.size):
            values[i], slopes[i] = evaluate(values[i])

    return compile_kernel(act, dtype, form.name)


@functools.cache
def compile_loss(loss: Loss, dtype: np.dtype[Any]) -> Any:
    """Compile a loss, see `compiled_loss`."""
    evaluate, respond, places = evaluator(loss, dtype), rows.response(loss), (0,) * len(loss.constants)

    def slopes(z: Table, y: Table, sample_weight: Vector, constants: Numbers) -> None:
        tail = as_tuple(constants, places)
        for i in range(z.shape[0]):
            respond_to(evaluate, respond, tail, z[i], y, sample_weight, i)

    return compile_kernel(slopes, dtype, loss.name)


@functools.cache
def compile_network_loop(dtype: np.dtype[Any]) -> Any:
    """Compile the loop over epochs and batches; rule, activation and loss come by their addresses.

    `stats` (layers, kinds) receives what the last step of the call shows, see `layer_stats`.
    """

    def network_loop(
        rule: int, unit: int, loss: int, examples: Examples, loss_settings: LossSettings, network: NetworkSettings,
        settings: StepSettings, batch: BatchParts, run: Run, stats: NumberTable, member: Member, call: Call,
    ) -> Any:  # fmt: skip
        X, y, sample_weight = examples
        w, whole_memory = run
        orders, at, last_row, t = call
        layers, act, respond = network.layers, activation_at(unit, w), loss_at(loss, w)
        n, last, epoch, parts, most = y.shape[0], layers.shape[0] - 1, -1, batch.parts, batch.pass_rows
        outputs, units = layers[last, FAN_OUT], layers[last, UNITS]
        normalised = last > 0 and layers[0, SCALE] >= 0
        widest = max(layers[:, FAN_IN].max(), layers[:, FAN_OUT].max())
        x, z = np.empty(most * X.shape[1], w.dtype), np.empty(most * outputs, w.dtype)
        targets, weights = (
            np.empty(most * y.shape[1], w.dtype),
            np.empty(most if sample_weight.size > 0 else 0, w.dtype),
        )
        me, threads, turnstile, gradients, raw, before, reach, flat, finite = member
        g = gradients[0]
        buffers = PassBuffers(
            np.empty(most * units, w.dtype), np.empty(most * units, w.dtype), np.empty(most * units, w.dtype),
            np.empty(units, w.dtype), np.empty((2, units), w.dtype), np.zeros(units, w.dtype),
            np.zeros(layers.shape[0], np.int64),
            np.empty((2, most * widest), w.dtype),
        )  # fmt: skip
        addition = np.empty_like(w)
        constants, factors, penalised, layer_ends, numbers = settings
        now, order = constants.copy(), np.empty(0, np.int64)
        low, high = share_of(w.size, me, threads)
        own_w, own_g, own_before, own_penalised = w[low:high], g[low:high], before[low:high], penalised[low:high]
        memory = whole_memory[:, low:high].copy()
        while at < last_row:
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - call.first // n] if orders.shape[0] > 0 else np.empty(0, np.int64)
            begin = at - epoch * n
            size = min(batch.rows, n - begin)
            recorded = at + size >= last_row
            buffers.flat[:] = 0
            for part in range(me, parts, threads):
                start, end = begin + size * part // parts, begin + size * (part + 1) // parts
                total = gradients[part]
                if start == end:
                    total[:] = 0
                for first in range(start, end, most):
                    rows = min(most, end - first)
                    features, out = table(x, 0, rows, X.shape[1]), table(z, 0, rows, outputs)
                    goal = table(targets, 0, rows, y.shape[1])
                    for k in range(rows):
                        row = order[first + k] if order.size > 0 else first + k
                        copy(features[k], X[row], X.shape[1])
                        copy(goal[k], y[row], y.shape[1])
                        if sample_weight.size > 0:
                            weights[k] = sample_weight[row]
                    forward(act, network, w, features, out, buffers, PassRows(rows, first - begin, t + 1))
                    respond(out, goal, weights[: rows if sample_weight.size > 0 else 0], loss_settings.constants)
                    if first == start:
                        backward(network, w, features, out, buffers, rows, total)
                    else:
                        backward(network, w, features, out, buffers, rows, addition)
                        for j in range(total.size):
                            total[j] += addition[j]
            if recorded:
                copy(reach[me], buffers.reach, units)
                copy(flat[me], buffers.flat, layers.shape[0])
            if not wait(turnstile, threads):
                return t, 1
            for part in range(1, parts):
                addend = gradients[part, low:high]
                for j in range(own_g.size):
                    own_g[j] += addend[j]
            for j in range(own_g.size):
                own_g[j] /= size
            if not wait(turnstile, threads):
                return t, 1
            if me == 0:
                if recorded:
                    observe(layers, reach, flat, size, stats)
                    copy(raw, g, g.size)
                if normalised or recorded:
                    copy(before, w, w.size)
                finite[0] = prepare(numbers, penalised, layer_ends, w, g)
            if not wait(turnstile, threads):
                return t, 1
            if finite[0] == 0:
                copy(reach[me], buffers.reach, units)
                copy(flat[me], buffers.flat, layers.shape[0])
                if wait(turnstile, threads) and me == 0:
                    observe(layers, reach, flat, size, stats)
                    measure(layers, w, w, g, stats)
                break
            apply_gradient(
                numbers, constants, factors, own_penalised, own_w, memory, own_g, now, own_before, t + 1, by_address, (rule,)
            )  # fmt: skip
            t += 1
            if not wait(turnstile, threads):
                return t, 1
            if normalised:
                move_statistics(layers, before, w, buffers.batch_moments, size)
            if recorded and me == 0:
                measure(layers, before, w, raw, stats)
            at += size
        for slot in range(memory.shape[0]):
            copy(whole_memory[slot, low:high], memory[slot], high - low)
        return t, int(at < last_row)

    return compile_kernel(network_loop, dtype)


SCORED_ROWS = 256  # rows of one pass of a prediction: its buffers stay in a level-2 cache


@functools.cache
def compile_network_scores(dtype: np.dtype[Any]) -> Any:
    """Compile the predictions of a network; the activation comes by its address."""

    def network_scores(unit: int, X: ReadTable, network: NetworkSettings, w: Vector, z: Table) -> None:
        layers, act = network.layers, activation_at(unit, w)
        n, last, most = X.shape[0], layers.shape[0] - 1, max(1, min(X.shape[0], SCORED_ROWS))
        units = layers[last, UNITS]
        buffers = PassBuffers(
            np.empty(most * units, w.dtype), np.empty(most * units, w.dtype), np.empty(most * units, w.dtype),
            np.empty(units, w.dtype), np.empty((2, units), w.dtype), np.empty(0, w.dtype), np.empty(0, np.int64),
            np.empty((2, 0), w.dtype),
        )  # fmt: skip
        x = np.empty(most * X.shape[1], w.dtype)
        for first in range(0, n, most):
            rows = min(most, n - first)
            features = table(x, 0, rows, X.shape[1])
            for k in range(rows):
                copy(features[k], X[first + k], X.shape[1])
            forward(act, network, w, features, z[first : first + rows], buffers, PassRows(rows, 0, 0))

    return compile_kernel(network_scores, dtype)
