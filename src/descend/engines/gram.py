"""The gram engine: squared loss on the whole batch, from second moments, at a cost a step that no row adds to.

The gradient of the squared loss is 2/n X'(X w - y), so that one pass over the data serves every step of every run.
Rounding in that pass is a systematic change of the problem, where a pass a step rounds afresh. Three things guard it:

- `moments.safe` bounds what that does to the rules that are linear in the gradient, before they start;
- `advance` watches the gradient of the other rules, which divide by their memory, and hands a run back when its
  gradient has fallen to rounding;
- `determined` tells for how many steps the trajectory is a matter of the data at all. RMSprop and Adadelta at a
  constant rate bounce about the optimum chaotically: whatever the engine, two ways to sum the rows part there.
"""

import functools
import math
from dataclasses import replace
from typing import Any

import numpy as np
from numba.extending import register_jitable

from descend.arrays import Array
from descend.engines.contract import Advance
from descend.engines.dispatch import run_of, step_settings_of, together
from descend.engines.kernels.compiled import compile_kernel, compile_rule
from descend.engines.kernels.pointers import address
from descend.engines.kernels.records import Indices, Moments, RoundingLimits, Run, StepSettings, Table
from descend.engines.kernels.step import apply_gradient, by_address, prepare
from descend.engines.state import State, start
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.problem.moments import NOISE, RECURSIONS, UNIT, fits
from descend.table.moments import Gram

FLUCTUATION = 4096  # roundings by which the moments of a twin differ: far more than any order of summing does
CHAOTIC_PART = 1 / 64  # of the tolerance, at which twins are called apart: chaos grows unevenly; arbitrary
LINEAR_PART = 64.0  # the same for a rule linear in the gradient, whose twins part in proportion to the fluctuation
TWIN_POINTS = 256  # steps at which twins are compared; arbitrary
DONE, NONFINITE, AT_NOISE = 0, 1, 2  # how a compiled call ends


def advance(
    problem: Problem, plan: Plan, state: State, record_points: Array, threads: int = 1, layer_stats: Array | None = None,
    gram: Gram | None = None, direct: Advance | None = None, by_rows: frozenset[Setting] = frozenset(),
) -> tuple[State, Array]:  # fmt: skip
    """Train every running run until it has seen record_points[-1] rows; see engines.contract. There are no layers.

    Two kinds of runs are left as they stand, RUNNING with `seen` below the record point and the path repeating their
    weights: those that this engine cannot train (see `moments.fits`), and those whose gradient falls to the noise under
    a rule that is not linear in the gradient.

    Args:
        gram: the moments of the problem's data; computed when None.
        direct: the `advance` of another engine, which then finishes the runs that are left.
        by_rows: settings whose runs are left to it from the start.
    """
    gram = problem.data.gram(threads) if gram is None else gram
    state, path = state.copy(), np.repeat(state.weights[:, None], len(record_points), axis=1)
    running = np.flatnonzero(state.outcome == Outcome.RUNNING).tolist()
    ours = [(r, s) for r in running if fits(problem, s := plan.settings[r]) and s not in by_rows]
    jobs = [functools.partial(_train, problem, s, gram, state, path, r, record_points) for r, s in ours]
    together(jobs, threads)
    if direct is not None:
        _finish(problem, plan, state, path, record_points, threads, direct)
    return state, path


def determined(
    problem: Problem, plan: Plan, gram: Gram, steps: int, threads: int = 1, tolerance: float = 1e-9
) -> Array:  # fmt: skip
    """Return for how many of these steps each run is a matter of the data rather than of rounding, int64 (runs,).

    Each run is trained beside a twin whose moments differ in their last digits, from the plan's start; the answer is
    where the two have parted by the tolerance, relative to max |w|, or where this engine leaves the run. It is early
    rather than late. The default tolerance is for float64.
    """
    points = np.unique(np.linspace(1, steps, min(steps, TWIN_POINTS)).round().astype(np.int64))
    twin = _perturbed(gram, max(FLUCTUATION * UNIT, 2 * float(np.finfo(problem.dtype).eps)))
    ends, paths = zip(
        *(advance(problem, plan, start(problem, plan), points * gram.rows, threads, gram=g) for g in (gram, twin)),
        strict=True,
    )
    part = np.array([LINEAR_PART if s.rule.update in RECURSIONS else CHAOTIC_PART for s in plan.settings])
    with np.errstate(invalid="ignore"):
        size = np.maximum.accumulate(np.abs(paths[0]).max(axis=2), axis=1)
        alike = np.abs(paths[0] - paths[1]).max(axis=2) <= tolerance * part[:, None] * size
    first = np.where(alike.all(axis=1), len(points), alike.argmin(axis=1))
    steps_alike: Array = np.minimum(np.append(0, points)[first], np.minimum(ends[0].steps, ends[1].steps))
    return steps_alike


def _perturbed(gram: Gram, size: float) -> Gram:
    """Moments that differ from these in their last digits, the same way each time."""
    normal = np.random.Generator(np.random.Philox(key=0)).standard_normal
    G = gram.G * (1 + size * normal(gram.G.shape))
    return replace(gram, G=(G + G.T) / 2, c=gram.c * (1 + size * normal(gram.c.shape)))


def _finish(
    problem: Problem, plan: Plan, state: State, path: Array, record_points: Array, threads: int, direct: Advance
) -> None:  # fmt: skip
    """Train the runs that were left with another engine, in place; the points they have passed keep their weights."""
    seen, n, last = state.seen.copy(), problem.data.rows, record_points[-1]
    behind = np.flatnonzero((state.outcome == Outcome.RUNNING) & (seen < last)).tolist()
    left = [r for r in behind if seen[r] + plan.settings[r].rows_a_step(n) <= last]
    if not left:
        return
    part, rest = direct(problem, plan.take(left), state.take(left), record_points, threads)
    for name in state.__dataclass_fields__:
        getattr(state, name)[left] = getattr(part, name)
    for k, r in enumerate(left):
        path[r, record_points > seen[r]] = rest[k, record_points > seen[r]]


def _train(
    problem: Problem, setting: Setting, gram: Gram, state: State, path: Array, r: int, record_points: Array
) -> None:
    """Train run r through all record points, in place."""
    n, dtype = problem.data.rows, problem.dtype
    slope, offset = _noise(gram, problem) if setting.rule.update not in RECURSIONS else (0.0, 0.0)
    until = np.asarray(np.maximum(record_points // n - state.seen[r] // n, 0), np.int64)
    taken, ending = compile_gram_loop(dtype)(
        address(compile_rule(setting.rule, dtype)),
        Moments(gram.G, np.ascontiguousarray(gram.c.T), gram.mean, gram.target, float(gram.mass), 2 / problem.outputs),
        step_settings_of(problem, setting), RoundingLimits(float(np.finfo(dtype).max) / n, slope, offset),
        run_of(state, r), until, path[r], int(state.steps[r]),
    )  # fmt: skip
    state.steps[r] += taken
    state.seen[r] += taken * n
    if ending == NONFINITE:
        state.outcome[r] = Outcome.NONFINITE


def _noise(gram: Gram, problem: Problem) -> tuple[float, float]:
    """The rounding of a gradient at weights w is `slope` |w| + `offset`: of trace |w| + |c|, about the origin."""
    with np.errstate(over="ignore"):
        squares = np.trace(gram.G) + gram.mass * (np.square(gram.mean).sum() + problem.intercept)
        c = gram.c + gram.mass * np.outer(gram.mean, gram.target)
        reach = np.sqrt(np.square(c).sum() + problem.intercept * np.square(gram.mass * gram.target).sum())
    return NOISE * 2 / problem.outputs * float(squares), NOISE * 2 / problem.outputs * float(reach)


@functools.cache
def compile_gram_loop(dtype: np.dtype[Any]) -> Any:
    """Compile the loop over steps and record points; it takes any rule by its address.

    It takes `until[k]` steps in all up to point k, writes the weights there into path[k] (points, params), and returns
    the steps taken and how it ended.
    """

    def gram_loop(
        rule: int, moments: Moments, settings: StepSettings, limits: RoundingLimits, run: Run, until: Indices, path: Table, t: int
    ) -> Any:  # fmt: skip
        w, memory = run
        largest, slope, offset = limits
        taken, ending = 0, DONE
        constants, factors, penalised, layer_ends, numbers = settings
        G, c, mean, target, mass, scale = moments
        g, before, now, flat = np.empty_like(w), np.empty_like(w), constants.copy(), np.empty(mean.size)
        for k in range(until.size):
            while ending == DONE and taken < until[k]:
                size = _slope(G, c, mean, target, mass, scale, w, flat, g)
                if not (abs(size) < largest and prepare(numbers, penalised, layer_ends, w, g)):
                    ending = NONFINITE
                elif slope > 0 and _length(g) < slope * _length(w) + offset:
                    ending = AT_NOISE
                else:
                    taken += 1
                    apply_gradient(
                        numbers, constants, factors, penalised, w, memory, g, now, before, t + taken, by_address, (rule,)
                    )  # fmt: skip
            for j in range(w.size):
                path[k, j] = w[j]
        return taken, ending

    return compile_kernel(gram_loop, dtype)


# The functions below are of the module, not closures: a closure in a closure would never be found in the disk cache.
@register_jitable
def _slope(
    G: Array, c: Array, mean: Array, target: Array, mass: float, scale: float, w: Array, flat: Array, g: Array
) -> float:  # fmt: skip
    """Put the gradient without penalty into g and return the size of the loss, which may have cancelled."""
    d, k, size = mean.size, target.size, 0.0
    for o in range(k):
        offset = -target[o]
        if w.size > d * k:
            offset += w[d * k + o]
        for j in range(d):
            flat[j] = w[j * k + o]
            offset += mean[j] * flat[j]
        for i in range(d):
            curve = 0.0
            for j in range(d):
                curve += G[i, j] * flat[j]
            g[i * k + o] = scale * (curve - c[o, i] + mass * mean[i] * offset)
            size += flat[i] * (curve - 2 * c[o, i])
        if w.size > d * k:
            g[d * k + o] = scale * mass * offset
        size += mass * offset * offset
    return size


@register_jitable
def _length(v: Array) -> float:
    """The Euclidean length, in float64."""
    total = 0.0
    for j in range(v.size):
        total += float(v[j]) ** 2
    return math.sqrt(total)
