"""profiles: what each column holds: its values, how often they are missing, and how they go with the target."""

from dataclasses import replace

import numpy as np

from descend.arrays import Array
from descend.checks.association import association
from descend.checks.facts import Facts
from descend.checks.records import MOST_LEVELS, ColumnProfile
from descend.table.table import Column, Kind

BINS = 20  # of a histogram: a screen of 240 pixels then has 12 for each
QUANTILES = (0.25, 0.5, 0.75)
WORDS = ("false", "true")


def profiles(facts: Facts) -> tuple[ColumnProfile, ...]:
    """Return what each column holds, in the order of the table."""
    return tuple(_profile(column, facts) for column in facts.table.columns)


def _profile(column: Column, facts: Facts) -> ColumnProfile:
    missing = column.is_missing
    plain = ColumnProfile(
        name=column.name, kind=column.kind.value, missing=int(missing.sum()), used_as=facts.uses[column.name], distinct=0,
        association=association(column, facts),
    )  # fmt: skip
    if plain.missing == len(missing):
        return plain
    with np.errstate(over="ignore", invalid="ignore"):  # the squares of huge numbers
        if column.kind in (Kind.CATEGORY, Kind.BOOLEAN):
            return _with_levels(plain, column)
        return _with_numbers(plain, column.values if plain.missing == 0 else column.values[~missing], column, facts)


def _with_numbers(plain: ColumnProfile, present: Array, column: Column, facts: Facts) -> ColumnProfile:
    some = column.values if facts.sample is None else column.values[facts.sample]
    some = np.sort(some[~np.isnan(some)])
    some = np.sort(present[:1]) if len(some) == 0 else some  # so few cells that the sample has none
    low, high = column.ends
    inner = some[(np.array(QUANTILES) * (len(some) - 1)).round().astype(np.int64)]
    share = np.arange(1, BINS) / BINS
    within = (1 - share) * low + share * high  # the span itself may be beyond float64
    counts = np.diff(np.r_[0, np.searchsorted(some, within), len(some)])
    number = column.kind == Kind.NUMBER
    return replace(
        plain, distinct=1 + int(np.count_nonzero(np.diff(some))), mean=float(present.mean()) if number else None,
        spread=float(present.std()) if number else None, quantiles=(low, *inner.tolist(), high), counts=tuple(counts.tolist()),
    )  # fmt: skip


def _with_levels(plain: ColumnProfile, column: Column) -> ColumnProfile:
    if column.kind == Kind.BOOLEAN:
        names, counts = np.array(WORDS, object), np.array([(column.values == k).sum() for k in (0, 1)])
    else:
        names, counts = column.categorical.categories, column.categorical.counts
    order = [k for k in np.argsort(-counts, kind="stable")[:MOST_LEVELS] if counts[k]]
    return replace(
        plain, distinct=int(np.count_nonzero(counts)), levels=tuple((str(names[k]), int(counts[k])) for k in order)
    )  # fmt: skip
