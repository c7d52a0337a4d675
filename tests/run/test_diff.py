"""Two runs side by side: what changed, and which model is better on the rows that both were tested on."""

import json
import math
import shutil

import numpy as np
import pytest

import descend as ds
from descend.errors import ModelError
from descend.run import diff as module
from descend.run.diff import Change, diff
from descend.table.prepare import load

FAST = {"optimizer": "gd", "max_epochs": 300, "progress": False}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Runs of one table: `all` of its columns, `one` of them, `other` rows held out, `classes`, and one that `failed`."""
    root = tmp_path_factory.mktemp("diff")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = X @ [3.0, 2.0, 0.1] + rng.normal(size=300)
    text = "\n".join(
        ["a,b,c,y,sign", *(f"{a},{b},{c},{t},{'up' if t > 0 else 'down'}" for (a, b, c), t in zip(X, y, strict=True))]
    )
    (root / "table.csv").write_text(text)
    wanted = {
        "all": {"target": "y", "drop": ("sign",)}, "one": {"target": "y", "features": ("a",)},
        "other": {"target": "y", "drop": ("sign",), "test": 0.5, "random_state": 1},
        "classes": {"target": "sign", "drop": ("y",)}, "failed": {"target": "y", "drop": ("sign",), "lr": 50.0},
    }  # fmt: skip
    for name, options in wanted.items():
        ds.train(str(root / "table.csv"), **options, run_dir=root / name, **FAST)
    return root


def changed(changes):
    return {c.name: (c.first, c.second) for c in changes}


def test_a_run_beside_itself_has_no_change_and_ties(folders):
    found = diff(folders / "all", folders / "all")

    assert (found.options, found.data, found.choice, found.findings) == ((), (), (), ())
    assert all(c.first == c.second for c in found.metrics)
    assert (found.paired.verdict, found.paired.difference) == ("tie", 0.0)


def test_options_are_shown_as_flags_that_can_be_typed(folders):
    found = diff(folders / "all", folders / "one")
    assert changed(found.options) == {"--drop": ("--drop sign", None), "--features": (None, "--features a")}


def test_a_model_without_the_second_column_is_worse_on_the_same_test_rows(folders):
    found = diff(folders / "all", folders / "one")
    rmse = changed(found.metrics)["test rmse"]

    assert (found.paired.verdict, found.rows) == ("worse", 60)
    assert found.paired.difference == pytest.approx(rmse[1] - rmse[0], rel=1e-9)
    assert 0 < found.paired.low < found.paired.difference < found.paired.high
    assert found.verdict.startswith("the second is worse by rmse on the same 60 test rows: +")
    assert diff(folders / "one", folders / "all").verdict.startswith(
        "the second is better by rmse on the same 60 test rows: -"
    )


def test_a_table_that_both_read_alike_is_read_once(folders, monkeypatch):
    read = []
    monkeypatch.setattr(module, "load_table", lambda path, options: read.append(path) or load(path, options))
    diff(folders / "all", folders / "other")
    assert read == [str(folders / "table.csv")]


def test_only_rows_that_both_were_tested_on_are_compared(folders):
    one, other = (ds.load(folders / name) for name in ("all", "other"))
    shared = len(np.intersect1d(test_rows(one), test_rows(other)))

    found = diff(folders / "all", folders / "other")

    assert 0 < shared < 60
    assert found.rows == shared


def test_rows(run):
    from descend.table.prepare import prepare

    return prepare(run.data["path"], "y", run.options).rows[1]


test_rows.__test__ = False


def test_runs_of_other_targets_are_not_compared_row_by_row(folders):
    found = diff(folders / "all", folders / "classes")
    assert (found.paired, found.rows) == (None, 0)
    assert found.verdict == "not compared row by row: one predicts 'y', the other 'sign'"


def test_a_training_that_failed_is_compared_by_what_its_folder_holds(folders):
    found = diff(folders / "all", folders / "failed")

    assert found.statuses == ("converged", "diverged")
    assert changed(found.findings) == {"D101": (None, "error")}
    assert changed(found.metrics)["test rmse"][1] is None
    assert changed(found.metrics)["baseline rmse"][1] == changed(found.metrics)["baseline rmse"][0]
    assert found.verdict.endswith("holds no model: its training failed")


def test_losses_are_those_recorded_at_the_same_epochs(folders):
    found = diff(folders / "all", folders / "one")
    trace = ds.load(folders / "one").trace

    first, *_, last = found.losses
    assert (first.name, first.second) == ("loss after 1 epoch", trace["loss"][1])
    assert last.second.endswith(f"after {trace['epoch'][-1]}")
    assert found.curves[1].loss == tuple(trace["loss"])


def test_data_that_changed_or_moved_are_said(folders, tmp_path):
    for name in ("all", "one"):
        shutil.copytree(folders / name, tmp_path / name)
        document = json.loads((tmp_path / name / "run.json").read_text())
        document["data"]["path"] = str(tmp_path / "moved.csv")
        (tmp_path / name / "run.json").write_text(json.dumps(document))

    missing = diff(tmp_path / "all", tmp_path / "one")
    there = diff(tmp_path / "all", tmp_path / "one", folders / "table.csv")
    (tmp_path / "moved.csv").write_text((folders / "table.csv").read_text() + "\n1,1,1,1,up\n")
    changed_since = diff(tmp_path / "all", tmp_path / "one")

    assert missing.reason == f"the data are no longer at {tmp_path / 'moved.csv'}"
    assert there.rows == 60
    assert changed_since.reason == "the runs are of different data"


def test_a_folder_that_is_no_run_is_refused(folders, tmp_path):
    with pytest.raises(ModelError) as error:
        diff(folders / "all", tmp_path)
    assert error.value.code == "not-a-run"


def test_a_difference_is_of_numbers_only():
    assert Change("rmse", 3.0, 5.0).difference == 2.0
    assert math.isnan(Change("rmse", None, 5.0).difference)
    assert math.isnan(Change("optimizer", "gd", "adam").difference)


def test_it_shows_itself_in_at_most_thirty_lines_and_as_static_html(folders):
    found = diff(folders / "all", folders / "classes")
    assert len(repr(found).splitlines()) <= 30
    assert "<table>" in found._repr_html_()
