"""shared_runs: the runs of a plan, trained by several processes, each its part of them, with the bits of one process.

Runs that one process trains as a group stay together, so every run is computed as it would be there.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from descend.arrays import Array, packed, unpacked
from descend.engines.state import State
from descend.plan import Plan, Setting
from descend.plan.rule import RULES, Rule
from descend.problem import Problem
from descend.problem.layer_stats import KINDS

SHARED_WORK = (
    1e7  # products of rows and weights from which runs are shared: about 10 ms, ten times what telling of them takes
)
ROW_WORK = 16  # products that as much time goes into beside the weights, for each row: as in `training.loop`
PLAIN = ("label", "constants", "batch_size", "seed", "clip", "clip_value", "clip_layer", "schedule", "init")
FIELDS = tuple(State.__dataclass_fields__)


class Part(NamedTuple):
    """Runs that are trained together, side by side where they are a group of `engines.grouped`."""

    runs: list[int]
    group: bool = False


class Trainer(Protocol):
    """Trains the parts of a plan that an engine is given, in place; what the engine's `advance` does for all of them."""

    def __call__(  # noqa: D102
        self, problem: Problem, plan: Plan, state: State, path: Array, record_points: Array, parts: list[Part],
        threads: int, layer_stats: Array | None = None,
    ) -> None: ...  # fmt: skip


def train_together(
    trainer: Trainer, problem: Problem, plan: Plan, state: State, path: Array, record_points: Array, parts: list[Part],
    threads: int, layer_stats: Array | None = None,
) -> None:  # fmt: skip
    """Train all parts, in place: by all processes that hold the rows, where that is faster; else in this one."""

    def train(jobs: list[int]) -> bytes:
        trainer(problem, plan, state, path, record_points, [parts[k] for k in jobs], threads, layer_stats)
        return b""

    everything, team = list(range(len(parts))), problem.data.team
    costs = [_cost(problem, state, part, int(record_points[-1])) for part in parts]
    if team is None or problem.data.in_parts or len(parts) < 2 or sum(costs) < SHARED_WORK or plan.shuffle != "auto":
        train(everything)
        return
    answers = team.share(told_of(trainer.__module__, plan, state, record_points, parts), costs, train)
    if answers is None:
        train(everything)
    for moved, _ in map(unpacked, filter(None, answers or [])):
        runs = moved["runs"]
        path[runs] = moved["path"]
        if layer_stats is not None:
            layer_stats[runs] = moved["stats"]
        for name in FIELDS:
            getattr(state, name)[runs] = moved[name]


def serve(
    told: bytes,
    jobs: list[int] | None,
    problem: Problem,
    threads: int,
    trainers: Mapping[str, Trainer],
    rules: Mapping[str, Rule],
) -> bytes:
    """Train, in another process, the parts at some places of what it was told, and return what became of them.

    Args:
        jobs: those places; all of them when None.
        trainers: of each engine, by its module.
        rules: those that are none of descend's, by their names.
    """
    arrays, about = unpacked(told)
    ends = np.cumsum(about["lengths"])
    plan = Plan(tuple(_setting(s, arrays["factors"][e - n : e], {**RULES, **rules})
                      for s, e, n in zip(about["settings"], ends, about["lengths"], strict=True)))  # fmt: skip
    state, points = State(**{name: arrays[name] for name in FIELDS}), arrays["points"]
    layers = 0 if problem.network is None else len(problem.network.layers)
    stats = np.full((len(plan), len(points), layers, len(KINDS)), np.nan)
    path = np.empty((len(plan), len(points), problem.params), problem.dtype)
    parts = [Part(*about["parts"][k]) for k in (range(len(about["parts"])) if jobs is None else jobs)]
    trainers[about["trainer"]](problem, plan, state, path, points, parts, threads, stats)
    runs = np.array([r for part in parts for r in part.runs], np.int64)
    moved = {name: getattr(state, name)[runs] for name in FIELDS}
    return packed({**moved, "runs": runs, "path": path[runs], "stats": stats[runs]})


def _cost(problem: Problem, state: State, part: Part, last: int) -> float:
    """The work of a part: products of rows and weights, of all its runs up to the last record point."""
    return float((last - state.seen[part.runs]).sum() * (problem.params + ROW_WORK))


def told_of(trainer: str, plan: Plan, state: State, points: Array, parts: list[Part]) -> bytes:
    """Return what another process must know to train some parts of a plan, by the trainer of an engine."""
    settings = [{name: getattr(s, name) for name in PLAIN} | {"rule": s.rule.name} for s in plan.settings]
    factors = [np.asarray(s.factors, np.float64) for s in plan.settings]
    arrays = {name: getattr(state, name) for name in FIELDS} | {"points": points, "factors": np.concatenate(factors)}
    about = {"trainer": trainer, "settings": settings, "lengths": list(map(len, factors)), "parts": parts}
    return packed(arrays, about)


def _setting(given: dict[str, Any], factors: Array, rules: Mapping[str, Rule]) -> Setting:
    return Setting(**{name: given[name] for name in PLAIN}, rule=rules[given["rule"]], factors=factors)
