"""A Run as people use it: properties, equivalents of the command, what saving writes."""

import numpy as np
import pytest

import descend as ds

QUICK = {"optimizer": "nesterov", "max_epochs": 30, "progress": False}


@pytest.fixture(scope="module")
def run():
    """A short training on arrays whose target follows two columns."""
    X = np.random.default_rng(0).normal(size=(120, 2))
    return ds.train(X, X @ [1.0, -2.0] + 0.5, **QUICK)


def test_the_command_and_the_code_carry_what_the_user_set_and_nothing_else(run):
    assert run.command == "descend train array --target y --optimizer nesterov --epochs 30"
    assert run.code.endswith("ds.train('array', 'y', optimizer='nesterov', max_epochs=30)")


def test_the_config_holds_every_option(run):
    assert run.config["optimizer"] == "nesterov"
    assert run.config["test"] == 0.2
    assert run.config["validation"] == "auto"


def test_the_scored_part_is_the_test_rows_where_there_are_some(run):
    assert run.scored_part == "test"
    X = np.arange(40.0).reshape(20, 2)
    assert ds.train(X, X[:, 0], test=0, **QUICK).scored_part == "train"


def test_the_baseline_of_the_training_rows_is_the_spread_of_their_target(run):
    y = run.prepared.scale.target_center + run.prepared.scale.target_width * run.prepared.train.y
    assert run.baseline_on("train", "rmse") == pytest.approx(y.std(), rel=1e-9)


def test_the_history_is_the_trace_row_by_row(run):
    assert [point["epoch"] for point in run.history] == run.trace["epoch"]
    assert set(run.history[0]) == set(run.trace)


def test_the_watched_curve_has_the_name_of_its_rows(run):
    X = np.random.default_rng(1).normal(size=(200, 3))
    deep = ds.train(X, X[:, 0] ** 2, hidden_layer_sizes=(4,), optimizer="adam", max_epochs=5, progress=False)

    assert "test" in run.trace  # the exact optimum decides: test rows are only watched
    assert "val" in deep.trace  # a network has no known optimum: validation rows decide
    assert {"train", "val", "test"} <= set(deep.metrics)


def test_a_run_shows_itself_in_at_most_thirty_lines_and_in_static_html(run):
    assert repr(run).startswith("Run: y from array\n")
    assert len(repr(run).splitlines()) <= 30
    assert run._repr_html_().startswith('<div class="descend">')
    assert len(run._repr_html_()) < 5_000


def test_a_report_that_fails_costs_neither_the_model_nor_the_record(run, tmp_path, monkeypatch):
    def broken(report):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("descend.report.html.render", broken)
    artifacts = run.save(tmp_path / "run")
    assert sorted(artifacts) == ["model", "run", "trace"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "model.safetensors",
        "run.json",
        "trace.jsonl",
    ]
    loaded = ds.load(tmp_path / "run")
    assert loaded.notes[-1].topic == "report"
    assert loaded.notes[-1].text == (
        "left out: internal error ZeroDivisionError (division by zero); the run is complete without it"
    )
    X = np.zeros((2, 2))
    np.testing.assert_array_equal(loaded.predict(X).values, run.predict(X).values)
