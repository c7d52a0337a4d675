"""update: the step of one parameter group.

Contiguous floats in the memory of this machine are moved in place by the compiled rule, in one call for all of them;
everything else by the rule itself, on tensors.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

import torch
from torch import Tensor

from descend.engines import in_place
from descend.engines.lazy_sparse import STILL_AT_ZERO
from descend.torch.form import Form
from descend.torch.placement import Batch, kind_of, parts_of
from descend.torch.state import HERE, State, number_dtype, number_of, start_state

Group = Mapping[str, Any]
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
    for w, g in zip(moved, gradients, strict=True):
        state = states[w]
        if not state:
            state.update(start_state(form, group, w))
        found = parts_of(form, w, g, state)
        if found is None or not in_place.compiles(kind_of(form, found[0][0].dtype, numbers)):
            _on_tensors(form, group, w, g, state)
        else:
            dtype = found[0][0].dtype
            batches.setdefault(dtype, Batch(form, dtype, numbers)).add(w, state, *found)
    for batch in batches.values():
        batch.step(group)
    return next(iter(batches.values())) if len(batches) == 1 else None


@torch.no_grad()
def _on_tensors(form: Form, group: Group, w: Tensor, g: Tensor, state: State) -> None:
    """Move one parameter by the rule itself."""
    capturable, values = group["capturable"], form.values(group)
    constants = dict(zip(form.rule.constants, values if capturable else map(float, values), strict=True))
    numbers = {key: number_of(state, key, number_dtype(), w.device if capturable else HERE) for key in form.number_keys}
    if form.counts:
        numbers["step"] += 1
    read = {key: number if capturable else number.item() for key, number in numbers.items()}
    t, shared = read.get("step", 1), [read[key] for key in form.shared_keys]
    rows: tuple[Any, ...] = (...,)
    if g.layout is torch.sparse_coo and _rests(form, group):
        g = g.coalesce()
        rows, g = tuple(g.indices()), g.values()
    g = g.to_dense() if g.layout is not torch.strided else g
    parts = [w[rows], -g if group["maximize"] else g, *(state[key][rows] for key in form.own_keys)]
    if w.is_complex():
        parts = [torch.view_as_real(part.resolve_conj()) for part in parts]
    if w.dtype in LOW:
        parts = [part.float() for part in parts]
    here, slope, *memory = parts
    if form.l2(group):
        slope = slope + form.l2(group) * here
    step, *new = form.rule.update(slope, *memory, *shared, t, **constants)
    new.insert(0, (1 - constants["lr"] * constants["decay"]) * here - step if "decay" in constants else here - step)
    for old, value in zip([w, *(state[key] for key in form.own_keys)], new, strict=False):
        old[rows] = torch.view_as_complex(value.contiguous()) if w.is_complex() else value.to(old.dtype)
    for key, value in zip(form.shared_keys, new[1 + len(form.own_keys) :], strict=True):
        numbers[key].fill_(value)  # in place: a CUDA graph reads it there at each replay


def _rests(form: Form, group: Group) -> bool:
    """Whether a coordinate whose gradient is 0 stays where it is, with its memory: only the others must be touched."""
    rests = form.rule.update in STILL_AT_ZERO and group.get("eps", 1.0) > 0
    return rests and form.l2(group) == 0
