"""D4, of labels: rows that contradict each other, and labels that may be wrong."""

from dataclasses import dataclass, replace

import numpy as np

from descend.arrays import Array
from descend.diagnosis.copies import pairs_among, repeat_by_nature, texts_of, with_columns
from descend.diagnosis.evidence import Evidence
from descend.diagnosis.finding import Entry, Finding, Level
from descend.diagnosis.formatting import percent
from descend.diagnosis.leaks import ranks
from descend.diagnosis.rows import row_keys
from descend.sparse import is_sparse
from descend.table.data import Data

CONTRADICTING = 0.05  # share of the rows (arbitrary: a few twins with other outcomes are natural)
MANY = 0.1  # the same, for a warning: of people who were measured often, 7 % were alike at two ages that were to be told apart
MIN_ROWS = 60  # from which labels are judged (arbitrary)
MOST_ROWS = 20_000  # that are looked at: bounds the work
MOST_FEATURES = 300
ROWS_A_FEATURE = 3.0  # at least: with fewer, the prediction of a row that is left out means nothing
PENALTY = 1e-3  # of the reference model, times the rows: for columns that depend on each other
SKILL = 0.55  # share of the rows beside the most frequent class that the model must get right: then a wrong row says something of its label
# Of the wrong rows, those that are farther from the border than FARTHER of the right ones, and whose neighbours belong to the other
# class. Measured on 90 real tables with classes and on 90 where labels were flipped: these thresholds name 5 and 57.
FARTHER = 0.6
NEIGHBOURS = 10
AGREEING = 0.7  # share of the neighbours in the class that is predicted, less the share in the row's own
FAR_SHARE = 0.07
FEWEST_FAR = 2  # rows that are wrong, far and contradicted
ROWS_IN_TEXT, ROWS_IN_EVIDENCE = 5, 100


def _classes(e: Evidence) -> int:
    """The number of classes of the target; 0 for numbers."""
    return len(e.prepared.target.classes) if e.prepared is not None else 0


def _all_rows(e: Evidence) -> tuple[Data, Array]:
    """Training and test rows as one table, and where they stand in what was read."""
    assert e.prepared is not None
    train, test = e.prepared.train, e.prepared.test
    if test is None or not len(e.prepared.rows[1]):
        return replace(train, sample_weight=None), e.prepared.rows[0]
    X, y = np.concatenate([train.X, test.X]), np.concatenate([train.y, test.y])
    return replace(train, X=X, y=y, sample_weight=None), np.concatenate(e.prepared.rows)


def contradicting(e: Evidence) -> Finding | None:
    """D410."""
    if not _classes(e) or e.prepared is None or is_sparse(e.problem.data.X) or e.prepared.train.rows > MOST_ROWS:
        return None
    data, places = _all_rows(e)
    numbers = e.prepared.numbers_of(places)
    alike = replace(data, y=np.zeros(data.rows))
    named = with_columns(alike, texts_of(e.prepared), places)  # rows of other names contradict nothing
    keys = row_keys(named)
    _, at, count = np.unique(keys, return_inverse=True, return_counts=True)
    lowest, highest = np.full(len(count), np.inf), np.full(len(count), -np.inf)
    np.minimum.at(lowest, at, data.y)
    np.maximum.at(highest, at, data.y)
    rows = np.flatnonzero((lowest < highest)[at])
    if not len(rows) > CONTRADICTING * data.rows or repeat_by_nature(named, len(count), pairs_among(count)):
        return None
    twin = numbers[rows[at[rows] == at[rows[0]]]][:2]
    text = (
        f"labels contradict each other: {len(rows):,} of {data.rows:,} rows ({percent(len(rows) / data.rows)}) have the same "
        f"features as a row of another class, such as rows {twin[0]} and {twin[1]}; no model can be right about both"
    )
    evidence = {"rows": numbers[rows][:ROWS_IN_EVIDENCE].tolist(), "count": len(rows), "share": len(rows) / data.rows}
    fix = ("keep one row of each, with the label that is right", "add the column that tells them apart")
    level = Level.WARNING if len(rows) > MANY * data.rows else Level.NOTE
    return Finding(code="D410", level=level, text=text, evidence=evidence, fix=fix)


@dataclass(frozen=True, eq=False)
class Margins:
    """What a model that has not seen a row says of its label.

    Args:
        margin: score of the row's own class minus the best other one (rows,); negative where another class is predicted.
        predicted: the class that is predicted (rows,).
        places: the ranks of the columns, each times what the model makes of it (rows, columns): rows near each other look alike to it.
    """

    margin: Array
    predicted: Array
    places: Array


def left_out_margins(X: Array, y: Array, classes: int) -> Margins:
    """Return margins by least squares of indicators of the classes on ranks of the columns, each row predicted without itself.

    The prediction of a row that is left out follows from the one with it and the row's leverage h: (z - h y) / (1 - h)
    (Allen 1974), so that no model is fitted twice.
    """
    X = np.column_stack([ranks(x) for x in X.T])
    X = X - X.mean(axis=0)
    X = X / np.maximum(X.std(axis=0), 1e-300)
    Y = np.eye(classes)[y.astype(np.int64)]
    mean = Y.mean(axis=0)
    G = X.T @ X
    G[np.diag_indices_from(G)] += PENALTY * len(X)
    half = np.linalg.solve(G, X.T)
    leverage = np.minimum((X.T * half).sum(axis=0) + 1 / len(X), 0.99)[:, None]
    weights = half @ (Y - mean)
    z = X @ weights + mean
    z = (z - leverage * Y) / (1 - leverage)
    rows, own = np.arange(len(y)), y.astype(np.int64)
    others = z.copy()
    others[rows, own] = -np.inf
    return Margins(z[rows, own] - others.max(axis=1), z.argmax(axis=1), X * np.abs(weights).sum(axis=1))


def contradicted(found: Margins, y: Array, rows: Array) -> Array:
    """Return which of some rows are surrounded by the class that is predicted of them, and not by their own (rows,).

    A border that is no plane puts whole clusters on its wrong side; their rows have neighbours of their own class (Wilson 1972).
    """
    kept = []
    for row in rows:
        distance = np.square(found.places - found.places[row]).sum(axis=1)
        distance[row] = np.inf
        near = y[np.argpartition(distance, NEIGHBOURS)[:NEIGHBOURS]]
        kept.append(np.mean(near == found.predicted[row]) - np.mean(near == y[row]) > AGREEING)
    return np.asarray(rows[np.array(kept, bool)])


def flipped(e: Evidence) -> Finding | None:
    """D411."""
    k, data = _classes(e), e.problem.data
    if not k or is_sparse(data.X) or data.features > MOST_FEATURES or e.prepared is None:
        return None
    data, places = _all_rows(e)
    if not MIN_ROWS <= data.rows <= MOST_ROWS or data.rows < ROWS_A_FEATURE * data.features:
        return None
    usual = float(np.bincount(data.y.astype(np.int64)).max() / data.rows)
    found = left_out_margins(np.asarray(data.X, np.float64), data.y, k)
    right = found.margin > 0
    wrong = int((~right).sum())
    if not right.mean() - usual > SKILL * (1 - usual) or wrong < FEWEST_FAR:
        return None
    far = np.flatnonzero(found.margin < -np.quantile(found.margin[right], FARTHER))
    if len(far) < max(FEWEST_FAR, FAR_SHARE * wrong):
        return None
    far = contradicted(found, data.y, far[np.argsort(found.margin[far], kind="stable")])
    if len(far) < max(FEWEST_FAR, FAR_SHARE * wrong):
        return None
    rows = e.prepared.numbers_of(places[far])
    listed = ", ".join(str(int(r)) for r in rows[:ROWS_IN_TEXT]) + (", …" if len(rows) > ROWS_IN_TEXT else "")
    names = e.prepared.target.classes
    first = far[0]
    text = (
        f"{len(far):,} labels may be wrong: a linear model that has not seen the row is right about {right.mean():.0%} of all "
        f"rows, and it and the rows nearby say that these have another class: rows {listed}; row {rows[0]} says "
        f"{names[int(data.y[first])]!r} and looks like {names[int(found.predicted[first])]!r}"
    )
    evidence = {"rows": rows[:ROWS_IN_EVIDENCE].tolist(), "count": len(far), "right": float(right.mean())}
    fix = ("look at these rows, and correct their labels or leave them out",)
    return Finding(code="D411", level=Level.NOTE, text=text, evidence=evidence, fix=fix)


CHECKS = (contradicting, flipped)

ENTRIES = (
    Entry(
        code="D410",
        title="labels contradict each other",
        meaning="Rows that are equal in every column have different classes. No model can be right about both, and a score can "
        "never be better than their majority.",
        detected=f"More than {CONTRADICTING:.0%} of the rows, training and test rows together, equal a row of another class in all "
        "features, and in texts of which these know less, although rows do not repeat by nature, as for D403. A warning "
        f"above {MANY:.0%}.",
        fixes="Keep one row of each with the label that is right; or add the column that tells them apart.",
        reference="Northcutt, Athalye and Mueller 2021",
    ),
    Entry(
        code="D411",
        title="labels that may be wrong",
        meaning="Some rows look in all columns like another class than their own. In a table where the classes are told apart well, "
        "such rows are mostly slips of the pen.",
        detected="A linear model predicts each row without having seen it. Of the rows beside the most frequent class it gets more than "
        f"{SKILL:.0%} right, and of those it gets wrong at least {FAR_SHARE:.0%}, and {FEWEST_FAR} rows, are farther from the border than "
        f"{FARTHER:.0%} of the rows that it gets right, while their {NEIGHBOURS} nearest rows belong to the class that is predicted. "
        "Natural errors lie near the border, or beside rows of their own class. A note, since unusual rows that are right look alike.",
        fixes="Look at the rows that are named: correct or leave them out.",
        reference="Wilson 1972; Allen 1974; Northcutt, Jiang and Chuang 2021",
    ),
)
