"""choose: which engine trains a plan, and how weights are measured on the way."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines import plain
from descend.engines.contract import Advance, Measure
from descend.errors import UsageError
from descend.plan import Plan, Setting
from descend.problem import Problem, mean_losses, moments, objectives
from descend.problem.network import scores as network_scores
from descend.problem.problem import Predict
from descend.table.data import Data
from descend.table.moments import Gram

SURE_STEPS = 1000  # steps for which the Gram matrix must be proven safe, or seen to be; the default budget of epochs


@dataclass(frozen=True, eq=False)
class Engine:
    """A way to train a plan, and to measure weights on the way.

    Args:
        name: plain, linear, gram or network.
        advance: trains the runs.
        objectives: training objectives (runs,) of weights (runs, params).
        held_out: mean losses on held-out data (runs,) of weights (runs, params); NaN when there is none.
    """

    name: str
    advance: Advance
    objectives: Measure
    held_out: Measure


def choose(problem: Problem, plan: Plan, held_out: Data | None = None, threads: int = 1) -> Engine:
    """Return the fastest engine that can train this plan.

    A rule that cannot be compiled, such as one of the user's own that calls NumPy, is trained by `plain`; a network by
    `network`; squares on the whole batch of a linear model by `gram` where that is safe; everything else by `linear`.
    Squares are measured from moments by any engine of a linear model.
    Raises UsageError when a rule fails, or does not return what its signature promises.
    """
    from descend.engines import linear, network  # Numba is loaded when the first training begins
    from descend.engines.kernels.compiled import compile_rule

    for setting in plan.settings:
        _try(setting, np.float64(0.5))
    direct = Engine("plain", plain.advance, partial(objectives, problem), _held_out(problem, held_out))
    try:
        for setting in plan.settings:
            compile_rule(setting.rule, problem.dtype)
    except UsageError:
        for setting in plan.settings:
            _try(setting, np.array([0.5, -0.5]))
        return direct
    if problem.network is not None:
        measures = {
            "objectives": partial(objectives, problem, predict=network.predict),
            "held_out": _held_out(problem, held_out, network.predict),
        }
        shared = {name: _run_by_run(measure, threads) for name, measure in measures.items()}
        return replace(direct, name="network", advance=network.advance, **shared)
    direct = replace(direct, name="linear", advance=linear.advance)
    if not moments.measures(problem):
        return _measuring_by_passes(problem, held_out, threads, direct)
    from descend.engines import full_pass, gram

    of_data = problem.data.gram(threads)
    direct = _measuring_by_moments(problem, held_out, threads, direct)
    free = [r for r, s in enumerate(plan.settings) if moments.fits(problem, s)]
    if len(free) < len(plan):
        return direct
    # On many rows nobody waits for last digits: not of a run that would stray from its path on the rows because of
    # rounding, and not of one that has come to the noise of its gradient, which is at the optimum.
    large = full_pass.measures(problem)
    by_rows = frozenset() if large else frozenset(
        plan.settings[r] for r in free if not _sound(problem, plan.take([r]), of_data)
    )  # fmt: skip
    if len(by_rows) == len(plan):
        return direct
    finish = None if large else direct.advance
    return replace(direct, name="gram", advance=partial(gram.advance, gram=of_data, direct=finish, by_rows=by_rows))


def _try(setting: Setting, g: Any) -> None:
    """Take one step of a rule with a gradient: a rule of the user's own may fail, or forget what it must return."""
    rule, memory = setting.rule, setting.rule.memory
    try:
        with np.errstate(all="ignore"):
            returned = rule.update(g, *(0 * g + start for start in memory.values()), 1, **setting.constants)
    except Exception as error:
        what = f"the rule {rule.name} fails for the gradient {g}: {type(error).__name__}: {error}"
        raise UsageError(
            what, fix="use operators and descend.ops in it, as descend.rules does", code="rule-fails"
        ) from error
    shape = f"a tuple of {len(returned)}" if isinstance(returned, tuple) else f"a {type(returned).__name__}"
    wanted = f"(step, {', '.join(memory)})" if memory else "(step,)"
    if shape != f"a tuple of {1 + len(memory)}":
        what = f"the rule {rule.name} returns {shape}, it must return {wanted}"
        raise UsageError(what, fix="compare descend.rules.momentum", code="rule-returns")


def _measuring_by_passes(problem: Problem, held_out: Data | None, threads: int, direct: Engine) -> Engine:
    """An engine that measures weights on many rows by compiled passes."""
    from descend.engines import full_pass

    other = None if held_out is None else replace(problem, data=held_out, l2=0.0, l1=0.0)
    if other is not None and full_pass.measures(other):
        direct = replace(direct, held_out=full_pass.full_objectives(other, threads))
    if full_pass.measures(problem):
        direct = replace(direct, objectives=full_pass.full_objectives(problem, threads))
    return direct


def _measuring_by_moments(problem: Problem, held_out: Data | None, threads: int, direct: Engine) -> Engine:
    """An engine that measures weights from moments instead of the rows."""
    measure = direct.held_out
    if held_out is not None:
        held_out.gram(threads)  # taken here, where threads may share the work
        measure = partial(moments.measured, replace(problem, data=held_out, l2=0.0, l1=0.0))
    return replace(direct, objectives=partial(moments.measured, problem), held_out=measure)


def _sound(problem: Problem, alone: Plan, of_data: Gram) -> bool:
    """Whether a run of a linear rule is safe by the bound, or by trial; the others part under any order of summing."""
    from descend.engines import gram

    rule = alone.settings[0].rule
    if rule.update not in moments.RECURSIONS or moments.safe(problem, alone, of_data, SURE_STEPS)[0]:
        return True
    values = moments.curvatures(problem, of_data)
    if values is not None and moments.growth(alone.settings[0], values) > 1:
        return True
    return bool(gram.determined(problem, alone, of_data, SURE_STEPS)[0] >= SURE_STEPS)


def _run_by_run(measure: Measure, threads: int) -> Measure:
    """A measure whose runs are shared among threads; each has the bits that it has alone."""

    def shared(weights: Array) -> Array:
        if threads == 1 or len(weights) == 1:
            return measure(weights)
        with ThreadPoolExecutor(threads) as pool:
            return np.concatenate(list(pool.map(measure, np.array_split(weights, threads))))

    return shared


def _held_out(problem: Problem, held_out: Data | None, predict: Predict = network_scores) -> Measure:
    if held_out is None:
        return lambda weights: np.full(len(weights), np.nan)
    return lambda weights: mean_losses(problem, weights, held_out, predict)
