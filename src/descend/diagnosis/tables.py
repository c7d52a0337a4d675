"""D4: faults of the data."""

import shlex
from collections.abc import Iterator

import numpy as np

from descend.arrays import Array
from descend.diagnosis.copies import CHANCE, COPIED, FEWEST_COPIES, MIN_DISTINCT, copies_of, count_copies
from descend.diagnosis.data_faults import (
    EXTREME,
    MAX_OUTLIER_SHARE,
    MIN_SQUARES_SHARE,
    NEARLY_ALL,
    OUTLYING,
    SUBSAMPLED,
    NumberColumn,
    dropped_columns,
    extreme_value,
    leaking_column,
    leaking_parts,
    nearly_constant,
    outlying_targets,
    sentinels_among,
    suspects,
)
from descend.diagnosis.drift import AUTOCORRELATED, DRIFTING, STANDARD_ERRORS, STRETCHES, drift
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding, Level
from descend.diagnosis.leaks import FEWEST_OF_A_CLASS, SOLE, SOLE_LEVELS, SURE
from descend.sparse import is_sparse
from descend.table.sentinels import FEWEST_CELLS
from descend.table.table import Column, Kind

UNSCALED = 100.0  # largest over smallest mean square of columns (arbitrary)


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
    poor = e.unfinished or (e.problem.network is not None and not e.learned)
    level = Level.WARNING if poor else Level.NOTE
    evidence = {"column": column, "ratio": ratio}
    return Finding(code="D401", level=level, text=text, evidence=evidence, fix=("--scale --lr auto", "--scale"))


def leak(e: Evidence) -> Finding | None:
    """D402."""
    classes = (
        e.problem.outputs
        if e.problem.loss.outputs == "classes"
        else 2
        if e.problem.loss.name in ("logistic", "hinge")
        else 0
    )
    return leaking_column(e.problem.data, classes, e.columns, _dates(e)) or (None if classes else _parts(e))


def _dates(e: Evidence) -> frozenset[str]:
    columns = () if e.prepared is None else e.prepared.table.columns
    return frozenset(c.name for c in columns if c.kind == Kind.DATE)


def _parts(e: Evidence) -> Finding | None:
    """D402, of columns that add up to the target, in the units of the file; not of arrays.

    Of a long table evenly spaced rows are looked at first, and what adds up there on all of them.
    """
    if e.prepared is None or not len(e.prepared.rows[0]):
        return None
    rows = e.prepared.rows[0]  # validation rows too: a sum holds in all
    numbers = {c.name: c.values for c in _used_columns(e) if c.kind == Kind.NUMBER}
    target = numbers.pop(e.prepared.target.name, None)
    if target is None:
        return None
    some = rows[:: -(-len(rows) // SUBSAMPLED)] if len(rows) > SUBSAMPLED else rows
    found = leaking_parts({name: values[some] for name, values in numbers.items()}, target[some])
    if found is None or len(some) == len(rows):
        return found
    return leaking_parts({name: numbers[name][rows] for name in found.evidence["column"]}, target[rows])


def copies(e: Evidence) -> Finding | None:
    """D403."""
    return None if e.prepared is None else copies_of(e.prepared, count_copies(e.prepared.train, e.prepared.test))


def dropped(e: Evidence) -> Finding | None:
    """D404."""
    return None if e.prepared is None else dropped_columns(e.prepared.schema.dropped)


def outlier(e: Evidence) -> Finding | None:
    """D405."""
    return outlying_targets(*_targets(e)) if e.problem.loss.name == "squared" and e.problem.outputs == 1 else None


def _targets(e: Evidence) -> tuple[Array, Array, int]:
    """The targets of the training rows and then of the test rows of the table, their row numbers, and how many were trained on."""
    if e.prepared is None:
        return e.problem.data.y, e.row_numbers(np.arange(e.problem.data.rows)), e.problem.data.rows
    train, test, (rows, test_rows) = e.prepared.train, e.prepared.test, e.prepared.rows
    y = train.y if test is None or not len(test_rows) else np.concatenate([train.y, test.y])
    return y, e.prepared.numbers_of(np.concatenate([rows, test_rows])), train.rows


def time_ignored(e: Evidence) -> Finding | None:
    """D406."""
    if e.prepared is None or "time" in e.user_set or e.outcome.failed:
        return None
    target = e.prepared.target.name
    dates = [c for c in e.prepared.table.columns if c.kind == Kind.DATE and c.name != target]
    rows = e.table_rows if dates else None
    if rows is None:
        return None
    residuals = e.residuals.reshape(len(rows), -1)
    drifts = ((column.name, drift(column.values[rows], residuals)) for column in dates)
    found = [(name, d) for name, d in drifts if d is not None]
    if not found:
        return None
    name, strongest = max(found, key=lambda named: max(named[1].correlation, named[1].share))
    text = (
        f"time order ignored: in the order of {name!r}, {strongest.text}, so rows held out at random are easier to predict "
        "than the future"
    )
    evidence = {"column": name, "correlation": strongest.correlation, "share": strongest.share}
    fix = (f"--time-column {shlex.quote(name)}",)
    return Finding(code="D406", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def extreme_cell(e: Evidence) -> Finding | None:
    """D407."""
    tested = np.empty(0) if e.prepared is None else e.prepared.numbers_of(e.prepared.rows[1])
    return extreme_value(_number_columns(e), tested, failed=e.outcome.failed)


def _number_columns(e: Evidence) -> Iterator[NumberColumn]:
    """Columns of numbers that the model uses, training and test rows."""
    if e.prepared is None:
        rows = e.row_numbers(np.arange(e.problem.data.rows))
        if not is_sparse(e.problem.data.X):
            for j in suspects(e.problem.data):
                yield NumberColumn(e.names[j], e.problem.data.X[:, j], rows, False)
        if e.problem.loss.task == "regression" and e.problem.outputs == 1:
            yield NumberColumn("y", e.problem.data.y, rows, True)
        return
    rows, target = np.concatenate(e.prepared.rows), e.prepared.target.name
    parts = [data for data in (e.prepared.train, e.prepared.test) if data is not None]
    suspected = {target, *(e.columns[j] for data in parts for j in suspects(data))}
    for column in _used_columns(e):
        if column.kind == Kind.NUMBER and column.name in suspected:
            yield NumberColumn(column.name, column.values[rows], e.prepared.numbers_of(rows), column.name == target)


def _used_columns(e: Evidence) -> list[Column]:
    """The columns of the table that the model uses, and the target where it is a number to predict."""
    assert e.prepared is not None
    used = {*e.columns} if e.prepared.target.classes else {*e.columns, e.prepared.target.name}
    return [c for c in e.prepared.table.columns if c.name in used]


def sentinel(e: Evidence) -> Finding | None:
    """D408."""
    return None if e.prepared is None else sentinels_among(_used_columns(e))


def nearly_all_equal(e: Evidence) -> Finding | None:
    """D409."""
    return (
        None if e.prepared is None else nearly_constant(c for c in _used_columns(e) if c.name != e.prepared.target.name)
    )


CHECKS = (extreme_cell, sentinel, unscaled, leak, copies, outlier, time_ignored, dropped, nearly_all_equal)

ENTRIES = (
    Entry(
        code="D401",
        title="columns are not scaled",
        meaning="A column of large numbers makes the loss steep in its direction, so the learning rate must be small for all.",
        detected="With --no-scale, mean squares of columns, or of a column and the intercept, differ by a factor of more than "
        f"{UNSCALED:g}. A warning where the run did not reach the optimum, or a network has not learned.",
        fixes="Scaling; weights are reported in the units of the file either way.",
        reference="LeCun, Bottou, Orr and Müller 1998",
    ),
    Entry(
        code="D402",
        title="target leakage suspected",
        meaning="One column alone determines the target almost exactly, or some add up to it. It may be known only after the "
        "target, or be the target in another form: a code, a rank, a part of a sum.",
        detected=f"Rows beside each other in the order of one column, or with the same value, predict more than {SOLE:.0%} of each other's "
        f"target, {SOLE_LEVELS:.0%} where the column has levels or the target classes: of the squares of its ranks, or of the indicators "
        "of its classes; no row predicts itself. Of a count, such as an age, the correlation of ranks is asked, since a curve over "
        "it is no leak. Or the correlation, or the "
        f"share of pairs of two classes in order, is above {SURE:g}, with {FEWEST_OF_A_CLASS} rows of the rarer class. Or least squares "
        "gives some columns weights of 1 or -1 and leaves nothing of the target.",
        fixes="Drop the column, unless it is known when the model is used.",
        reference="Kaufman, Rosset, Perlich and Stitelman 2012",
    ),
    Entry(
        code="D403",
        title="copies across the split",
        meaning="Test rows that are also among the training rows measure memory, not prediction.",
        detected=f"{COPIED:.0%} of the test rows or more, and {FEWEST_COPIES}, equal a training row in all columns and the target, and in "
        "texts of which the features know less, although rows do not repeat by nature: two columns together have new values in more "
        f"than half of the different rows, and {CHANCE:g} times more pairs are equal than columns that know nothing of each other would "
        f"give; or the numbers of times that the rows of the table occur, {MIN_DISTINCT} different ones or more, have a common divisor "
        "above 1. A note where a number that is left out, which may only count the rows, tells them apart.",
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
        f"the time before; or more than {DRIFTING:.0%} of their variance lies between {STRETCHES} stretches of time. Residuals are "
        "the negative slopes of the loss: at the exact optimum where it is known, else at the kept weights.",
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
    Entry(
        code="D409",
        title="nearly constant columns",
        meaning="A column that has the same value in almost every row can teach a model only what the few other rows happen to show.",
        detected=f"At most {NEARLY_ALL:.0%} of the rows, or one, have another value than all others.",
        fixes="Leave the column out, unless the few rows are what it is about.",
        reference="Kuhn and Johnson 2013, section 3.5",
    ),
)
