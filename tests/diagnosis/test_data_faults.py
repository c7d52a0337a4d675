"""Faults of data alone, at their borders; `test_tables` has each of them in a run."""

import numpy as np
import pandas as pd
import pytest

from descend.diagnosis import data_faults
from descend.table.data import Data
from descend.table.frames import from_frame
from descend.table.table import Column, Kind


def test_copies_are_those_that_pandas_counts():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, size=(300, 3)).astype(float), rng.integers(0, 2, 300).astype(float)
    table = pd.DataFrame(X).assign(y=y)
    found = data_faults.count_copies(Data(X[:200], y[:200]), Data(X[200:], y[200:]))
    known = set(map(tuple, table[:200].to_numpy()))
    assert (found.rows, found.distinct, found.test) == (300, len(table.drop_duplicates()), 100)
    assert found.copied == sum(tuple(row) in known for row in table[200:].to_numpy())
    assert found.repeats == np.gcd.reduce(table.value_counts().to_numpy())


def test_without_test_rows_only_what_repeats_as_a_whole_is_a_fault():
    X = np.random.default_rng(0).normal(size=(30, 2))
    once, thrice = Data(X, X[:, 0]), Data(np.tile(X, (3, 1)), np.tile(X[:, 0], 3))
    assert data_faults.copied_rows(once, data_faults.count_copies(once, None)) is None
    found = data_faults.copied_rows(thrice, data_faults.count_copies(thrice, None))
    assert found.text == "every row of the table is there 3 times or a multiple of that, as after a join with itself"


@pytest.mark.parametrize("values", [2, 5, 10**6], ids=["few values", "some", "continuous"])
@pytest.mark.parametrize("test_rows", [0, 90])
@pytest.mark.parametrize("looked_at", [30, 10**6], ids=["some first", "all"])
def test_rows_are_counted_as_by_comparing_them_all(values, test_rows, looked_at, monkeypatch):
    monkeypatch.setattr(data_faults, "SUBSAMPLED", looked_at)
    rng = np.random.default_rng(values)
    X, y = rng.integers(values, size=(300, 4)).astype(np.float64), rng.integers(2, size=300).astype(np.float64)
    X[250:270], y[250:270] = X[:20], y[:20]
    cut = 300 - test_rows
    _, first, times = np.unique(np.c_[X, y], axis=0, return_index=True, return_counts=True)
    known = {tuple(row) for row in np.c_[X, y][:cut].tolist()}

    found = data_faults.count_copies(Data(X[:cut], y[:cut]), Data(X[cut:], y[cut:]) if test_rows else None)

    assert (found.rows, found.test, found.distinct) == (300, test_rows, len(first))
    assert found.copied == sum(tuple(row) in known for row in np.c_[X, y][cut:].tolist())
    assert found.repeats == np.gcd.reduce(times)


def test_a_class_is_rare_among_all_and_beside_the_average():
    assert data_faults.rare_classes(np.array([91, 9])) == [1]
    assert data_faults.rare_classes(np.array([90, 10])) == []  # a tenth of the rows
    assert data_faults.rare_classes(np.full(20, 5)) == []  # each is as frequent as the others
    assert data_faults.rare_classes(np.array([200, 0, 3])) == [2]  # a class without rows is none


def test_rows_repeat_by_nature_where_no_two_columns_tell_them_apart():
    rng = np.random.default_rng(0)
    coarse = Data(rng.integers(0, 4, size=(300, 3)).astype(float), np.zeros(300))
    fine = Data(rng.integers(0, 40, size=(300, 3)).astype(float), np.zeros(300))
    assert not data_faults.mostly_distinct(coarse, 60)
    assert data_faults.mostly_distinct(fine, 300)
    twice = Data(np.tile(fine.X[:150], (2, 1)), np.zeros(300))
    assert data_faults.mostly_distinct(twice, 150)


@pytest.mark.parametrize(("odd", "said"), [(0, False), (1, True), (4, True), (5, False)])
def test_a_column_is_nearly_constant_up_to_a_hundredth_of_its_rows(odd, said):
    values = np.full(400, 3.0)
    values[:odd] = 5.0
    found = data_faults.nearly_constant([Column("c", Kind.NUMBER, values)])
    assert (found is not None) == said
    if found is not None:
        assert (found.level, found.evidence["column"], found.fix) == ("note", ["c"], ("--drop c",))


def test_a_level_that_almost_every_row_has_is_nearly_constant():
    cells = np.array(["no"] * 199 + ["yes"], object)
    found = data_faults.nearly_constant([Column("c", Kind.CATEGORY, cells)])
    assert found.evidence == {"column": ["c"], "others": [1]}


def test_of_a_long_table_a_nearly_constant_column_is_found_and_a_varied_one_is_not():
    rng = np.random.default_rng(0)
    rows = 3 * data_faults.SUBSAMPLED
    rare = np.zeros(rows)
    rare[rng.choice(rows, rows // 1000, replace=False)] = 1.0
    table = from_frame(
        pd.DataFrame({"rare": rare, "varied": rng.normal(size=rows), "tossed": rng.integers(2, size=rows) + 0.0})
    )
    found = data_faults.nearly_constant(table.columns)
    assert found.evidence == {"column": ["rare"], "others": [rows // 1000]}


@pytest.mark.parametrize(
    ("cell", "target", "shown"), [(0.0, 0.0, True), (1e9, 0.0, False), (0.0, 60.0, False), (0.0, 10.0, True)]
)
def test_a_part_shows_extreme_values_unless_all_rows_spread_further(cell, target, shown):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((4000, 2)), rng.standard_normal(4000)
    X[1, 0] += cell
    y[1] += target  # 60 add 0.9 to a variance of 1; outliers are at least 0.3 of all squares
    data = Data(X, y)
    assert data_faults.shown_by(data.take(np.arange(0, 4000, 40)), data) is shown


@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_where_no_test_row_looked_at_is_there_twice_no_others_are_counted(kind, monkeypatch):
    monkeypatch.setattr(data_faults, "SUBSAMPLED", 50)
    counted = []
    monkeypatch.setattr(data_faults, "_repeated", lambda keys: counted.append(len(keys)) or np.empty(0, np.int64))
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3000, 3)), rng.standard_normal(3000)
    y = y if kind == "regression" else (y > 0).astype(float)
    train, test = Data(X[:2000], y[:2000]), Data(X[2000:], y[2000:])

    found = data_faults.count_copies(train, test)

    assert (found.rows, found.distinct, found.test, found.copied, found.repeats) == (3000, 3000, 1000, 0, 1)
    assert counted == ([] if kind == "regression" else [3000])  # two classes tell no rows apart
    copied = Data(np.r_[X[:100], X[2100:]], np.r_[y[:100], y[2100:]])
    data_faults.count_copies(train, copied)
    assert counted[-1:] == [3000]


@pytest.mark.parametrize(("far", "value"), [(0, 0.0), (1, 300.0), (40, 60.0), (40, 10.0)])
def test_outliers_of_many_targets_are_found_as_among_few(far, value, monkeypatch):
    y = np.random.default_rng(0).standard_normal(5000)
    y[1 : 1 + 2 * far : 2] = value
    expected = data_faults.outlying_targets(y, np.arange(5000) + 1, 4000)
    monkeypatch.setattr(data_faults, "SUBSAMPLED", 500)
    assert data_faults.outlying_targets(y, np.arange(5000) + 1, 4000) == expected
    assert (expected is None) is (value < 20)
