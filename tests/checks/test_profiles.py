"""Columns as NumPy and pandas describe them."""

import numpy as np
import pandas as pd
import pytest

from descend.checks import facts as facts_file
from descend.checks.facts import Facts
from descend.checks.profiles import profiles
from descend.options import read_options


def profiled(table, target=None):
    facts = Facts.of(table, target, read_options({}), lambda note: None)
    return {p.name: p for p in profiles(facts)}


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=201), "k": rng.choice(list("uvw"), 201), "b": rng.random(201) > 0.3})
    table.loc[:9, "a"] = np.nan
    return table.assign(day=pd.date_range("2020-01-01", periods=201), y=table.a.fillna(0) + (table.k == "u"))


def test_numbers_are_described_as_by_pandas(table):
    a, known = profiled(table)["a"], table.a.describe()
    assert (a.missing, a.distinct, a.quantiles[0], a.quantiles[-1]) == (10, 191, known["min"], known["max"])
    assert (a.mean, a.spread) == (pytest.approx(known["mean"]), pytest.approx(table.a.std(ddof=0)))
    middle = np.quantile(table.a.dropna(), [0.25, 0.5, 0.75], method="nearest")
    assert a.quantiles[1:4] == pytest.approx(middle)
    assert a.counts == tuple(np.histogram(table.a.dropna(), bins=20)[0])


def test_levels_are_counted_the_most_frequent_first(table):
    k, b, counts = profiled(table)["k"], profiled(table)["b"], table.k.value_counts()
    assert (k.levels, k.distinct, k.mean, k.quantiles) == (tuple(zip(counts.index, counts, strict=True)), 3, None, ())
    assert b.levels == (("true", int(table.b.sum())), ("false", int((~table.b).sum())))


def test_days_have_quantiles_and_no_mean(table):
    day = profiled(table)["day"]
    assert (day.kind, day.mean, day.quantiles[0], day.quantiles[-1]) == ("date", None, 18262.0, 18462.0)


def test_a_column_without_a_cell_has_nothing(table):
    empty = profiled(table.assign(e=np.nan))["e"]
    assert (empty.missing, empty.distinct, empty.quantiles, empty.mean) == (201, 0, (), None)


def test_numbers_near_the_end_of_the_range():
    huge = profiled(pd.DataFrame({"a": [1e308, -1e308, 1e308, 3.0]}))["a"]
    assert (huge.quantiles[0], huge.quantiles[-1], sum(huge.counts)) == (-1e308, 1e308, 4)


def test_of_many_rows_the_sample_tells(monkeypatch):
    monkeypatch.setattr(facts_file, "SAMPLE", 1000)
    x = np.random.default_rng(0).normal(size=20_000)
    a = profiled(pd.DataFrame({"a": x}))["a"]
    assert (sum(a.counts), a.quantiles[0], a.mean) == (1000, x.min(), pytest.approx(x.mean()))
    assert abs(a.quantiles[2] - np.median(x)) < 4 * 1.2533 / np.sqrt(1000)  # the standard error of a median
    rare = np.full(20_000, np.nan)
    rare[3] = 5.0
    assert profiled(pd.DataFrame({"a": x, "r": rare}))["r"].quantiles == (5.0,) * 5
