"""The network engine: an epoch of a fully connected network in one compiled call, runs side by side on threads."""

import functools
from typing import Any

import numpy as np
from numba.extending import register_jitable

from descend.activations import Activation, activation
from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.engines.dispatch import (
    Loop,
    Ranges,
    examples_of,
    loss_settings_of,
    ranges_of,
    run_of,
    step_settings_of,
    together,
    train_to,
)
from descend.engines.kernels import rows
from descend.engines.kernels.compiled import compile_kernel, compile_rule, evaluator
from descend.engines.kernels.passes import (
    FAN_IN,
    FAN_OUT,
    SCALE,
    UNITS,
    backward,
    forward,
    layer_table,
    measure,
    move_statistics,
    table,
)
from descend.engines.kernels.pointers import address, function_at
from descend.engines.kernels.records import (
    Call,
    Examples,
    LossSettings,
    NetworkSettings,
    Numbers,
    NumberTable,
    PassBuffers,
    PassRows,
    Run,
    StepSettings,
    Table,
    Vector,
)
from descend.engines.kernels.rows import respond_to
from descend.engines.kernels.step import as_tuple, by_address, take_step
from descend.engines.shared_runs import Part, train_together
from descend.engines.state import State
from descend.losses import Loss
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.problem.layer_stats import KINDS, SATURATED

MOST_PASS_ROWS = 512  # rows of one pass: its buffers stay in a core's cache; larger batches are summed in parts, unless
# they are normalised, which needs all rows of the batch at once


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
    jobs = [
        functools.partial(
            _train, problem, plan.settings[r], ranges, state, path, r, record_points,
            None if layer_stats is None else layer_stats[r],
        )
        for (r,), _ in parts
    ]  # fmt: skip
    with one_blas_thread():
        together(jobs, threads)


def _train(
    problem: Problem, setting: Setting, ranges: Ranges, state: State, path: Array, r: int, record_points: Array,
    layer_stats: Array | None,
) -> None:  # fmt: skip
    """Train run r from record point to record point, in place."""
    assert problem.network is not None
    stats = np.empty((len(problem.network.layers), len(KINDS)))
    loop = _loop(problem, setting, state, r, stats)
    for k, point in enumerate(record_points):
        stats[:] = np.nan
        train_to(loop, ranges, setting, problem.data.rows, state, r, int(point))
        path[r, k] = state.weights[r]
        if layer_stats is not None:
            layer_stats[k] = stats


def _loop(problem: Problem, setting: Setting, state: State, r: int, stats: Array) -> Loop:
    """The compiled loop with all but the call filled in."""
    network, dtype = problem.network, problem.dtype
    assert network is not None
    form = activation(network.activation)
    return functools.partial(
        compile_network_loop(dtype), address(compile_rule(setting.rule, dtype)), address(compile_activation(form, dtype)),
        address(compile_loss(problem.loss, dtype)), examples_of(problem), loss_settings_of(problem),
        NetworkSettings(layer_table(network), float(network.dropout), int(setting.seed), float(form.peak)),
        step_settings_of(problem, setting), setting.rows_a_step(problem.data.rows), run_of(state, r), stats,
    )  # fmt: skip


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
        settings: StepSettings, batch_size: int, run: Run, stats: NumberTable, call: Call,
    ) -> Any:  # fmt: skip
        X, y, sample_weight = examples
        w, memory = run
        orders, at, last_row, t = call
        layers, act, respond = network.layers, activation_at(unit, w), loss_at(loss, w)
        n, last, epoch = y.shape[0], layers.shape[0] - 1, -1
        outputs, units = layers[last, FAN_OUT], layers[last, UNITS]
        normalised = last > 0 and layers[0, SCALE] >= 0
        most = batch_size if normalised else min(batch_size, MOST_PASS_ROWS)
        widest = max(layers[:, FAN_IN].max(), layers[:, FAN_OUT].max())
        x, z = np.empty(most * X.shape[1], w.dtype), np.empty(most * outputs, w.dtype)
        targets, weights = (
            np.empty(most * y.shape[1], w.dtype),
            np.empty(most if sample_weight.size > 0 else 0, w.dtype),
        )
        buffers = PassBuffers(
            np.empty(most * units, w.dtype), np.empty(most * units, w.dtype), np.empty(most * units, w.dtype),
            np.empty(units, w.dtype), np.empty((2, units), w.dtype), np.zeros(units, w.dtype),
            np.empty((2, most * widest), w.dtype),
        )  # fmt: skip
        g, part, before, raw = np.empty_like(w), np.empty_like(w), np.empty_like(w), np.empty_like(w)
        constants, factors, penalised, layer_ends, numbers = settings
        now, order = constants.copy(), np.empty(0, np.int64)
        while at < last_row:
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - call.first // n] if orders.shape[0] > 0 else np.empty(0, np.int64)
            begin = at - epoch * n
            end = min(begin + batch_size, n)
            recorded = at + end - begin >= last_row
            stats[:, SATURATED] = 0
            for first in range(begin, end, most):
                size = min(most, end - first)
                features, out = table(x, 0, size, X.shape[1]), table(z, 0, size, outputs)
                goal = table(targets, 0, size, y.shape[1])
                for k in range(size):
                    row = order[first + k] if order.size > 0 else first + k
                    features[k] = X[row]
                    goal[k] = y[row]
                    if sample_weight.size > 0:
                        weights[k] = sample_weight[row]
                forward(
                    act, network, w, features, out, buffers, PassRows(size, first - begin, end - begin, t + 1), stats
                )
                respond(out, goal, weights[: size if sample_weight.size > 0 else 0], loss_settings.constants)
                if size == end - begin:
                    backward(network, w, features, out, buffers, size, g)
                else:
                    if first == begin:
                        g[:] = 0
                    backward(network, w, features, out, buffers, size, part)
                    for j in range(g.size):
                        g[j] += part[j]
            for j in range(g.size):
                g[j] /= end - begin
            if recorded:
                raw[:] = g
            if normalised or recorded:
                before[:] = w
            if not take_step(
                numbers, constants, factors, penalised, layer_ends, w, memory, g, now, before, t + 1, False, by_address, (rule,)
            ):  # fmt: skip
                measure(layers, w, w, g, stats)
                return t, 1
            t += 1
            if normalised:
                move_statistics(layers, before, w, buffers.batch_moments, end - begin)
            if recorded:
                measure(layers, before, w, raw, stats)
            at += end - begin
        return t, 0

    return compile_kernel(network_loop, dtype)
