"""Faults of data alone, at their borders; `test_tables` has each of them in a run."""

import numpy as np
import pandas as pd
import pytest

from descend.diagnosis import data_faults
from descend.metrics import auc
from descend.table.data import Data


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("strength", [0.0, 0.9, 0.999, 0.99999999, 1.0])
def test_of_many_rows_a_part_tells_no_column_wrongly_off(classes, strength):
    """Where a part of the rows is enough to say no, all rows would have said so too."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=50_000)
    x = strength * y + np.sqrt(1 - strength**2) * rng.normal(size=50_000)
    target = (y > 0).astype(float) if classes else y
    found = (data_faults.orderings if classes else data_faults.correlations)(x[:, None], target)[0]
    exact = abs(2 * auc(target.astype(int), x) - 1) if classes else abs(np.corrcoef(x, target)[0, 1])

    assert (found > data_faults.LEAK) == (exact > data_faults.LEAK)
    assert found == 0.0 or found == pytest.approx(exact)


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
def test_rows_are_counted_as_by_comparing_them_all(values, test_rows):
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


def test_successive_values_are_compared_in_the_order_of_time():
    rng = np.random.default_rng(0)
    time = rng.permutation(300).astype(float)
    walk = np.cumsum(rng.normal(size=300))
    values = walk[time.astype(int)][:, None]
    a = walk - walk.mean()
    exact = np.corrcoef(a[1:], a[:-1])[0, 1]
    assert data_faults.autocorrelation(time, values) == pytest.approx(exact, abs=1e-3)
    assert data_faults.autocorrelation(time, rng.normal(size=(300, 1))) is None
    assert data_faults.autocorrelation(time[:19], values[:19]) is None  # too few times
