"""replicas: whether the copies of a model on several ranks stay equal, told through the store of their process group."""

import contextlib
import json
import zlib
from typing import Any, Protocol

import torch
from torch import distributed
from torch.nn import Module

from descend.arrays import evenly_spaced
from descend.diagnosis.wiring import APART
from descend.torch.replay import Inputs, tensors_in

SAMPLES = 8  # numbers that stand for a tensor (arbitrary: copies that come apart differ in nearly all)

Samples = dict[str, list[float]]


class Store(Protocol):
    """What this asks of torch's store: to write, to add to a number, and to read what is there; none of it waits for a rank."""

    def set(self, key: str, value: str) -> None: ...  # noqa: D102
    def add(self, key: str, amount: int) -> int: ...  # noqa: D102
    def check(self, keys: list[str]) -> bool: ...  # noqa: D102
    def get(self, key: str) -> bytes: ...  # noqa: D102


class Replicas:
    """A model on one of several ranks; its numbers are told once, after the first steps that moved them.

    A collective operation would hang where not every rank watches. A store does not: a rank reads what others have told so far,
    at once, after twice as many steps, four times and so on, and at the end, until it has heard of all.

    Args:
        model: as it is before its first step.
        store: that all ranks reach.
        rank, world: of this process, and how many there are.
    """

    def __init__(self, model: Module, store: Store, rank: int, world: int) -> None:
        self.model, self.store, self.rank, self.world = model, store, rank, world
        self.alike, self.apart = 0, tuple[str, ...]()
        self._start = samples(model)
        self._place = f"descend/{zlib.crc32(json.dumps(list(self._start)).encode()):08x}"
        self._turn = 0  # how often this rank has watched such a model
        self._told: dict[str, Any] | None = None
        self._steps = self._due = 0
        self._missing = [k for k in range(world) if k != rank]
        with contextlib.suppress(RuntimeError):
            self._turn = store.add(f"{self._place}/{rank}", 1)

    def after_step(self, inputs: Inputs | None) -> bool:
        """Tell the others once the model has moved, and hear what they have told; return whether they came apart with that."""
        self._steps += 1
        if self._told is None:
            self._tell(inputs)
        if self._told is None or not self._missing or self.apart:
            return False
        if self._steps >= self._due:
            self._due = 2 * self._steps
            self.hear()
        return bool(self.apart)

    def _tell(self, inputs: Inputs | None) -> None:
        now = samples(self.model)
        if now == self._start:
            return
        first = next(tensors_in((inputs.args, inputs.kwargs)), None) if inputs is not None else None
        batch = None if first is None else sample(first)
        self._told = {"step": self._steps, "start": self._start, "end": now, "batch": batch}
        with contextlib.suppress(RuntimeError):  # the rank that holds the store has ended
            self.store.set(self._key(self.rank), json.dumps(self._told))

    def _key(self, rank: int) -> str:
        return f"{self._place}/{rank}/{self._turn}"

    def hear(self) -> None:
        """Compare the model with those of ranks that have told theirs."""
        with contextlib.suppress(RuntimeError):
            for rank in list(self._missing) if self._told is not None else ():
                if self.store.check([self._key(rank)]):
                    self._missing.remove(rank)
                    self._compare(json.loads(self.store.get(self._key(rank))))

    def _compare(self, other: dict[str, Any]) -> None:
        assert self._told is not None
        held = alike(self._told, other)
        self.alike = max(self.alike, len(held))
        self.apart = self.apart or tuple(name for name in held if _differ(self._told, other, name))


def replicas_of(model: Module) -> Replicas | None:
    """Return the model as one of those of a process group; None where there is none."""
    if not (distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1):
        return None
    store: Store = distributed.distributed_c10d._get_default_store()
    return Replicas(model, store, distributed.get_rank(), distributed.get_world_size())


def alike(own: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the parameters that two ranks mean to hold alike.

    They started equal, and were looked at after as many steps. Where others did not start equal, ranks hold parts of a model. Then equal
    starts mean something where ranks get the same batch, so that they hold parts of the same layers (tensor parallelism); zeros do
    not, since parts of a bias start there too.
    """
    if own["step"] != other["step"]:
        return []
    names = [name for name, values in own["start"].items() if other["start"].get(name) == values]
    if len(names) == len(own["start"]) == len(other["start"]):
        return names
    same_batch = own["batch"] is not None and own["batch"] == other["batch"]
    return [name for name in names if any(own["start"][name])] if same_batch else []


def _differ(own: dict[str, Any], other: dict[str, Any], name: str) -> bool:
    """Whether two ranks ended at other numbers, by more than APART of what the numbers moved."""
    moved = max(
        (abs(b - a) for of in (own, other) for a, b in zip(of["start"][name], of["end"][name], strict=True)),
        default=0.0,
    )
    gap = max((abs(a - b) for a, b in zip(own["end"][name], other["end"][name], strict=True)), default=0.0)
    return gap > APART * moved


def samples(model: Module) -> Samples:
    """Return a few numbers of each parameter; of one that is cut over ranks (DTensor) none."""
    parts = ((name, p) for name, p in model.named_parameters() if not (hasattr(p, "to_local") or p.is_meta))
    return {name: sample(p) for name, p in parts}


def sample(tensor: torch.Tensor) -> list[float]:
    """Return a few numbers of a tensor, evenly spaced."""
    flat = tensor.detach().reshape(-1) if not tensor.is_complex() else torch.view_as_real(tensor.detach()).reshape(-1)
    return flat[evenly_spaced(len(flat), SAMPLES).tolist()].double().tolist()
