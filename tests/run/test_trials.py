"""Rows of the table of runs."""

import numpy as np

import descend as ds


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
