"""Target: the column to learn, as numbers or class indices."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError, DescendError
from descend.table.table import Column, Kind, text_of

MOST_CLASSES = 100


@dataclass(frozen=True, eq=False)
class Target:
    """A target as read.

    Args:
        name: the column's name.
        task: "regression" or "classification".
        y: numbers, or class indices, of the rows kept, float64.
        classes: labels as they stand in the file, sorted; empty for regression.
        kept: which rows of the table have a target (rows,).
        notes: what a person should know.
    """

    name: str
    task: str
    y: Array
    classes: tuple[str, ...]
    kept: Array
    notes: tuple[str, ...]


def read_target(column: Column, task: str = "auto", *, evaluating: bool = False) -> Target:
    """Read a target; text and booleans are classes, numbers are not unless `task` says so.

    Args:
        column: the column.
        task: "auto", "regression" or "classification".
        evaluating: whether a constant target or a single row will do, since nothing is learned from it.

    Raises DataError when nothing can be learned from it.
    """
    kept = ~column.is_missing
    notes = []
    if not kept.any():
        raise _unusable(column, "is missing in every row", "name another --target", "target-missing")
    if not kept.all():
        notes.append(f"{int((~kept).sum()):,} rows without a target left out")
    if task == "auto":
        task = "classification" if column.kind in (Kind.CATEGORY, Kind.BOOLEAN) else "regression"
    read = _classes if task == "classification" else _numbers
    y, classes = read(column, kept)
    if not evaluating:
        _check(column, y, task)
        if task == "regression" and len(few := np.unique(y)) <= 10 and (few == few.round()).all():
            notes.append(f"{len(few)} whole values: if they are classes, use --task classification")
    return Target(column.name, task, y, classes, kept, tuple(notes))


def _numbers(column: Column, kept: Array) -> tuple[Array, tuple[str, ...]]:
    if column.kind == Kind.CATEGORY:
        row = int(np.argmax(kept))
        raise _unusable(
            column, f"holds text, such as {column.values[row][:60]!r} in row {row + 1}, and regression needs numbers",
            "use --task classification or name another --target", "text-target",
        )  # fmt: skip
    return column.values[kept].astype(np.float64), ()


def _classes(column: Column, kept: Array) -> tuple[Array, tuple[str, ...]]:
    values = column.values[kept]
    labels, at = np.unique(values.astype(str) if column.kind == Kind.CATEGORY else values, return_inverse=True)
    if len(labels) > MOST_CLASSES:
        raise _unusable(
            column, f"has {len(labels):,} classes in {len(values):,} rows, at most {MOST_CLASSES} are allowed",
            "use --task regression or name another --target", "too-many-classes",
        )  # fmt: skip
    return at.astype(np.float64), tuple(_label(column, v) for v in labels)


def _label(column: Column, value: Any) -> str:
    if column.kind == Kind.BOOLEAN:
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else text_of(value)


def _check(column: Column, y: Array, task: str) -> None:
    if len(y) == 1:
        raise _unusable(column, "has one row", "bring at least two rows that differ in it", "one-row")
    if (y == y[0]).all():
        value = column.values[~column.is_missing][0]
        shown = repr(value[:60]) if isinstance(value, str) else _label(column, value)
        raise _unusable(column, f"is constant: every value is {shown}", "name another --target", "target-constant")


def _unusable(column: Column, what: str, fix: str, code: str) -> DataError:
    return DataError(f"the target {column.name!r} {what}", fix=fix, code=code)


def match_classes(target: Target, classes: tuple[str, ...], what: str, error: type[DescendError] = DataError) -> Target:
    """Return a target whose class indices are those of other, known classes.

    Args:
        classes: the known classes, in their order.
        what: how the error begins, such as "the data have".

    Raises `error` when the target has a class that is not among them.
    """
    unknown = sorted(set(target.classes) - set(classes))
    if unknown:
        raise error(
            f"{what} the class {unknown[0]!r}, the model knows {', '.join(map(repr, classes[:10]))}",
            fix="leave these rows out, or train on rows of every class",
            code="unseen-class",
        )
    index = np.array([classes.index(c) for c in target.classes], np.float64)
    return replace(target, y=index[target.y.astype(np.int64)], classes=classes)
