"""Rows that are there more than once; `test_tables` has them in a run."""

import numpy as np
import pandas as pd
import pytest

from descend.diagnosis import copies
from descend.table.data import Data


def test_copies_are_those_that_pandas_counts():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, size=(300, 3)).astype(float), rng.integers(0, 2, 300).astype(float)
    table = pd.DataFrame(X).assign(y=y)
    found = copies.count_copies(Data(X[:200], y[:200]), Data(X[200:], y[200:]))
    known = set(map(tuple, table[:200].to_numpy()))
    assert (found.rows, found.distinct, found.test) == (300, len(table.drop_duplicates()), 100)
    assert found.copied == sum(tuple(row) in known for row in table[200:].to_numpy())
    assert found.repeats == np.gcd.reduce(table.value_counts().to_numpy())


def test_without_test_rows_only_what_repeats_as_a_whole_is_a_fault():
    X = np.random.default_rng(0).normal(size=(30, 2))
    once, thrice = Data(X, X[:, 0]), Data(np.tile(X, (3, 1)), np.tile(X[:, 0], 3))
    assert copies.copied_rows(once, copies.count_copies(once, None)) is None
    found = copies.copied_rows(thrice, copies.count_copies(thrice, None))
    assert found.text == "every row of the table is there 3 times or a multiple of that, as after a join with itself"


@pytest.mark.parametrize("values", [2, 5, 10**6], ids=["few values", "some", "continuous"])
@pytest.mark.parametrize("test_rows", [0, 90])
@pytest.mark.parametrize("looked_at", [30, 10**6], ids=["some first", "all"])
def test_rows_are_counted_as_by_comparing_them_all(values, test_rows, looked_at, monkeypatch):
    monkeypatch.setattr(copies, "SUBSAMPLED", looked_at)
    rng = np.random.default_rng(values)
    X, y = rng.integers(values, size=(300, 4)).astype(np.float64), rng.integers(2, size=300).astype(np.float64)
    X[250:270], y[250:270] = X[:20], y[:20]
    cut = 300 - test_rows
    _, first, times = np.unique(np.c_[X, y], axis=0, return_index=True, return_counts=True)
    known = {tuple(row) for row in np.c_[X, y][:cut].tolist()}

    found = copies.count_copies(Data(X[:cut], y[:cut]), Data(X[cut:], y[cut:]) if test_rows else None)

    assert (found.rows, found.test, found.distinct) == (300, test_rows, len(first))
    assert found.copied == sum(tuple(row) in known for row in np.c_[X, y][cut:].tolist())
    assert found.repeats == np.gcd.reduce(times)


def test_rows_repeat_by_nature_where_no_two_columns_tell_them_apart():
    rng = np.random.default_rng(0)
    coarse = Data(rng.integers(0, 4, size=(300, 3)).astype(float), np.zeros(300))
    fine = Data(rng.integers(0, 40, size=(300, 3)).astype(float), np.zeros(300))
    assert copies.repeat_by_nature(coarse, 60, 10**5)
    assert not copies.repeat_by_nature(fine, 300, 60)
    twice = Data(np.tile(fine.X[:150], (2, 1)), np.zeros(300))
    assert not copies.repeat_by_nature(twice, 150, 150)


@pytest.mark.parametrize(("pairs", "natural"), [(500, True), (5000, False)])
def test_rows_repeat_by_nature_as_often_as_columns_that_know_nothing_of_each_other(pairs, natural):
    X = np.random.default_rng(0).integers(0, [20, 30], size=(600, 2)).astype(float)  # 180,000 pairs, one in 600 equal
    assert copies.repeat_by_nature(Data(X, np.zeros(600)), len(np.unique(X, axis=0)), pairs) == natural


@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_where_no_test_row_looked_at_is_there_twice_no_others_are_counted(kind, monkeypatch):
    monkeypatch.setattr(copies, "SUBSAMPLED", 50)
    counted = []
    monkeypatch.setattr(copies, "_repeated", lambda keys: counted.append(len(keys)) or np.empty(0, np.int64))
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3000, 3)), rng.standard_normal(3000)
    y = y if kind == "regression" else (y > 0).astype(float)
    train, test = Data(X[:2000], y[:2000]), Data(X[2000:], y[2000:])

    found = copies.count_copies(train, test)

    assert (found.rows, found.distinct, found.test, found.copied, found.repeats) == (3000, 3000, 1000, 0, 1)
    assert counted == ([] if kind == "regression" else [3000])  # two classes tell no rows apart
    copied = Data(np.r_[X[:100], X[2100:]], np.r_[y[:100], y[2100:]])
    copies.count_copies(train, copied)
    assert counted[-1:] == [3000]
