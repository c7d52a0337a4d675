"""D4: faults of the data."""

import shlex
from collections.abc import Iterator

import numpy as np

from descend.arrays import Array
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding, Level
from descend.diagnosis.formatting import factor
from descend.diagnosis.rows import row_keys
from descend.metrics import auc, correlation
from descend.sparse import is_sparse
from descend.table.data import Data
from descend.table.sentinels import FEWEST_CELLS, suspected_sentinels
from descend.table.table import Column, Kind

UNSCALED = 100.0  # largest over smallest mean square of columns (arbitrary)
LEAK = 0.9999  # correlation with the target, or share of pairs in order (arbitrary: real columns stay below)
MIN_ROWS = 20  # for D402 and D405 (arbitrary)
MIN_CLASS_SHARE = 0.05  # of the smaller class for D402: a rarer one is easily separated by chance (arbitrary)
SUBSAMPLED = 20_000  # rows beyond which every SUBSAMPLE-th row is looked at first (arbitrary: bounds the work)
SUBSAMPLE = 32
ORDERED = 8192  # rows of a subsample whose pairs are put in order: sorting costs more than a correlation (arbitrary)
LEAK_OF_PART = 0.99  # as LEAK, on a subsample: a column with a share of 0.9999 stays above it whatever the rows
COPIED = 0.05  # share of the test rows (arbitrary)
MIN_TEST_ROWS = 10  # for D403 (arbitrary)
OUTLYING = 20.0  # robust standard deviations (arbitrary)
MAX_OUTLIER_SHARE = 0.02  # of the rows: more are a heavy tail (arbitrary)
MIN_SQUARES_SHARE = 0.3  # of all squares, that outliers make (arbitrary)
MIN_DISTINCT = 20  # rows, whose counts would have a common divisor by chance with probability below 2e-6
AUTOCORRELATED = 0.3  # correlation of successive residuals (arbitrary)
STANDARD_ERRORS = 3.0  # 1 / root of the number of times, above which a correlation is no chance: 1 in 700
MIN_TIMES = 20  # different times (arbitrary)
EXTREME = 1e6  # distance over the spread of other rows: after scaling these vary by less than float32 shows beside it
SURE = 10.0  # times what a subsample shows of a column, beyond which it cannot hold an extreme value
MAX_COLUMNS_IN_TEXT = 5


def unscaled(e: Evidence) -> Finding | None:
    """D401."""
    if e.problem.scaled or (e.prepared is not None and "scale" not in e.user_set):
        return None
    squares, column = e.problem.data.mean_squares(), e.largest_column[0]
    used = squares[squares > 0]
    ratio = float(used.max() / min(used.min(), 1.0))
    if not ratio > UNSCALED:
        return None
    text = f"columns are not scaled: the mean square of {column!r} is {ratio:.2g} times that of another column or of the intercept"
    level = Level.WARNING if e.unfinished else Level.NOTE
    evidence = {"column": column, "ratio": ratio}
    return Finding(code="D401", level=level, text=text, evidence=evidence, fix=("--scale --lr auto", "--scale"))


def leak(e: Evidence) -> Finding | None:
    """D402."""
    if is_sparse(e.problem.data.X) or e.problem.data.rows < MIN_ROWS or e.problem.outputs > 1:
        return None
    X, y = e.problem.data.X, e.problem.data.y
    binary = e.problem.loss.name in ("logistic", "hinge")
    if binary and min(np.mean(y == y.min()), np.mean(y == y.max())) < MIN_CLASS_SHARE:
        return None
    strength = _orderings(X, y) if binary else _correlations(X, y)
    if not len(strength) or not strength.max() > LEAK:
        return None
    at = int(np.argmax(strength))
    what = "share of pairs in order" if binary else "correlation"
    text = (
        f"target leakage suspected: column {e.names[at]!r} alone determines the target almost exactly "
        f"({what} {strength[at]:.5f})"
    )
    fix = (f"--drop {shlex.quote(e.names[at].partition('=')[0])}",)
    evidence = {"column": e.names[at], "strength": float(strength[at])}
    return Finding(code="D402", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def _correlations(X: Array, y: Array) -> Array:
    """The absolute correlation of each column with numbers; 0 where a subsample of the rows shows that it is no leak.

    A line through all rows leaves at least as many squares on a subsample as the best line through that subsample.
    """
    strength = np.ones(X.shape[1])
    if X.shape[0] > SUBSAMPLED:
        some, part = X[::SUBSAMPLE], y[::SUBSAMPLE]
        r = np.array([correlation(some[:, j], part) for j in range(X.shape[1])])
        residual = (1 - r**2) * np.square(part - part.mean()).sum()
        strength[residual > (1 - LEAK**2) * np.square(y - y.mean()).sum()] = 0.0
    return np.array([abs(correlation(X[:, j], y)) if strength[j] else 0.0 for j in range(X.shape[1])])


def _orderings(X: Array, y: Array) -> Array:
    """How well each column orders two classes, from 0 to 1; 0 where a subsample of the rows shows that it is no leak.

    A subsample with both classes in numbers puts pairs in order as all rows do, to far less than LEAK_OF_PART allows.
    """
    positive, strength = (y > y.mean()).astype(np.int64), np.ones(X.shape[1])
    if X.shape[0] > SUBSAMPLED:
        every = -(-X.shape[0] // ORDERED)
        some, part = X[::every], positive[::every]
        if min(part.sum(), len(part) - part.sum()) >= MIN_ROWS:
            strength = np.array([abs(2 * auc(part, some[:, j]) - 1) > LEAK_OF_PART for j in range(X.shape[1])], float)
    return np.array([abs(2 * auc(positive, X[:, j]) - 1) if strength[j] else 0.0 for j in range(X.shape[1])])


def copies(e: Evidence) -> Finding | None:
    """D403."""
    if e.prepared is None:
        return None
    train, test = e.prepared.train, e.prepared.test
    known, tested = row_keys(train), np.empty(0, np.uint64) if test is None else row_keys(test)
    keys = np.concatenate([known, tested])
    order = np.argsort(keys)
    starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[:1]] + np.uint64(1)))  # of each group of equal rows
    times = np.diff(np.append(starts, len(keys)))
    trained = np.add.reduceat((order < len(known)).astype(np.int64), starts)
    count = int((times - trained)[trained > 0].sum())
    repeats, rows, test_rows = int(np.gcd.reduce(times)), train.rows + len(tested), len(tested)
    if repeats > 1 and len(times) >= MIN_DISTINCT:
        text = (
            f"every row of the table is there {repeats} times or a multiple of that, as after a join with itself"
            f"{f': {count:,} of {test_rows:,} test rows are copies of training rows, so the score is too good' if count else ''}"
        )
    elif test_rows >= MIN_TEST_ROWS and count > COPIED * test_rows and _mostly_distinct(train):
        text = (
            f"{count:,} of {test_rows:,} test rows ({count / test_rows:.0%}) are copies of training rows, so the score is too "
            f"good"
        )
    else:
        return None
    fix = ("leave out repeated rows before training", "--group COL")
    evidence = {"copies": count, "test": test_rows, "rows": rows, "repeats": repeats}
    return Finding(code="D403", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def _mostly_distinct(data: Data) -> bool:
    """Whether some column has different values in more than half of the rows, so that rows do not repeat by nature."""
    if is_sparse(data.X):
        return False
    return max((len(np.unique(data.X[:, j])) for j in range(data.features)), default=0) >= data.rows / 2


def dropped(e: Evidence) -> Finding | None:
    """D404."""
    if e.prepared is None or not e.prepared.schema.dropped:
        return None
    columns = e.prepared.schema.dropped
    listed = ", ".join(f"{name!r} ({why})" for name, why in list(columns.items())[:MAX_COLUMNS_IN_TEXT])
    text = f"columns dropped as constant or identifiers: {listed}"
    return Finding(code="D404", level=Level.NOTE, text=text, evidence={"columns": list(columns)})


def outlier(e: Evidence) -> Finding | None:
    """D405."""
    if e.problem.loss.name != "squared" or e.problem.outputs > 1 or e.problem.data.rows < MIN_ROWS:
        return None
    y, rows, trained = _targets(e)
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


def _targets(e: Evidence) -> tuple[Array, Array, int]:
    """The targets of the training rows and then of the test rows of the table, their row numbers, and how many were trained on."""
    if e.prepared is None:
        return e.problem.data.y, e.row_numbers(np.arange(e.problem.data.rows)), e.problem.data.rows
    train, test, (rows, test_rows) = e.prepared.train, e.prepared.test, e.prepared.rows
    y = train.y if test is None or not len(test_rows) else np.concatenate([train.y, test.y])
    return y, np.concatenate([rows, test_rows]) + 1, train.rows


def time_ignored(e: Evidence) -> Finding | None:
    """D406."""
    if e.prepared is None or "time" in e.user_set or e.outcome.failed:
        return None
    dates = [c for c in e.prepared.table.columns if c.kind == Kind.DATE]
    rows = e.table_rows if dates else None
    if rows is None:
        return None
    residuals = e.residuals.reshape(len(rows), -1)
    for column in dates:
        r, times = _autocorrelation(column.values[rows], residuals)
        if times >= MIN_TIMES and r > max(AUTOCORRELATED, STANDARD_ERRORS / np.sqrt(times)):
            text = (
                f"time order ignored: in the order of {column.name!r}, successive residuals have a correlation of {r:.2f}, so "
                f"rows held out at random are easier to predict than the future"
            )
            fix = (f"--time-column {shlex.quote(column.name)}",)
            evidence = {"column": column.name, "correlation": r}
            return Finding(code="D406", level=Level.WARNING, text=text, evidence=evidence, fix=fix)
    return None


def _autocorrelation(time: Array, residuals: Array) -> tuple[float, int]:
    """The correlation of residuals (rows, outputs) with those of the time before, and the number of times.

    Residuals of equal times are averaged; rows without a time are left out.
    """
    known = ~np.isnan(time)
    times, at = np.unique(time[known], return_inverse=True)
    if len(times) < 2:
        return 0.0, len(times)
    sums = np.zeros((len(times), residuals.shape[1]))
    np.add.at(sums, at, residuals[known])
    means = sums / np.bincount(at)[:, None]
    means -= means.mean(axis=0)
    return correlation(means[1:].ravel(), means[:-1].ravel()), len(times)


def extreme_cell(e: Evidence) -> Finding | None:
    """D407."""
    worst, place = 0.0, None
    for name, values, rows, is_target in _number_columns(e):
        ratio, at = _extremeness(values)
        if ratio > max(worst, EXTREME):
            worst, place = ratio, (name, float(values[at]), int(rows[at]), is_target)
    if place is None:
        return None
    name, value, row, is_target = place
    tested = e.prepared is not None and row - 1 in e.prepared.rows[1]
    text = (
        f"extreme value: {value:.3g} in row {row} of {'the target' if is_target else 'column'} {name!r} is {factor(worst)} × the "
        f"spread of the other rows, "
        f"{'and as a test row decides the test score' if tested else 'which are as good as constant beside it'}"
    )
    other = "--metric mae" if is_target and tested else "--loss huber" if is_target else f"--drop {shlex.quote(name)}"
    fix = (f"correct or leave out row {row}", other)
    level = Level.ERROR if e.outcome.failed and not tested else Level.WARNING
    evidence = {"column": name, "row": row, "value": value, "ratio": worst, "test": tested}
    return Finding(code="D407", level=level, text=text, evidence=evidence, fix=fix)


def _number_columns(e: Evidence) -> Iterator[tuple[str, Array, Array, bool]]:
    """Columns of numbers that the model uses: name, values of training and test rows, row numbers, whether it is the target."""
    if e.prepared is None:
        rows = np.arange(e.problem.data.rows) + 1
        if not is_sparse(e.problem.data.X):
            yield from ((e.names[j], e.problem.data.X[:, j], rows, False) for j in _suspects(e.problem.data))
        if e.problem.loss.task == "regression" and e.problem.outputs == 1:
            yield "y", e.problem.data.y, rows, True
        return
    rows, target = np.concatenate(e.prepared.rows), e.prepared.target.name
    parts = [data for data in (e.prepared.train, e.prepared.test) if data is not None]
    suspects = {target, *(e.columns[j] for data in parts for j in _suspects(data))}
    for column in _used_columns(e):
        if column.kind == Kind.NUMBER and column.name in suspects:
            yield column.name, column.values[rows], rows + 1, column.name == target


def _used_columns(e: Evidence) -> list[Column]:
    """The columns of the table that the model uses, and the target where it is a number to predict."""
    assert e.prepared is not None
    used = {*e.columns} if e.prepared.target.classes else {*e.columns, e.prepared.target.name}
    return [c for c in e.prepared.table.columns if c.name in used]


def sentinel(e: Evidence) -> Finding | None:
    """D408."""
    found = [] if e.prepared is None else [s for c in _used_columns(e) for s in suspected_sentinels(c)]
    if not found:
        return None
    listed = ", ".join(f"{s.value:g} in {s.cells:,} cells of {s.column!r}" for s in found[:MAX_COLUMNS_IN_TEXT])
    text = f"numbers that may mean missing: {listed}; far from all other values of the column, and repeated"
    evidence = {name: [getattr(s, name) for s in found] for name in ("column", "value", "cells")}
    fix = (" ".join(dict.fromkeys(s.flag for s in found)), "say what these numbers mean")
    return Finding(code="D408", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def _suspects(data: Data) -> list[int]:
    """The columns that can hold an extreme value, as the deviation of all rows and the spread of some show.

    No value is farther from the mean than root n standard deviations, which are known of all rows; the spread of the
    other rows is that of the subsample up to a factor of SURE.
    """
    if data.rows <= MIN_ROWS or data.sample_weight is not None or is_sparse(data.X):
        return list(range(data.features))
    part = data.X[:: -(-data.rows // SUBSAMPLED)].astype(np.float64)
    return np.flatnonzero(_reaches(np.sqrt(np.diagonal(data.gram().G)), part, data.rows)).tolist()


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
    if len(x) > SUBSAMPLED and not _reaches(float(x.std()), x[:: -(-len(x) // SUBSAMPLED), None], len(x)).any():
        return 0.0, 0
    with np.errstate(over="ignore"):
        distance = np.minimum(np.abs(x - np.median(x)), np.finfo(np.float64).max)
    others = np.partition(distance, len(x) - few - 1)[: len(x) - few]
    unit = float(others.max())
    spread = unit * float((others / unit).mean()) if unit > 0 else 0.0
    at = int(np.argmax(distance))
    with np.errstate(over="ignore"):
        return (float(distance[at] / spread) if spread > 0 else 0.0), int(known[at])


CHECKS = (extreme_cell, sentinel, unscaled, leak, copies, outlier, time_ignored, dropped)

ENTRIES = (
    Entry(
        code="D401",
        title="columns are not scaled",
        meaning="A column of large numbers makes the loss steep in its direction, so the learning rate must be small for all.",
        detected="With --no-scale, mean squares of columns, or of a column and the intercept, differ by a factor of more than "
        f"{UNSCALED:g}. A warning where the run did not reach the optimum.",
        fixes="Scaling; weights are reported in the units of the file either way.",
        reference="LeCun, Bottou, Orr and Müller 1998",
    ),
    Entry(
        code="D402",
        title="target leakage suspected",
        meaning="One column alone determines the target almost exactly. It may be known only after the target, or be the "
        "target in another form.",
        detected="Its correlation with the target, or the share of pairs of two classes that it puts in order, is above "
        f"{LEAK:g}.",
        fixes="Drop the column, unless it is known when the model is used.",
        reference="Kaufman, Rosset, Perlich and Stitelman 2012",
    ),
    Entry(
        code="D403",
        title="copies across the split",
        meaning="Test rows that are also among the training rows measure memory, not prediction.",
        detected=f"More than {COPIED:.0%} of the test rows equal a training row in all columns and the target, although "
        "some column has different values in more than half of the rows; or the numbers of times that the rows of the table "
        f"occur, {MIN_DISTINCT} different ones or more, have a common divisor above 1.",
        fixes="Leave out repeated rows, or keep rows of one origin on one side with --group.",
        reference="Barz and Denzler 2020",
    ),
    Entry(
        code="D404",
        title="constant or identifier column",
        meaning="A column with one value has no information; one with a new value in every row only identifies the row.",
        detected="When the table is read: constant, empty, or text that is new in nine of ten rows.",
        fixes="Nothing to do: such columns are left out. --drop makes it explicit.",
        reference="Kuhn and Johnson 2013, section 3.5",
    ),
    Entry(
        code="D405",
        title="outlying targets",
        meaning="With squared loss, a row that is twenty times further away counts four hundred times as much.",
        detected=f"At most {MAX_OUTLIER_SHARE:.0%} of the rows are more than {OUTLYING:g} robust standard deviations (1.4826 "
        f"times the median absolute deviation) from the median, and make more than {MIN_SQUARES_SHARE:.0%} of all squares. Test "
        "rows count too: there they decide the score.",
        fixes="The Huber loss, which is linear for far rows, or correcting the rows; for test rows, another metric.",
        reference="Huber 1964; Rousseeuw and Croux 1993",
    ),
    Entry(
        code="D406",
        title="time order ignored",
        meaning="Later rows are to be predicted from earlier ones. Rows held out at random lie between training rows and are "
        "easier to predict than the future.",
        detected="There is a column of dates that was not used to split, and residuals in its order, averaged over equal "
        f"times, have a correlation of more than {AUTOCORRELATED:g}, and of {STANDARD_ERRORS:g} standard errors, with those of "
        "the time before. Residuals are the negative slopes of the loss: at the exact optimum where it is known, else at the "
        "kept weights.",
        fixes="Hold out the last rows (--time-column).",
        reference="Bergmeir and Benítez 2012",
    ),
    Entry(
        code="D407",
        title="extreme value",
        meaning="One huge cell decides mean and spread of its column: after scaling, all other rows are the same number. In the "
        "target, it is the only row that the model fits.",
        detected=f"The distance of a value from the median is more than {EXTREME:g} times the mean distance of all but the "
        f"farthest {MAX_OUTLIER_SHARE:.0%} of the rows, training and test rows together.",
        fixes="Correct the cell or leave out its row; drop the column; for the target, the Huber loss.",
        reference="Rousseeuw and Croux 1993",
    ),
    Entry(
        code="D408",
        title="a number that may mean missing",
        meaning="Where -999 or 9999 stands for a missing cell, the model takes it for a quantity.",
        detected=f"The smallest or largest number of a column is in at least {FEWEST_CELLS} cells and far from all others: by "
        f"half their range for 99, 999 and their like, by ten times their range for any whole number; see `table/sentinels.py`.",
        fixes="--null makes such cells missing, in every column that holds the number.",
        reference="Little and Rubin 2019, chapter 1",
    ),
)
