"""How columns go together, as NumPy, pandas and scipy say."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency

from descend.checks.association import association, correlated
from descend.checks.facts import Facts
from descend.options import read_options


def facts_of(table, target=None):
    return Facts.of(table, target, read_options({}), lambda note: None)


def associated(table, target):
    facts = facts_of(table, target)
    return {c.name: association(c, facts) for c in facts.table.columns}


def corrected_v(one, other):
    """Cramér's V by scipy's chi squared, less what chance has in it (Bergsma 2013)."""
    counts = pd.crosstab(one, other)
    n, (k, m) = len(one), counts.shape
    left = max(0.0, chi2_contingency(counts, correction=False).statistic / n - (k - 1) * (m - 1) / (n - 1))
    return np.sqrt(left / min(k - (k - 1) ** 2 / (n - 1) - 1, m - (m - 1) ** 2 / (n - 1) - 1))


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=201), "k": rng.choice(list("uvw"), 201), "b": rng.random(201) > 0.3})
    table.loc[:9, "a"] = np.nan
    table["j"] = np.where(rng.random(201) < 0.6, table.k.map({"u": "x", "v": "x", "w": "z"}), "q")
    return table.assign(y=table.a.fillna(0) + (table.k == "u"))


def test_numbers_have_numpys_correlation_and_else_the_correlation_ratio(table):
    found, rest = associated(table, "y"), table.dropna()
    assert found["a"] == pytest.approx(np.corrcoef(rest.a, rest.y)[0, 1])
    between = table.groupby("k").y.transform("mean")
    assert found["k"] == pytest.approx(between.std() / table.y.std())
    assert found["y"] is None
    means = rest.groupby("k").a.transform("mean")
    assert associated(table, "k")["a"] == pytest.approx(means.std(ddof=0) / rest.a.std(ddof=0))


def test_levels_and_classes_have_cramers_v(table):
    assert associated(table, "k")["j"] == pytest.approx(corrected_v(table.k, table.j))
    assert 0.3 < corrected_v(table.k, table.j) < 0.9
    assert associated(table.assign(j=table.k), "k")["j"] == pytest.approx(1.0)
    assert associated(table.assign(j="same"), "k")["j"] is None


def test_levels_that_have_nothing_to_do_with_classes_have_about_none(table):
    rng = np.random.default_rng(1)
    town = rng.choice([f"town {k}" for k in range(30)], 2000)
    assert associated(pd.DataFrame({"town": town, "k": rng.choice(list("uv"), 2000)}), "k")["town"] < 0.06


def test_each_two_columns_are_compared_once_categories_by_cramers_v(table):
    facts = facts_of(table.drop(columns="y"))
    found = {
        frozenset((p.first.partition("=")[0], p.second.partition("=")[0])): p for p in correlated(facts, facts.gram)
    }
    assert set(found) == {
        frozenset(p) for p in (("a", "k"), ("a", "b"), ("a", "j"), ("k", "b"), ("k", "j"), ("b", "j"))
    }
    both = found[frozenset(("k", "j"))]
    assert (both.first, both.second, both.column, both.measure) == ("k", "j", "j", "V")
    assert both.r == pytest.approx(corrected_v(table.k, table.j))
    level = found[frozenset(("k", "b"))]
    exact = {f"k={k}": np.corrcoef(table.k == k, table.b)[0, 1] for k in "uvw"}
    assert (level.measure, level.r) == ("r", pytest.approx(max(exact.values(), key=abs)))


def test_without_scaling_it_is_the_same(table):
    facts = Facts.of(table.drop(columns="y"), None, read_options({"scale": False}), lambda note: None)
    v = next(p.r for p in correlated(facts, facts.gram) if p.measure == "V")
    assert v == pytest.approx(corrected_v(table.k, table.j))
