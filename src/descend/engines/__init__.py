"""Engines: they train the runs of a plan, and all of them agree with `plain`.

The contract is one function, `advance(problem, plan, state, marks, threads=1) -> (state, path)`: train every running
run until it has seen marks[-1] rows, and return the weights (runs, marks, params) as they were at each mark. Engines
that train networks also fill `layer_stats=` (runs, marks, layers, kinds), see `descend.problem.layer_stats`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines.state import State, start
from descend.errors import UsageError
from descend.plan import Plan, Setting
from descend.problem import Problem, mean_losses, objectives
from descend.problem import moments as gramian
from descend.table.data import Data

__all__ = ["Engine", "State", "choose", "start"]

SURE_STEPS = 1000  # steps for which the Gram matrix must be proven safe, or seen to be


@dataclass(frozen=True, eq=False)
class Engine:
    """A way to train a plan, and to measure weights on the way.

    Args:
        name: plain, linear, gram or network.
        advance: the contract.
        objectives: training objectives (runs,) of weights (runs, params).
        held_out: mean losses on held-out data (runs,) of weights (runs, params); NaN when there is none.
    """

    name: str
    advance: Callable[..., tuple[State, Array]]
    objectives: Callable[[Array], Array]
    held_out: Callable[[Array], Array]


def choose(problem: Problem, plan: Plan, held_out: Data | None = None, threads: int = 1) -> Engine:
    """Return the fastest engine that can train this plan.

    A rule that cannot be compiled, such as one of the user's own that calls NumPy, is trained by `plain`; a network by
    `network`; squares on the whole batch of a linear model by `gram` where that is safe; everything else by `linear`.
    Raises UsageError when a rule fails, or does not return what its signature promises.
    """
    for setting in plan.settings:
        _try(setting, np.float64(0.5))
    direct = Engine("plain", _module("plain").advance, partial(objectives, problem), _held_out(problem, held_out))
    try:
        for setting in plan.settings:
            _module("kernels.compiled").stepper(setting.rule, problem.dtype)
    except UsageError:
        for setting in plan.settings:
            _try(setting, np.array([0.5, -0.5]))
        return direct
    if problem.network is not None:
        return replace(direct, name="network", advance=_module("network").advance)
    direct = replace(direct, name="linear", advance=_module("linear").advance)
    if not all(gramian.fits(problem, s) for s in plan.settings):
        return direct
    return _by_moments(problem, plan, held_out, threads, direct)


def _try(setting: Setting, g: Any) -> None:
    """Take one step of a rule with a gradient: a rule of the user's own may fail, or forget what it must return."""
    rule, memory = setting.rule, setting.rule.memory
    try:
        with np.errstate(all="ignore"):
            given = rule.update(g, *(0 * g + start for start in memory.values()), 1, **setting.constants)
    except Exception as error:
        what = f"the rule {rule.name} fails for the gradient {g}: {type(error).__name__}: {error}"
        raise UsageError(
            what, fix="use operators and descend.ops in it, as descend.rules does", code="rule-fails"
        ) from error
    found = f"a tuple of {len(given)}" if isinstance(given, tuple) else f"a {type(given).__name__}"
    wanted = f"(step, {', '.join(memory)})" if memory else "(step,)"
    if found != f"a tuple of {1 + len(memory)}":
        what = f"the rule {rule.name} returns {found}, it must return {wanted}"
        raise UsageError(what, fix="compare descend.rules.momentum", code="rule-returns")


def _by_moments(problem: Problem, plan: Plan, held_out: Data | None, threads: int, direct: Engine) -> Engine:
    """The gram engine, unless a run would stray from the data's own path because of rounding."""
    moments, gram = gramian.gram(problem, threads), _module("gram")
    if not all(_sound(problem, plan.take([r]), moments, gram) for r in range(len(plan))):
        return direct
    held = direct.held_out
    if held_out is not None:
        other = replace(problem, data=held_out, l2=0.0, l1=0.0)
        held = partial(_measured, gramian.gram(other, threads), other, direct.held_out)
    return Engine(
        "gram", partial(gram.advance, gram=moments, direct=direct.advance),
        partial(_measured, moments, problem, direct.objectives), held,
    )  # fmt: skip


def _sound(problem: Problem, alone: Plan, moments: gramian.Gram, gram: Any) -> bool:
    """Whether a run of a linear rule is safe by the bound, or by trial; the others part under any order of summing."""
    rule = alone.settings[0].rule
    if rule.update not in gramian.RECURSIONS or gramian.safe(problem, alone, moments, SURE_STEPS)[0]:
        return True
    values = gramian.curvatures(problem, moments)
    if values is not None and gramian.growth(alone.settings[0], values) > 1:
        return True
    return bool(gram.determined(problem, alone, moments, SURE_STEPS)[0] >= SURE_STEPS)


def _measured(moments: gramian.Gram, problem: Problem, direct: Callable[[Array], Array], weights: Array) -> Array:
    """Objectives from the moments; from the data where the moments have lost the digits."""
    found = gramian.objectives(moments, problem, weights)
    lost = np.isnan(found) & np.isfinite(weights).all(axis=1)
    if lost.any():
        found[lost] = direct(weights[lost])
    return found


def _held_out(problem: Problem, held_out: Data | None) -> Callable[[Array], Array]:
    if held_out is None:
        return lambda weights: np.full(len(weights), np.nan)
    return lambda weights: mean_losses(problem, weights, held_out)


def _module(name: str) -> Any:
    """An engine's module; Numba is loaded when the first training begins."""
    return importlib.import_module(f"descend.engines.{name}")
