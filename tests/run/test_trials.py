"""Rows of the table of runs."""

import numpy as np
import pytest

import descend as ds
from descend.search import sample


def test_the_spread_is_the_standard_deviation_over_seeds(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="minibatch", lr=0.01, seeds=4, max_epochs=20, progress=False)
    assert [t.seed for t in run.tried] == [0, 1, 2, 3]
    (leader,) = run.trials
    assert leader.spread == np.std([t.score for t in run.tried], ddof=1)
    assert leader.best


def test_a_run_without_chance_has_no_spread(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", max_epochs=20, progress=False)
    assert all(t.spread is None for t in run.tried)


def test_a_failed_run_is_a_row_without_a_score(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", lr=9.0, progress=False)
    (row,) = run.trials
    assert row.score is None
    assert row.finding == "D101"
    assert row.result.startswith("D101 ")


def test_a_leader_shows_the_mean_over_its_seeds(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="minibatch", lr=0.01, seeds=4, max_epochs=20, progress=False)
    (leader,) = run.trials
    assert (leader.mean, leader.seeds) == (np.mean([t.score for t in run.tried]), 4)
    assert leader.shown == leader.mean != leader.score
    assert [t.standing for t in run.tried] == ["best", None, None, None]


def test_the_run_that_is_kept_says_by_what_when_another_is_shown_as_the_best(penguins):
    run = ds.train(penguins, "body_mass_g", progress=False)
    kept = next(t for t in run.tried if t.best)
    best = min(run.trials, key=lambda t: t.shown)
    assert best.result.startswith("best")
    if kept is not best:
        assert kept.result == "tie with best; kept for its training loss"


@pytest.mark.parametrize(
    ("options", "code"),
    [({"lr": 9.0, "optimizer": "gd"}, "D101"), ({"lr": 1e-7, "max_epochs": 5, "optimizer": "gd"}, "D201")],
)
def test_the_code_of_a_run_is_asked_of_the_diagnosis(penguins, options, code):
    run = ds.train(penguins, "body_mass_g", progress=False, **options)
    assert run.trials[0].finding == run.findings[0].code
    assert code in run.trials[0].result


def test_of_a_large_table_the_others_are_said_to_be_behind_on_a_sample(monkeypatch):
    for name, value in (("SAMPLED_CELLS", 1), ("FEWEST_ROWS", 500), ("ROWS_A_WEIGHT", 100)):
        monkeypatch.setattr(sample, name, value)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 3))
    run = ds.train(X, (X[:, 0] + rng.logistic(size=4000) > 0).astype(int), seeds=1, progress=False)
    assert {t.result for t in run.trials if not t.best} == {"behind on a sample"}
    assert len(run.trials) == 8
    assert [t.score is None for t in run.tried if not t.leader] == [True] * (len(run.tried) - 8)
    assert [n.text for n in run.notes if n.topic == "search"] == [
        "settings competed on 500 of 3,200 training rows; the best was trained on all of them"
    ]


def test_scores_of_a_large_table_of_numbers_are_those_of_its_test_rows(monkeypatch):
    for name, value in (("SAMPLED_CELLS", 1), ("FEWEST_ROWS", 500), ("ROWS_A_WEIGHT", 100)):
        monkeypatch.setattr(sample, name, value)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 3))
    run = ds.train(X, 7 * X[:, 0] + rng.normal(size=4000), seeds=1, progress=False)
    fit, test, width = run.search_result.fit, run.prepared.test, run.prepared.scale.target_width
    for r in run.search_result.best_per_variant:
        w = fit.weights[r].astype(np.float64)
        error = np.asarray(test.X) @ w[:3] + w[3] - test.y
        assert run.tried[r].mean == pytest.approx(np.sqrt(np.mean(error**2)) * width, rel=1e-9)
        assert run.tried[r].score == run.tried[r].mean
    assert next(t for t in run.trials if t.best).score == pytest.approx(run.metrics["test"]["rmse"], rel=1e-9)
    assert [n.text for n in run.notes if n.topic == "search"] == [
        "variants by batches competed on 500 of 3,200 training rows; all others were trained on all of them"
    ]


def test_variants_that_were_named_are_compared_on_all_rows(monkeypatch):
    monkeypatch.setattr(sample, "SAMPLED_CELLS", 1)
    monkeypatch.setattr(sample, "FEWEST_ROWS", 100)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 3))
    run = ds.train(X, X[:, 0] + rng.standard_normal(1000), optimizer="gd,adam", seeds=1, progress=False)
    assert all("sample" not in t.result for t in run.trials)
