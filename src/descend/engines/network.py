"""The network engine: an epoch of a fully connected network in one compiled call, runs side by side on threads."""

import functools
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import register_jitable
from numba.np.unsafe.ndarray import to_fixed_tuple

from descend.activations import Activation, activation
from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.engines.call_ranges import calls, order_of
from descend.engines.dispatch import arrays_of, numbers_of, to_mark, together
from descend.engines.kernels import passes, rows
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
from descend.engines.kernels.passes import (
    FAN_IN,
    FAN_OUT,
    SCALE,
    UNITS,
    backward,
    clip_layers,
    forward,
    measure,
    move_statistics,
    plan_of,
    table,
)
from descend.engines.kernels.pointers import address, function_at
from descend.engines.state import State
from descend.losses import Loss
from descend.plan import Plan, Setting
from descend.plan.rule import fingerprint
from descend.problem import Problem
from descend.problem.layer_stats import KINDS

MOST_ROWS = 512  # of one pass: larger batches are summed in parts, unless they are normalised as a whole


def advance(
    problem: Problem, plan: Plan, state: State, marks: Array, threads: int = 1, layer_stats: Array | None = None
) -> tuple[State, Array]:
    """Train every running run until it has seen marks[-1] rows; see engines.plain for the contract."""
    state, path = state.copy(), np.empty((len(plan), len(marks), problem.params), problem.dtype)
    orders = functools.lru_cache(maxsize=2)(functools.partial(order_of, problem.data, plan.shuffle))
    spans = functools.partial(calls, problem.data.rows, orders)
    jobs = [
        functools.partial(_train, problem, plan.settings[r], spans, state, path, r, marks, None if layer_stats is None else layer_stats[r])
        for r in range(len(plan))
    ]  # fmt: skip
    with one_blas_thread():
        together(jobs, threads)
    return state, path


def _train(
    problem: Problem, setting: Setting, spans: Any, state: State, path: Array, r: int, marks: Array, layer_stats: Array | None
) -> None:  # fmt: skip
    """Train run r from mark to mark, in place."""
    assert problem.network is not None
    found = np.empty((len(problem.network.layers), len(KINDS)))
    call = _bind(problem, setting, state, r, found)
    for k, mark in enumerate(marks):
        found[:] = np.nan
        to_mark(call, spans, setting, problem.data.rows, state, r, int(mark))
        path[r, k] = state.weights[r]
        if layer_stats is not None:
            layer_stats[k] = found


def _bind(problem: Problem, setting: Setting, state: State, r: int, found: Array) -> Any:
    """Return the compiled loop with everything but (orders, lo, hi, steps) filled in."""
    network, dtype = problem.network, problem.dtype
    assert network is not None
    form = activation(network.activation)
    return functools.partial(
        trainer(dtype), address(stepper(setting.rule, dtype)), address(activator(form, dtype)),
        address(responder(problem.loss, dtype)),
        *arrays_of(problem), state.weights[r], state.memory[r], *numbers_of(setting),
        np.array(list(problem.constants.values()), np.float64), problem.penalised, problem.l2, problem.l1,
        float(setting.clip), float(setting.clip_value), float(setting.clip_layer), plan_of(network), network.dropout,
        setting.seed, form.peak, setting.rows_a_step(problem.data.rows), found,
    )  # fmt: skip


@functools.cache
def activator(form: Activation, dtype: np.dtype[Any]) -> Any:
    """Compile an activation: inputs of units become values, and slopes are written beside them."""
    evaluate, tag = register_jitable(forceinline=True)(form.evaluate), fingerprint(form.evaluate) + AROUND

    def act(values: Any, slopes: Any) -> None:
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        for i in range(values.size):
            values[i], slopes[i] = evaluate(values[i])

    name_apart(act, f"{form.name}_{dtype}_{tag}")
    return njit(_of_two(dtype), cache=True, error_model="numpy", nogil=True, fastmath=FAST)(act)


@functools.cache
def responder(loss: Loss, dtype: np.dtype[Any]) -> Any:
    """Compile a loss: predictions (rows, outputs) become the weighted slopes of their losses."""
    evaluate, tag, count = evaluator(loss)
    respond = rows.response(loss)
    tag += AROUND + fingerprint(respond) + fingerprint(rows.respond_to)

    def slopes(z: Any, y: Any, weight: Any, constants: Any) -> None:
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        tail = to_fixed_tuple(constants, count)
        for i in range(z.shape[0]):
            rows.respond_to(evaluate, respond, tail, z[i], y, weight, i)

    name_apart(slopes, f"{loss.name}_{dtype}_{tag}")
    return njit(_of_loss(dtype), cache=True, error_model="numpy", nogil=True, fastmath=FAST)(slopes)


def _of_two(dtype: np.dtype[Any]) -> Any:
    vector = types.Array(real(dtype), 1, "C")
    return types.void(vector, vector)


def _of_loss(dtype: np.dtype[Any]) -> Any:
    f = real(dtype)
    tables = types.Array(f, 2, "C"), types.Array(f, 2, "C")
    return types.void(*tables, types.Array(f, 1, "C"), types.Array(types.float64, 1, "C"))


activation_at, loss_at = function_at(_of_two), function_at(_of_loss)


@functools.cache
def trainer(dtype: np.dtype[Any]) -> Any:
    """Compile the loop over epochs and batches; rule, activation and loss come by their addresses."""
    f, i, d = real(dtype), types.int64, types.float64
    vector, numbers, shared = types.Array(f, 1, "C"), types.Array(d, 1, "C"), types.Array(f, 2, "C", readonly=True)
    whole = types.Array(i, 2, "C")
    signature = types.UniTuple(i, 2)(
        i, i, i, shared, shared, vector, vector, types.Array(f, 2, "C"), numbers, i, numbers, numbers, numbers,
        *[d] * 5, whole, d, i, d, i, types.Array(d, 2, "C"), whole, i, i, i,
    )  # fmt: skip
    tag = AROUND + "".join(
        fingerprint(g) for g in vars(passes).values() if getattr(g, "__module__", "") == passes.__name__
    )

    def train(
        rule: int, unit: int, loss: int, X: Any, y: Any, weight: Any, w: Any, memory: Any,
        h: Any, lr: int, factors: Any, constants: Any, penalised: Any,
        l2: float, l1: float, norm: float, value: float, norm_layer: float, layers: Any, drop: float,
        seed: int, peak: float, batch: int, found: Any, orders: Any, lo: int, hi: int, t: int,
    ) -> Any:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        step, act, respond = step_at(rule, w), activation_at(unit, w), loss_at(loss, w)
        n, last, at, epoch, now = y.shape[0], layers.shape[0] - 1, lo, -1, h.copy()
        outputs, units = layers[last, FAN_OUT], layers[last, UNITS]
        normalised = last > 0 and layers[0, SCALE] >= 0
        most = batch if normalised else min(batch, MOST_ROWS)
        x, z = np.empty(most * X.shape[1], w.dtype), np.empty(most * outputs, w.dtype)
        hats, slopes, outs = (
            np.empty(most * units, w.dtype),
            np.empty(most * units, w.dtype),
            np.empty(most * units, w.dtype),
        )
        pulls = np.empty((2, most * max(layers[:, FAN_IN].max(), layers[:, FAN_OUT].max())), w.dtype)
        targets, shares = np.empty(most * y.shape[1], w.dtype), np.empty(most if weight.size > 0 else 0, w.dtype)
        root, own, reach = np.empty(units, w.dtype), np.empty((2, units), w.dtype), np.zeros(units, w.dtype)
        g, part, before, raw = np.empty_like(w), np.empty_like(w), np.empty_like(w), np.empty_like(w)
        order = np.empty(0, np.int64)
        while at < hi:
            if at // n != epoch:
                epoch = at // n
                order = orders[epoch - lo // n] if orders.shape[0] > 0 else np.empty(0, np.int64)
            begin = at - epoch * n
            end = min(begin + batch, n)
            recorded = at + end - begin >= hi
            found[:, 4] = 0
            for first in range(begin, end, most):
                size = min(most, end - first)
                features, out = table(x, 0, size, X.shape[1]), table(z, 0, size, outputs)
                goal = table(targets, 0, size, y.shape[1])
                for k in range(size):
                    row = order[first + k] if order.size > 0 else first + k
                    features[k] = X[row]
                    goal[k] = y[row]
                    if weight.size > 0:
                        shares[k] = weight[row]
                forward(
                    act, layers, w, features, hats, slopes, outs, out, root, own, size, first - begin, drop, seed, t + 1,
                    reach, peak, found, end - begin,
                )  # fmt: skip
                respond(out, goal, shares[: size if weight.size > 0 else 0], constants)
                if size == end - begin:
                    backward(layers, w, features, hats, slopes, outs, out, root, size, pulls, g)
                else:
                    if first == begin:
                        g[:] = 0
                    backward(layers, w, features, hats, slopes, outs, out, root, size, pulls, part)
                    for j in range(g.size):
                        g[j] += part[j]
            for j in range(g.size):
                g[j] /= end - begin
            if recorded:
                raw[:] = g
            if not prepare(g, w, penalised, l2, l1, norm, value):
                measure(layers, w, w, g, found)
                return t, 1
            if norm_layer < np.inf:
                clip_layers(layers, g, norm_layer)
            t += 1
            now[lr] = h[lr] * factors[min(t, factors.size) - 1]
            if l1 > 0 or normalised or recorded:
                before[:] = w
            step(w, g, memory, now, penalised, float(t))
            if l1 > 0:
                project(before, w, g, penalised)
            if normalised:
                move_statistics(layers, before, w, own, end - begin)
            if recorded:
                measure(layers, before, w, raw, found)
            at += end - begin
        return t, 0

    name_apart(train, f"{dtype}_{tag}")
    return njit(signature, cache=True, error_model="numpy", nogil=True, fastmath=FAST)(train)
