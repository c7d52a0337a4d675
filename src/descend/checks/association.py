"""association: how columns go with the target, and with each other."""

import numpy as np

from descend.arrays import Array
from descend.checks.facts import Facts
from descend.checks.records import Correlation
from descend.metrics import correlation_ratio, cramers_v, mean_square_contingency
from descend.plots.scatter import Scatter
from descend.table.moments import Gram
from descend.table.table import Column, Kind

MOST_PAIRS = 50  # of correlated columns that are kept
MOST_PLACES = 400  # pairs of features from which those are taken: of two columns with levels there are many


def association(column: Column, facts: Facts) -> float | None:
    """Return how strongly a column goes with the target, on the sample; None without a target, and where neither varies.

    Pearson's r of two numbers; the correlation ratio of a number and of classes or levels; Cramér's V of levels and classes.
    """
    if facts.prepared is None or facts.targets is None or column.name == facts.target:
        return None
    found, y = facts.prepared.target, facts.targets
    rows = np.arange(facts.table.rows) if facts.sample is None else facts.sample
    rows = rows[~np.isnan(y[rows])]
    if column.kind != Kind.CATEGORY:
        return Scatter(column.name, column.values[rows], y[rows], None, found.classes).association
    if len(rows) < 2:
        return None
    level = column.categorical.codes[rows] + 1
    if level.min() == level.max():
        return None
    if not found.classes:
        return correlation_ratio(y[rows], level)
    levels, classes = (np.unique(one, return_inverse=True)[1] for one in (level, y[rows].astype(np.int64)))
    distance = np.array(mean_square_contingency(levels, classes))
    return float(cramers_v(distance, levels.max() + 1, classes.max() + 1, len(rows)))


def correlated(facts: Facts, gram: Gram) -> list[Correlation]:
    """Return the strongest correlation of each pair of columns, the strongest first; fifty at most.

    Two categories have Cramér's V, other pairs the largest r of their features. What says that a cell is missing is left
    out: columns are often missing together, and are not the same for that.
    """
    spread, names, owners = np.sqrt(np.diagonal(gram.G)), facts.schema.names, facts.owners
    r = gram.G / np.maximum(np.outer(spread, spread), 1e-300)
    r[owners[:, None] >= owners] = 0.0  # features of one column, and each pair once
    r[facts.flags], r[:, facts.flags] = 0.0, 0.0
    level = np.array([f.kind == Kind.CATEGORY for f in facts.schema.features])[owners]
    found = _associated(facts, gram, r, level & ~facts.flags)
    r[np.outer(level, level)] = 0.0
    size = np.abs(r).ravel()
    places = np.argpartition(size, -min(size.size, MOST_PLACES))[-MOST_PLACES:]
    best: dict[tuple[int, int], Correlation] = {}
    for place in places[np.argsort(-size[places], kind="stable")].tolist():
        i, j = divmod(place, len(names))
        if size[place] > 0:
            one = Correlation(names[i], names[j], facts.schema.features[owners[j]].column, float(r[i, j]))
            best.setdefault((int(owners[i]), int(owners[j])), one)
    return sorted([*best.values(), *found], key=lambda p: -abs(p.r))[:MOST_PAIRS]


def _associated(facts: Facts, gram: Gram, r: Array, level: Array) -> list[Correlation]:
    """Cramér's V of each two categories from the correlations r of their levels, each pair once.

    Of levels with the shares p and q, φ² is the sum of r² (1 − p) (1 − q), so that no row is read again.
    """
    share = gram.mean * facts.scale.width + facts.scale.center
    absent = np.where(level, 1 - share, 0.0)
    of_column = np.zeros((len(share), len(facts.schema.features)))
    of_column[np.arange(len(share)), facts.owners] = absent
    levels = np.bincount(facts.owners, level, len(facts.schema.features))
    v = cramers_v(of_column.T @ r**2 @ of_column, levels[:, None], levels, gram.rows)
    columns = [f.column for f in facts.schema.features]
    pairs = [(float(v[i, j]), i, j) for i, j in np.argwhere(v > 0).tolist()]
    return [
        Correlation(columns[i], columns[j], columns[j], one, "V")
        for one, i, j in sorted(pairs, reverse=True)[:MOST_PAIRS]
    ]
