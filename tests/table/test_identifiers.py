"""A column that counts the rows is an identifier; a year, and a count that the target follows, are not."""

import numpy as np
import pandas as pd
import pytest

from descend.table.columns import fit_schema
from descend.table.frames import from_frame
from descend.table.identifiers import follows_rows, names_rows, numbers_rows
from descend.table.table import Column, Kind

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=200)


def counting(name="n", first=1, rows=200):
    return Column(name, Kind.NUMBER, np.arange(first, first + rows, dtype=float))


@pytest.mark.parametrize(
    ("target", "classes", "follows"),
    [(NOISE, False, False), (NOISE + np.arange(200) / 50, False, True), (np.arange(200) * 2.0 + 1, False, True),
     (np.sort(NOISE), False, False), (-np.sort(NOISE), False, False), (np.sin(np.arange(200) / 20) + 0.1 * NOISE, False, True),
     (RNG.integers(0, 3, 200).astype(float), True, False), (np.repeat([0.0, 1.0, 2.0, 3.0], 50), True, False),
     ((NOISE + np.arange(200) / 30 > 3).astype(float), True, True), (np.full(200, 4.0), False, False), (NOISE[:10], False, False)],
)  # fmt: skip
def test_targets_that_follow_the_rows(target, classes, follows):
    assert follows_rows(target, classes) == follows


def test_the_ranks_test_is_that_of_scipy():
    from scipy.stats import kruskal

    hits = 0
    for seed in range(200):
        y = np.random.default_rng(seed).integers(0, 8, 100) + np.arange(100) / 40
        hits += follows_rows(y, False) == (kruskal(*np.split(y, 10)).pvalue < 0.001)
    assert hits == 200


def test_the_test_of_classes_is_that_of_scipy():
    from scipy.stats import chi2_contingency

    hits = 0
    for seed in range(200):
        y = (np.random.default_rng(seed).normal(size=100) + np.arange(100) / 60 > 0.8).astype(float)
        table = np.array([np.bincount(b.astype(int), minlength=2) for b in np.split(y, 10)])
        hits += follows_rows(y, True) == (chi2_contingency(table, correction=False).pvalue < 0.001)
    assert hits == 200


@pytest.mark.parametrize(
    ("column", "target", "reason"),
    [(counting(), NOISE, "identifier: it numbers the rows from 1 to 200"), (counting(), None, "identifier: it numbers the rows from 1 to 200"),
     (counting("week"), NOISE + np.arange(200) / 20, None), (counting("row id"), NOISE + np.arange(200) / 20, "identifier: it numbers the rows from 1 to 200"),
     (counting("Unnamed: 0", 0), np.arange(200.0), "identifier: it numbers the rows from 0 to 199"), (counting(first=1820), NOISE, None),
     (counting(first=10_001), NOISE, "identifier: it numbers the rows from 10001 to 10200"),
     (Column("n", Kind.NUMBER, RNG.permutation(200).astype(float)), NOISE, None), (Column("n", Kind.NUMBER, np.arange(200) / 2), NOISE, None),
     (counting(rows=10), NOISE[:10], None), (Column("n", Kind.DATE, np.arange(200.0)), NOISE, None)],
)  # fmt: skip
def test_counts_of_the_rows(column, target, reason):
    assert numbers_rows(column, target, False) == reason


def test_text_that_is_new_in_each_row():
    column = Column("k", Kind.CATEGORY, np.array([f"k{i}" for i in range(40)], object))
    assert names_rows(column, 40) == "identifier: 40 levels in 40 rows"
    assert names_rows(column, 30) is None


def test_what_is_asked_for_by_name_is_no_identifier():
    frame = pd.DataFrame({"id": range(60), "key": [f"k{i}" for i in range(60)], "x": NOISE[:60]})
    assert set(fit_schema(from_frame(frame)).dropped) == {"id", "key"}
    assert fit_schema(from_frame(frame), asked=("id", "key", "x")).dropped == {}


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_year_is_used_whatever_the_order(shuffled):
    frame = pd.DataFrame({"year": np.arange(1950, 2021), "rain": NOISE[:71]})
    frame = frame.sample(frac=1, random_state=0) if shuffled else frame
    assert fit_schema(from_frame(frame), target=NOISE[:71]).names == ("year", "rain")
