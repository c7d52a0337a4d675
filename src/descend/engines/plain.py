"""The plain engine: obvious NumPy. It defines what every other engine must compute."""

import numpy as np

from descend.arrays import Array
from descend.engines.state import State
from descend.order import epoch_order
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem, gradient


def advance(problem: Problem, plan: Plan, state: State, marks: Array, threads: int = 1) -> tuple[State, Array]:
    """Train every running run until it has seen marks[-1] rows.

    Args:
        threads: not used; the definition is trained one run after the other.
        marks: rows seen at which to keep the weights, increasing, int64 (marks,); a step never crosses a mark.

    Returns the new state, and the weights (runs, marks, params) as they were at each mark.
    """
    state, path = state.copy(), np.empty((len(plan), len(marks), problem.params), problem.dtype)
    for r, setting in enumerate(plan.settings):
        for k, mark in enumerate(marks):
            while (
                state.outcome[r] == Outcome.RUNNING
                and (rows := _next_rows(problem, plan, setting, state, r, mark)) is not None
            ):
                _step(problem, setting, state, r, rows)
            path[r, k] = state.weights[r]
    return state, path


def _next_rows(problem: Problem, plan: Plan, setting: Setting, state: State, r: int, mark: int) -> Array | None:
    """The rows of the next batch, or None when it would cross the mark."""
    n = problem.data.rows
    epoch, lo = divmod(int(state.seen[r]), n)
    hi = min(lo + setting.rows_a_step(n), n)
    if epoch * n + hi > mark:
        return None
    if setting.rows_a_step(n) == n:
        return np.arange(n)
    return epoch_order(n, setting.seed, epoch, plan.shuffle, problem.data.row_bytes)[lo:hi]


def _step(problem: Problem, setting: Setting, state: State, r: int, rows: Array) -> None:
    """One step of run r, in place."""
    w, slots = state.weights[r], len(setting.rule.memory)
    with np.errstate(all="ignore"):
        _, g = gradient(problem, w, rows)
        if not np.isfinite(g).all():
            state.outcome[r] = Outcome.NONFINITE
            return
        g = clip(pseudo_gradient(problem, g, w), setting.clip, setting.clip_value)
        state.steps[r] += 1
        before = w.copy()
        t = int(state.steps[r])
        constants = dict(setting.constants)
        lr = constants["lr"] = constants["lr"] * setting.factors[min(t, len(setting.factors)) - 1]
        step, *memory = setting.rule.update(g, *state.memory[r, :slots], t, **constants)
        w -= lr * constants.get("decay", 0.0) * problem.penalised * w
        w -= step
        w[crossed(problem, before, w, g)] = 0
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
