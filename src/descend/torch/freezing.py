"""freezing: parameters that are trained, though the model's own train() would freeze them."""

import contextlib
import copy
from itertools import chain
from typing import Any

import torch
from torch.nn import Module, Parameter
from torch.nn.parallel import DistributedDataParallel


def frozen_by_train(model: Module) -> tuple[str, ...]:
    """Return the names of parameters that need gradients, and would need none after `train()` of the part that holds them.

    It is called on a copy whose tensors have shapes alone, so that it costs no memory and can change no number; a `train()` that
    reads numbers tells nothing.
    """
    found = dict[str, None]()
    for place, part in model.named_modules():
        if type(part).train is Module.train or isinstance(part, DistributedDataParallel):
            continue
        with contextlib.suppress(Exception):  # whatever a module of one's own may raise there
            other = copy.deepcopy(part, _without_numbers(part))
            other.train(part.training)
            kept = dict(other.named_parameters())
            for name, p in part.named_parameters():
                if p.requires_grad and name in kept and not kept[name].requires_grad:
                    found[f"{place}.{name}" if place else name] = None
    return tuple(found)


def _without_numbers(module: Module) -> dict[int, Any]:
    """What deepcopy is to put in place of each tensor."""
    memo: dict[int, Any] = {}
    for tensor in chain(module.parameters(), module.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = Parameter(empty, tensor.requires_grad) if isinstance(tensor, Parameter) else empty
    return memo
