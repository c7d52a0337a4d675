"""D4: the data themselves."""

import shlex

import numpy as np

from descend.arrays import Array
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding
from descend.metrics import auc, correlation
from descend.sparse import column_squares, is_sparse
from descend.table.table import Kind

UNSCALED = 100.0  # the largest mean square over the smallest
LEAK = 0.9999  # correlation, or share of pairs in order, of one column with the target
COPIED = 0.05  # of the held-out rows
MANY = 20_000  # rows, of more a part is looked at first
SOME = 32  # every so manieth row of these
FEWEST = 20  # rows
FAR = 20.0  # robust standard deviations
FEW = 0.02  # of the rows
HEAVY = 0.3  # of all squares
FOLLOWS = 0.3  # correlation of a residual with the one before it in time


def unscaled(e: Evidence) -> Finding | None:
    """D401."""
    if e.problem.scaled or (e.prepared is not None and "scale" not in e.user_set):
        return None
    squares, column = column_squares(e.problem.data.X) / e.problem.data.rows, e.largest[0]
    used = squares[squares > 0]
    ratio = float(used.max() / min(used.min(), 1.0))
    if not ratio > UNSCALED:
        return None
    text = f"columns are not scaled: {column!r} has a mean square {ratio:.2g} times that of another, or of a constant"
    level = "warning" if e.unfinished else "note"
    return Finding("D401", level, text, {"column": column, "ratio": ratio}, ("--scale --lr auto", "--scale"))


def leak(e: Evidence) -> Finding | None:
    """D402."""
    if is_sparse(e.problem.data.X) or e.problem.data.rows < FEWEST or e.problem.outputs > 1:
        return None
    X, y = e.problem.data.X, e.problem.data.y
    two = e.problem.loss.name in ("logistic", "hinge")
    if two and min(np.mean(y == y.min()), np.mean(y == y.max())) < 0.05:
        return None
    tells = _orders if two else _follows
    strength = np.array([tells(X[:, j], y) for j in range(X.shape[1])])
    if not len(strength) or not strength.max() > LEAK:
        return None
    at = int(np.argmax(strength))
    text = f"leak suspected: column {e.names[at]!r} alone tells the target almost exactly ({strength[at]:.5f})"
    fix = f"--drop {shlex.quote(e.names[at].partition('=')[0])}"
    return Finding("D402", "warning", text, {"column": e.names[at], "strength": float(strength[at])}, (fix,))


def _follows(x: Array, y: Array) -> float:
    """The size of the correlation of a column with numbers; 0 where a part of the rows shows that it is no leak.

    No line through all rows leaves fewer squares than the best one through a part of them leaves there.
    """
    if len(x) > MANY:
        r, part = correlation(x[::SOME], y[::SOME]), y[::SOME]
        left = (1 - r**2) * np.square(part - part.mean()).sum()
        if left > (1 - LEAK**2) * np.square(y - y.mean()).sum():
            return 0.0
    return abs(correlation(x, y))


def _orders(x: Array, y: Array) -> float:
    """How well a column puts two classes in order, from 0 to 1; 0 where a part of the rows shows that it is no leak.

    Pairs that are out of order in a part of the rows are so among all.
    """
    positive = (y > y.mean()).astype(np.int64)
    if len(x) > MANY:
        part = positive[::SOME]
        share, pairs = auc(part, x[::SOME]), _pairs(part)
        if pairs and min(share, 1 - share) * pairs > (1 - LEAK) / 2 * _pairs(positive):
            return 0.0
    return abs(2 * auc(positive, x) - 1)


def _pairs(positive: Array) -> int:
    """Pairs of a row of one class and a row of the other."""
    n = int(positive.sum())
    return n * (len(positive) - n)


def copies(e: Evidence) -> Finding | None:
    """D403."""
    if e.prepared is None or e.prepared.test is None:
        return None
    own, held = e.prepared.train, e.prepared.test
    varied = max((len(np.unique(own.X[:, j])) for j in range(own.features)), default=0)
    if held.rows < 10 or varied < own.rows / 2:
        return None
    known = {row.tobytes() for row in np.column_stack([own.X, own.y])}
    count = sum(row.tobytes() in known for row in np.column_stack([held.X, held.y]))
    if not count > COPIED * held.rows:
        return None
    text = f"{count:,} of {held.rows:,} held-out rows ({count / held.rows:.0%}) are copies of training rows: the score is flattered"
    fixes = ("leave out repeated rows before training", "--group COL")
    return Finding("D403", "warning", text, {"copies": count, "test": held.rows}, fixes)


def useless(e: Evidence) -> Finding | None:
    """D404."""
    if e.prepared is None or not e.prepared.schema.dropped:
        return None
    dropped = e.prepared.schema.dropped
    named = ", ".join(f"{name!r} ({why})" for name, why in list(dropped.items())[:5])
    text = f"left out, nothing can be learned from them: {named}"
    return Finding("D404", "note", text, {"columns": list(dropped)})


def outlier(e: Evidence) -> Finding | None:
    """D405."""
    y = e.problem.data.y
    if e.problem.loss.name != "squared" or e.problem.outputs > 1 or len(y) < FEWEST:
        return None
    center = float(np.median(y))
    spread = 1.4826 * float(np.median(np.abs(y - center)))
    away = np.abs(y - center)
    far = away > FAR * spread
    if (
        not spread > 0
        or not far.any()
        or far.mean() > FEW
        or np.square(away[far]).sum() < HEAVY * np.square(away).sum()
    ):
        return None
    at = int(np.argmax(away))
    row = int(e.prepared.rows[0][at]) + 1 if e.prepared is not None and len(e.prepared.rows[0]) == len(y) else at + 1
    text = (
        f"outlying targets: {int(far.sum())} of {len(y):,} rows, row {row} most of all, lie more than {FAR:g} robust standard "
        f"deviations away and make {np.square(away[far]).sum() / np.square(away).sum():.0%} of all squares"
    )
    evidence = {"row": row, "rows": int(far.sum()), "deviations": float(away[at] / spread)}
    return Finding("D405", "warning", text, evidence, ("--loss huber", "look at these rows"))


def time_ignored(e: Evidence) -> Finding | None:
    """D406."""
    if (
        e.prepared is None
        or "time" in e.user_set
        or e.problem.outputs > 1
        or e.outcome.failed
        or is_sparse(e.problem.data.X)
    ):
        return None
    rows = e.prepared.rows[0]
    dates = [c for c in e.prepared.table.columns if c.kind == Kind.DATE]
    if (
        not dates
        or len(rows) != e.problem.data.rows
        or e.problem.loss.outputs != "one"
        or e.problem.loss.name != "squared"
    ):
        return None
    left = e.problem.data.y - e.predictions
    for column in dates:
        when = column.values[rows]
        if np.isnan(when).any() or len(np.unique(when)) < len(when) / 2:
            continue
        ordered = left[np.argsort(when, kind="stable")]
        follows = correlation(ordered[1:], ordered[:-1])
        if follows > FOLLOWS:
            text = (
                f"time order ignored: in the order of {column.name!r} each residual is like the one before it (correlation "
                f"{follows:.2f}), so rows held out at random have neighbours among the training rows"
            )
            fix = (f"--time-column {shlex.quote(column.name)}",)
            return Finding("D406", "warning", text, {"column": column.name, "correlation": follows}, fix)
    return None


CHECKS = (unscaled, leak, copies, outlier, time_ignored, useless)

ENTRIES = (
    Entry(
        "D401", "columns are not scaled",
        "A column of large numbers makes the loss steep in its direction, so the rate must be small for all.",
        f"With --no-scale, mean squares of columns, or of a column and the constant 1, differ more than {UNSCALED:g}-fold. "
        "A warning where the run did not reach the optimum.",
        "Leave scaling on; weights are reported in the units of the file either way.",
        "LeCun, Bottou, Orr and Müller 1998",
    ),
    Entry(
        "D402", "leak suspected",
        "One column alone tells the target almost exactly. It may be known only afterwards, or be the target in other words.",
        f"Its correlation with the target, or the share of pairs of two classes that it puts in order, is above {LEAK:g}.",
        "Drop the column, if it would not be known when the model is used.",
        "Kaufman, Rosset, Perlich and Stitelman 2012",
    ),
    Entry(
        "D403", "copies across the split",
        "Held-out rows that also stand among the training rows measure memory.",
        f"More than {COPIED:.0%} of the held-out rows equal a training row in all columns and the target, though some "
        "column has different values in more than half of the rows.",
        "Leave out repeated rows, or keep rows of one origin on one side with --group.",
        "Barz and Denzler 2020",
    ),
    Entry(
        "D404", "constant or identifier column",
        "A column with one value tells nothing; one with a new value in every row tells only which row it is.",
        "As the table is read: constant, empty, or text that is new in nine of ten rows.",
        "Nothing to do: they are left out. --drop makes it explicit.",
        "Kuhn and Johnson 2013, section 3.5",
    ),
    Entry(
        "D405", "outlying targets",
        "Squares make a row that is twenty times further away count four hundred times.",
        f"At most {FEW:.0%} of the rows lie more than {FAR:g} robust standard deviations (1.4826 MAD) from the median, and "
        f"make more than {HEAVY:.0%} of all squares.",
        "The Huber loss, which counts far rows by their distance, or mending the rows.",
        "Huber 1964; Rousseeuw and Croux 1993",
    ),
    Entry(
        "D406", "time order ignored",
        "What comes next is predicted from what came before. Rows held out at random lie between training rows and are "
        "easier than the future.",
        f"There is a column of dates that was not used to split, and residuals in its order correlate by more than "
        f"{FOLLOWS:g} with the one before.",
        "Hold out the last rows (--time-column).",
        "Bergmeir and Benítez 2012",
    ),
)  # fmt: skip
