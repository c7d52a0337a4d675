"""readers: the processes that read a streamed table together, each a part of its rows and columns; alone, one reads all."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from descend.arrays import packed, unpacked
from descend.errors import DataError, DescendError
from descend.table.categorical import Categorical, objects
from descend.table.moments import Sums

T = TypeVar("T")
READ, FAILED = b"r", b"f"  # what an answer begins with


class Readers(Protocol):
    """The processes that read a table, all of which do the same with what they tell each other."""

    @property
    def rank(self) -> int:
        """The number of this process, from 0."""

    @property
    def world(self) -> int:
        """How many there are."""

    def gather(self, data: bytes) -> list[bytes]:
        """Return the bytes of every process, in their order, on all of them."""

    def merge(self, shards: list[Sums], columns: int) -> Sums:
        """Return the sums of the shards of all processes, in their order, on all of them.

        Args:
            shards: those of this process.
            columns: of each.
        """


@dataclass(frozen=True)
class Alone:
    """One process, which reads all."""

    rank: int = 0
    world: int = 1

    def gather(self, data: bytes) -> list[bytes]:
        """Return what this process has."""
        return [data]

    def merge(self, shards: list[Sums], columns: int) -> Sums:
        """Return the sums, which are added up already."""
        (total,) = shards
        return total


ALONE = Alone()


def of_all(
    readers: Readers, own: Callable[[], T], pack: Callable[[T], bytes], unpack: Callable[[bytes], T]
) -> list[T]:  # fmt: skip
    """Return what each process reads, in their order, on all of them.

    Args:
        readers: the processes.
        own: reads what falls to this one.
        pack, unpack: what was read as bytes, and back.

    What the first of those raises that fail, all raise: of the others it is a DataError of the same code.
    """
    if readers.world == 1:
        return [own()]
    found: list[T] = []
    failure: DescendError | None = None
    try:
        found.append(own())
        said = READ + pack(found[0])
    except DescendError as error:
        failure, said = error, FAILED + json.dumps([error.what, error.fix, error.code]).encode()
    answers = readers.gather(said)
    for rank, answer in enumerate(answers):
        if answer[:1] == FAILED:
            if failure is not None and rank == readers.rank:
                raise failure
            what, fix, code = json.loads(answer[1:])
            raise DataError(f"rank {rank} of {readers.world} cannot read its part: {what}", fix=fix, code=code)
    return [found[0] if rank == readers.rank else unpack(answer[1:]) for rank, answer in enumerate(answers)]


def packed_cells(cells: Mapping[str, Any], about: object = None) -> bytes:
    """Return cells of columns by name, as they are stored or read, and plain values about them, as bytes."""
    arrays, texts, types = {}, {}, {}
    for k, column in enumerate(cells.values()):
        if isinstance(column, Categorical):
            arrays[f"{k}"], texts[k] = column.codes, column.categories.tolist()
            continue
        data = np.ma.getdata(column)
        arrays[f"{k}"], types[k] = data.view(np.int64) if data.dtype.kind == "M" else data, data.dtype.str
        if np.ma.isMaskedArray(column):
            arrays[f"{k} is masked"] = np.ma.getmaskarray(column)
    return packed(arrays, {"names": list(cells), "texts": texts, "types": types, "about": about})


def unpacked_cells(data: bytes) -> tuple[dict[str, Any], Any]:
    """Return what `packed_cells` was given."""
    arrays, told = unpacked(data)
    cells: dict[str, Any] = {}
    for k, name in enumerate(told["names"]):
        if str(k) in told["texts"]:
            cells[name] = Categorical(arrays[f"{k}"], objects(told["texts"][str(k)]))
            continue
        values, masked = arrays[f"{k}"], arrays.get(f"{k} is masked")
        values = values.view(told["types"][str(k)]) if told["types"][str(k)][1] == "M" else values
        cells[name] = values if masked is None else np.ma.MaskedArray(values, masked)
    return cells, told["about"]
