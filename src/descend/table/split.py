"""split: which rows are held out."""

import numpy as np

from descend.arrays import Array
from descend.errors import DataError


def split(
    rows: int,
    share: float,
    seed: int,
    *,
    stratify: Array | None = None,
    group: Array | None = None,
    time: Array | None = None,
) -> tuple[Array, Array]:
    """Return the indices of the training rows and of the held-out rows, each in increasing order.

    Args:
        rows: how many rows there are.
        share: the part to hold out; 0 for none.
        seed: decides which.
        stratify: class indices (rows,): both sides get every class that has two members or more.
        group: labels (rows,) whose rows stay together.
        time: values (rows,) in whose order the last rows are held out.

    Raises DataError when a side would be empty.
    """
    if share == 0.0:
        return np.arange(rows), np.arange(0)
    held = held_out(rows, share, seed, stratify=stratify, group=group, time=time)
    return np.flatnonzero(~held), np.flatnonzero(held)


def held_out(
    rows: int,
    share: float,
    seed: int,
    *,
    stratify: Array | None = None,
    group: Array | None = None,
    time: Array | None = None,
) -> Array:
    """Return which rows `split` holds out, bool (rows,)."""
    if time is not None:
        held = np.argsort(np.where(np.isnan(time), -np.inf, time), kind="stable")[rows - _count(rows, share) :]
    elif group is not None:
        held = _of_groups(group, share, seed)
    elif stratify is not None:
        held = _of_classes(stratify, share, seed)
    else:
        held = _shuffled(rows, seed)[: _count(rows, share)]
    mask = np.zeros(rows, bool)
    mask[held] = True
    if mask.all() or not mask.any():
        raise DataError(
            f"{rows} rows cannot be split with {share:.0%} test rows, one side would be empty",
            fix="use --test none or more rows",
            code="too-few-rows",
        )
    return mask


def _shuffled(rows: int, seed: int) -> Array:
    return np.random.Generator(np.random.Philox(key=seed)).permutation(rows)


def _count(rows: int, share: float) -> int:
    return int(np.ceil(rows * share)) if rows > 1 else 0


def _of_classes(classes: Array, share: float, seed: int) -> Array:
    """The same share of every class, at least one and never all of them."""
    order, held = _shuffled(len(classes), seed), []
    for label in np.unique(classes):
        own = order[classes[order] == label]
        held.append(own[: min(max(int(round(len(own) * share)), 1), len(own) - 1)])
    return np.concatenate(held)


def _of_groups(group: Array, share: float, seed: int) -> Array:
    """Whole groups, until the share is reached."""
    labels, at = np.unique(np.asarray(group, dtype=str), return_inverse=True)
    if len(labels) < 2:
        raise DataError(
            f"the group column has one group, {str(labels[0])!r}, which cannot be on both sides of the split",
            fix="name another --group, or leave it out",
            code="one-group",
        )
    order = _shuffled(len(labels), seed)
    sizes = np.bincount(at)[order].cumsum()
    chosen = order[: max(1, min(int(np.searchsorted(sizes, len(group) * share)) + 1, len(labels) - 1))]
    return np.flatnonzero(np.isin(at, chosen))
