"""Engines: they train the runs of a plan, and all of them agree with `plain`.

The contract is one function, `advance(problem, plan, state, marks, threads=1) -> (state, path)`: train every running
run until it has seen marks[-1] rows, and return the weights (runs, marks, params) as they were at each mark.
"""

import importlib
from collections.abc import Callable

from descend.arrays import Array
from descend.engines.state import State, start
from descend.errors import UsageError
from descend.plan import Plan
from descend.problem import Problem

Advance = Callable[..., tuple[State, Array]]

__all__ = ["Advance", "State", "choose", "start"]


def choose(problem: Problem, plan: Plan) -> tuple[str, Advance]:
    """Return the name and the `advance` of the fastest engine that can train this plan.

    A rule that cannot be compiled, such as one of the user's own that calls NumPy, is trained by `plain`.
    """
    compiled = importlib.import_module("descend.engines.compiled")
    try:
        for setting in plan.settings:
            compiled.stepper(setting.rule, problem.dtype)
    except UsageError:
        return "plain", importlib.import_module("descend.engines.plain").advance
    return "linear", importlib.import_module("descend.engines.linear").advance
