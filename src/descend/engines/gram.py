"""The gram engine: squared loss on the whole batch, from second moments, at a cost a step that no row adds to.

The gradient of the squared loss is 2/n X'(X w - y), so that one pass over the data serves every step of every run.
Rounding in that pass is a systematic change of the problem, where a pass a step rounds afresh. Three things guard it:

- gramian.safe bounds what that does to the rules that are linear in the gradient, before they start;
- `advance` watches the gradient of the other rules, which divide by their memory, and hands a run back when its
  gradient has fallen to rounding;
- `determined` tells for how many steps the trajectory is a matter of the data at all. RMSprop and Adadelta at a
  constant rate bounce about the optimum chaotically: whatever the engine, two ways to sum the rows part there.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import register_jitable

from descend.arrays import Array
from descend.engines.dispatch import numbers_of, together
from descend.engines.kernels.compiled import FAST, prepare, project, real, step_at, stepper
from descend.engines.kernels.pointers import address
from descend.engines.state import State, start
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.plan.rule import fingerprint
from descend.problem import Problem
from descend.problem import moments as gramian
from descend.problem.moments import NOISE, RECURSIONS, UNIT, Gram, fits

WOBBLE = 4096  # roundings by which the moments of a twin differ: far more than any order of summing does
CHAOTIC = 1 / 64  # part of the tolerance at which twins are called apart: chaos grows unevenly
STEADY = 64.0  # the same for a rule linear in the gradient, whose twins part in proportion to the wobble
TWIN_MARKS = 256  # points at which twins are compared
DONE, NONFINITE, AT_NOISE = 0, 1, 2  # how a compiled call ends


def advance(
    problem: Problem, plan: Plan, state: State, marks: Array, threads: int = 1,
    gram: Gram | None = None, direct: Callable[..., tuple[State, Array]] | None = None,
) -> tuple[State, Array]:  # fmt: skip
    """Train every running run until it has seen marks[-1] rows; see engines.plain for the contract.

    Two kinds of runs are left as they stand, RUNNING with `seen` below the mark and the path repeating their weights:
    those that this engine cannot train (see gramian.fits), and those whose gradient falls to the noise under a rule
    that is not linear in the gradient.

    Args:
        gram: the moments of the problem's data; computed when None.
        direct: the `advance` of another engine, which then finishes the runs that are left.
    """
    moments = gramian.gram(problem, threads) if gram is None else gram
    state, path = state.copy(), np.repeat(state.weights[:, None], len(marks), axis=1)
    ours = [r for r, s in enumerate(plan.settings) if fits(problem, s) and state.outcome[r] == Outcome.RUNNING]
    jobs = [functools.partial(_train, problem, plan.settings[r], moments, state, path, r, marks) for r in ours]
    together(jobs, threads)
    if direct is not None:
        _finish(problem, plan, state, path, marks, threads, direct)
    return state, path


def determined(
    problem: Problem, plan: Plan, gram: Gram, steps: int, threads: int = 1, tolerance: float = 1e-9
) -> Array:  # fmt: skip
    """Return for how many of these steps each run is a matter of the data rather than of rounding, int64 (runs,).

    Each run is trained beside a twin whose moments differ in their last digits, from the plan's start; the answer is
    where the two have parted by the tolerance, relative to max |w|, or where this engine leaves the run. It is early
    rather than late. The default tolerance is for float64.
    """
    marks = np.unique(np.linspace(1, steps, min(steps, TWIN_MARKS)).round().astype(np.int64))
    moments = [gram, _wobbled(gram, max(WOBBLE * UNIT, 2 * float(np.finfo(problem.dtype).eps)))]
    ends, paths = zip(
        *(advance(problem, plan, start(problem, plan), marks * gram.rows, threads, m) for m in moments), strict=True
    )
    part = np.array([STEADY if s.rule.update in RECURSIONS else CHAOTIC for s in plan.settings])
    with np.errstate(invalid="ignore"):
        size = np.maximum.accumulate(np.abs(paths[0]).max(axis=2), axis=1)
        together = np.abs(paths[0] - paths[1]).max(axis=2) <= tolerance * part[:, None] * size
    first = np.where(together.all(axis=1), len(marks), together.argmin(axis=1))
    steps_together: Array = np.minimum(np.append(0, marks)[first], np.minimum(ends[0].steps, ends[1].steps))
    return steps_together


def _wobbled(gram: Gram, size: float) -> Gram:
    """Moments that differ from these in their last digits, the same way each time."""
    normal = np.random.Generator(np.random.Philox(key=0)).standard_normal
    G = gram.G * (1 + size * normal(gram.G.shape))
    return replace(gram, G=(G + G.T) / 2, c=gram.c * (1 + size * normal(gram.c.shape)))


def _finish(
    problem: Problem, plan: Plan, state: State, path: Array, marks: Array, threads: int, direct: Callable[..., Any]
) -> None:
    """Train the runs that were left with another engine, in place; the marks they have passed keep their weights."""
    seen = state.seen.copy()
    left = [
        r for r, s in enumerate(plan.settings)
        if state.outcome[r] == Outcome.RUNNING and seen[r] + s.rows_a_step(problem.data.rows) <= marks[-1]
    ]  # fmt: skip
    if not left:
        return
    part = state.take(left)
    part, rest = direct(problem, plan.take(left), part, marks, threads)
    for name in state.__dataclass_fields__:
        getattr(state, name)[left] = getattr(part, name)
    for k, r in enumerate(left):
        path[r, marks > seen[r]] = rest[k, marks > seen[r]]


def _train(problem: Problem, setting: Setting, gram: Gram, state: State, path: Array, r: int, marks: Array) -> None:
    """Train run r through all marks, in place."""
    n, dtype = problem.data.rows, problem.dtype
    slope, pull = _noise(gram, problem) if setting.rule.update not in RECURSIONS else (0.0, 0.0)
    until = np.asarray(np.maximum(marks // n - state.seen[r] // n, 0), np.int64)
    taken, ending = trainer(dtype)(
        address(stepper(setting.rule, dtype)), gram.G, np.ascontiguousarray(gram.c.T), gram.mean, gram.target, gram.mass,
        2 / problem.outputs, state.weights[r], state.memory[r], *numbers_of(setting),
        problem.penalised, problem.l2, problem.l1, float(setting.clip), float(setting.clip_value),
        float(np.finfo(dtype).max) / n, slope, pull, until, path[r], int(state.steps[r]),
    )  # fmt: skip
    state.steps[r] += taken
    state.seen[r] += taken * n
    if ending == NONFINITE:
        state.outcome[r] = Outcome.NONFINITE


def _noise(gram: Gram, problem: Problem) -> tuple[float, float]:
    """The rounding of a gradient at weights w is `slope` |w| + `pull`: of trace |w| + |c|, about the origin."""
    with np.errstate(over="ignore"):
        squares = np.trace(gram.G) + gram.mass * (np.square(gram.mean).sum() + problem.intercept)
        pull = gram.c + gram.mass * np.outer(gram.mean, gram.target)
        reach = np.sqrt(np.square(pull).sum() + problem.intercept * np.square(gram.mass * gram.target).sum())
    return NOISE * 2 / problem.outputs * float(squares), NOISE * 2 / problem.outputs * float(reach)


@functools.cache
def trainer(dtype: np.dtype[Any]) -> Any:
    """Compile the loop over steps and marks; it takes any rule by its address."""
    f, i, d = real(dtype), types.int64, types.float64
    vector, table, numbers, moments = (types.Array(x, n, "C") for x, n in ((f, 1), (f, 2), (d, 1), (d, 2)))
    signature = types.UniTuple(i, 2)(
        i, moments, moments, numbers, numbers, d, d, vector, table, numbers, i,
        numbers, numbers, *[d] * 7, types.Array(i, 1, "C"), table, i,
    )  # fmt: skip
    tag = fingerprint(_slope) + fingerprint(prepare) + fingerprint(project)

    def train(
        rule: int, G: Any, c: Any, mean: Any, target: Any, mass: float, scale: float, w: Any, memory: Any,
        h: Any, lr: int, factors: Any, penalised: Any, l2: float, l1: float, norm: float, value: float,
        largest: float, slope: float, pull: float, until: Any, path: Any, t: int,
    ) -> Any:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        step = step_at(rule, w)
        taken, ending, now = 0, DONE, h.copy()
        g, before, flat = np.empty_like(w), np.empty_like(w), np.empty(mean.size)
        for k in range(until.size):
            while ending == DONE and taken < until[k]:
                size = _slope(G, c, mean, target, mass, scale, w, flat, g)
                if not (abs(size) < largest and prepare(g, w, penalised, l2, l1, norm, value)):
                    ending = NONFINITE
                elif slope > 0 and _length(g) < slope * _length(w) + pull:
                    ending = AT_NOISE
                else:
                    taken += 1
                    now[lr] = h[lr] * factors[min(t + taken, factors.size) - 1]
                    if l1 > 0:
                        before[:] = w
                    step(w, g, memory, now, penalised, float(t + taken))
                    if l1 > 0:
                        project(before, w, g, penalised)
            for j in range(w.size):
                path[k, j] = w[j]
        return taken, ending

    train.__qualname__ = f"train_{dtype.name}"  # a cache file of its own: two processes that compile cannot mix them up
    return njit(signature, cache=True, error_model="numpy", nogil=True, fastmath=FAST)(train)


# The functions below are of the module, not closures: a closure in a closure would never be found in the disk cache.
@register_jitable
def _slope(G: Any, c: Any, mean: Any, target: Any, mass: float, scale: float, w: Any, flat: Any, g: Any) -> float:
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
def _length(v: Any) -> float:
    """The Euclidean length, in float64."""
    total = 0.0
    for j in range(v.size):
        total += float(v[j]) ** 2
    return math.sqrt(total)
