"""The gram engine: squared loss on the whole batch, from second moments, at a cost a step that no row adds to.

The gradient of the squared loss is 2/n X'(X w - y), so that one pass over the data serves every step of every run.
Rounding in that pass is a systematic change of the problem, where a pass a step rounds afresh; `safe` says for which
runs the two agree. A rule that divides by its memory magnifies a gradient made of rounding: such a rule is handed
back when its gradient falls to that noise, see `advance`.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import register_jitable

from descend import gramian, rules
from descend.data import Array
from descend.engines.compiled import FAST, prepare, project, real, step_signature, stepper
from descend.engines.state import State
from descend.gramian import UNIT, Gram
from descend.outcome import Outcome
from descend.plan import Plan, Setting
from descend.problem import Problem
from descend.rule import fingerprint

NOISE = 10 * UNIT  # a gradient of so small a part of its terms is rounding
ROUNDINGS = 8 * UNIT  # the rounding of one step, relative to weights, trace and curvature; measured
MOST_BYTES = 1 << 28  # of the matrix of moments
DONE, NONFINITE, AT_NOISE = 0, 1, 2  # how a compiled call ends

# The rules that are linear in the gradient, as w'' = a w' - b w along an eigenvector, of x = lr times its curvature.
RECURSIONS: dict[Any, Callable[[Array, float], tuple[Array, Array | float]]] = {
    rules.sgd: lambda x, beta: (1 - x, 0.0),
    rules.momentum: lambda x, beta: (1 + beta - x, beta),
    rules.momentum_keras: lambda x, beta: (1 + beta - x, beta),
    rules.nesterov: lambda x, beta: ((1 + beta) * (1 - x), beta * (1 - x)),
}


def advance(
    problem: Problem, plan: Plan, state: State, marks: Array, threads: int = 1,
    gram: Gram | None = None, direct: Callable[..., tuple[State, Array]] | None = None,
) -> tuple[State, Array]:  # fmt: skip
    """Train every running run until it has seen marks[-1] rows; see engines.plain for the contract.

    A run that this engine cannot train (see `fits`), or whose gradient falls to the noise while its rule is not linear
    in the gradient, is left as it stands: RUNNING, `seen` below the mark, its path repeating the weights it has.

    Args:
        gram: the moments of the problem's data; computed when None.
        direct: the `advance` of another engine, which then finishes the runs that are left.
    """
    moments = gramian.gram(problem, threads) if gram is None else gram
    state, path = state.copy(), np.repeat(state.weights[:, None], len(marks), axis=1)
    ours = [r for r, s in enumerate(plan.settings) if fits(problem, s) and state.outcome[r] == Outcome.RUNNING]
    jobs = [functools.partial(_train, problem, plan.settings[r], moments, state, path, r, marks) for r in ours]
    if threads == 1 or len(jobs) <= 1:
        for job in jobs:
            job()
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda job: job(), jobs))
    if direct is not None:
        _finish(problem, plan, state, path, marks, threads, direct)
    return state, path


def fits(problem: Problem, setting: Setting) -> bool:
    """Tell whether a run is squared loss on the whole batch, on a table much longer than wide."""
    data, size = problem.data, problem.data.features + 1
    whole = setting.rows_a_step(data.rows) == data.rows
    return problem.loss.name == "squared" and whole and data.rows > 2 * size and 8 * size**2 <= MOST_BYTES


def safe(problem: Problem, plan: Plan, gram: Gram, steps: int, tolerance: float = 1e-9) -> Array:
    """Tell which runs keep within the tolerance of a pass over the data a step, relative to max |w|, bool (runs,).

    A rule that is linear in the gradient must be stable and keep 8 A u trace/L within the tolerance, where A, the number
    of roundings that add up, is min(steps, 1/(lr mu)) for gradient descent and min(steps**2, 1/(lr mu)) for the
    accelerated rules, and mu and L are the smallest and largest curvature. For any other rule no such bound holds: it
    is safe as far as `advance` watches its gradient.
    """
    values = _curvatures(problem, gram)
    if values is None:
        return np.zeros(len(plan), bool)
    return np.array([fits(problem, s) and _bounded(s, values, steps, tolerance) for s in plan.settings], bool)


def growth(setting: Setting, curvatures: Array) -> float:
    """Return by how much a step multiplies the error, at worst, under these curvatures; NaN for a rule not linear.

    Above 1 the run diverges, and `safe` says no: what it blows up is, in the end, rounding.

    >>> from descend.plan import setting
    >>> growth(setting("sgd", lr=0.25), np.array([1.0, 2.0]))
    0.75
    """
    recursion = RECURSIONS.get(setting.rule.update)
    if recursion is None:
        return float("nan")
    a, b = recursion(setting.lr * float(np.max(setting.factors)) * curvatures, setting.constants.get("beta", 0.0))
    square = a * a / 4 - b
    roots = np.where(square >= 0, np.abs(a) / 2 + np.sqrt(np.maximum(square, 0)), np.sqrt(np.maximum(b, 0)))
    return float(roots.max(initial=0.0))


def _curvatures(problem: Problem, gram: Gram) -> Array | None:
    """The eigenvalues of the Hessian, those of rounding as 0; None when the moments are not finite."""
    H = gramian.hessian(gram, problem)
    if not (np.isfinite(H).all() and np.isfinite(gram.c).all() and len(H)):
        return None
    values: Array = np.linalg.eigvalsh(H)
    return np.where(values > len(H) * NOISE * values[-1], values, 0.0)


def _bounded(setting: Setting, curvatures: Array, steps: int, tolerance: float) -> bool:
    if setting.rule.update not in RECURSIONS:
        return True
    if not growth(setting, curvatures) <= 1 + 1e-12:
        return False
    slowest = setting.lr * float(np.min(setting.factors)) * float(curvatures[0])
    most = float(steps) if setting.rule.update is rules.sgd else float(steps) ** 2
    added = min(most, 1 / slowest) if slowest > 0 else most
    return bool(ROUNDINGS * added * curvatures.sum() <= tolerance * curvatures[-1])


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
    part = State(*(getattr(state, name)[left] for name in state.__dataclass_fields__))
    part, rest = direct(problem, plan.take(left), part, marks, threads)
    for name in state.__dataclass_fields__:
        getattr(state, name)[left] = getattr(part, name)
    for k, r in enumerate(left):
        path[r, marks > seen[r]] = rest[k, marks > seen[r]]


def _train(problem: Problem, setting: Setting, gram: Gram, state: State, path: Array, r: int, marks: Array) -> None:
    """Train run r through all marks, in place."""
    n, dtype = problem.data.rows, problem.dtype
    constants, lr = np.array(list(setting.constants.values()), np.float64), list(setting.constants).index("lr")
    slope, pull = _noise(gram, problem) if setting.rule.update not in RECURSIONS else (0.0, 0.0)
    until = np.asarray(np.maximum(marks // n - state.seen[r] // n, 0), np.int64)
    taken, ending = trainer(dtype)(
        stepper(setting.rule, dtype), gram.G, np.ascontiguousarray(gram.c.T), gram.mean, gram.target, gram.mass,
        2 / problem.outputs, state.weights[r], state.memory[r], constants, lr, np.asarray(setting.factors, np.float64),
        problem.penalised, problem.l2, problem.l1, float(setting.clip), float(setting.clip_value),
        float(np.finfo(dtype).max) / n, slope, pull, until, path[r], int(state.steps[r]),
    )  # fmt: skip
    state.steps[r] += taken
    state.seen[r] += taken * n
    if ending == NONFINITE:
        state.outcome[r] = Outcome.NONFINITE


def _noise(gram: Gram, problem: Problem) -> tuple[float, float]:
    """The rounding of a gradient at weights w is `slope` |w| + `pull`: of trace |w| + |c|, about the origin."""
    squares = np.trace(gram.G) + gram.mass * (np.square(gram.mean).sum() + problem.intercept)
    pull = gram.c + gram.mass * np.outer(gram.mean, gram.target)
    reach = np.sqrt(np.square(pull).sum() + problem.intercept * np.square(gram.mass * gram.target).sum())
    return NOISE * 2 / problem.outputs * float(squares), NOISE * 2 / problem.outputs * float(reach)


@functools.cache
def trainer(dtype: np.dtype[Any]) -> Any:
    """Compile the loop over steps and marks; it takes any rule as a function pointer."""
    f, i, d = real(dtype), types.int64, types.float64
    vector, table, numbers, moments = (types.Array(x, n, "C") for x, n in ((f, 1), (f, 2), (d, 1), (d, 2)))
    signature = types.UniTuple(i, 2)(
        types.FunctionType(step_signature(dtype)), moments, moments, numbers, numbers, d, d, vector, table, numbers, i,
        numbers, numbers, *[d] * 7, types.Array(i, 1, "C"), table, i,
    )  # fmt: skip
    tag = fingerprint(_slope) + fingerprint(prepare) + fingerprint(project)

    def train(
        step: Any, G: Any, c: Any, mean: Any, target: Any, mass: float, scale: float, w: Any, memory: Any,
        h: Any, lr: int, factors: Any, penalised: Any, l2: float, l1: float, norm: float, value: float,
        largest: float, slope: float, pull: float, until: Any, path: Any, t: int,
    ) -> Any:  # fmt: skip
        tag  # noqa: B018  part of the disk cache's key, since it is captured
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

    return njit(signature, cache=True, error_model="numpy", nogil=True, fastmath=FAST)(train)


# The functions below are of the module, not closures: a closure in a closure would never be found in the disk cache.
@register_jitable
def _slope(
    G: Any, c: Any, mean: Any, target: Any, mass: float, scale: float, w: Any, flat: Any, g: Any
) -> float:
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
    return np.sqrt(total)
