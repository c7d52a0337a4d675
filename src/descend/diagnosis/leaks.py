"""leaks: how well one column alone predicts the target, by any relation; and numbers of which the target is the sum."""

import numpy as np

from descend.arrays import Array
from descend.metrics import auc, correlation
from descend.table.data import Data

SOME_ROWS = 4096  # that are looked at: the share of squares they show is known to a hundredth of a per cent
SOLE = 0.98  # share of a target of numbers that one column of numbers alone predicts: in 80 real tables 0.94 at most
SOLE_LEVELS = 0.95  # the same of levels, or of classes, which are seldom a measurement beside another: in these tables 0.92 at most
DENSE = 1.5  # times the values that a count may have: four of five rows train, and some may be missing
SURE = 0.9999  # correlation, or share of pairs in order, from which ranks need not be looked at
FEWEST_OF_A_CLASS = 6  # rows: in 100, six are in order by chance once in 10^9 columns
PART = 1e-6  # what a sum leaves of the target, as standard deviations: rounding
WHOLE = 1e-3  # by which the weight of a part of a sum may differ from 1 or -1
ROWS_A_PART = 3
FEW_GAPS = 0.1  # share of missing cells: columns with more leave too few rows where none is missing
MOST_PARTS = 200  # numbers that are tried as parts: bounds the work


def some(data: Data) -> Array:
    """Return the rows that are looked at: all, or every k-th."""
    return np.arange(0, data.rows, -(-data.rows // SOME_ROWS))


def own_scores(data: Data, classes: int, columns: tuple[str, ...]) -> dict[str, float]:
    """Return the share of the target that each column alone predicts, from 0 to 1.

    Args:
        classes: of the target; 0 for numbers, which count by their rank.
        columns: the column of the table of each feature.
    """
    rows = some(data)
    X, y = np.asarray(data.X[rows], np.float64), data.y[rows].astype(np.float64)
    targets = np.eye(classes)[y.astype(np.int64)] if classes else ranks(y)[:, None]
    groups: dict[str, list[int]] = {}
    for j, column in enumerate(columns):
        groups.setdefault(column, []).append(j)
    # Levels of a column become one number, equal for equal rows.
    mix: Array = np.random.default_rng(0).uniform(1, 2, (X.shape[1],))
    found = {}
    for column, own in groups.items():
        views = [X[:, own] @ mix[own], X[:, own[0]]] if len(own) > 1 else [X[:, own[0]]]
        found[column] = max(_own_score(x, y, targets, classes) for x in views)
    return found


def _own_score(x: Array, y: Array, targets: Array, classes: int) -> float:
    if not np.ptp(x) > 0:
        return 0.0
    direct = 0.0
    if classes == 0:
        direct = correlation(x, y) ** 2
    elif classes == 2 and min(y.sum(), len(y) - y.sum()) >= FEWEST_OF_A_CLASS:
        direct = abs(2 * auc(y, x) - 1)
    # Over a time or an age a curve is no leak; rows that are sorted by the target are one.
    if classes == 0 and _counts(x):
        return max(direct, correlation(ranks(x), targets[:, 0]) ** 2)
    return direct if direct > SURE else neighbours_share(x, targets, classes)


def _counts(x: Array) -> bool:
    """Whether values are different and most of those that a count from the lowest to the highest has."""
    values = np.unique(x)
    steps = np.diff(values)
    return len(values) == len(x) and bool((values[-1] - values[0]) <= DENSE * len(x) * steps.min())


def neighbours_share(x: Array, targets: Array, classes: int = 0) -> float:
    """Return the share of the squares of targets (rows, k) that rows next to each other in x predict of each other.

    A row is predicted by the mean of the others with the same x; where there is none, by that of the two beside it. No row
    predicts itself, so that a column of different values predicts nothing by chance. Between classes in order one pair of
    neighbours is wrong at each border, which is allowed for.

    >>> x = np.linspace(0, 1, 100)
    >>> neighbours_share(x, x[:, None] ** 3) > 0.99, neighbours_share(x, np.random.default_rng(0).normal(size=(100, 1))) < 0.1
    (True, True)
    """
    order = np.argsort(x, kind="stable")
    x, targets = x[order], targets[order]
    starts = np.flatnonzero(np.r_[True, np.diff(x) > 0])
    size = np.diff(np.r_[starts, len(x)])
    sums = np.add.reduceat(targets, starts)
    means = sums / size[:, None]
    before, after = np.vstack([means[:1], means[:-1]]), np.vstack([means[1:], means[-1:]])
    beside = np.where((np.arange(len(starts)) == 0)[:, None], after, np.where((np.arange(len(starts)) == len(starts) - 1)[:, None], before,
                                                                                 (before + after) / 2))  # fmt: skip
    count = np.repeat(size, size)[:, None]
    others = (np.repeat(sums, size, axis=0) - targets) / np.maximum(count - 1, 1)
    predicted = np.where(count > 1, others, np.repeat(beside, size, axis=0))
    wrong = float(np.square(targets - predicted).sum()) - max(classes - 1, 0)
    total = float(np.square(targets - targets.mean(axis=0)).sum())
    return 1 - max(wrong, 0.0) / total if total > 0 else 0.0


def ranks(y: Array) -> Array:
    """Return the rank of each value (rows,) from 0 to 1, equal values sharing the mean of theirs.

    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [0.75, 0.0, 0.75]
    """
    _, at, count = np.unique(y, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return np.asarray((ends - (count + 1) / 2)[at] / max(len(y) - 1, 1))


def parts_of_sum(columns: dict[str, Array], y: Array) -> tuple[str, ...]:
    """Return the columns of which the target is the sum, or the difference, up to a constant; none where there are none.

    Args:
        columns: numbers of the table by name, each (rows,); NaN where one is missing.
        y: the target (rows,).
    """
    if not len(y):
        return ()
    gaps = {name: 1 - float(np.isfinite(values).mean()) for name, values in list(columns.items())[:MOST_PARTS]}
    full = [name for name, share in gaps.items() if share <= FEW_GAPS]
    found = _parts_among(list(gaps), columns, y)
    return found if found or len(full) == len(gaps) else _parts_among(full, columns, y)


def _parts_among(names: list[str], columns: dict[str, Array], y: Array) -> tuple[str, ...]:
    """The parts of the target among some columns, of the rows where none of these is missing."""
    if len(names) < 2:
        return ()
    X = np.column_stack([columns[n] for n in names]).astype(np.float64)
    known = np.isfinite(X).all(axis=1) & np.isfinite(y)
    every = max(1, int(known.sum()) // (ROWS_A_PART * len(names) + 100))  # an exact sum shows on few rows
    X, y = X[known][::every], y[known][::every].astype(np.float64)
    if len(y) < 2 * len(names) + 10 or not np.ptp(y) > 0:
        return ()
    largest = max(float(np.abs(X).max()), float(np.abs(y).max()))
    X, y = X / largest, y / largest  # weights of 1 stay 1, and no square overflows
    X, y = X - X.mean(axis=0), y - y.mean()
    spread = np.maximum(X.std(axis=0), 1e-300)
    basis = _independent(X / spread)
    w = np.zeros(len(names))
    w[basis] = np.linalg.lstsq((X / spread)[:, basis], y, rcond=None)[0]
    if np.std(y - X / spread @ w) > PART * y.std():
        return ()
    own = w / spread
    used = np.abs(w) > WHOLE * y.std()
    if used.sum() < 2 or (np.abs(np.abs(own[used]) - 1) > WHOLE).any():
        return ()
    return tuple(n for n, is_used in zip(names, used, strict=True) if is_used)


def _independent(X: Array) -> Array:
    """Return the columns of which no one is a sum of those before it: those that add something to QR (rows > columns)."""
    size = np.abs(np.diag(np.linalg.qr(X, mode="r")))
    return np.flatnonzero(size > 1e-8 * size.max())
