"""`descend export`."""

import json
import shutil

import pytest


@pytest.fixture
def run(runs, tmp_path):
    """The folder of a run."""
    return shutil.copytree(runs / "mass", tmp_path / "mass")


def test_the_file_lies_in_the_run_folder_and_its_place_is_said(descend, run):
    assert descend("export", run, "--to", "json") == (0, f"{run / 'model.json'}\n", "")
    assert json.loads((run / "model.json").read_text())["target"] == "body_mass_g"


def test_a_file_that_exists_stays_unless_force_is_typed(descend, run, tmp_path):
    (tmp_path / "m.json").write_text("old")
    assert descend("export", run, "--to", "json", "-o", "m.json") == (
        2, "", "error: the file 'm.json' cannot be written: it exists already; name another file, or add --force\n"
    )  # fmt: skip
    assert (tmp_path / "m.json").read_text() == "old"
    assert descend("export", run, "--to", "json", "-o", "m.json", "--force") == (0, "m.json\n", "")


def test_a_format_that_there_is_not(descend, run):
    assert descend("export", run, "--to", "pickle") == (
        2, "", "error: there is no format 'pickle'; there are onnx, torch, sklearn, json, sql, mlflow, tensorboard; try 'json'\n"
    )  # fmt: skip
    assert descend("export", run)[0] == 2


def test_names_of_a_query_in_a_format_that_is_none(descend, run):
    assert descend("export", run, "--to", "json", "--table", "t") == (
        2, "", "error: a table or columns of a query were named, and json is no query; leave them out\n"
    )  # fmt: skip


def test_a_run_that_failed_has_no_model(descend, runs, tmp_path):
    code, out, err = descend("export", runs / "failed", "--to", "json", "-o", "m.json")
    assert (code, out) == (5, "")
    assert "holds no model: its training failed" in err
    assert not (tmp_path / "m.json").exists()


def test_a_query_of_another_table_that_carries_columns(descend, run, tmp_path):
    assert descend("export", run, "--to", "sql", "--table", "penguins", "--id", "year", "-o", "q.sql")[0] == 0
    text = (tmp_path / "q.sql").read_text()
    assert 'FROM "penguins" AS t' in text
    assert text.endswith('SELECT\n  id1 AS "year",\n  z1 AS "prediction"\nFROM descend_scores;\n')


def test_a_tracker_takes_runs_whose_training_failed_too(descend, runs, tmp_path):
    pytest.importorskip("tensorboard")
    assert descend("export", runs / "failed", "--to", "tensorboard", "-o", "events") == (0, "events\n", "")
    assert [p.name for p in (tmp_path / "events").iterdir()] == ["events.out.tfevents.descend"]


def test_the_events_lie_in_the_run_folder_where_tensorboard_finds_them(descend, run):
    pytest.importorskip("tensorboard")
    assert descend("export", run, "--to", "tensorboard") == (0, f"{run / 'tensorboard'}\n", "")
    assert descend("export", run, "--to", "tensorboard", "--table", "t")[0] == 2
