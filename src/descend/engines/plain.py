"""The plain engine: obvious NumPy. It defines what every other engine must compute."""

from itertools import pairwise
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines.state import State
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.plan.order import next_batch
from descend.problem import Problem, gradient, network_gradient
from descend.problem.layer_stats import layer_stats as layer_stats_of
from descend.problem.network import Passed, dropout_masks, updated_statistics


def advance(
    problem: Problem, plan: Plan, state: State, marks: Array, threads: int = 1, layer_stats: Array | None = None
) -> tuple[State, Array]:
    """Train every running run until it has seen marks[-1] rows.

    Args:
        threads: not used; the definition is trained one run after the other.
        marks: rows seen at which to keep the weights, increasing, int64 (marks,); a step never crosses a mark.
        layer_stats: filled with what the last step before each mark shows of each layer of a network, (runs, marks, layers,
            kinds) as `layer_stats.KINDS` says; NaN where there was no step.

    Returns the new state, and the weights (runs, marks, params) as they were at each mark.
    """
    state, path = state.copy(), np.empty((len(plan), len(marks), problem.params), problem.dtype)
    for r, setting in enumerate(plan.settings):
        for k, mark in enumerate(marks):
            seen = _Seen(problem)
            while (
                state.outcome[r] == Outcome.RUNNING
                and (rows := _next_rows(problem, plan, setting, state, r, mark)) is not None
            ):
                _step(problem, setting, state, r, rows, seen)
            if layer_stats is not None:
                layer_stats[r, k] = seen.layer_stats
            path[r, k] = state.weights[r]
    return state, path


def _next_rows(problem: Problem, plan: Plan, setting: Setting, state: State, r: int, mark: int) -> Array | None:
    """The rows of the next batch, or None when it would cross the mark."""
    n, batch, seen = problem.data.rows, setting.rows_a_step(problem.data.rows), int(state.seen[r])
    if seen + min(batch, n - seen % n) > mark:
        return None
    return next_batch(n, batch, setting.seed, seen, plan.shuffle, problem.data.row_bytes)


class _Seen:
    """What the steps between two marks show of each layer of a network."""

    def __init__(self, problem: Problem) -> None:
        self.network = problem.network
        self.layer_stats: Any = np.nan
        self.reach = [np.zeros(layer.fan_out) for layer in problem.network.hidden] if problem.network else []

    def step(self, before: Array, after: Array, g: Array, passed: list[Passed]) -> None:
        if self.network is not None:
            for most, layer in zip(self.reach, passed, strict=True):
                np.maximum(most, np.abs(layer.slope).max(axis=0), out=most)
            self.layer_stats = layer_stats_of(self.network, before, after, g, passed, self.reach)


def _gradient(problem: Problem, setting: Setting, state: State, r: int, rows: Array) -> tuple[Array, list[Passed]]:
    """The gradient of the next step, and what a network's pass forward left."""
    if problem.network is None:
        return gradient(problem, state.weights[r], rows)[1], []
    masks = dropout_masks(problem.network, len(rows), setting.seed, int(state.steps[r]) + 1, problem.dtype)
    _, g, passed = network_gradient(problem, state.weights[r], rows, masks)
    return g, passed


def _step(problem: Problem, setting: Setting, state: State, r: int, rows: Array, seen: _Seen) -> None:
    """One step of run r, in place."""
    w, slots = state.weights[r], len(setting.rule.memory)
    with np.errstate(all="ignore"):
        g, passed = _gradient(problem, setting, state, r, rows)
        raw = g - problem.l2 * problem.penalised * w
        if not np.isfinite(g).all():
            state.outcome[r] = Outcome.NONFINITE
            seen.step(w, w, raw, passed)
            return
        g = clip(pseudo_gradient(problem, g, w), setting.clip, setting.clip_value)
        g = clip_layers(problem, g, setting.clip_layer)
        state.steps[r] += 1
        before = w.copy()
        t = int(state.steps[r])
        constants = dict(setting.constants)
        lr = constants["lr"] = constants["lr"] * setting.factors[min(t, len(setting.factors)) - 1]
        step, *memory = setting.rule.update(g, *state.memory[r, :slots], t, **constants)
        w -= lr * constants.get("decay", 0.0) * problem.penalised * w
        w -= step
        w[crossed(problem, before, w, g)] = 0
        if problem.network is not None:
            still = ~problem.network.trained
            w[still] = before[still]
            w[:] = updated_statistics(problem.network, w, passed)
        seen.step(before, w, raw, passed)
        if slots:
            state.memory[r, :slots] = memory
    state.seen[r] += len(rows)


def pseudo_gradient(problem: Problem, g: Array, w: Array) -> Array:
    """Return the gradient with the l1 penalty's slope: of all slopes at a zero weight, the one nearest to rest.

    Together with `crossed` this is the orthant-wise form of the proximal step (Andrew and Gao 2007). Soft
    thresholding by lr * l1 is right for plain gradient descent alone: a rule with memory would settle elsewhere.
    """
    if problem.l1 == 0:
        return g
    l1 = problem.l1 * problem.penalised
    resting = np.sign(g) * np.maximum(np.abs(g) - l1, 0)
    return np.where(w == 0, resting, g + l1 * np.sign(w)).astype(g.dtype)


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
