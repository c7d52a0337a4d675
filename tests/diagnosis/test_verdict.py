"""The verdict says how training ended and how far it is from the best possible."""

import numpy as np
import pytest

import descend as ds
from descend.diagnosis.formatting import percent

QUIET = {"progress": False, "test": 0}


def exact_line():
    x = np.linspace(0, 1, 40)
    return x[:, None], 3 * x + 1


def test_converged_is_said_with_the_distance(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="nesterov", progress=False)
    assert run.verdict.status == "converged"
    assert run.verdict.text.startswith("converged in ")
    assert run.verdict.text.endswith(f"; the gap to the exact optimum is {percent(run.gap)}")
    assert run.findings == ()


def test_where_the_optimum_fits_exactly_the_gap_is_said_in_the_same_way():
    X, y = exact_line()
    run = ds.train(X, y, optimizer="gd", l2=0, **QUIET)
    assert run.verdict.text.endswith(f"; the gap to the exact optimum is {percent(run.gap)}")


def test_out_of_budget_is_not_called_converged_and_has_a_finding(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", lr=0.001, max_epochs=10, progress=False)
    assert run.verdict.status == "budget"
    assert run.verdict.text.startswith(
        "not converged: out of budget after 10 epochs, the weights of epoch 10 are kept; "
    )
    finding = {f.code: f for f in run.findings}["D201"]
    assert finding.level == "warning"  # the rate, far below the limit, is at fault
    assert "--lr auto" in finding.fix


def test_a_loss_without_an_exact_solver_says_that_the_best_is_not_known():
    X, y = exact_line()
    run = ds.train(X, y, loss="quantile:0.9", l1=0.01, optimizer="adam", max_epochs=50, **QUIET)
    reason = "no exact solver for quantile with both an absolute and a quadratic penalty"
    assert f"the optimum is not known ({reason})" in run.verdict.text


def test_a_rate_above_the_limit_names_limit_column_and_cure(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", lr=0.5, scale=False, progress=False)
    finding = run.findings[0]
    assert finding.code == "D101"
    assert "from column 'year'" in finding.text
    assert {p.fix: p.helped for p in finding.proof} == {"--scale": False, "--lr auto": True, "--scale --lr auto": True}
    assert finding.fix[0] == "--scale --lr auto"
    assert 0 < finding.evidence["limit"] < 1e-5


def line_of(rows=100, seed=0):
    x = np.random.default_rng(seed).normal(size=(rows, 1))
    return x, 2 * x[:, 0] + 1


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adam"},
        {"optimizer": "gd"},
        {"optimizer": "gd", "loss": "huber"},
        {"optimizer": "gd", "loss": "quantile"},
    ],
)
def test_a_run_that_stops_improving_far_from_the_optimum_is_not_called_converged(options):
    run = ds.train(*line_of(), **QUIET, lr=1e-5, max_epochs=100_000, **options)
    assert run.verdict.status in ("not_converged", "no_better_than_constant")
    assert f"the gap to the exact optimum is {percent(run.gap)}" in run.verdict.text
    assert "not converged: no improvement after epoch " in run.verdict.text
    assert {f.code: f.level for f in run.findings}["D201"] == "warning"


def test_the_kept_weights_are_judged_and_not_the_last_ones():
    """The run reaches the optimum, but the validation loss is lowest before."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 20))
    y = X[:, 0] + 2 * rng.normal(size=60)
    run = ds.train(X, y, optimizer="gd", lr=0.05, patience=10_000, max_epochs=5000, l2=0, **QUIET)
    fit, best = run.search_result.fit, run.search_result.best
    assert int(fit.epoch[best]) < int(fit.epochs[best])
    assert run.verdict.status == "stopped"
    assert f"the weights of epoch {int(fit.epoch[best]):,} are kept" in run.verdict.text
    assert "converged in" not in run.verdict.text


def test_a_cure_that_is_set_already_is_not_proposed():
    X, y = line_of()
    slow = ds.train(X, y, optimizer="nesterov", max_epochs=2, lr=1e-4, **QUIET)
    fixes = {f.code: f.fix for f in slow.findings}["D201"]
    assert "--optimizer nesterov" not in fixes
    assert "--lr auto" in fixes
    found = ds.train(X, y, optimizer="gd", max_epochs=1, **QUIET)
    assert all("--lr auto" not in f.fix for f in found.findings)


def test_a_run_that_the_time_ended_is_told_to_take_more():
    X = np.random.default_rng(0).normal(size=(60, 3))
    options = {"hidden_layer_sizes": (4,), "optimizer": "adam", "lr": 1e-6, "patience": 10**6, "time_budget": 0.5}
    run = ds.train(X, X[:, 0], **options, **QUIET)
    findings = {f.code: f for f in run.findings}

    assert findings["D201"].fix[0] == "--time 2s"
    assert findings["D201"].text == f"not converged: the time was over after {run.epochs:,} epochs"
    assert findings["D210"].fix[0] == "--time 2s"
