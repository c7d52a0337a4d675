"""agreement: that all ranks were given the same data, options and versions, before they share any work."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from descend.arrays import Array
from descend.cluster.group import Group
from descend.errors import DataError, DescendError, UsageError
from descend.options import OPTIONS, Options
from descend.table import files
from descend.table.categorical import Categorical
from descend.table.table import Column, Table
from descend.version import VERSION

T = TypeVar("T")
PLAIN = (str, int, float, bool, type(None), tuple)  # values of options whose text says what they are
HASH_ROWS = 1 << 16  # of a large array that are copied and hashed at once (arbitrary)
END_BYTES = 1 << 16  # of a Parquet file, in which most descriptions lie (arbitrary)
SHOWN = 60  # characters of a value in an error
OWN = ("threads",)  # options in which ranks may differ


def agreed(group: Group, read: Callable[[], T], facts_of: Callable[[T], Mapping[str, str]]) -> T:
    """Return what this rank reads, once all ranks have read the same.

    Args:
        group: the ranks.
        read: reads it; what it raises on one rank ends all of them.
        facts_of: what must be the same on all ranks, by name.

    Raises UsageError when a fact differs, and DataError when another rank could not read.
    """
    failure: DescendError | None = None
    told: dict[str, Any] = {}
    result: list[T] = []
    try:
        result.append(read())
        told = {"facts": dict(facts_of(result[0]))}
    except DescendError as error:
        failure, told = error, {"error": str(error)}
    documents = [json.loads(document) for document in group.gather(json.dumps(told).encode())]
    if failure is not None:
        raise failure
    for rank, document in enumerate(documents):
        if "error" in document:
            raise DataError(
                f"rank {rank} of {group.world} cannot begin: {document['error']}",
                fix="start all ranks with the same data and options", code="rank-failed",
            )  # fmt: skip
    check_same([document["facts"] for document in documents])
    return result[0]


def check_same(facts: list[dict[str, str]]) -> None:
    """Raise UsageError for the first fact in which a rank differs from rank 0.

    >>> check_same([{"table": "a"}, {"table": "a"}])
    """
    for rank, theirs in enumerate(facts):
        for what, ours, other in differences(facts[0], theirs):
            raise UsageError(
                f"rank {rank} has {what} {other}, rank 0 has {ours}",
                fix="start all ranks with the same data, options and versions", code="ranks-differ",
            )  # fmt: skip


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each fact that is not the same in both, with both values, of which long ones are cut to where they differ.

    >>> list(differences({"rows": "3", "NumPy": "2"}, {"rows": "4", "NumPy": "2"}))
    [('rows', '3', '4')]
    """
    for what in {**one, **other}:
        values = [f.get(what, "none") for f in (one, other)]
        if values[0] != values[1]:
            at = len(os.path.commonprefix(values)) if max(map(len, values)) > SHOWN else 0
            start = max(0, at - SHOWN // 3)
            first, second = (("…" if start else "") + v[start : start + SHOWN] for v in values)
            yield what, first, second


def facts(table: Table, target: Column, options: Options) -> dict[str, str]:
    """Return what decides a result: the versions, the table, the target, and the options."""
    own = {"row count": f"{table.rows:,}", "columns": ", ".join(table.names), "a table of hash": fingerprint(table)}
    return {**own, **target_facts(target), **settings(options)}


def settings(options: Options) -> dict[str, str]:
    """Return the versions and the options."""
    values = {o.flag or o.name: getattr(options, o.name) for o in OPTIONS if o.name not in OWN}
    return {
        "descend": VERSION,
        "NumPy": np.__version__,
        **{flag: _text(value) for flag, value in values.items()},
    }


def target_facts(target: Column) -> dict[str, str]:
    """Return what tells a target from others."""
    return {"a target of hash": _hash([target], target.name)}


def file_hash(path: Path, format: str) -> str:
    """Return a hash of a file; of Parquet, of its size and its end, which says what each group of rows holds."""
    if format != "parquet":
        return files.sha256(path)
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - END_BYTES, 0))
        return hashlib.sha256(f"{size} ".encode() + file.read()).hexdigest()


def fingerprint(table: Table) -> str:
    """Return a hash of a table: of its file and its columns' names, or where there is no file of all of its cells."""
    about = [table.source.sha256, table.rows, *table.names]
    if table.source.sha256:
        return _hash([], *about)
    return _hash(table.columns if table.matrix is None else [table.matrix], *about)


def _hash(parts: Iterable[Column | Array], *about: Any) -> str:
    """A hash of plain values, and of columns or arrays."""
    digest = hashlib.sha256(json.dumps(about).encode())
    for part in parts:
        cells = part.cells if isinstance(part, Column) else part
        if isinstance(cells, Categorical):
            digest.update(json.dumps(cells.categories.tolist()).encode())
            cells = cells.codes
        for lo in range(0, len(cells), HASH_ROWS):
            digest.update(cells[lo : lo + HASH_ROWS].tobytes())
    return digest.hexdigest()


def _text(value: Any) -> str:
    """The text of an option's value: of a file, of what it holds; of an object, its type."""
    if isinstance(value, (str, os.PathLike)) and Path(value).is_file():
        return files.sha256(Path(value))
    return repr(value) if isinstance(value, PLAIN) else type(value).__name__
