"""data_faults: faults that the data show by themselves, without any training; D4 asks of a run, `descend check` of a table."""

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.diagnosis.finding import Finding, Level
from descend.diagnosis.formatting import factor
from descend.diagnosis.leaks import SOLE, SOLE_LEVELS, own_scores, parts_of_sum
from descend.sparse import is_sparse
from descend.table.data import Data
from descend.table.sentinels import suspected_sentinels
from descend.table.table import Column, Kind

MIN_ROWS = 20  # for D402 and D405 (arbitrary)
LEVELS = 2  # features of a column that is no category: its values, and where they are missing
SUBSAMPLED = 20_000  # rows beyond which every SUBSAMPLE-th row is looked at first (arbitrary: bounds the work)
SPREAD_ROWS = 2500  # whose spread is that of all rows within a few percent, far from a factor of SURE
VARIED = 4  # times the rows that a nearly constant column may have of other values: the subsample's share is within half of it
OUTLYING = 20.0  # robust standard deviations (arbitrary)
MAX_OUTLIER_SHARE = 0.02  # of the rows: more are a heavy tail (arbitrary)
MIN_SQUARES_SHARE = 0.3  # of all squares, that outliers make (arbitrary)
EXTREME = 1e6  # distance over the spread of other rows: after scaling these vary by less than float32 shows beside it
SURE = 10.0  # times what a subsample shows of a column, beyond which it cannot hold an extreme value
RARE = 0.1  # share of a class (arbitrary)
UNEVEN = 0.5  # of the rows that a class has on average (arbitrary)
NEARLY_ALL = 0.01  # share of the rows that may have another value in a nearly constant column (arbitrary)
MIN_CLASS_ROWS = 5  # of a rare class, for what is said of it to mean something (arbitrary)
MAX_COLUMNS_IN_TEXT = 5


def leaking_column(
    data: Data, classes: int, columns: tuple[str, ...], dates: frozenset[str] = frozenset()
) -> Finding | None:
    """D402, of features and target.

    Args:
        classes: of the target; 0 for numbers.
        columns: the column of the table of each feature.
        dates: columns that are passed over: that the target follows the time is D406, and no leak.
    """
    if is_sparse(data.X) or data.rows < MIN_ROWS or data.y.ndim > 1:
        return None
    scores = {name: score for name, score in own_scores(data, classes, columns).items() if name not in dates}
    features = Counter(columns)
    least = {name: SOLE_LEVELS if classes or features[name] > LEVELS else SOLE for name in scores}
    best = max((name for name in scores if scores[name] > least[name]), key=lambda name: scores[name], default="")
    if not best:
        return None
    what = "class" if classes else "target"
    text = (
        f"target leakage suspected: column {best!r} alone predicts the {what} almost exactly ({scores[best]:.1%} of its variation); it "
        f"may be known only after the target, or be the target in another form"
    )
    evidence = {"column": best, "strength": scores[best]}
    return Finding(code="D402", level=Level.WARNING, text=text, evidence=evidence, fix=(f"--drop {shlex.quote(best)}",))


def leaking_parts(numbers: Mapping[str, Array], y: Array) -> Finding | None:
    """D402, of columns of numbers and a target (rows,), all in the units of the file."""
    parts = parts_of_sum(dict(numbers), y)
    if not parts:
        return None
    listed = " and ".join(repr(p) for p in parts[:MAX_COLUMNS_IN_TEXT])
    text = f"target leakage suspected: the target is exactly the sum or difference of {listed}, which are its parts"
    fix = (" ".join(f"--drop {shlex.quote(p)}" for p in parts),)
    return Finding(
        code="D402", level=Level.WARNING, text=text, evidence={"column": list(parts), "strength": 1.0}, fix=fix
    )


def dropped_columns(columns: Mapping[str, str]) -> Finding | None:
    """D404, of column names and why they are left out."""
    if not columns:
        return None
    listed = ", ".join(f"{name!r} ({why})" for name, why in list(columns.items())[:MAX_COLUMNS_IN_TEXT])
    text = f"columns dropped as constant or identifiers: {listed}"
    return Finding(code="D404", level=Level.NOTE, text=text, evidence={"columns": list(columns)})


def outlying_targets(y: Array, rows: Array, trained: int) -> Finding | None:
    """D405, of targets.

    Args:
        y: of the training rows and then of the test rows (rows,).
        rows: their numbers (rows,).
        trained: how many are training rows.
    """
    if trained < MIN_ROWS or _without_outliers(y):
        return None
    distance = np.abs(y - float(np.median(y)))
    spread = 1.4826 * float(np.median(distance))
    far = distance > OUTLYING * spread
    if not spread > 0 or not far.any() or far.mean() > MAX_OUTLIER_SHARE:
        return None
    share = float(np.square(distance[far]).sum() / np.square(distance).sum())
    if share < MIN_SQUARES_SHARE:
        return None
    at, tested = int(np.argmax(distance)), int(far[trained:].sum())
    row = int(rows[at])
    text = (
        f"outlying targets: {int(far.sum())} of {len(y):,} rows, row {row} the farthest, are more than {OUTLYING:g} robust "
        f"standard deviations from the median and make {share:.0%} of all squares"
    )
    if tested:
        which = (
            "one of them is a test row and decides" if tested == 1 else f"{tested:,} of them are test rows and decide"
        )
        text += f"; {which} the test score"
    evidence = {"row": row, "rows": int(far.sum()), "test": tested, "deviations": float(distance[at] / spread)}
    fix = ("--loss huber", "look at these rows") if far[:trained].any() else ("--metric mae", "look at these rows")
    return Finding(code="D405", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def _without_outliers(y: Array) -> bool:
    """Whether evenly spaced ones of many targets show that outliers do not make MIN_SQUARES_SHARE of all squares."""
    if len(y) <= SUBSAMPLED:
        return False
    part = y[:: -(-len(y) // SUBSAMPLED)]
    distance = np.abs(part - np.median(part))
    if distance.max() > OUTLYING * 1.4826 * np.median(distance):
        return False
    return bool(y.var(dtype=np.float64) <= part.var(dtype=np.float64) / (1 - MIN_SQUARES_SHARE / 2))


def rare_classes(counts: Array) -> list[int]:
    """Return the classes, by their place in the counts of rows (classes,), that are rare among all and beside the average one.

    >>> rare_classes(np.array([94, 6])), rare_classes(np.array([30, 30, 40]))
    ([1], [])
    """
    rows, average = int(counts.sum()), counts.sum() / max(int(np.count_nonzero(counts)), 1)
    return [int(k) for k in np.flatnonzero(counts) if counts[k] < min(RARE * rows, UNEVEN * average)]


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """A column of numbers that a model uses.

    Args:
        name: of the column.
        values: of training and test rows (rows,).
        rows: their numbers (rows,).
        is_target: whether it is the target.
    """

    name: str
    values: Array
    rows: Array
    is_target: bool


def nearly_constant(columns: Iterable[Column]) -> Finding | None:
    """D409, of the columns that a model uses."""
    found: list[tuple[str, int, int]] = []
    for column in columns:
        cells = column.categorical.codes if column.kind == Kind.CATEGORY else column.values
        if column.kind == Kind.NUMBER and _varied(cells):
            continue
        known = cells[~column.is_missing]
        if len(known) < MIN_ROWS:
            continue
        count = np.unique(known, return_counts=True)[1]
        others = int(len(known) - count.max())
        if 0 < others <= max(1, int(NEARLY_ALL * len(known))):
            found.append((column.name, others, len(known)))
    if not found:
        return None
    listed = ", ".join(
        f"{name!r} (all but {others:,} of {rows:,})" for name, others, rows in found[:MAX_COLUMNS_IN_TEXT]
    )
    text = f"nearly constant columns: the same value in almost every row: {listed}; what a model learns from the others rests on them alone"
    fix = (" ".join(f"--drop {shlex.quote(name)}" for name, *_ in found),)
    evidence = {"column": [name for name, *_ in found], "others": [others for _, others, _ in found]}
    return Finding(code="D409", level=Level.NOTE, text=text, evidence=evidence, fix=fix)


def _varied(cells: Array) -> bool:
    """Whether evenly spaced cells of a long column of numbers show that it is far from being nearly constant."""
    if len(cells) <= SUBSAMPLED:
        return False
    part = cells[:: -(-len(cells) // SUBSAMPLED)]
    part = part[part == part]  # NaN is missing
    return len(part) > MIN_ROWS and len(part) - np.unique(part, return_counts=True)[
        1
    ].max() > VARIED * NEARLY_ALL * len(part)


def extreme_value(columns: Iterable[NumberColumn], test_rows: Array, *, failed: bool = False) -> Finding | None:
    """D407, of columns of numbers.

    Args:
        test_rows: numbers of the rows that are test rows.
        failed: whether a training on them failed.
    """
    worst, place = 0.0, None
    for column in columns:
        ratio, at = _extremeness(column.values)
        if ratio > max(worst, EXTREME):
            worst, place = ratio, (column.name, float(column.values[at]), int(column.rows[at]), column.is_target)
    if place is None:
        return None
    name, value, row, is_target = place
    tested = row in test_rows
    text = (
        f"extreme value: {value:.3g} in row {row} of {'the target' if is_target else 'column'} {name!r} is {factor(worst)} × the "
        f"spread of the other rows, "
        f"{'and as a test row decides the test score' if tested else 'which are as good as constant beside it'}"
    )
    other = "--metric mae" if is_target and tested else "--loss huber" if is_target else f"--drop {shlex.quote(name)}"
    fix = (f"correct or leave out row {row}", other)
    level = Level.ERROR if failed and not tested else Level.WARNING
    evidence = {"column": name, "row": row, "value": value, "ratio": worst, "test": tested}
    return Finding(code="D407", level=level, text=text, evidence=evidence, fix=fix)


def sentinels_among(columns: Iterable[Column]) -> Finding | None:
    """D408, of the columns that a model uses, and of the target where it is a number to predict."""
    found = [s for c in columns for s in suspected_sentinels(c)]
    if not found:
        return None
    listed = ", ".join(f"{s.value:g} in {s.cells:,} cells of {s.column!r}" for s in found[:MAX_COLUMNS_IN_TEXT])
    text = f"numbers that may mean missing: {listed}; far from all other values of the column, and repeated"
    evidence = {name: [getattr(s, name) for s in found] for name in ("column", "value", "cells")}
    fix = (" ".join(dict.fromkeys(s.flag for s in found)), "say what these numbers mean")
    return Finding(code="D408", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def suspects(data: Data) -> list[int]:
    """Return the columns that can hold an extreme value, as the deviation of all rows and the spread of some show.

    No value is farther from the mean than root n standard deviations, which are known of all rows; the spread of the
    other rows is that of the subsample up to a factor of SURE.
    """
    if data.rows <= MIN_ROWS or data.sample_weight is not None or is_sparse(data.X):
        return list(range(data.features))
    part = data.X[:: -(-data.rows // SPREAD_ROWS)].astype(np.float64)
    return np.flatnonzero(_reaches(np.sqrt(np.diagonal(data.gram().G)), part, data.rows)).tolist()


def shown_by(part: Data, data: Data) -> bool:
    """Tell whether some rows show what all would of extreme values: no column can hold one, and the targets of all spread as theirs.

    Outliers that a part misses make at least MIN_SQUARES_SHARE of the squares of all, which is more than chance does to a spread.
    """
    if suspects(data):
        return False
    of_all, own = np.sqrt(data.gram().yy), part.y.reshape(part.rows, -1).std(axis=0)
    return bool((of_all <= own / np.sqrt(1 - MIN_SQUARES_SHARE / 2)).all())


def _reaches(deviation: float | Array, part: Array, rows: int) -> Array:
    """Whether columns of so many rows can hold an extreme value: bool (columns,).

    Args:
        deviation: the standard deviation of all rows (columns,).
        part: some of the rows (part of the rows, columns).
    """
    distance = np.abs(part - np.median(part, axis=0))
    few = max(1, int(MAX_OUTLIER_SHARE * len(part)))
    spread = np.partition(distance, len(part) - few - 1, axis=0)[: len(part) - few].mean(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(~(SURE * np.sqrt(rows) * deviation <= EXTREME * spread))


def _extremeness(values: Array) -> tuple[float, int]:
    """How far the farthest value is from the median, over the mean distance of all but the few farthest; and where."""
    known = np.flatnonzero(~np.isnan(values))
    few = max(1, int(MAX_OUTLIER_SHARE * len(known)))
    if len(known) < MIN_ROWS:
        return 0.0, 0
    x = values[known].astype(np.float64)
    if len(x) > SUBSAMPLED and not _reaches(float(x.std()), x[:: -(-len(x) // SPREAD_ROWS), None], len(x)).any():
        return 0.0, 0
    with np.errstate(over="ignore"):
        distance = np.minimum(np.abs(x - np.median(x)), np.finfo(np.float64).max)
    others = np.partition(distance, len(x) - few - 1)[: len(x) - few]
    unit = float(others.max())
    spread = unit * float((others / unit).mean()) if unit > 0 else 0.0
    at = int(np.argmax(distance))
    with np.errstate(over="ignore"):
        return (float(distance[at] / spread) if spread > 0 else 0.0), int(known[at])
