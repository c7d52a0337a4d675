"""batches: what a module is trained on, batch by batch: tensors, arrays, a data set, or a loader of one's own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from descend.errors import DataError
from descend.plan import FULL
from descend.search.candidates import network_batch


@dataclass(frozen=True, eq=False)
class Batch:
    """What a module is called with, and the target that its output is compared with."""

    inputs: tuple[Any, ...]
    target: Any

    def to(self, device: torch.device) -> "Batch":
        """Return the batch in the memory of a device."""
        inputs = tuple(x.to(device) if isinstance(x, Tensor) else x for x in self.inputs)
        return Batch(inputs, self.target.to(device) if isinstance(self.target, Tensor) else self.target)

    @property
    def rows(self) -> int:
        """Rows of the target."""
        return len(self.target) if hasattr(self.target, "__len__") else 1


class Source:
    """Batches, an epoch at a time; made by `source_of`."""

    size: int  # rows a step, FULL for all
    rows: int | None  # None where a loader does not say

    def epoch(self, seed: int) -> Iterator[Batch]:
        """Return the batches of an epoch, in the order of the seed where the order is ours."""
        raise NotImplementedError


class InMemory(Source):
    """Rows of tensors, in another order at each epoch.

    Args:
        inputs, target: with the same number of rows.
        size: rows a step, FULL for all.
        least: rows that a batch has at least; a rest of fewer is left out of its epoch.
    """

    def __init__(self, inputs: tuple[Tensor, ...], target: Tensor, size: int, least: int = 1) -> None:
        self.inputs, self.target, self.size, self.least = inputs, target, size, least
        self.rows = len(target)

    def epoch(self, seed: int) -> Iterator[Batch]:
        """Yield shuffled batches."""
        if self.size == FULL:
            yield Batch(self.inputs, self.target)
            return
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self.target)))
        for rows in order.split(self.size):
            if len(rows) >= self.least or len(rows) == len(order):
                yield Batch(tuple(x[rows] for x in self.inputs), self.target[rows])

    def parts(self, share: float, seed: int) -> tuple["InMemory", "InMemory"]:
        """Return the rows without a share of them, drawn at random, and that share."""
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(self.target)))
        kept = len(order) - max(1, round(share * len(order)))
        parts = (
            (tuple(x[rows] for x in self.inputs), self.target[rows])
            for rows in (order[:kept].sort().values, order[kept:].sort().values)
        )
        first, second = (InMemory(inputs, target, self.size, self.least) for inputs, target in parts)
        return first, second

    def first(self, rows: int) -> "InMemory":
        """Return the first so many rows."""
        return InMemory(tuple(x[:rows] for x in self.inputs), self.target[:rows], self.size, self.least)


class Loaded(Source):
    """The batches of a loader of one's own, in its order."""

    def __init__(self, loader: Iterable[Any]) -> None:
        self.loader = loader
        data, size = getattr(loader, "dataset", None), getattr(loader, "batch_size", None)
        self.rows = len(data) if data is not None and hasattr(data, "__len__") else None
        self.size = size if isinstance(size, int) else FULL

    def epoch(self, seed: int) -> Iterator[Batch]:
        """Yield the batches of one pass; raises DataError for what is no batch."""
        generator = getattr(self.loader, "generator", None)
        if isinstance(generator, torch.Generator):
            generator.manual_seed(seed)
        for given in self.loader:
            if not isinstance(given, tuple | list) or len(given) < 2:
                raise DataError(
                    f"a batch is a {type(given).__name__}{_length(given)}, it must be inputs and a target",
                    fix="let the loader yield (x, y)", code="no-batch",
                )  # fmt: skip
            yield Batch(tuple(given[:-1]), given[-1])


def source_of(data: Any, batch_size: int | str, dtype: torch.dtype, least: int = 1) -> Source:
    """Return data as batches.

    Args:
        data: (x, y) of tensors or arrays with as many rows, where x may be a tuple of several inputs; a data set of torch; or
            a loader: anything that yields batches (x, y) each time it is iterated.
        batch_size: rows a step, "full" or "auto", of what is no loader.
        dtype: that arrays of floats are given, the module's.
        least: rows that a batch needs.

    Raises DataError for what is none of these, or has no rows.
    """
    if isinstance(data, TensorDataset):
        data = (data.tensors[:-1], data.tensors[-1])
    if isinstance(data, tuple) and len(data) == 2:
        given = data[0] if isinstance(data[0], tuple | list) and not _is_numbers(data[0]) else (data[0],)
        inputs, target = tuple(_tensor(x, dtype) for x in given), _tensor(data[1], dtype)
        rows = {len(x) for x in (*inputs, target) if x.dim()}
        if len(rows) != 1 or 0 in rows:
            shapes = " and ".join(str(tuple(x.shape)) for x in (*inputs, target))
            raise DataError(
                f"x and y have the shapes {shapes}, they need the same number of rows, at least one",
                fix="give (x, y) with a row of y for each row of x", code="rows-differ",
            )  # fmt: skip
        return InMemory(inputs, target, _size(batch_size, len(target)), least)
    if isinstance(data, Dataset) and hasattr(data, "__len__"):
        count = len(data)
        size = _size(batch_size, count) or count
        order = torch.Generator(torch.get_default_device())  # where DataLoader draws the order
        last = 0 < count % size < least
        return Loaded(DataLoader(data, batch_size=size, shuffle=True, generator=order, drop_last=last))
    if isinstance(data, IterableDataset):
        raise DataError(
            f"data is a {type(data).__name__}, an IterableDataset of torch, which yields rows and no batches",
            fix="give DataLoader(data, batch_size=32)", code="no-data",
        )  # fmt: skip
    if isinstance(data, str | bytes | dict | Tensor | np.ndarray) or not isinstance(data, Iterable):
        raise DataError(
            f"data is a {type(data).__name__}, it must be (x, y), a data set of torch, or a loader of batches",
            fix="give (x, y)", code="no-data",
        )  # fmt: skip
    if iter(data) is data:
        raise DataError(
            f"data is a {type(data).__name__}, which ends after one pass, and training takes many",
            fix="give a DataLoader, or a list of batches", code="one-pass",
        )  # fmt: skip
    return Loaded(data)


def _size(given: int | str, rows: int) -> int:
    """Rows a step, FULL for all."""
    if given == "full":
        return FULL
    if given == "auto":
        return min(network_batch(rows), rows)
    return FULL if int(given) >= rows else int(given)


def _tensor(given: Any, dtype: torch.dtype) -> Tensor:
    """Numbers as a tensor: a tensor as it is, floats of an array in the dtype of the module."""
    if isinstance(given, Tensor):
        return given
    values = np.asarray(given)
    if values.dtype.kind not in "fiub":
        raise DataError(
            f"data hold {values.dtype} values, a module of torch takes numbers",
            fix="use descend.train for tables, or make tensors of them", code="no-numbers",
        )  # fmt: skip
    found = torch.from_numpy(np.ascontiguousarray(values))
    return found.to(dtype) if found.is_floating_point() else found.long() if values.dtype.kind in "iu" else found


def _is_numbers(given: Sequence[Any]) -> bool:
    return bool(given) and all(isinstance(one, int | float) for one in given)


def _length(given: Any) -> str:
    return f" of {len(given)}" if isinstance(given, tuple | list) else ""
