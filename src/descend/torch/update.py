"""update: the step of one parameter group.

Contiguous floats in the memory of this machine are moved in place by the compiled rule, in one call for all of them;
everything else by the rule itself, on tensors, small ones of a kind as one.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from descend.engines import in_place
from descend.engines.lazy_sparse import STILL_AT_ZERO
from descend.torch.form import Form
from descend.torch.placement import Batch, kind_of, parts_of
from descend.torch.state import HERE, State, number_dtype, number_of, start_state

Group = Mapping[str, Any]
SMALL = (
    1 << 14
)  # numbers of a tensor that is moved with others as one (arbitrary: a GPU moves so many in less than a launch takes)
MOST = 1 << 22  # numbers of one, of which the rule has some copies (arbitrary: 16 MB each in float32)
LOW = (torch.float16, torch.bfloat16)  # computed in float32 and rounded once, as torch's fused optimizers do


def step_group(form: Form, group: Group, states: MutableMapping[Tensor, State], last: Batch | None) -> Batch | None:
    """Move the parameters of a group that have a gradient.

    Args:
        states: of each parameter, made where they are empty.
        last: what the last step returned.

    Returns the batch that the next step may use again.
    """
    moved, gradients = [], []
    for w in group["params"]:
        g = w.grad
        if g is not None:
            moved.append(w)
            gradients.append(g)
    numbers = number_dtype()
    if last is not None and last.numbers is numbers and last.holds(moved, gradients, states):
        last.step(group)
        return last
    batches: dict[torch.dtype, Batch] = {}
    others: list[_Moved] = []
    for w, g in zip(moved, gradients, strict=True):
        state = states[w]
        if not state:
            state.update(start_state(form, group, w))
        found = parts_of(form, w, g, state)
        if found is None or not in_place.compiles(kind_of(form, found[0][0].dtype, numbers)):
            others.append(_moved(form, group, w, g, state))
        else:
            dtype = found[0][0].dtype
            batches.setdefault(dtype, Batch(form, dtype, numbers)).add(w, state, *found)
    for batch in batches.values():
        batch.step(group)
    for alike in _alike(others):
        _on_tensors(form, group, alike)
    return next(iter(batches.values())) if len(batches) == 1 else None


@dataclass(frozen=True, eq=False, kw_only=True)
class _Moved:
    """A parameter that is moved by the rule on tensors.

    Args:
        w, g: the parameter and its gradient.
        rows: of the parameter that the gradient holds.
        state: of the parameter.
        numbers: step counter and shared memories, after this step's count.
        read: the same as numbers, or as they are where none may be read.
    """

    w: Tensor
    g: Tensor
    rows: tuple[Any, ...]
    state: State
    numbers: dict[str, Tensor]
    read: dict[str, Any]

    @property
    def kind(self) -> tuple[Any, ...]:
        """What parameters have in common that are moved as one tensor; its own of a large one, or of a few rows."""
        alone = self.w.numel() > SMALL or self.rows != (...,) or any(isinstance(v, Tensor) for v in self.read.values())
        return (id(self),) if alone else (self.w.dtype, self.w.device, *self.read.values())


def _moved(form: Form, group: Group, w: Tensor, g: Tensor, state: State) -> _Moved:
    """Count a step of a parameter, and return it with what moves it."""
    there = w.device if group["capturable"] else HERE
    numbers = {key: number_of(state, key, number_dtype(), there) for key in form.number_keys}
    if form.counts:
        numbers["step"] += 1
    read = {key: number if group["capturable"] else number.item() for key, number in numbers.items()}
    rows: tuple[Any, ...] = (...,)
    if g.layout is torch.sparse_coo and _rests(form, group):
        g = g.coalesce()
        rows, g = tuple(g.indices()), g.values()
    return _Moved(
        w=w, g=g.to_dense() if g.layout is not torch.strided else g, rows=rows, state=state, numbers=numbers, read=read
    )


def _alike(moved: Iterable[_Moved]) -> Iterator[list[_Moved]]:
    """Yield parameters that are moved as one tensor, of MOST numbers at most: on a GPU a launch takes longer than a small tensor."""
    found: dict[tuple[Any, ...], list[_Moved]] = {}
    sizes: dict[tuple[Any, ...], int] = {}
    for one in moved:
        kind = one.kind
        sizes[kind] = sizes.get(kind, 0) + one.w.numel()
        if sizes[kind] > MOST and kind in found:
            yield found.pop(kind)
            sizes[kind] = one.w.numel()
        found.setdefault(kind, []).append(one)
    yield from found.values()


@torch.no_grad()
def _on_tensors(form: Form, group: Group, alike: Sequence[_Moved]) -> None:
    """Move parameters by the rule itself."""
    values, first = form.values(group), alike[0]
    constants = dict(zip(form.rule.constants, values if group["capturable"] else map(float, values), strict=True))
    shared = [first.read[key] for key in form.shared_keys]
    olds = [[one.w for one in alike], *([one.state[key] for one in alike] for key in form.own_keys)]
    if len(alike) == 1:
        here, *memory = (old[first.rows] for (old,) in olds)
        slope = first.g
    else:
        here, *memory = (_joined(old) for old in olds)
        slope = _joined([one.g for one in alike])
    parts = [here, -slope if group["maximize"] else slope, *memory]
    if first.w.is_complex():
        parts = [torch.view_as_real(part.resolve_conj()) for part in parts]
    if first.w.dtype in LOW:
        parts = [part.float() for part in parts]
    here, slope, *memory = parts
    if form.l2(group):
        slope = slope + form.l2(group) * here
    step, *new = form.rule.update(slope, *memory, *shared, first.read.get("step", 1), **constants)
    new.insert(0, (1 - constants["lr"] * constants["decay"]) * here - step if "decay" in constants else here - step)
    for old, value in zip(olds, new, strict=False):
        value = torch.view_as_complex(value.contiguous()) if first.w.is_complex() else value.to(old[0].dtype)
        if len(alike) == 1:
            old[0][first.rows] = value
        else:
            parted = value.split([tensor.numel() for tensor in old])
            torch._foreach_copy_(old, [part.view(tensor.shape) for tensor, part in zip(old, parted, strict=True)])
    for key, value in zip(form.shared_keys, new[1 + len(form.own_keys) :], strict=True):
        for one in alike:
            one.numbers[key].fill_(value)  # in place: a CUDA graph reads it there at each replay


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _rests(form: Form, group: Group) -> bool:
    """Whether a coordinate whose gradient is 0 stays where it is, with its memory: only the others must be touched."""
    rests = form.rule.update in STILL_AT_ZERO and group.get("eps", 1.0) > 0
    return rests and form.l2(group) == 0
