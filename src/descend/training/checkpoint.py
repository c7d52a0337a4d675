"""checkpoint: where a search stands, in one file that is replaced as a whole, so that a killed one is not lost."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from descend import store
from descend.arrays import Array
from descend.engines import State
from descend.errors import ModelError
from descend.plan import Setting
from descend.training.loop import Fit

SCHEMA = "descend.search/1"
STATE = tuple(State.__dataclass_fields__)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where the runs of a search stood.

    Args:
        state: for going on (runs, ...).
        weights: the best weights so far (runs, params).
        score: what runs are compared by, lower is better (runs,).
        settings: of each run: label, rule, constants, batch_size, seed, schedule, init.
    """

    state: State
    weights: Array
    score: Array
    settings: tuple[dict[str, Any], ...]


def save(fit: Fit, place: Path) -> None:
    """Write a checkpoint of all runs so far; raises OutputError when it cannot be written."""
    from safetensors.numpy import save as packed

    arrays = {name: np.ascontiguousarray(getattr(fit.state, name)) for name in STATE}
    arrays |= {"best_weights": np.ascontiguousarray(fit.weights), "score": np.ascontiguousarray(fit.score)}
    document = {"schema": SCHEMA, "settings": [_described(s) for s in fit.plan.settings]}
    store.atomic_write(place, packed(arrays, metadata={"descend": json.dumps(document)}))


def load(place: Path) -> Checkpoint:
    """Read a checkpoint; raises ModelError when it is none, or is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="numpy") as file:
            document = json.loads((file.metadata() or {})["descend"])
            arrays = {name: file.get_tensor(name) for name in (*STATE, "best_weights", "score")}
        if document["schema"] != SCHEMA:
            raise KeyError(document["schema"])
        return Checkpoint(
            State(*(arrays[n] for n in STATE)), arrays["best_weights"], arrays["score"], tuple(document["settings"])
        )
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"{str(place)!r} is no checkpoint of a search, or is damaged: {type(error).__name__}", fix="train again",
            code="damaged-checkpoint",
        ) from error  # fmt: skip


def _described(setting: Setting) -> dict[str, Any]:
    return {
        "label": setting.label, "rule": setting.rule.name, "constants": setting.constants, "batch_size": setting.batch_size,
        "seed": setting.seed, "schedule": setting.schedule, "init": setting.init,
    }  # fmt: skip
