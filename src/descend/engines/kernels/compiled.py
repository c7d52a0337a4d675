"""Numba: rules and losses become cached machine code, each compiled once.

A rule becomes a function pointer with one signature, so that a training loop is compiled once a loss and never once
a rule and loss. A kernel's cache file is named after a fingerprint of everything that the kernel calls: an edited rule
misses the disk cache and is compiled anew.
"""

import contextlib
import functools
import hashlib
import inspect
import math
import re
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.core.errors import NumbaError
from numba.extending import overload, register_jitable

from descend import ops
from descend.engines.kernels.cache import without_compiler
from descend.engines.kernels.exponential import EXPONENTIAL
from descend.engines.kernels.records import Numbers, Table, Vector, argument_types
from descend.engines.kernels.step import inline
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
MOST_SLOTS = len(_LOAD) - 1  # memories of a rule: the rules of the literature keep three at most (AMSGrad, Nadam)


class RuleParts(NamedTuple):
    """What compiled code captures of a rule: plain functions and numbers, since the disk cache finds nothing else.

    Args:
        update, load, save: the rule, and how its memory is read and written.
        lr, decay: where these constants are; -1 for a rule without decay.
        places: a zero a constant; compiled code reads its length, see `step.as_tuple`.
        tag: the fingerprint of the rule.
    """

    update: Callable[..., Any]
    load: Callable[..., Any]
    save: Callable[..., Any]
    lr: int
    decay: int
    places: tuple[int, ...]
    tag: str


@functools.cache
def rule_parts(rule: Rule) -> RuleParts:
    """Return what a rule is made of in compiled code; raises UsageError when it keeps more than three memories."""
    names, slots = list(rule.constants), len(rule.memory)
    if slots > MOST_SLOTS:
        raise _not_compiled(rule, f"it keeps {slots} memories, compiled rules keep at most {MOST_SLOTS}")
    _register_helpers(rule.update)
    return RuleParts(
        update=register_jitable(rule.update), load=_LOAD[slots], save=_SAVE[slots], lr=names.index("lr"),
        decay=names.index("decay") if "decay" in names else -1, places=(0,) * len(names),
        tag=f"{rule.name}_{fingerprint(rule.update)}",
    )  # fmt: skip


@functools.cache
def compile_rule(rule: Rule, dtype: np.dtype[Any]) -> Any:
    """Compile a rule into a sweep over the coordinates of one weight vector, in place, to be called by any loop."""
    return compile_with(rule, dtype, _move)


def compile_with(rule: Rule, dtype: np.dtype[Any], make: Callable[[RuleParts, Callable[..., Any]], Any]) -> Any:
    """Compile what `make` makes of a rule's parts and of what its constants become.

    Float32 weights are moved in float32; a rule that does not compile so, such as one that calls a function that weak
    numbers do not know, is computed in float64. Raises UsageError when the rule cannot be compiled or keeps more than
    three memories.
    """
    if dtype == np.float32:
        with contextlib.suppress(UsageError):
            return _compile_with(rule, dtype, make, weakened)
    return _compile_with(rule, dtype, make, as_they_are)


def _compile_with(rule: Rule, dtype: np.dtype[Any], make: Callable[..., Any], cast: Callable[..., Any]) -> Any:
    parts = rule_parts(rule)
    # A rule of no importable module, such as one made by exec, could be written to the cache but never read back.
    importable = rule.update.__module__ in sys.modules
    try:
        return compile_kernel(make(parts, cast), dtype, parts.tag, cast is weakened, flags=ONCE, cache=importable)
    except (NumbaError, TypeError, ValueError, IndexError, KeyError) as error:
        raise _not_compiled(rule, str(error).strip().splitlines()[-1][:200]) from error


def _move(parts: RuleParts, cast: Callable[..., Any]) -> Callable[..., None]:
    update, load, save, lr, decay, places, _ = parts

    def move(w: Vector, g: Vector, memory: Table, constants: Numbers, penalised: Numbers, t: float) -> None:
        inline(w, g, memory, constants, penalised, t, update, load, save, cast, lr, decay, places)

    return move


def compile_kernel(
    function: Callable[..., Any], dtype: np.dtype[Any], *name: object, flags: set[str] = FAST, cache: bool = True,
    **records: Any,
) -> Any:  # fmt: skip
    """Compile a function for one dtype of weights; the types of its arguments follow from its annotations.

    The name of its cache file says what it is and holds a fingerprint of all that it calls. Numba keeps all functions
    of one name in one file, where two processes that compile at once could mix them up: a rule would then be loaded
    under another's name.

    Args:
        name: what the function captures, such as the name of a loss.
        flags: liberties in floating-point arithmetic, FAST or ONCE.
        cache: whether to keep the machine code on disk.
        records: annotations by parameter that replace those of the function.
    """
    full = "_".join(map(str, (*name, dtype, LIBRARY, fingerprint(function))))
    short = re.sub(r"\W", "_", full)[:48] + hashlib.sha256(full.encode()).hexdigest()[:16]  # file names have a limit
    function.__qualname__ = f"{function.__name__}_{short}"
    kernel = njit(error_model="numpy", nogil=True, fastmath=flags)(function)
    if cache:
        kernel.enable_caching()
        kernel._cache = without_compiler(kernel._cache, function)
    kernel.compile(argument_types(function, dtype, **records))
    kernel.disable_compile()
    return kernel


LIBRARY = WEAKLY + EXPONENTIAL  # fingerprints of what Numba finds by type, and no function names


@functools.cache
def evaluator(loss: Loss, dtype: np.dtype[Any]) -> Callable[..., Any]:
    """Return a loss as a compiled loop of that dtype may call it."""
    function = _narrowed(loss.evaluate) if dtype == np.float32 else loss.evaluate
    evaluate: Callable[..., Any] = register_jitable(forceinline=True)(function)
    return evaluate


def _narrowed(function: Any) -> Any:
    """Return a function whose own numbers are float32, as NumPy takes them beside float32: Numba would compute in float64,
    with half as many numbers in a register and conversions on the way."""
    code = function.__code__
    numbers = tuple(np.float32(c) if type(c) in (int, float) else c for c in code.co_consts)
    return FunctionType(
        code.replace(co_consts=numbers),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )


def _register_helpers(function: Any) -> None:
    """Let compiled code call the plain functions that a rule calls."""
    for name in function.__code__.co_names:
        helper = function.__globals__.get(name)
        if inspect.isfunction(helper) and helper.__module__ != ops.__name__:
            _register_helpers(helper)
            register_jitable(helper)


def _not_compiled(rule: Rule, why: str) -> UsageError:
    return UsageError(
        f"the rule {rule.name} cannot be compiled: {why}",
        fix="use floats, operators and descend.ops in it, as descend.rules does",
        code="rule-not-compiled",
    )
