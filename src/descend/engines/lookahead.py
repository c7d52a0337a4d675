"""The loop for one row a step under gradient descent: four steps at a time, exact to rounding.

A step waits for the score of its row, and the score for the weights of the step before: as many sums in a row as there
are rows. But w' x is linear in w: the scores of four rows at the weights that all four begin with, and the products of
the rows with each other, are summed at once, and what one step then waits for from another is one multiplication. The
quadratic penalty multiplies the scores as it does the weights. Rows are centred and scaled as they are read.

NaN and infinity never leave the weights, so that they are looked for once a window; a window in which any number is
large is left to the careful loop, which tells which step failed.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable

from descend import rules
from descend.arrays import Array
from descend.engines.dispatch import Loop, dense_examples, loss_settings_of, step_settings_of
from descend.engines.kernels import lanes
from descend.engines.kernels.compiled import ONCE, compile_kernel, evaluator
from descend.engines.kernels.lanes import add, aligned, fma, load, load_first, mul, splat, store, sub, total
from descend.engines.kernels.records import (
    UNCOUNTED,
    Call,
    Examples,
    LossSettings,
    Run,
    Scaling,
    StepNumbers,
    StepSettings,
)
from descend.engines.kernels.rows import prefetch
from descend.engines.kernels.step import as_tuple, copy
from descend.losses import Loss
from descend.plan import Setting
from descend.problem import Problem
from descend.sparse import is_sparse
from descend.table.scaled_rows import ScaledRows

AHEAD = 16  # rows between the ones in use and those asked for from memory; measured: 8 to 64 are alike
WINDOW = 64  # rows between two looks for numbers that are not finite, and the most that the careful loop repeats
# Below this no product of two numbers overflows; weights that pass it are on their way to infinity.
LARGEST = {np.dtype(np.float32): 1e15, np.dtype(np.float64): 1e150}


def fits(problem: Problem, setting: Setting) -> bool:
    """Tell whether a run takes one row a step of plain gradient descent, on dense rows with one score."""
    data = problem.data
    one = problem.outputs == 1 and problem.loss.outputs == "one" and not is_sparse(data.X) and data.features > 0
    single = setting.rows_a_step(data.rows) == 1 < data.rows
    free = np.isinf(setting.clip) and np.isinf(setting.clip_value) and problem.l1 == 0
    return one and single and free and setting.rule.update is rules.sgd and _visible(problem, setting)


def _visible(problem: Problem, setting: Setting) -> bool:
    """Whether a gradient that overflows makes a weight large: not where the rate is nearly 0."""
    rates = setting.lr * np.asarray(setting.factors)
    return bool((rates[rates != 0] > 1 / LARGEST[problem.dtype]).all())


def loop_of(problem: Problem, setting: Setting, run: Run, careful: Callable[[], Loop]) -> Loop:
    """Return the loop of a run, with all but the call filled in.

    Args:
        careful: returns the loop that tests each step.
    """
    examples, scaling = _examples_and_scaling(problem)
    settings = loss_settings_of(problem), step_settings_of(problem, setting)
    fast = functools.partial(compile_lookahead(problem.loss, problem.dtype), examples, scaling, *settings, run)

    def loop(call: Call) -> tuple[int, int]:
        steps, at = fast(call)
        if at == call.last:
            return steps, 0
        n = problem.data.rows
        return careful()(Call(call.orders[at // n - call.first // n :], at, call.last, steps))

    return loop


def _examples_and_scaling(problem: Problem) -> tuple[Examples, Scaling]:
    """The training rows as they lie in memory, and what centres and scales them; a scaled copy where that is not possible."""
    X, dtype = problem.data.X, problem.dtype
    width = lanes.padded(X.shape[1], dtype)
    center, inverse = np.zeros((2, width), dtype), np.zeros(width, dtype)
    if not isinstance(X, ScaledRows) or not X.readable:
        return dense_examples(problem, X), Scaling(center, inverse[:0])
    features = slice(X.shape[1])
    center[0, features] = X.center
    center[1, features] = X.center - center[0, features]  # what rounding took from the first part
    inverse[features] = 1 / X.width
    return dense_examples(problem, X.source), Scaling(center, inverse)


@functools.cache
def compile_lookahead(loss: Loss, dtype: np.dtype[Any]) -> Any:
    """Compile the loop over epochs and rows for one loss.

    It returns the steps in all, and the row that it came to: the last one of the call, or the first of a window that the
    careful loop must take; the weights are those before that row.
    """
    evaluate, places = evaluator(loss, dtype), (0,) * len(loss.constants)
    vector, most = lanes.count(dtype), LARGEST[dtype]

    def lookahead(
        examples: Examples, scaling: Scaling, loss_settings: LossSettings, settings: StepSettings, run: Run, call: Call
    ) -> Any:  # fmt: skip
        X, y, sample_weight = examples
        center, inverse = scaling
        whole, orders, at, t = run.w, call.orders, call.first, call.steps
        constants, factors, _, _, numbers = settings
        tail, (n, d), size, real = as_tuple(loss_settings.constants, places), X.shape, center.shape[1], run.w.dtype.type
        w, kept, rows = aligned(whole, size), np.empty(size, whole.dtype), aligned(whole, 4 * size)
        nothing, lift, largest = splat(real(0)), real(1 if whole.size > d else 0), real(most)
        bias = whole[d] if whole.size > d else real(0)
        copy(w, whole, d)
        while at < call.last:
            epoch = at // n
            order, first = orders[epoch - call.first // n], at - epoch * n
            stop = min(call.last - epoch * n, n, (first // WINDOW + 1) * WINDOW)
            kept_bias, kept_t, sound = bias, t, True
            copy(kept, w, size)
            while first < stop:
                taken = min(4 - first % 4, stop - first)  # fours begin at the same rows wherever a call begins
                a, b, c, e = four_rows(order, first, first + taken - 1)
                for i in range(4):
                    fill_row(X, order[min(first + i, first + taken - 1)], center, inverse, rows, i * size, vector)
                near = four_rows(order, min(first + AHEAD, n - 1), n - 1)
                s0 = s1 = s2 = s3 = p01 = p02 = p03 = p12 = p13 = p23 = nothing
                for j in range(0, size, vector):
                    prefetch_four(X, near, min(j, d - 1))
                    v, x0, x1 = load(w, j), load(rows, j), load(rows, size + j)
                    x2, x3 = load(rows, 2 * size + j), load(rows, 3 * size + j)
                    s0, s1, s2, s3 = fma(v, x0, s0), fma(v, x1, s1), fma(v, x2, s2), fma(v, x3, s3)
                    p01, p02, p03 = fma(x0, x1, p01), fma(x0, x2, p02), fma(x0, x3, p03)
                    p12, p13, p23 = fma(x1, x2, p12), fma(x1, x3, p13), fma(x2, x3, p23)
                prefetch_four(X, near, d - 1)  # a row that begins within a line may end in one more

                r0, f0 = rate(constants, factors, numbers, real, t, taken > 0)
                r1, f1 = rate(constants, factors, numbers, real, t + 1, taken > 1)
                r2, f2 = rate(constants, factors, numbers, real, t + 2, taken > 2)
                r3, f3 = rate(constants, factors, numbers, real, t + 3, taken > 3)
                z0, z1, z2, z3 = total(s0), total(s1), total(s2), total(s3)
                g0 = slope(evaluate, tail, y, sample_weight, z0 + bias, a)
                q0 = -r0 * g0
                bias += lift * q0
                z1 += q0 * total(p01) - f0 * z1
                z2 += q0 * total(p02) - f0 * z2
                z3 += q0 * total(p03) - f0 * z3
                g1 = slope(evaluate, tail, y, sample_weight, z1 + bias, b)
                q1 = -r1 * g1
                bias += lift * q1
                z2 += q1 * total(p12) - f1 * z2
                z3 += q1 * total(p13) - f1 * z3
                g2 = slope(evaluate, tail, y, sample_weight, z2 + bias, c)
                q2 = -r2 * g2
                bias += lift * q2
                z3 += q2 * total(p23) - f2 * z3
                g3 = slope(evaluate, tail, y, sample_weight, z3 + bias, e)
                q3 = -r3 * g3
                bias += lift * q3
                sound &= (abs(z0) < largest) & (abs(z1) < largest) & (abs(z2) < largest) & (abs(z3) < largest)
                sound &= (abs(g0) < largest) & (abs(g1) < largest) & (abs(g2) < largest) & (abs(g3) < largest)

                h1, h2, h3 = real(1) - f1, real(1) - f2, real(1) - f3
                q0, q1, q2 = q0 * h1 * h2 * h3, q1 * h2 * h3, q2 * h3
                shrink = f0 * h1 * h2 * h3 + f1 * h2 * h3 + f2 * h3 + f3  # 1 - 1e-9 would be 1 in float32
                by0, by1, by2, by3, by = splat(q0), splat(q1), splat(q2), splat(q3), splat(-shrink)
                for j in range(0, size, vector):
                    v = load(w, j)
                    step = fma(by0, load(rows, j), mul(by, v))
                    step = fma(by1, load(rows, size + j), step)
                    step = fma(by2, load(rows, 2 * size + j), step)
                    step = fma(by3, load(rows, 3 * size + j), step)
                    store(w, j, add(v, step))
                first += taken
                t += taken
            for j in range(d):
                sound &= abs(w[j]) < largest
            if not (sound and abs(bias) < largest):
                bias, t = kept_bias, kept_t
                copy(w, kept, size)
                break
            at = epoch * n + stop
        copy(whole, w, d)
        if whole.size > d:
            whole[d] = bias
        return t, at

    return compile_kernel(lookahead, dtype, loss.name, lanes.EDITION, flags=ONCE)


@register_jitable(forceinline=True, **UNCOUNTED)
def four_rows(order: Array, first: int, last: int) -> tuple[int, int, int, int]:
    """Return the rows at four places of an order, the last one again where it ends before."""
    return order[first], order[min(first + 1, last)], order[min(first + 2, last)], order[min(first + 3, last)]


@register_jitable(forceinline=True, **UNCOUNTED)
def prefetch_four(X: Array, rows: tuple[int, int, int, int], j: int) -> None:
    """Ask the memory for the cache lines of column j of four rows."""
    prefetch(X, rows[0], j)
    prefetch(X, rows[1], j)
    prefetch(X, rows[2], j)
    prefetch(X, rows[3], j)


@register_jitable(forceinline=True, **UNCOUNTED)
def rate(constants: Array, factors: Array, numbers: StepNumbers, real: Any, t: int, taken: bool) -> tuple[float, float]:
    """Return the learning rate of step t + 1, and the part of the weights that the penalty takes; 0 for no step."""
    lr = constants[numbers.lr] * factors[min(t, factors.size - 1)] if taken else 0.0
    return real(lr), real(lr * numbers.l2)


@register_jitable(forceinline=True, **UNCOUNTED)
def slope(evaluate: Any, tail: Any, y: Array, sample_weight: Array, z: float, row: int) -> float:
    """Return the weighted slope of the loss of a row at its score, in the dtype of the weights."""
    g = y.dtype.type(evaluate(z, y[row, 0], *tail)[1])
    return sample_weight[row] * g if sample_weight.size > 0 else g


@register_jitable(forceinline=True, **UNCOUNTED)
def fill_row(X: Array, row: int, center: Array, inverse: Array, rows: Array, at: int, vector: int) -> None:
    """Put a row, centred and scaled, into `rows` from number `at` on."""
    d, size = X.shape[1], center.shape[1]
    begin, whole = row * d, size - vector
    if inverse.size == 0:
        for j in range(0, whole, vector):
            store(rows, at + j, load(X, begin + j))
        store(rows, at + whole, load_first(X, begin + whole, d - whole))
        return
    for j in range(0, whole, vector):
        x = sub(sub(load(X, begin + j), load(center, j)), load(center, size + j))
        store(rows, at + j, mul(x, load(inverse, j)))
    x = sub(sub(load_first(X, begin + whole, d - whole), load(center, whole)), load(center, size + whole))
    store(rows, at + whole, mul(x, load(inverse, whole)))
