"""What a run, a comparison and a search for a learning rate show of themselves."""

import numpy as np
import pytest

import descend as ds
from descend.diagnosis.formatting import percent
from descend.report import summary
from descend.run.summary import comparison_summary, lr_summary, run_summary


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 3))
    return X, X @ [1.0, -2.0, 0.5] + 0.1 * rng.standard_normal(80)


def test_a_run_shows_verdict_variants_numbers_and_what_to_call(data):
    run = ds.train(*data, optimizer="gd,adam", progress=False)
    lines = summary.text(run_summary(run)).split("\n")
    assert lines[0] == "Run: y from array"
    assert lines[1].endswith(run.verdict.text)
    assert lines[3].split() == ["variant", "lr", "batch", "epochs", "RMSE", "result"]
    assert [line.split()[1] for line in lines[4:6]] == ["gd", "adam"]
    assert f"test RMSE {run.metrics['test']['rmse']:.4g}" in lines[7]
    assert lines[-1] == ".predict(data)  .evaluate(data)  .plot()  .report()  .save(folder)"
    assert len(summary.html(run_summary(run))) < 5_000


def test_a_failed_run_shows_its_finding_and_nothing_to_predict_with(data):
    run = ds.train(*data, optimizer="gd", lr=1e6, progress=False)
    shown = summary.text(run_summary(run))
    assert shown.startswith("Run: y from array\n\u2716 training failed: ")
    assert "\nD101 error: " in shown
    assert "predict" not in shown


def test_a_loaded_run_shows_itself_too(data, tmp_path):
    run = ds.train(*data, optimizer="gd", progress=False)
    run.save(tmp_path / "run")
    shown = summary.text(run_summary(ds.load(tmp_path / "run")))
    assert f"gap to the optimum {percent(run.gap)}" in shown
    assert "gd" in shown


def test_a_comparison_shows_a_row_for_each_variant(data):
    comparison = ds.compare(*data, variants="gd,momentum", seeds=1, progress=False)
    lines = summary.text(comparison_summary(comparison)).split("\n")
    assert repr(comparison) == summary.text(comparison_summary(comparison))
    assert comparison._repr_html_() == summary.html(comparison_summary(comparison))
    assert lines[:2] == ["Comparison: y from array", comparison.verdict]
    assert lines[3].split() == ["variant", "lr", "batch", "epochs", "test", "rmse", "gap", "result"]
    assert {line.split()[1] for line in lines[4:6]} == {"gd", "momentum"}


def test_a_search_for_a_learning_rate_shows_the_suggestion_and_the_bands(data):
    found = ds.find_lr(*data, variant="gd,adam")
    lines = summary.text(lr_summary(found)).split("\n")
    assert repr(found) == summary.text(lr_summary(found))
    assert found._repr_html_() == summary.html(lr_summary(found))
    assert lines[0] == f"Learning rates: loss after {found.epochs} epochs of {found.rows} rows"
    assert lines[1].startswith(f"lr {found.lr:.3g}: ")
    assert lines[3].split() == ["variant", "lr", "stable", "below", "loss", "usable", "rates"]
    assert f"{found.sweeps[0].band[0]:.2g} \u2013 {found.sweeps[0].band[1]:.2g}" in lines[4]


def test_without_a_suggestion_the_reason_is_shown():
    found = ds.find_lr(np.ones((20, 1)) * np.arange(20)[:, None], np.ones(20), variant="gd")
    assert found.lr is None
    assert summary.text(lr_summary(found)).split("\n")[1] == f"no suggestion: {found.reason}"
