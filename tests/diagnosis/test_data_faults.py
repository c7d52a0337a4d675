"""Faults of data alone, at their borders; `test_tables` has each of them in a run."""

import numpy as np
import pandas as pd
import pytest

from descend.diagnosis import data_faults
from descend.table.data import Data
from descend.table.frames import from_frame
from descend.table.table import Column, Kind


def test_a_class_is_rare_among_all_and_beside_the_average():
    assert data_faults.rare_classes(np.array([91, 9])) == [1]
    assert data_faults.rare_classes(np.array([90, 10])) == []  # a tenth of the rows
    assert data_faults.rare_classes(np.full(20, 5)) == []  # each is as frequent as the others
    assert data_faults.rare_classes(np.array([200, 0, 3])) == [2]  # a class without rows is none


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


@pytest.mark.parametrize(("far", "value"), [(0, 0.0), (1, 300.0), (40, 60.0), (40, 10.0)])
def test_outliers_of_many_targets_are_found_as_among_few(far, value, monkeypatch):
    y = np.random.default_rng(0).standard_normal(5000)
    y[1 : 1 + 2 * far : 2] = value
    expected = data_faults.outlying_targets(y, np.arange(5000) + 1, 4000)
    monkeypatch.setattr(data_faults, "SUBSAMPLED", 500)
    assert data_faults.outlying_targets(y, np.arange(5000) + 1, 4000) == expected
    assert (expected is None) is (value < 20)
