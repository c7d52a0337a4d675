"""replay: a batch passed through a model again, to find where the first NaN or inf is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.parallel import DistributedDataParallel

from descend.diagnosis.steps import INPUT
from descend.torch.stateless import call_with


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a model was called with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where the first NaN or inf is, such as "the output of fc2", and the rows of the batch where it is, from 1."""

    name: str
    rows: tuple[int, ...] = ()


def first_nonfinite(model: Module, inputs: Inputs | None) -> Place | None:
    """Return the first place with NaN or inf: input, weights, outputs forward, gradients backward; None for none.

    The model's buffers, such as running means, stay as they are; so does the generator of random numbers.
    """
    if isinstance(model, DistributedDataParallel):
        model = model.module  # a wrapper would wait for the other processes, which replay nothing
    if inputs is not None:
        for tensor in tensors_in((inputs.args, inputs.kwargs)):
            if not finite(tensor):
                return Place(INPUT, bad_rows(tensor))
    for name, parameter in model.named_parameters():
        if not finite(parameter):
            return Place(f"the weights {name}")
    if inputs is not None:
        place = _forward(model, inputs)
        if place is not None:
            return place
    named = [(name, p.grad) for name, p in model.named_parameters() if p.grad is not None]
    for name, gradient in reversed(named):
        if not finite(gradient):
            return Place(f"the gradient of {name}")
    return None


def _forward(model: Module, inputs: Inputs) -> Place | None:
    names = {m: f"{name} ({type(m).__name__})" if name else "the model" for name, m in model.named_modules()}
    found: list[Place] = []

    def look(module: Module, args: Any, output: Any) -> None:
        bad = [tensor for tensor in tensors_in(output) if not finite(tensor)]
        if module in names and bad and not found:
            found.append(Place(f"the output of {names[module]}", bad_rows(bad[0])))

    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    devices = {p.device.index for p in model.parameters() if p.is_cuda and p.device.index is not None}
    handle = register_module_forward_hook(look)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=sorted(devices)):
            call_with(model, buffers, inputs.args, inputs.kwargs)
    finally:
        handle.remove()
    return found[0] if found else None


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples, lists, dicts and dataclasses."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        for value in values.values():
            yield from tensors_in(value)
    elif isinstance(values, tuple | list):
        for value in values:
            yield from tensors_in(value)
    elif hasattr(values, "__dataclass_fields__"):
        yield from tensors_in(vars(values))


def finite(tensor: Tensor) -> bool:
    """Tell whether no number of a tensor is NaN or inf; whole numbers always are finite."""
    if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.is_meta:
        return True
    values = tensor.detach().coalesce().values() if tensor.is_sparse else tensor.detach()
    return bool(torch.isfinite(values).all())


def bad_rows(tensor: Tensor) -> tuple[int, ...]:
    """Return the rows with NaN or inf, from 1; none where the tensor has no rows."""
    if tensor.dim() == 0 or tensor.is_sparse:
        return ()
    bad = ~torch.isfinite(tensor.detach()).reshape(len(tensor), -1).all(dim=1)
    return tuple((bad.nonzero().flatten() + 1).tolist())
