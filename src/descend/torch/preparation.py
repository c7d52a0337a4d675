"""preparation: module, data and loss of a search, checked, with the module and torch's random numbers kept as they were."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import Module
from torch.nn.parameter import UninitializedParameter

from descend.errors import DataError, DescendError, UsageError
from descend.text import counted
from descend.torch.batches import Batch, InMemory, Source, source_of
from descend.torch.objective import (
    Loss,
    Objective,
    check_kept,
    check_module,
    in_mode,
    is_lazy,
    least_rows,
    objective_of,
)
from descend.torch.replay import bad_rows, finite


@dataclass(frozen=True, eq=False)
class Job:
    """What is trained on what.

    Args:
        objective: the module with its loss.
        source: its batches.
        first: one of them.
    """

    objective: Objective
    source: Source
    first: Batch


@contextlib.contextmanager
def prepare(
    caller: str, module: Module, data: Any, loss: str | Loss, batch_size: int | str, seed: int
) -> Iterator[Job]:  # fmt: skip
    """Give a job, in a context whose random numbers follow from the seed; afterwards the generators are as they were.

    Raises UsageError and DataError for what cannot be trained, here and inside the context; caller: the function's name.
    """
    check_module(module, caller)
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.get_default_dtype())
    source = source_of(data, batch_size, dtype, least_rows(module))
    if 0 < source.size < least_rows(module):
        raise _batch_of_one(module)
    refuse_nonfinite(source)
    first = next(iter(source.epoch(seed)), None)
    if first is None:
        raise DataError("data hold no batch", fix="look whether the loader is empty", code="no-batches")
    devices = {p.device.index for p in module.parameters() if p.is_cuda and p.device.index is not None}
    with torch.random.fork_rng(devices=sorted(devices)), _explained(module):
        torch.manual_seed(seed)
        if is_lazy(module):
            with in_mode(module, training=False), torch.no_grad():
                module(*first.to(_device(module)).inputs)
        targets = source.target if isinstance(source, InMemory) else None
        yield Job(objective_of(module, loss, first, targets), source, first)


def refuse_nonfinite(source: Source) -> None:
    """Raise DataError for NaN and inf in rows in memory: they make every loss NaN; those of a loader are found in training."""
    if not isinstance(source, InMemory):
        return
    named = [("x" if len(source.inputs) == 1 else f"input {k + 1} of x", x) for k, x in enumerate(source.inputs)]
    for name, values in (*named, ("y", source.target)):
        bad = () if finite(values) else bad_rows(values)
        if bad:
            raise DataError(
                f"{name} holds NaN or inf in {counted(len(bad), 'row')}, the first is row {bad[0]:,}",
                fix="fill them, or leave these rows out", code="not-finite",
            )  # fmt: skip


def _device(module: Module) -> torch.device:
    return next(
        (p.device for p in module.parameters() if not isinstance(p, UninitializedParameter)), torch.device("cpu")
    )


@contextlib.contextmanager
def _explained(module: Module) -> Iterator[None]:
    """A context in which what torch says of batches of one row, and of losses without gradient, is said in our words.

    A module that has replaced its parameters is refused at the end, whatever else was wrong with it.
    """
    held = dict(module.named_parameters())
    try:
        yield
    except DescendError:
        raise
    except Exception as error:
        check_kept(module, held)
        if "more than 1 value per channel" in str(error):
            raise _batch_of_one(module) from error
        if "does not require grad" in str(error):
            raise UsageError(
                f"the loss of {type(module).__name__} has no gradient: nothing leads back to its parameters",
                fix="look for detach(), no_grad(), argmax() or NumPy between them and the loss", code="no-gradient",
            ) from error  # fmt: skip
        raise
    check_kept(module, held)


def _batch_of_one(module: Module) -> UsageError:
    return UsageError(
        f"{type(module).__name__} holds batch normalisation, and a batch has one row, which has no spread",
        fix="use batches of two rows or more, and drop_last=True in a loader", code="batch-of-one",
    )  # fmt: skip
