"""names: what columns are called: duplicates that are told apart by position, and columns without a name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.errors import DataError
from descend.table.table import Column


@dataclass(frozen=True)
class Chosen:
    """The columns that are read.

    Args:
        at: their positions.
        names: what they are called; empty for a column without a name.
        unread: names of the others.
    """

    at: tuple[int, ...]
    names: tuple[str, ...]
    unread: tuple[str, ...]


def choose(names: Sequence[str], drop: Sequence[str], where: str) -> Chosen:
    """Return which columns are read.

    Args:
        names: as they stand in the source.
        drop: names to leave out; "name#2" is the second column of that name.
        where: the source, for errors.

    Raises DataError when a name stands twice among the columns that are read.
    """
    counts: Counter[str] = Counter()
    chosen: list[int] = []
    dropped = []
    for at, name in enumerate(names):
        counts[name] += 1
        label = f"{name}#{counts[name]}"
        if name and (name in drop or (label in drop and names.count(name) > 1)):
            dropped.append(name if name in drop else label)
        else:
            chosen.append(at)
    first: dict[str, int] = {}
    for at in chosen:
        name = names[at]
        if name and first.setdefault(name, at) != at:
            raise DataError(
                f"{where} has the column {name[:60]!r} twice, as columns {first[name] + 1} and {at + 1}",
                fix=f"rename one of them, or leave one out with --drop {name[:60]}#2",
                code="duplicate-name",
            )
    return Chosen(tuple(chosen), tuple(names[at] for at in chosen), tuple(dropped))


def drop_nameless(columns: Sequence[tuple[int, Column]], where: str) -> tuple[list[Column], list[str]]:
    """Return the columns that have a name, and a note for each that has none and is left out.

    Args:
        columns: position in the source, and column.
        where: the source, for errors.

    An empty column is left out, and a first column that has another value in every row: the number or name of the row.
    Raises DataError for any other column without a name.
    """
    named = [column for _, column in columns if column.name.strip()]
    notes = []
    for at, column in columns:
        if column.name.strip():
            continue
        if named and column.missing == len(column.cells):
            notes.append(f"column {at + 1} is left out: it has no name and no value")
        elif named and at == 0 and _differs(column.values):
            notes.append("column 1 is left out: it has no name and numbers or names the rows")
        else:
            raise DataError(f"column {at + 1} of {where} has no name", fix="name it in the header", code="empty-name")
    return named, notes


def _differs(values: Array) -> bool:
    return len(set(values.tolist())) == len(values) and not any(
        v is None or v != v for v in np.asarray(values, object).tolist()
    )
