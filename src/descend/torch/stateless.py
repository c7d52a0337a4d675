"""stateless: a module called with other tensors in place of its own, which it has back afterwards."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from torch import Tensor
from torch.func import functional_call
from torch.nn import Module


def call_with(
    module: Module, tensors: Mapping[str, Tensor], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
) -> Any:  # fmt: skip
    """Call a module with these parameters and buffers, by the names of `named_parameters`.

    torch's own call finds tied tensors by all their names, and leaves what it was given in a module that is held twice
    (torch 2.13); here each place of a tensor is named once.
    """
    first: dict[int, str] = {}
    given: dict[str, Tensor] = {}
    for place, part in module.named_modules():
        for name, own in chain(part._parameters.items(), part._buffers.items()):
            full = f"{place}.{name}" if place else name
            known = full if own is None else first.setdefault(id(own), full)
            if known in tensors:
                given[full] = tensors[known]
    return functional_call(module, given, args, kwargs, tie_weights=False)
