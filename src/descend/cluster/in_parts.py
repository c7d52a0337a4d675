"""in_parts: a large file of which each rank reads a part; what all ranks know of it is what one process would know.

It is streamed (`table.streamed`): of all rows each rank reads the target and what the split depends on. Other columns that need a
look as a whole are looked at by one rank each. Then each rank reads its own rows once, for their moments, and once more for
their scores.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descend.cluster.agreement import agreed, file_hash, settings, target_facts
from descend.cluster.group import Group
from descend.cluster.moments import in_order
from descend.errors import DataError
from descend.options import Options
from descend.table.moments import Sums
from descend.table.prepare import Note, Prepared, how_to_read
from descend.table.streamed.one_pass import Places
from descend.table.streamed.opening import Need, opened
from descend.table.streamed.prepare import prepare_streamed
from descend.table.streamed.scratch import Scratch
from descend.table.streamed.source import StreamedTable

WHOLE = (
    "not-streamed",
    "too-large",
    "too-many-levels",
)  # codes of errors of tables that only reading them whole can mend


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """What a training is given.

    Args:
        data: a path, a frame, or an array.
        target: a column's name, or an array.
        options: of the training.
        scratch: where files beside the run are written.
        looked_at: returns the places of the rows that a search will look at, see `prepare_streamed`.
    """

    data: Any
    target: Any
    options: Options
    scratch: Scratch
    looked_at: Places


@dataclass(frozen=True, eq=False)
class Ranks:
    """The ranks as `table.streamed.readers` has the processes that read a table."""

    group: Group

    @property
    def rank(self) -> int:
        """The number of this rank."""
        return self.group.rank

    @property
    def world(self) -> int:
        """How many there are."""
        return self.group.world

    def gather(self, data: bytes) -> list[bytes]:
        """Return the bytes of every rank."""
        return self.group.gather(data)

    def merge(self, shards: list[Sums], columns: int) -> Sums:
        """Return the sums of the shards of all ranks."""
        return in_order(self.group, shards, columns)


def prepare_in_parts(group: Group, given: Given, on_event: Callable[[Note], None]) -> Prepared | None:
    """Return what `prepare_streamed` returns, on all ranks; None where each rank is to read the whole table.

    Raises UsageError when ranks were given different data, options or versions.
    """
    options, target = given.options, given.target

    def read() -> tuple[StreamedTable, Need] | None:
        if not isinstance(given.data, (str, os.PathLike)) or str(given.data) == "-":
            return None
        how, threads = how_to_read(options), options.threads or 1
        return opened(Path(given.data), how, options.memory, threads, given.scratch, group.world)

    def facts_of(found: tuple[StreamedTable, Need] | None) -> dict[str, str]:
        if found is None:
            return settings(options) | {"a file of hash": "none"}
        table, known = found[0], settings(options)
        if isinstance(target, str):
            known |= target_facts(table.column(table.outline[target].name)[0])  # raises where there is no such target
        return known | {"a file of hash": file_hash(table.origin, table.source.format)}

    found = agreed(group, read, facts_of)
    if found is None:
        return None
    notes: list[Note] = []
    try:
        prepared = prepare_streamed(
            *found, target, options, notes.append, given.scratch, given.looked_at, Ranks(group)
        )  # fmt: skip
    except DataError as error:
        found[0].engine.close()
        if options.memory is not None or error.code not in WHOLE:
            raise
        on_event(Note("ranks", f"each process reads the whole table: {error.what}"))
        return None
    for note in notes:
        on_event(note)
    text = f"{group.world} processes share the rows, and what is summed over them; the search is that of rank 0"
    on_event(Note("ranks", text))
    return prepared
