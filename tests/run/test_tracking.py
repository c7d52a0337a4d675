"""A run, and its folder, as a tracker keeps it."""

import json

import numpy as np
import pytest

import descend as ds
from descend.errors import ModelError, OutputError, UsageError
from descend.run.document import tracked
from descend.run.tracking import files_of, record_of, write_tracked

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    X = np.random.default_rng(0).normal(size=(60, 2))
    options = {"optimizer": "adam", "lr": 0.05, "max_epochs": 3, "seeds": 1, "progress": False}
    return ds.train(X, X @ [1.0, 2.0], **options, run_dir=str(tmp_path_factory.mktemp("runs") / "first"))


@pytest.fixture
def folder(run, tmp_path):
    run.save(tmp_path / "first")
    return tmp_path / "first"


def test_what_was_asked_chosen_and_measured_is_kept(run, folder):
    record = tracked(folder)
    asked = {"lr": "0.05", "max_epochs": "3", "optimizer": "adam", "seeds": "1", "batch": run.chosen["batch"]}
    assert (record.name, dict(record.params), record.failed) == ("first", asked, False)
    assert record.scores["test_rmse"] == run.metrics["test"]["rmse"]
    assert record.tags["verdict"] == run.verdict.text
    assert list(record.files) == ["run.json", "model.safetensors", "trace.jsonl", "report.html"]
    assert record.ended == (folder / "run.json").stat().st_mtime
    assert [p.value for p in record.points() if p.name == "train_loss"] == pytest.approx(run.trace["loss"])


def test_of_a_training_that_failed_only_what_its_weights_do_not_decide_is_a_score(folder):
    document = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**document, "status": "failed"}))
    (folder / "model.safetensors").unlink()
    record = tracked(folder)
    assert record.failed
    assert {name.partition("_")[0] for name in record.scores} == {"baseline", "optimum"}


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(ModelError) as caught:
        tracked(tmp_path)
    assert caught.value.code == "not-a-run"


def test_an_incomplete_document_is_said_to_be(folder):
    document = json.loads((folder / "run.json").read_text())
    del document["chosen"]
    (folder / "run.json").write_text(json.dumps(document))
    with pytest.raises(ModelError) as caught:
        tracked(folder)
    assert str(caught.value) == f"the run folder {str(folder)!r} is incomplete: KeyError 'chosen'; train again"


def test_a_run_in_memory_and_its_folder_tell_tensorboard_the_same(run, folder, tmp_path):
    run.export(tmp_path / "one", to="tensorboard")
    write_tracked(tracked(folder), "tensorboard", str(tmp_path / "two"))
    seen = []
    for place in ("one", "two"):
        found = accumulator.EventAccumulator(str(tmp_path / place))
        found.Reload()
        seen.append({n: [(e.step, e.value) for e in found.Scalars(n)] for n in found.Tags()["scalars"]})
    assert seen[0] == seen[1]
    assert [value for _, value in seen[0]["train_loss"]] == pytest.approx(run.trace["loss"])


def test_a_folder_is_replaced_only_by_force(run, tmp_path):
    run.export(tmp_path / "events", to="tensorboard")
    with pytest.raises(OutputError) as caught:
        run.export(tmp_path / "events", to="tensorboard")
    assert str(caught.value) == (
        f"the folder {str(tmp_path / 'events')!r} exists and is not empty; name another folder, or replace it with force"
    )
    run.export(tmp_path / "events", to="tensorboard", force=True)


def test_tensorboard_needs_a_folder(run):
    record = record_of("a", run.document(), run.trace, run.options)
    with pytest.raises(UsageError) as caught:
        write_tracked(record, "tensorboard", None)
    assert str(caught.value) == "TensorBoard reads a folder; name one"
    assert files_of(None) == {}
