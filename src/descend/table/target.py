"""Target: the column to learn, as numbers or class indices."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import DataError, DescendError
from descend.table.categorical import Categorical
from descend.table.frames import is_missing
from descend.table.numbers import EXACT
from descend.table.reading import Kind, Reading
from descend.table.table import Column, text_of

MOST_CLASSES = 100
FIRST = 1000  # rows that mostly tell whether a target has few values, without sorting all of it (arbitrary)


@dataclass(frozen=True, eq=False, kw_only=True)
class Target:
    """A target as read.

    Args:
        name: the column's name.
        task: "regression" or "classification".
        y: numbers, or class indices, of the rows kept, float64.
        classes: labels as they stand in the file, sorted; empty for regression.
        labels: the same classes with the dtype of the data: whole numbers are int64, booleans bool, text is str (classes,).
        reading: how its column was read.
        kept: which rows of the table have a target (rows,).
        notes: what a person should know.
    """

    name: str
    task: str
    y: Array
    classes: tuple[str, ...]
    labels: Array
    reading: Reading
    kept: Array
    notes: tuple[str, ...]


def read_target(
    column: Column, task: str = "auto", *, evaluating: bool = False, sample_weight: Array | None = None
) -> Target:  # fmt: skip
    """Read a target; text, booleans and two values are classes, other numbers are not unless `task` says so.

    Args:
        column: the column.
        task: "auto", "regression" or "classification".
        evaluating: whether a constant target or a single row will do, since nothing is learned from it.
        sample_weight: example weights (rows,); a row of weight 0 is absent.

    Raises DataError when nothing can be learned from it.
    """
    kept = ~column.is_missing
    notes = []
    if not kept.any():
        raise _unusable(column, "is missing in every row", "name another --target", "target-missing")
    if not kept.all():
        notes.append(f"{int((~kept).sum()):,} rows without a target left out")
    if sample_weight is not None:
        kept &= sample_weight > 0
        if not kept.any():
            raise _unusable(
                column, "is missing in every row whose weight is above 0", "name another --target", "target-missing"
            )
    values = column.cells if kept.all() else column.cells[kept]
    if (
        task == "auto"
        and not isinstance(values, Categorical)
        and column.kind == Kind.NUMBER
        and _has_two_values(values)
    ):
        task = "classification"
        low, high = text_of(values.min()), text_of(values.max())
        notes.append(f"two values, {low} and {high}, are taken as classes; --task regression takes them as numbers")
    elif task == "auto":
        task = "classification" if column.kind in (Kind.CATEGORY, Kind.BOOLEAN) else "regression"
    y, labels = (_classes if task == "classification" else _numbers)(column, values)
    if not evaluating:
        _check(column, y, kept)
        if (
            task == "regression"
            and len(np.unique(y[:FIRST])) <= 10
            and len(few := np.unique(y)) <= 10
            and (few == few.round()).all()
        ):
            notes.append(f"{len(few)} whole values: if they are classes, use --task classification")
    classes = tuple(_label(column.kind, v) for v in labels.tolist())
    return Target(
        name=column.name, task=task, y=y, classes=classes, labels=labels, reading=column.reading, kept=kept,
        notes=tuple(notes),
    )  # fmt: skip


def labels_of(classes: Sequence[Any]) -> Array:
    """Return labels, as plain values, as an array of their dtype: bool, int64 or float64 where all are so, else objects.

    >>> labels_of([0, 1]).dtype, labels_of(["a", "b"]).tolist()
    (dtype('int64'), ['a', 'b'])
    """
    kinds = {type(label) for label in classes}
    if len(kinds) == 1 and kinds <= {bool, int, float}:
        return np.array(classes)
    return np.array([*classes, None], object)[:-1]


def missing_labels(y: Any) -> Array:
    """Return which labels of an array, a list or a series are missing (rows,): None, NaN, NaT or NA, whatever the dtype."""
    array = np.asarray(y)
    if array.dtype.kind in "biuSU":
        return np.zeros(array.shape, bool)
    if array.dtype.kind in "fcmM":
        missing: Array = array != array
        return missing
    return np.array([is_missing(label) for label in array.ravel().tolist()], bool).reshape(array.shape)


def check_labels(y: Any) -> None:
    """Raise DataError when a label is missing, with the count and the first row."""
    missing = missing_labels(y)
    if missing.any():
        count, row = int(missing.sum()), int(np.argmax(missing.reshape(len(missing), -1).any(axis=1)))
        raise DataError(
            f"y has {count:,} missing label{'s' if count > 1 else ''}, {'the first ' if count > 1 else ''}in row {row + 1}",
            fix="leave these rows out",
            code="missing-labels",
        )


def _has_two_values(values: Array) -> bool:
    low, high = values.min(), values.max()
    return bool(len(values) > 2 and low < high and ((values == low) | (values == high)).all())


def _numbers(column: Column, values: Array | Categorical) -> tuple[Array, Array]:
    if isinstance(values, Categorical):
        row = int(np.argmin(column.is_missing))
        raise _unusable(
            column, f"holds text, such as {column.values[row][:60]!r} in row {row + 1}, and regression needs numbers",
            "use --task classification or name another --target", "text-target",
        )  # fmt: skip
    return values.astype(np.float64, copy=False), np.zeros(0)


def _classes(column: Column, values: Array | Categorical) -> tuple[Array, Array]:
    labels, at = values.sorted() if isinstance(values, Categorical) else np.unique(values, return_inverse=True)
    if len(labels) > MOST_CLASSES:
        raise _unusable(
            column, f"has {len(labels):,} classes in {len(values):,} rows, at most {MOST_CLASSES} are allowed",
            "use --task regression or name another --target", "too-many-classes",
        )  # fmt: skip
    if column.kind == Kind.BOOLEAN:
        labels = labels.astype(bool)
    elif column.kind == Kind.NUMBER and (labels == np.round(labels)).all() and (np.abs(labels) < EXACT).all():
        labels = labels.astype(np.int64)
    return at.astype(np.float64), labels_of(labels.tolist())


def _label(kind: Kind, value: Any) -> str:
    if kind == Kind.BOOLEAN:
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else text_of(value)


def _check(column: Column, y: Array, kept: Array) -> None:
    if len(y) == 1:
        absent = " whose weight is above 0" if kept.sum() < (~column.is_missing).sum() else ""
        raise _unusable(column, f"has one row{absent}", "bring at least two rows that differ in it", "one-row")
    if (y == y[0]).all():
        value = column.values[kept][0]
        shown = repr(value[:60]) if isinstance(value, str) else _label(column.kind, value)
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
