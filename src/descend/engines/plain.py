"""The plain engine: obvious NumPy. It defines what every other engine must compute."""

from itertools import pairwise

import numpy as np

from descend.arrays import Array
from descend.engines.state import State
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.plan.order import next_batch
from descend.problem import Problem, gradient, network_gradient
from descend.problem.layer_stats import layer_stats as layer_stats_of
from descend.problem.network import ForwardCache, dropout_masks, updated_statistics


def advance(
    problem: Problem, plan: Plan, state: State, record_points: Array, threads: int = 1, layer_stats: Array | None = None
) -> tuple[State, Array]:
    """Train every running run until it has seen record_points[-1] rows, one run after the other; see engines.contract."""
    state, path = state.copy(), np.empty((len(plan), len(record_points), problem.params), problem.dtype)
    for r, setting in enumerate(plan.settings):
        for k, point in enumerate(record_points):
            observer = _Observer(problem)
            while (
                state.outcome[r] == Outcome.RUNNING
                and (rows := _next_rows(problem, plan, setting, state, r, point)) is not None
            ):
                _step(problem, setting, state, r, rows, observer)
            if layer_stats is not None:
                layer_stats[r, k] = observer.layer_stats
            path[r, k] = state.weights[r]
    return state, path


def _next_rows(problem: Problem, plan: Plan, setting: Setting, state: State, r: int, point: int) -> Array | None:
    """The rows of the next batch, or None when it would cross the record point."""
    n, batch, seen = problem.data.rows, setting.rows_a_step(problem.data.rows), int(state.seen[r])
    if seen + min(batch, n - seen % n) > point:
        return None
    return next_batch(n, batch, setting.seed, seen, plan.shuffle, problem.data.row_bytes)


class _Observer:
    """What the steps between two record points show of each layer of a network."""

    def __init__(self, problem: Problem) -> None:
        self.network = problem.network
        self.layer_stats: Array | float = np.nan
        self.reach = [np.zeros(layer.fan_out) for layer in problem.network.hidden] if problem.network else []

    def step(self, before: Array, after: Array, g: Array, caches: list[ForwardCache]) -> None:
        if self.network is not None:
            for largest, cache in zip(self.reach, caches, strict=True):
                np.maximum(largest, np.abs(cache.slope).max(axis=0), out=largest)
            self.layer_stats = layer_stats_of(self.network, before, after, g, caches, self.reach)


def _gradient(
    problem: Problem, setting: Setting, state: State, r: int, rows: Array
) -> tuple[Array, list[ForwardCache]]:
    """The gradient of the next step, and what a network's pass forward left."""
    if problem.network is None:
        return gradient(problem, state.weights[r], rows)[1], []
    masks = dropout_masks(problem.network, len(rows), setting.seed, int(state.steps[r]) + 1, problem.dtype)
    _, g, caches = network_gradient(problem, state.weights[r], rows, masks)
    return g, caches


def _step(problem: Problem, setting: Setting, state: State, r: int, rows: Array, observer: _Observer) -> None:
    """One step of run r, in place: penalty, clipping, schedule, decay, rule, projection."""
    w, slots = state.weights[r], len(setting.rule.memory)
    with np.errstate(all="ignore"):
        g, caches = _gradient(problem, setting, state, r, rows)
        raw = g - problem.l2 * problem.penalised * w
        if not np.isfinite(g).all():
            state.outcome[r] = Outcome.NONFINITE
            observer.step(w, w, raw, caches)
            return
        g = prepare(problem, setting, w, g)
        state.steps[r] += 1
        before = w.copy()
        step, memory, decay = rule_step(setting, g, state.memory[r, :slots], int(state.steps[r]))
        w -= decay * problem.penalised * w
        w -= step
        w[crossed(problem, before, w, g)] = 0
        if problem.network is not None:
            fixed = ~problem.network.trained
            w[fixed] = before[fixed]
            w[:] = updated_statistics(problem.network, w, caches)
        observer.step(before, w, raw, caches)
        if slots:
            state.memory[r, :slots] = memory
    state.seen[r] += len(rows)


def prepare(problem: Problem, setting: Setting, w: Array, g: Array) -> Array:
    """Return what a rule is given for a gradient of loss and quadratic penalty: the l1 penalty added, then clipped."""
    g = clip(pseudo_gradient(problem, g, w), setting.clip, setting.clip_value)
    return clip_layers(problem, g, setting.clip_layer)


def rule_step(setting: Setting, g: Array, memory: Array, t: int) -> tuple[Array, list[Array], float]:
    """Return the step of a rule, its new memory, and the part of the weights by which they decay, at step t.

    Args:
        g: what `prepare` returns (params,).
        memory: the rule's memories (slots, params).
    """
    constants = dict(setting.constants)
    lr = constants["lr"] = constants["lr"] * setting.factors[min(t, len(setting.factors)) - 1]
    step, *memories = setting.rule.update(g, *memory, t, **constants)
    return step, memories, lr * constants.get("decay", 0.0)


def pseudo_gradient(problem: Problem, g: Array, w: Array) -> Array:
    """Return the gradient with the l1 penalty's slope: of all slopes at a zero weight, the smallest.

    Together with `crossed` this is the orthant-wise form of the proximal step (Andrew and Gao 2007). Soft
    thresholding by lr * l1 is right for plain gradient descent alone: a rule with memory would settle elsewhere.
    """
    if problem.l1 == 0:
        return g
    l1 = problem.l1 * problem.penalised
    at_zero = np.sign(g) * np.maximum(np.abs(g) - l1, 0)
    return np.where(w == 0, at_zero, g + l1 * np.sign(w)).astype(g.dtype)


def crossed(problem: Problem, before: Array, after: Array, g: Array) -> Array:
    """Tell which weights left the orthant of their step under an l1 penalty: they stop at exactly zero."""
    if problem.l1 == 0:
        return np.zeros(len(after), bool)
    side = np.where(before == 0, -g, before)
    return (side * after <= 0) & (problem.penalised > 0)


def clip_layers(problem: Problem, g: Array, norm: float) -> Array:
    """Return the gradient with each layer's part held to a largest norm."""
    if problem.network is None or not np.isfinite(norm):
        return g
    ends = [0, *(layer.last for layer in problem.network.layers)]
    return np.concatenate([clip(g[lo:hi], norm, np.inf) for lo, hi in pairwise(ends)])


def clip(g: Array, norm: float, value: float) -> Array:
    """Return the gradient held to a largest coordinate and a largest norm, computed without overflow.

    >>> clip(np.array([3.0, 4.0]), 1.0, np.inf).round(12).tolist()
    [0.6, 0.8]
    """
    if np.isfinite(value):
        g = np.clip(g, -value, value)
    largest = float(np.abs(g).max(initial=0.0))
    if not np.isfinite(norm) or largest == 0.0:
        return g
    length = largest * float(np.sqrt(np.square(g.astype(np.float64) / largest).sum()))
    return (g * (norm / length)).astype(g.dtype) if length > norm else g
