"""What the checks read about one run, against NumPy and numbers worked by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from tests.diagnosis.made import deep, evidence_of, line

import descend as ds
from descend.diagnosis.evidence import mean_loss
from descend.losses import loss
from descend.options import read_options
from descend.outcome import Outcome
from descend.plan import setting
from descend.problem import Problem
from descend.table.data import Data
from descend.table.prepare import prepare


@pytest.fixture(scope="module")
def evidence():
    """A run at a good rate, which ends at the optimum."""
    return evidence_of(line(l2=0.01), setting("sgd", lr=0.3), 200)


def at_gap(evidence, gap, **changes):
    """The same evidence at another distance from the optimum."""
    landscape = evidence.landscape
    objective = landscape.optimum.objective + gap * (landscape.baseline - landscape.optimum.objective)
    return dataclasses.replace(evidence, loss=objective, **changes)


def test_losses_and_residuals_are_those_of_the_kept_weights_or_the_optimum(evidence):
    X, y, w = evidence.problem.data.X, evidence.problem.data.y, evidence.weights
    H, target = X - X.mean(axis=0), y - y.mean()
    best = np.linalg.solve(H.T @ H / 30 + 0.01 * np.eye(3), H.T @ target / 30)  # 2 / rows is 1 / 30

    np.testing.assert_allclose(evidence.train_losses, (X @ w[:3] + w[3] - y) ** 2, rtol=1e-10)
    assert evidence.train_loss == pytest.approx(np.mean((X @ w[:3] + w[3] - y) ** 2))
    np.testing.assert_allclose(evidence.residuals, 2 * (target - H @ best), atol=1e-9)
    off = dataclasses.replace(evidence, weights=w + 1e-3 * np.arange(4))
    np.testing.assert_array_equal(off.residuals, evidence.residuals)
    assert mean_loss(np.array([1.0, 4.0]), np.array([2.0, 1.0])) == 2.0


@pytest.mark.parametrize(
    ("gap", "outcome", "near", "unfinished", "premature"),
    [
        (0.5, Outcome.STOPPED, False, True, True),
        (0.5, Outcome.CONVERGED, False, False, False),
        (1e-4, Outcome.STOPPED, True, False, False),
        (1e-4, Outcome.BUDGET, True, False, False),
        (0.5, Outcome.BUDGET, False, True, False),
        (1e-4, Outcome.DIVERGED, False, True, False),
    ],
)
def test_how_far_a_run_got_follows_from_its_gap_and_its_end(evidence, gap, outcome, near, unfinished, premature):
    run = at_gap(evidence, gap, outcome=outcome)

    assert run.gap == pytest.approx(gap)
    assert (run.near_optimum, run.unfinished, run.premature) == (near, unfinished, premature)


def test_early_stopping_at_a_minimum_of_the_validation_loss_is_not_premature(evidence):
    guided = at_gap(evidence, 0.5, outcome=Outcome.STOPPED, guided=True, kept_epoch=3, epochs=10)

    assert not guided.premature
    assert dataclasses.replace(guided, kept_epoch=10).premature


def test_gain_is_measured_from_the_lowest_possible_loss():
    """Counts 1, 3 with mean 2: the baseline is 2 - 2 log 2, and no model is below the mean of y - y log y."""
    data = Data(np.array([[-1.0], [1.0]]), np.array([1.0, 3.0]))
    run = evidence_of(Problem(data, loss("poisson")), setting("sgd", lr=0.01), 2)
    floor, baseline = (1 + 3 - 3 * np.log(3)) / 2, 2 - 2 * np.log(2)

    assert run.floor == pytest.approx(floor)
    assert dataclasses.replace(run, loss=(floor + baseline) / 2).gain == pytest.approx(0.5)
    assert dataclasses.replace(run, loss=baseline).gain == pytest.approx(0.0)
    assert dataclasses.replace(run, loss=np.nan).gain == 0.0


def test_weights_of_the_baseline_have_learned_nothing_and_failed_runs_are_not_judged(evidence):
    constant = dataclasses.replace(evidence, weights=evidence.landscape.baseline_weights)

    assert (evidence.learned_nothing, constant.learned_nothing) == (False, True)
    assert not dataclasses.replace(constant, outcome=Outcome.NONFINITE).learned_nothing
    assert (evidence.learned, at_gap(evidence, 0.9).learned) == (True, False)


def test_steps_batches_and_limit(evidence):
    X = np.column_stack([evidence.problem.data.X, np.ones(60)])
    H = X.T @ X / 30 + 0.01 * np.diag([1, 1, 1, 0])

    assert (evidence.batch_size, evidence.full_batch) == (60, True)
    assert evidence.limit == pytest.approx(2 / np.linalg.eigvalsh(H)[-1], rel=0.02)
    assert evidence.last_step == evidence.steps
    assert dataclasses.replace(evidence, outcome=Outcome.NONFINITE).last_step == evidence.steps + 1
    by_batches = dataclasses.replace(evidence, setting=setting("adam", lr=0.1, batch_size=8))
    assert (by_batches.batch_size, by_batches.full_batch) == (8, False)


def test_columns_and_rows_are_those_of_the_table_or_of_the_arrays(evidence):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"kind": ["p", "q", "r", "p"] * 10, "x": rng.normal(size=40), "y": rng.normal(size=40)})
    table.loc[[0, 5], "y"] = np.nan
    prepared = prepare(table, "y", read_options({"test": 0.25}))
    run = evidence_of(Problem(prepared.train, loss("squared")), setting("sgd", lr=0.1), 5, prepared=prepared)

    assert run.columns == ("kind", "kind", "kind", "x")
    assert run.column_of(3) == "x"
    given = table["y"].to_numpy()[run.row_numbers(np.arange(run.problem.data.rows)) - 1]
    np.testing.assert_allclose(given, prepared.scale.target_center + prepared.scale.target_width * prepared.train.y)
    assert len(run.test_losses) == len(run.test_baseline_losses) == prepared.test.rows > 0

    assert (evidence.columns, evidence.row_numbers(np.array([0, 4])).tolist()) == (("a", "b", "c"), [1, 5])
    assert (evidence.table_rows, evidence.test_losses) == (None, None)
    wide = evidence_of(line(scales=(1.0, 30.0, 1.0)), setting("sgd", lr=1e-4), 2)
    assert wide.largest_column[0] == "b"
    assert 0.99 < wide.largest_column[1] < 1


def test_only_a_network_has_a_replayed_start_and_an_unknown_optimum(evidence):
    run = evidence_of(deep((3, 4, 1)), setting("sgd", lr=0.01, batch_size=7), 2)

    assert evidence.start is None
    assert len(run.start.signal) == 1
    assert len(set(run.batch_after(0).tolist())) == 7
    assert (run.gap, run.near_optimum) == (None, False)


def test_the_mean_loss_of_several_targets_is_weighted_by_rows():
    losses, weight = np.array([[1.0, 3.0], [5.0, 7.0]]), np.array([3.0, 1.0])
    assert mean_loss(losses, weight) == pytest.approx((3 * 2 + 1 * 6) / 4)
    assert mean_loss(losses.mean(axis=1), weight) == mean_loss(losses, weight)


@pytest.mark.parametrize("weighted", [False, True])
def test_counts_of_several_targets_are_diagnosed(weighted):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    Y = rng.poisson(np.exp(0.3 * X))
    weight = rng.uniform(0.5, 2, 60) if weighted else None
    model = ds.DescentRegressor(loss="poisson").fit(X, Y, sample_weight=weight)
    assert model.coef_.shape == (2, 2)


def test_rows_that_stand_for_all_have_their_own_numbers_and_the_loss_of_all():
    problem = Problem(Data(np.arange(8.0)[:, None] / 4 - 1, (np.arange(8) > 3).astype(float)), loss("logistic"), l2=0.1)
    of_all = evidence_of(problem, setting("sgd", lr=0.5))
    places = np.array([1, 4, 7])
    some = dataclasses.replace(
        of_all, problem=dataclasses.replace(problem, data=problem.data.take(places)), places=places
    )

    assert some.row_numbers(np.array([0, 2])).tolist() == [2, 8]
    assert some.train_loss == pytest.approx(of_all.train_loss, rel=1e-9)
    assert np.mean(some.train_losses) != pytest.approx(of_all.train_loss, rel=1e-2)
