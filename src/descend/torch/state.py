"""state: what an optimizer keeps of each parameter, in the names, shapes and dtypes of torch."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from descend.errors import UsageError
from descend.torch.form import Form

State = dict[str, Any]
HERE = torch.device("cpu")


def number_dtype() -> torch.dtype:
    """Return the dtype of step counters: float32, or float64 where that is torch's default, as in torch's optimizers."""
    return torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32


def start_state(form: Form, group: Mapping[str, Any], w: Tensor) -> State:
    """Return the state of a parameter before its first step."""
    device = w.device if group["capturable"] else "cpu"
    state: State = {"step": torch.zeros((), dtype=number_dtype(), device=device)} if form.counts else {}
    for key, value in zip(form.keys, form.rule.memory.values(), strict=True):
        if key in form.shared_keys:
            state[key] = torch.full((), value, dtype=number_dtype(), device=device)
        else:
            start = complex(value, value) if w.is_complex() else value  # both parts are coordinates
            state[key] = torch.full_like(w, start, memory_format=torch.preserve_format, requires_grad=False)
    return state


def take_over(form: Form, name: str, w: Tensor, state: State) -> None:
    """Make a saved state of a parameter fit for use, in place.

    Raises UsageError where it is another rule's, or of another shape; name: of the optimizer.
    """
    for key in [key for key, value in state.items() if value is None]:  # torch's SGD before its first step
        del state[key]
    needed = form.state_keys
    if state and not all(key in state for key in needed):
        raise UsageError(
            f"the saved state has {', '.join(state)}, {name} keeps {', '.join(needed) or 'nothing'}",
            fix="load it into the optimizer of that rule", code="other-state",
        )  # fmt: skip
    for key in form.own_keys if state else ():
        if state[key].shape != w.shape:
            raise UsageError(
                f"the saved {key} has the shape {tuple(state[key].shape)}, its parameter {tuple(w.shape)}",
                fix="give the parameters in the order in which they were when it was saved", code="other-shape",
            )  # fmt: skip


def number_of(state: State, key: str, dtype: torch.dtype, device: torch.device = HERE) -> Tensor:
    """Return the step counter or shared memory of a state, in the memory of a device; older states have plain numbers."""
    number = state[key]
    if not isinstance(number, Tensor) or number.dtype is not dtype or number.device != device:
        number = state[key] = torch.as_tensor(number, dtype=dtype, device=device).clone()
    return number
