"""What is known about a fit is computed when it is read, and never from rows that have changed since."""

import pickle

import numpy as np
import pytest

from descend import DescentClassifier, DescentRegressor
from descend.estimators import insights as module

NAMES = ("verdict_", "findings_", "gap_", "curvature_", "stability_limit_", "why_")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 * rng.normal(size=200)


def test_a_fit_that_converges_is_judged_when_it_is_asked(table, monkeypatch):
    judged = []
    monkeypatch.setattr(module, "judge", lambda *a, **k: judged.append(1) or ("verdict", ("finding",)))

    model = DescentRegressor(random_state=0).fit(*table)

    assert not judged
    assert (model.verdict_, model.findings_, model.verdict_) == ("verdict", ("finding",), "verdict")
    assert judged == [1]


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"hidden_layer_sizes": (4,), "early_stopping": False}])
def test_rows_that_change_after_a_fit_do_not_count(table, options):
    X, y = table[0].copy(), table[1].copy()
    expected = DescentRegressor(random_state=0, max_epochs=500, **options).fit(*table)
    changed = DescentRegressor(random_state=0, max_epochs=500, **options).fit(X, y)

    X[:], y[:] = 1e9, -1e9

    assert repr([getattr(changed, name) for name in NAMES]) == repr([getattr(expected, name) for name in NAMES])


def test_a_pickle_holds_what_is_known_and_no_rows(table):
    X, y = np.repeat(table[0], 50, axis=0), np.repeat(table[1], 50)
    model = DescentRegressor(random_state=0).fit(X, y)

    packed = pickle.dumps(model)

    assert len(packed) < X.nbytes / 4
    again = pickle.loads(packed)
    assert repr([getattr(again, name) for name in NAMES]) == repr([getattr(model, name) for name in NAMES])


def test_a_large_table_is_let_go_at_once(table, monkeypatch):
    monkeypatch.setattr("descend.estimators.base.LARGE_CELLS", 10)
    model = DescentRegressor(random_state=0).fit(*table)
    assert model._insights._search is None
    assert model.verdict_.status == "converged"


def test_nothing_is_known_before_a_fit_and_after_more_rows(table):
    model = DescentClassifier(random_state=0)
    assert not any(hasattr(model, name) for name in NAMES)
    model.fit(table[0], table[1] > 0)
    assert all(hasattr(model, name) for name in NAMES)
    model.partial_fit(table[0], table[1] > 0)
    with pytest.raises(AttributeError) as caught:
        _ = model.why_
    assert str(caught.value) == "DescentClassifier knows this of a fit alone, until partial_fit moves on"
