"""placement: where the tensors of a parameter group lie in memory, for a compiled rule that moves them by address.

Looking at every tensor of a large model takes longer than moving it. What was found at one step holds at the next as long
as the same objects have the same addresses; gradients, which are new at each step, are looked at each time.
"""

from collections.abc import Mapping, Sequence
from operator import is_
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from descend.engines import in_place
from descend.torch.form import Form
from descend.torch.state import State, number_of

COMPILED: dict[torch.dtype, np.dtype[Any]] = {torch.float32: np.dtype(np.float32), torch.float64: np.dtype(np.float64)}
OWN = (Tensor, Parameter)  # a subclass may keep its numbers elsewhere


class Batch:
    """The parameters of one dtype of a group that are moved by one call.

    Args:
        form: of the optimizer.
        dtype, numbers: of the tensors, and of their step counters and shared memories.
    """

    def __init__(self, form: Form, dtype: torch.dtype, numbers: torch.dtype) -> None:
        self.form, self.dtype, self.numbers = form, dtype, numbers
        self._moved: list[Tensor] = []
        self._states: list[State] = []
        self._gradients: list[Tensor] = []  # as they are read: they must stay alive until they are
        self._addresses: list[list[int]] = []  # of weights, gradient, own memories, counters
        self._sizes: list[int] = []
        self._plain = True  # whether all tensors are contiguous as they are, so that the batch can be used again
        self._tensors: in_place.Tensors | None = None

    def add(self, w: Tensor, state: State, parts: Sequence[Tensor], plain: bool) -> None:
        """Add a parameter; parts and plain: see `parts_of`."""
        numbers = [number_of(state, key, self.numbers) for key in self.form.number_keys]
        self._moved.append(w)
        self._states.append(state)
        self._gradients.append(parts[1])
        self._addresses.append([part.data_ptr() for part in (*parts, *numbers)])
        self._sizes.append(parts[0].numel())
        self._plain = self._plain and plain

    def holds(self, moved: Sequence[Tensor], gradients: list[Tensor], states: Mapping[Tensor, State]) -> bool:
        """Tell whether the batch is one of these parameters still; their gradients are then the next that it reads."""
        if not self._plain or len(moved) != len(self._moved) or not all(map(is_, moved, self._moved)):
            return False
        keys, dtype, found = self.form.state_keys, self.dtype, []
        for w, g, state, addresses in zip(moved, gradients, self._states, self._addresses, strict=True):
            if states.get(w) is not state or type(g) is not Tensor or g.dtype is not dtype or g.is_neg():
                return False
            if not g.is_contiguous() or w.data_ptr() != addresses[0]:
                return False
            if [state[key].data_ptr() for key in keys] != addresses[2:]:
                return False
            found.append(g.data_ptr())
        self._gradients = gradients
        if self._tensors is not None:
            self._tensors.addresses[:, 1] = found
        return True

    def step(self, group: Mapping[str, Any]) -> None:
        """Move the parameters by their gradients."""
        form = self.form
        if self._tensors is None:
            self._tensors = self._placed()
        constants = [float(value) for value in form.values(group)]
        self._tensors.step(constants, -1.0 if group["maximize"] else 1.0, form.l2(group), torch.get_num_threads())
        _tell_autograd(self._moved)
        self._gradients = []

    def _placed(self) -> in_place.Tensors:
        table, own = np.array(self._addresses), 2 + len(self.form.own_keys)
        none = np.zeros((len(table), 0 if self.form.counts else 1), np.int64)
        counters, addresses = np.hstack([none, table[:, own:]]), np.ascontiguousarray(table[:, :own])
        return in_place.Tensors(
            kind_of(self.form, self.dtype, self.numbers), counters, addresses, np.array(self._sizes)
        )


def _tell_autograd(moved: list[Tensor]) -> None:
    """Count a change of each tensor, so that backward through older values is refused, as ever."""
    try:
        torch.autograd.graph.increment_version(moved)
    except (TypeError, RuntimeError):  # older releases of torch take one tensor at a time
        for w in moved:
            torch.autograd.graph.increment_version(w)


def kind_of(form: Form, dtype: torch.dtype, numbers: torch.dtype) -> in_place.Kind:
    """Return what is compiled for tensors of a dtype."""
    return in_place.Kind(form.rule, form.shared, COMPILED[dtype], COMPILED[numbers])


def parts_of(form: Form, w: Tensor, g: Tensor, state: State) -> tuple[list[Tensor], bool] | None:
    """Return weights, gradient and own memories as real tensors of equal layout; None where they cannot be moved by address.

    The second value says whether they are contiguous as they are.
    """
    if type(w) not in OWN or type(g) is not Tensor or not w.is_cpu or g.layout is not torch.strided:
        return None
    parts, plain = [w, g, *(state[key] for key in form.own_keys)], True
    if w.is_complex():
        parts, plain = [torch.view_as_real(part.resolve_conj()) for part in parts], False
    parts[1] = parts[1].resolve_neg()
    dtype, size = parts[0].dtype, parts[0].numel()
    if dtype not in COMPILED or any(p.dtype is not dtype or p.numel() != size or not p.is_cpu for p in parts):
        return None
    if all(part.is_contiguous() for part in parts):
        return parts, plain and parts[1] is g
    order = {4: torch.channels_last, 5: torch.channels_last_3d}.get(parts[0].dim())
    alike = order is not None and all(part.is_contiguous(memory_format=order) for part in parts)
    return (parts, False) if alike else None
