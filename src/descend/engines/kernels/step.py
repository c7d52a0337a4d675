"""step: one step of one run in compiled code, the only place where it is written.

penalty -> clipping -> schedule -> decay -> rule -> projection, in this order, as `engines.plain` defines it. The rule
comes as a function `move` and what `move` needs: `by_address` calls a compiled rule by its address, so that a loop is
compiled once for all rules; `inline` holds the rule itself, for loops where a call would cost as much as the step. The
functions are inlined by force and count no references: at one row a step either would cost as much as the row.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload, register_jitable
from numba.np.unsafe.ndarray import to_fixed_tuple

from descend.arrays import Array
from descend.engines.kernels.pointers import function_at
from descend.engines.kernels.records import UNCOUNTED, Numbers, StepNumbers, Table, Vector

Move = Callable[..., None]


def compiled_rule(w: Vector, g: Vector, memory: Table, constants: Numbers, penalised: Numbers, t: float) -> None:
    """The signature of every compiled rule: w (params,) and memory (slots, params) move by g (params,), at step t."""


rule_at = function_at(compiled_rule)


@register_jitable(forceinline=True, **UNCOUNTED)
def take_step(
    numbers: StepNumbers, constants: Array, factors: Array, penalised: Array, layer_ends: Array,
    w: Array, memory: Array, g: Array, now: Array, before: Array, t: int, checked: bool, move: Move, rule: Any,
) -> bool:  # fmt: skip
    """Take step t with the gradient g of the mean loss, all in place; False when it or a weight is not finite.

    Args:
        numbers, constants, factors, penalised, layer_ends: the settings, see `records.StepSettings`.
        now: a copy of the constants, which receives the learning rate of the step.
        before: receives the weights before the step, under an l1 penalty (params,).
        checked: whether g and w are known to be finite, and there is no penalty and no clipping.
        move: `by_address` or `inline`.
        rule: the arguments of `move` after t.
    """
    if not checked and not prepare(numbers, penalised, layer_ends, w, g):
        return False
    apply_gradient(numbers, constants, factors, penalised, w, memory, g, now, before, t, move, rule)
    return True


@register_jitable(forceinline=True, **UNCOUNTED)
def prepare(numbers: StepNumbers, penalised: Array, layer_ends: Array, w: Array, g: Array) -> bool:
    """Add the penalties' slopes to g and clip it, in place; False when it or a weight is not finite."""
    l2, l1, norm, value = numbers.l2, numbers.l1, numbers.clip, numbers.clip_value
    finite, largest = True, 0.0
    if l2 > 0:
        for j in range(g.size):
            g[j] += l2 * penalised[j] * w[j]
    for j in range(g.size):
        finite &= (abs(g[j]) < np.inf) & (abs(w[j]) < np.inf)
    if not finite:
        return False
    if l1 > 0:
        for j in range(g.size):
            p = l1 * penalised[j]
            g[j] = g[j] + p * np.sign(w[j]) if w[j] != 0 else np.sign(g[j]) * max(abs(g[j]) - p, 0.0)
    if value < np.inf:
        for j in range(g.size):
            g[j] = min(max(g[j], -value), value)
    if norm < np.inf:
        for j in range(g.size):
            largest = max(largest, abs(float(g[j])))
        if largest > 0:
            total = 0.0
            for j in range(g.size):
                total += (g[j] / largest) ** 2
            length = largest * math.sqrt(total)
            if length > norm:
                for j in range(g.size):
                    g[j] *= norm / length
    if numbers.clip_layer < np.inf:
        clip_layers(g, layer_ends, numbers.clip_layer)
    return True


@register_jitable(forceinline=True, **UNCOUNTED)
def copy(to: Array, of: Array, size: int) -> None:
    """Copy the first numbers of an array into another.

    An assignment of slices, which also writes the text of an error where shapes differ, takes Numba 2 seconds to compile.
    """
    for j in range(size):
        to[j] = of[j]


@register_jitable
def clip_layers(g: Array, ends: Array, norm: float) -> None:
    """Hold each layer's part of the gradient to a largest norm, in place."""
    begin = 0
    for end in ends:
        size = length(g, g, begin, end, False)
        if size > norm:
            for at in range(begin, end):
                g[at] *= norm / size
        begin = end


@register_jitable(forceinline=True, **UNCOUNTED)
def apply_gradient(
    numbers: StepNumbers, constants: Array, factors: Array, penalised: Array,
    w: Array, memory: Array, g: Array, now: Array, before: Array, t: int, move: Move, rule: Any,
) -> None:  # fmt: skip
    """Move the weights by a prepared gradient: schedule, decay, rule, projection; see `take_step`."""
    schedule(numbers.lr, constants, factors, now, t)
    if numbers.l1 > 0:
        for j in range(w.size):
            before[j] = w[j]
    move(w, g, memory, now, penalised, float(t), *rule)
    if numbers.l1 > 0:
        project(before, w, g, penalised)


@register_jitable(forceinline=True, **UNCOUNTED)
def schedule(lr: int, constants: Array, factors: Array, now: Array, t: int) -> None:
    """Put the learning rate of step t among the constants `now`."""
    now[lr] = constants[lr] * factors[min(t, factors.size) - 1]


@register_jitable(forceinline=True, **UNCOUNTED)
def by_address(
    w: Array, g: Array, memory: Array, constants: Array, penalised: Array, t: float, address: int
) -> None:  # fmt: skip
    """Move the weights by the compiled rule at an address."""
    rule_at(address, w)(w, g, memory, constants, penalised, t)


@register_jitable(forceinline=True, **UNCOUNTED)
def inline(
    w: Array, g: Array, memory: Array, constants: Array, penalised: Array, t: float,
    update: Any, load: Any, save: Any, cast: Any, lr: int, decay: int, places: Any,
) -> None:  # fmt: skip
    """Move the weights by decoupled decay and a rule, see `compiled.RuleParts`."""
    shrink = constants[lr] * constants[decay] if decay >= 0 else 0.0
    if shrink != 0:
        for j in range(w.size):
            w[j] -= shrink * penalised[j] * w[j]
    tail = cast((t,) + as_tuple(constants, places))
    for j in range(w.size):
        new = update(g[j], *(load(memory, j) + tail))
        w[j] -= new[0]
        save(memory, j, new)


@register_jitable(forceinline=True, **UNCOUNTED)
def project(before: Array, w: Array, g: Array, penalised: Array) -> None:
    """Stop at exactly zero the weights that left the orthant of their step, in place; see engines.plain.crossed."""
    for j in range(w.size):
        side = before[j] if before[j] != 0 else -g[j]
        if penalised[j] > 0 and side * w[j] <= 0:
            w[j] = 0


@register_jitable
def length(a: Array, b: Array, begin: int, end: int, apart: bool) -> float:
    """Return the length of a part of a, or of b - a, in float64 and without overflow."""
    top = 0.0
    for at in range(begin, end):
        value = abs(float(b[at]) - float(a[at])) if apart else abs(float(a[at]))
        top = value if not value <= top else top
    if not 0 < top < np.inf:
        return top
    total = 0.0
    for at in range(begin, end):
        value = (float(b[at]) - float(a[at])) if apart else float(a[at])
        total += (value / top) ** 2
    return top * math.sqrt(total)


def as_tuple(values: Array, places: tuple[int, ...]) -> tuple[float, ...]:
    """Return an array as a tuple, as long as `places`: a tuple's length is part of its type."""
    return tuple(values[: len(places)])


overload(as_tuple, jit_options={"forceinline": True, **UNCOUNTED})(lambda values, places: _unpack(len(places)))


def _unpack(count: int) -> Any:
    return lambda values, places: to_fixed_tuple(values, count)
