"""What is known about a fit is computed when it is read, and never from rows that have changed since."""

import pickle

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from descend import DescentClassifier, DescentRegressor
from descend.diagnosis.verdict import judge
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


@pytest.fixture
def large(monkeypatch):
    """Every table is large, and 100 rows of it are kept."""
    monkeypatch.setattr("descend.estimators.base.LARGE_CELLS", 10)
    monkeypatch.setattr(module, "ROWS_KEPT", 100)


@pytest.mark.parametrize("kind", [DescentRegressor, DescentClassifier])
def test_of_a_large_table_a_few_rows_are_kept_that_tell_what_all_would(table, large, monkeypatch, kind):
    judged = []
    monkeypatch.setattr(module, "judge", lambda *a, **k: judged.append(1) or judge(*a, **k))
    X, y = table[0].copy(), table[1] if kind is DescentRegressor else (table[1] > 0).astype(int)

    model = kind(random_state=0, tol=1e-8).fit(X, y)

    assert not judged
    assert model._insights._result.fit.problem.data.rows == 100
    assert model._insights._result.fit.problem.data.gram().rows == 200
    loss, gap = model.loss_curve_[-1], model.gap_
    X[:] = 1e9
    monkeypatch.setattr("descend.estimators.base.LARGE_CELLS", 10**9)
    expected = kind(random_state=0, tol=1e-8).fit(*((table[0], y)))
    assert (loss, gap) == (expected.loss_curve_[-1], expected.gap_)
    for name in ("verdict_", "curvature_", "stability_limit_"):
        assert getattr(model, name) == getattr(expected, name)
    assert [f.code for f in model.findings_] == [f.code for f in expected.findings_]
    assert {k: v["source"] for k, v in model.why_.items()} == {k: v["source"] for k, v in expected.why_.items()}
    assert pickle.loads(pickle.dumps(model)).verdict_ == model.verdict_


def test_where_a_few_rows_may_not_show_a_fault_all_are_read_at_once(table, large):
    X, y = table[0].copy(), table[1].copy()
    y[1] = 1e4  # the second row is not among the 100 that are kept

    model = DescentRegressor(random_state=0).fit(X, y)

    assert model._insights._search is None
    assert "row 2 the farthest" in next(f.text for f in model.findings_ if f.code == "D405")


def test_networks_are_judged_at_once(table, large):
    model = DescentRegressor(hidden_layer_sizes=(3,), early_stopping=False, max_epochs=20, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(*table)
    assert model._insights._search is None


def test_a_warning_is_about_training_and_looks_at_no_data(table, monkeypatch):
    monkeypatch.setattr(module, "judge", lambda *a, **k: pytest.fail("all findings were asked for"))
    with pytest.warns(ConvergenceWarning, match="^D201 not converged in 2 epochs"):
        DescentRegressor(optimizer="sgd", lr=1e-4, batch_size=1, max_epochs=2, tol=0, random_state=0).fit(*table)


def test_nothing_is_known_before_a_fit_and_after_more_rows(table):
    model = DescentClassifier(random_state=0)
    assert not any(hasattr(model, name) for name in NAMES)
    model.fit(table[0], table[1] > 0)
    assert all(hasattr(model, name) for name in NAMES)
    model.partial_fit(table[0], table[1] > 0)
    with pytest.raises(AttributeError) as caught:
        _ = model.why_
    assert str(caught.value) == "DescentClassifier knows this of a fit alone, until partial_fit moves on"
