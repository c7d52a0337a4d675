"""copies: rows that are there more than once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from descend.arrays import Array
from descend.diagnosis.data_faults import SUBSAMPLED
from descend.diagnosis.finding import Finding, Level
from descend.diagnosis.rows import row_keys
from descend.sparse import is_sparse
from descend.table.data import Data
from descend.table.prepare import Prepared
from descend.table.table import Kind

COPIED = 0.05  # share of the test rows (arbitrary)
MIN_TEST_ROWS = 10  # for D403 (arbitrary)
FEWEST_COPIES = 3  # test rows that are copies: one or two are chance in a small table (arbitrary)
TABLE_BITS = 20  # of a table of 1 MB, in which 20,000 keys leave one of fifty others (arbitrary)
RICHEST = 6  # columns of the most different values, of which pairs are looked at (arbitrary: bounds the work)
CHANCE = 10.0  # times the pairs of equal rows that columns give by chance: columns that depend on each other give more (arbitrary)
MIN_DISTINCT = 20  # rows, whose counts would have a common divisor by chance with probability below 2e-6


@dataclass(frozen=True)
class Copies:
    """How often rows are there, compared by features and target.

    Args:
        rows: of the table.
        distinct: different ones among them.
        test: test rows.
        copied: test rows that are among the training rows.
        repeats: the largest number of which the number of times of each row is a multiple.
        pairs: of equal rows.
    """

    rows: int
    distinct: int
    test: int
    copied: int
    repeats: int
    pairs: int


def count_copies(train: Data, test: Data | None) -> Copies:
    """Return how often the rows of a table in two parts are there.

    Rows that differ in the target or the first features are told apart by these; the others are compared whole. Of many test
    rows evenly spaced ones are looked at first: where none of 20,000 is there twice, fewer than one in 4,000 are, with a
    chance of error below 1 %.
    """
    parts = [train] if test is None else [train, test]
    ends = np.cumsum([part.rows for part in parts])
    if test is not None and _mostly_single(train, test):
        return Copies(rows=int(ends[-1]), distinct=int(ends[-1]), test=test.rows, copied=0, repeats=1, pairs=0)
    every = np.concatenate([row_keys(part, few=True) for part in parts])
    alike = _repeated(every)
    if len(alike) > ends[-1] // 2:
        groups, single = _Groups.of(np.concatenate([row_keys(part) for part in parts])), 0
        trained = groups.count(np.arange(ends[-1]) < train.rows)
    else:
        own = np.split(alike, np.searchsorted(alike, ends[:-1]))
        starts = [0, *ends[:-1]]
        keys = [row_keys(part.take(rows - lo)) for part, rows, lo in zip(parts, own, starts, strict=True)]
        groups, single = _Groups.of(np.concatenate(keys)), int(ends[-1]) - len(alike)
        trained = groups.count(alike < train.rows)
    return Copies(
        rows=int(ends[-1]), distinct=single + len(groups.times), test=int(ends[-1]) - train.rows,
        copied=int((groups.times - trained)[trained > 0].sum()),
        repeats=1 if single else int(np.gcd.reduce(groups.times)),
        pairs=pairs_among(groups.times),
    )  # fmt: skip


def pairs_among(times: Array) -> int:
    """Return the pairs of equal rows, of how often each different row is there.

    >>> pairs_among(np.array([1, 2, 3]))
    4
    """
    return int((times * (times - 1) // 2).sum())


@dataclass(frozen=True, eq=False)
class _Groups:
    """Keys (keys,) that are equal, next to each other.

    Args:
        order: of the keys, sorted (keys,).
        starts: of each group in that order (groups,).
        times: how many keys each group has (groups,).
    """

    order: Array
    starts: Array
    times: Array

    @classmethod
    def of(cls, keys: Array) -> "_Groups":
        order = np.argsort(keys)
        starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[:1]] + np.uint64(1)))
        return cls(order, starts, np.diff(np.append(starts, len(keys))))

    def count(self, marked: Array) -> Array:
        """How many keys of each group are marked, of marks (keys,); (groups,)."""
        return np.add.reduceat(marked[self.order].astype(np.int64), self.starts) if len(self.starts) else self.times


def _mostly_single(train: Data, test: Data) -> bool:
    """Whether each of many evenly spaced test rows is there once; their targets tell most others apart from them."""
    every = test.rows // SUBSAMPLED
    if not every or is_sparse(test.X):
        return False
    parts = train, test
    of_target = [row_keys(Data(np.empty((part.rows, 0)), part.y)) for part in parts]
    some = of_target[1][::every]
    alike = [np.flatnonzero(_may_be_among(some, keys)) for keys in of_target]
    if sum(map(len, alike)) > (train.rows + test.rows) // 8:
        return False
    keys = np.concatenate([row_keys(part.take(rows)) for part, rows in zip(parts, alike, strict=True)])
    wanted = row_keys(test.take(np.arange(0, test.rows, every)))
    return int(np.isin(keys, wanted).sum()) == len(wanted) == len(np.unique(wanted))


def _may_be_among(some: Array, keys: Array) -> Array:
    """Which keys (keys,) may be among some others, by a table of their last bits."""
    mask = np.uint64((1 << TABLE_BITS) - 1)
    marked = np.zeros(1 << TABLE_BITS, bool)
    marked[(some & mask).astype(np.int64)] = True
    return np.asarray(marked[(keys & mask).astype(np.int64)])


def _repeated(keys: Array) -> Array:
    """Where keys stand that are there more than once, increasing; keys alone sort far faster than with their places."""
    ordered = np.sort(keys)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return np.empty(0, np.int64)
    return np.flatnonzero(twice[np.minimum(np.searchsorted(twice, keys), len(twice) - 1)] == keys)


def copied_rows(train: Data, copies: Copies) -> Finding | None:
    """D403, of the training rows and what was counted."""
    count, test_rows, repeats = copies.copied, copies.test, copies.repeats
    if repeats > 1 and copies.distinct >= MIN_DISTINCT:
        text = (
            f"every row of the table is there {repeats} times or a multiple of that, as after a join with itself"
            f"{f': {count:,} of {test_rows:,} test rows are copies of training rows, so the score is too good' if count else ''}"
        )
    elif (
        test_rows >= MIN_TEST_ROWS
        and count >= max(FEWEST_COPIES, COPIED * test_rows)
        and not repeat_by_nature(train, copies.distinct, copies.pairs)
    ):
        text = (
            f"{count:,} of {test_rows:,} test rows ({count / test_rows:.0%}) are copies of training rows, so the score is too "
            f"good"
        )
    else:
        return None
    fix = ("leave out repeated rows before training", "--group COL")
    evidence = {"copies": count, "test": test_rows, "rows": copies.rows, "repeats": repeats}
    return Finding(code="D403", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def copies_of(p: Prepared, count: Copies) -> Finding | None:
    """D403, of what was counted of the features and the target alone.

    Rows with other texts are no copies, though a model sees no difference: names are left out of the features, and rare levels
    count as one. Where only a number that is left out tells rows apart, it is a note: it may know the rows, or count them.
    Of test rows of another file the features alone are at hand, and decide.
    """
    found = copied_rows(p.train, count)
    of_a_file = p.test is not None and not len(p.rows[1])
    if found is None or is_sparse(p.train.X) or of_a_file:
        return found
    texts, numbers = texts_of(p), _numbers_left_out(p)
    found = _copies_beside(p, texts) if texts else found
    if found is None or not numbers or _copies_beside(p, {**texts, **numbers}):
        return found
    listed = " and ".join(map(repr, numbers))
    text = f"{found.text}, unless {listed} does more than number the rows"
    return replace(found, level=Level.NOTE, text=text)


def texts_of(p: Prepared) -> dict[str, Array]:
    """Return the codes of all columns of text but the target, those that are left out too: {name: (rows of the table,)}."""
    columns = [c for c in p.table.columns if c.kind == Kind.CATEGORY and c.name != p.target.name]
    return {c.name: c.categorical.codes for c in columns}


def _numbers_left_out(p: Prepared) -> dict[str, Array]:
    """The columns of numbers that are no features: {name: (rows of the table,)}."""
    columns = [c for c in p.table.columns if c.name in p.schema.dropped and c.kind == Kind.NUMBER]
    return {c.name: c.values for c in columns}


def with_columns(data: Data, columns: Mapping[str, Array], rows: Array) -> Data:
    """Return rows with columns of the table (rows of the table,) beside their features.

    Args:
        rows: where they stand in the table.
    """
    return replace(data, X=np.column_stack([data.X, *(values[rows] for values in columns.values())]))


def _copies_beside(p: Prepared, columns: Mapping[str, Array]) -> Finding | None:
    """D403, of rows that are equal in columns of the table too."""
    rows, test_rows = p.rows
    train = with_columns(p.train, columns, rows)
    test = None if p.test is None else with_columns(p.test, columns, test_rows)
    return copied_rows(train, count_copies(train, test))


def repeat_by_nature(data: Data, different: int, pairs: int) -> bool:
    """Tell whether rows are alike because their columns have few values.

    Args:
        data: the rows, with a target of zeros where it does not count.
        different: different ones among them.
        pairs: of equal rows.

    They are where no two columns have new values in more than half of the different rows, or where columns that know nothing
    of each other would give as many pairs, up to a factor of CHANCE for what they know.
    """
    if is_sparse(data.X) or not data.features:
        return True
    X, y = data.X[:SUBSAMPLED], data.y[:SUBSAMPLED].reshape(min(data.rows, SUBSAMPLED), -1)
    times = [np.unique(values, return_counts=True)[1] for values in (*X.T, *y.T)]
    alike = np.prod([np.square(count / len(X)).sum() for count in times])  # chance that two rows have equal values
    if pairs <= CHANCE * alike * data.rows**2 / 2:
        return True
    distinct = np.array([len(count) for count in times[: data.features]])
    enough = min(different, len(X)) / 2
    richest = np.argsort(-distinct, kind="stable")[:RICHEST]
    mix = np.random.default_rng(0).uniform(1, 2, len(richest))
    tells_apart = (
        len(np.unique(X[:, richest[[i, j]]] @ mix[[i, j]])) >= enough for i in range(len(richest)) for j in range(i)
    )
    return not (distinct.max() >= enough or any(tells_apart))
