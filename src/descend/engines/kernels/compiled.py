"""Numba: rules and losses become cached machine code, each compiled once.

A rule becomes a function pointer with one signature, so that a training loop is compiled once a loss and never once
a rule and loss. The closures below capture a fingerprint of the plain function: an edited rule misses the disk cache
and is compiled anew.
"""

import contextlib
import functools
import hashlib
import inspect
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, types
from numba.core.errors import NumbaError
from numba.extending import overload, register_jitable
from numba.np.unsafe.ndarray import to_fixed_tuple

from descend import ops
from descend.engines.kernels.exponential import EXPONENTIAL
from descend.engines.kernels.pointers import function_at
from descend.engines.kernels.weak import WEAKLY, as_they_are, weakened
from descend.errors import UsageError
from descend.losses import Loss
from descend.plan.rule import Rule, fingerprint

# Sums may be reordered so that they vectorise; NaN and infinity keep their meaning ("nnan", "ninf" stay away).
FAST = {"reassoc", "contract", "nsz"}
ONCE = {"arcp", "contract", "nsz"}  # of a rule: to divide by one number many times is to multiply by its inverse

overload(ops.sqrt)(lambda x: lambda x: math.sqrt(x))
overload(ops.sign)(lambda x: lambda x: np.sign(x))
overload(ops.maximum)(lambda a, b: lambda a, b: b if b > a else a)
overload(ops.erf)(lambda x: lambda x: math.erf(x))
overload(ops.where)(lambda condition, a, b: lambda condition, a, b: a if condition else b)


# Memory is read and written with constant indices: a loop over slots would stop the compiler from vectorising.
@register_jitable
def _load0(s: Any, j: int) -> Any:
    return ()


@register_jitable
def _load1(s: Any, j: int) -> Any:
    return (s[0, j],)


@register_jitable
def _load2(s: Any, j: int) -> Any:
    return s[0, j], s[1, j]


@register_jitable
def _load3(s: Any, j: int) -> Any:
    return s[0, j], s[1, j], s[2, j]


@register_jitable
def _save0(s: Any, j: int, new: Any) -> None:
    pass


@register_jitable
def _save1(s: Any, j: int, new: Any) -> None:
    s[0, j] = new[1]


@register_jitable
def _save2(s: Any, j: int, new: Any) -> None:
    s[0, j], s[1, j] = new[1], new[2]


@register_jitable
def _save3(s: Any, j: int, new: Any) -> None:
    s[0, j], s[1, j], s[2, j] = new[1], new[2], new[3]


_LOAD, _SAVE = (_load0, _load1, _load2, _load3), (_save0, _save1, _save2, _save3)
MOST_SLOTS = len(_LOAD) - 1


def real(dtype: np.dtype[Any]) -> Any:
    """Return Numba's name of a float dtype."""
    return types.float32 if dtype == np.float32 else types.float64


def step_signature(dtype: np.dtype[Any]) -> Any:
    """Return the type of every stepper: w, g (params,), memory (slots, params), constants, penalised, t."""
    f = real(dtype)
    vector, table, constants = types.Array(f, 1, "C"), types.Array(f, 2, "C"), types.Array(types.float64, 1, "C")
    return types.void(vector, vector, table, constants, constants, types.float64)


step_at = function_at(step_signature)


@dataclass(frozen=True)
class Sweep:
    """What compiled code captures of a rule: plain functions and numbers, since the disk cache finds nothing else.

    Args:
        update, load, save: the rule, and how its memory is read and written.
        lr, decay: where these constants are; -1 for a rule without decay.
        count: the number of constants.
        tag: the fingerprint of the rule and of the sweep.
    """

    update: Callable[..., Any]
    load: Callable[..., Any]
    save: Callable[..., Any]
    lr: int
    decay: int
    count: int
    tag: str


@functools.cache
def sweeper(rule: Rule) -> Sweep:
    """Return what a rule is made of in compiled code; raises UsageError when it keeps more than three memories."""
    names, slots = list(rule.constants), len(rule.memory)
    if slots > MOST_SLOTS:
        raise _not_compiled(rule, f"it keeps {slots} memories, compiled rules keep at most {MOST_SLOTS}")
    _know_helpers(rule.update)
    return Sweep(
        register_jitable(rule.update), _LOAD[slots], _SAVE[slots], names.index("lr"),
        names.index("decay") if "decay" in names else -1, len(names), fingerprint(rule.update) + AROUND,
    )  # fmt: skip


@functools.cache
def stepper(rule: Rule, dtype: np.dtype[Any]) -> Any:
    """Compile a rule into a sweep over the coordinates of one weight vector, in place, to be called by any loop.

    Float32 weights are moved in float32; a rule that does not compile so, such as one that calls a function that weak
    numbers do not know, is computed in float64. Raises UsageError when the rule cannot be compiled or keeps more than
    three memories.
    """
    if dtype == np.float32:
        with contextlib.suppress(UsageError):
            return _stepper(rule, dtype, weakened)
    return _stepper(rule, dtype, as_they_are)


def _stepper(rule: Rule, dtype: np.dtype[Any], given: Any) -> Any:
    parts = sweeper(rule)
    update, load, save, lr, decay = parts.update, parts.load, parts.save, parts.lr, parts.decay
    count, tag = parts.count, parts.tag + WEAKLY

    def step(w: Any, g: Any, s: Any, h: Any, penalised: Any, t: float) -> None:
        tag  # noqa: B018  part of the disk cache's key, since it is captured
        shrink = h[lr] * h[decay] if decay >= 0 else 0.0
        sweep(update, load, save, given((t,) + to_fixed_tuple(h, count)), shrink, w, g, s, penalised)

    name_apart(step, f"{rule.name}_{dtype}_{given is weakened}_{tag}")
    # A rule of no importable module, such as one made by exec, could be written to the cache but never read back.
    kept = rule.update.__module__ in sys.modules
    try:
        compile_it = njit(step_signature(dtype), cache=kept, error_model="numpy", nogil=True, fastmath=ONCE)
        return compile_it(step)
    except (NumbaError, TypeError, IndexError, KeyError) as error:
        raise _not_compiled(rule, str(error).strip().splitlines()[-1][:200]) from error


@register_jitable
def sweep(
    update: Any, load: Any, save: Any, tail: Any, shrink: float, w: Any, g: Any, s: Any, penalised: Any
) -> None:  # fmt: skip
    """Move every weight by its rule, after decoupled decay by `shrink`, in place."""
    if shrink != 0:
        for j in range(w.size):
            w[j] -= shrink * penalised[j] * w[j]
    for j in range(w.size):
        new = update(g[j], *(load(s, j) + tail))
        w[j] -= new[0]
        save(s, j, new)


@register_jitable
def prepare(g: Any, w: Any, penalised: Any, l2: float, l1: float, norm: float, value: float) -> bool:
    """Add the penalties' slopes to g and clip it, in place; False when it or a weight is not finite."""
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
    return True


@register_jitable
def project(before: Any, w: Any, g: Any, penalised: Any) -> None:
    """Stop at exactly zero the weights that left the orthant of their step, in place; see engines.plain.crossed."""
    for j in range(w.size):
        side = before[j] if before[j] != 0 else -g[j]
        if penalised[j] > 0 and side * w[j] <= 0:
            w[j] = 0


def _know_helpers(function: Any) -> None:
    """Let compiled code call the plain functions that a rule calls."""
    for name in function.__code__.co_names:
        helper = function.__globals__.get(name)
        if inspect.isfunction(helper) and helper.__module__ != ops.__name__:
            _know_helpers(helper)
            register_jitable(helper)


def name_apart(function: Any, name: str) -> None:
    """Give a function that is compiled a name, and so a cache file, of its own.

    All specialisations of one name share an index file, and two processes that compile at once may give two of them
    one number there: a rule would then be loaded under another's name.
    """
    short = re.sub(r"\W", "_", name)[:48] + hashlib.sha256(name.encode()).hexdigest()[:16]  # file names have a limit
    function.__qualname__ = f"{function.__name__}_{short}"


AROUND = "inlined" + EXPONENTIAL + "".join(fingerprint(getattr(f, "__wrapped__", f)) for f in (prepare, project, sweep))


def evaluator(loss: Loss) -> tuple[Callable[..., Any], str, int]:
    """Return a loss as a compiled loop may call it, the fingerprint to capture, and its number of constants."""
    return register_jitable(forceinline=True)(loss.evaluate), fingerprint(loss.evaluate), len(loss.constants)


def _not_compiled(rule: Rule, why: str) -> UsageError:
    return UsageError(
        f"the rule {rule.name} cannot be compiled: {why}",
        fix="use floats, operators and descend.ops in it, as descend.rules does",
        code="rule-not-compiled",
    )
