"""parts: training and test rows of a streamed table, and its columns that are read whole, one at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.memory import size_text
from descend.options import Options
from descend.table.columns import MEDIAN_ROWS
from descend.table.data import mean_one
from descend.table.moments import share_of
from descend.table.prepare import split_labels
from descend.table.split import held_out
from descend.table.streamed.readers import Readers
from descend.table.streamed.source import StreamedTable, Window
from descend.table.table import Column, Table
from descend.table.target import Target

LEVEL_BYTES = 400  # of a distinct cell of text, while it is looked at (measured)
FEW_LEVELS = 100_000  # that are looked at whatever is allowed: 40 MB
SAMPLED_ROWS = MEDIAN_ROWS  # training rows that are at hand, evenly spread, and half as many test rows


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """The training rows, or the test rows.

    Args:
        mask: which rows of the table they are, bool (rows of the table,).
        y: their targets, or indices of classes (rows,).
        weight: their weights (rows,), or None.
        drawn: places of those that are at hand, among them.
        drawn_rows: the same, among the rows of the table.
    """

    mask: Array
    y: Array
    weight: Array | None
    drawn: Array
    drawn_rows: Array

    @classmethod
    def of(cls, mask: Array, y: Array, weight: Array | None, most: int) -> "Part":
        """Return the part of which at most so many rows are drawn, evenly spread."""
        drawn = np.arange(0, len(y), max(-(-len(y) // most), 1))
        return cls(
            mask=mask,
            y=y,
            weight=None if weight is None else mean_one(weight),
            drawn=drawn,
            drawn_rows=np.flatnonzero(mask)[drawn],
        )


@dataclass(frozen=True, eq=False)
class Own:
    """The rows of a part that one of several processes reads: whole shards of its moments, or whole blocks of gradients.

    Args:
        mask: which rows of the table they are, bool (rows of the table,).
        rows: their places in the part.
        window: the rows of the table between which they are.
    """

    mask: Array
    rows: slice
    window: Window

    @classmethod
    def of(cls, part: Part, size: int, readers: Readers) -> "Own":
        """Return those rows of a part which fall to this process, where shards of so many rows stay together."""
        n = len(part.y)
        shards = share_of(-(-n // size), readers.rank, readers.world)
        rows = slice(min(shards.start * size, n), min(shards.stop * size, n))
        if (rows.start, rows.stop) == (0, n):
            return cls(part.mask, rows, (0, len(part.mask)))
        places = np.flatnonzero(part.mask)[rows]
        mask = np.zeros_like(part.mask)
        mask[places] = True
        return cls(mask, rows, (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0))


class WholeColumns:
    """Columns that are read whole, one at a time; the drawn rows of each are kept."""

    def __init__(self, source: StreamedTable, say: Callable[[str, str], None]) -> None:
        self.source, self.say = source, say
        self.rows = np.arange(source.rows)
        self._kept: dict[str, Column] = {}
        self._drawn = False

    def read(self, name: str) -> Column:
        """Return a column."""
        column, notes = self.look(name)
        self.keep(name, taken_rows(column, self.rows) if self._drawn else column, notes)
        return column

    def look(self, name: str) -> tuple[Column, Sequence[str]]:
        """Return a column, and what was decided about it, of which nothing is kept."""
        self._check_levels(name)
        return self.source.column(name)

    def keep(self, name: str, column: Column, notes: Sequence[str]) -> None:
        """Keep the drawn rows of a column, and say what was decided about it."""
        for note in notes:
            self.say("read", note)
        self._kept[name] = column

    def draw(self, rows: Array) -> None:
        """Keep these rows of each column, of those that were read and of those that will be."""
        self.rows, self._drawn = rows, True
        self._kept = {name: taken_rows(column, rows) for name, column in self._kept.items()}

    def table(self, others: Mapping[str, Column]) -> Table:
        """Return the drawn rows as a table, with columns that were read elsewhere."""
        columns = self._kept | dict(others)
        named = tuple(columns[name] for name in self.source.names if name in columns)
        return Table(named, len(self.rows), self.source.source, self.source.notes, self.source.unread)

    def _check_levels(self, name: str) -> None:
        """Raise DataError for a column of text whose distinct cells alone are too much."""
        if not self.source.is_text(name) or self.source.rows * LEVEL_BYTES <= self.source.memory:
            return
        levels = self.source.distinct(name)
        if levels > FEW_LEVELS and levels * LEVEL_BYTES > self.source.memory:
            raise DataError(
                f"the column {name!r} has about {levels:,} different texts, which take {size_text(levels * LEVEL_BYTES)}, and "
                f"{size_text(self.source.memory)} are allowed",
                fix="leave it out with --drop, or raise --memory", code="too-many-levels",
            )  # fmt: skip


def taken_rows(column: Column, rows: Array) -> Column:
    """Return some rows of a column, whose first and last cells are not known any more."""
    return replace(column, cells=column.cells[rows], known_ends=None)


def parts_of(columns: WholeColumns, found: Target, weight: Array | None, options: Options) -> tuple[Part, Part]:
    """Training and test rows, which are those of the table that is read whole."""
    kept, share = found.kept, options.test if isinstance(options.test, float) else 0.0
    labels = {name: columns.read(name) for name in (options.group, options.time) if name is not None}
    table = Table(tuple(labels.values()), columns.source.rows, columns.source.source)
    group, time = (None if x is None else x[kept] for x in split_labels(table, options))
    stratify = found.y.astype(np.int64) if found.classes else None
    held = np.zeros(len(found.y), bool)
    if share:
        held = held_out(len(held), share, options.random_state, stratify=stratify, group=group, time=time)
    weight = None if weight is None else weight[kept]
    parts = []
    for part, most in ((~held, SAMPLED_ROWS), (held, SAMPLED_ROWS // 2)):
        mask = part if kept.all() else np.zeros(len(kept), bool)
        if mask is not part:
            mask[kept] = part
        parts.append(Part.of(mask, found.y[part], None if weight is None else weight[part], most))
    return parts[0], parts[1]
