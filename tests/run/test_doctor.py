"""The doctor names what is wrong with a run of the past and proves the cure, or says why it cannot."""

import json
import shutil

import pytest

import descend as ds
from descend.errors import ModelError
from descend.run.doctor import doctor, examine


@pytest.fixture(scope="module")
def failed(request, tmp_path_factory):
    """A run folder of a training that diverged."""
    folder = tmp_path_factory.mktemp("runs") / "failed"
    path = request.config.rootpath / "examples" / "data" / "penguins.csv"
    ds.train(path, "body_mass_g", optimizer="gd", lr=50.0, max_epochs=50, progress=False, run_dir=folder)
    return folder


def changed(folder, place, **changes):
    """A copy of a run folder with changes to its document."""
    shutil.copytree(folder, place)
    document = json.loads((place / "run.json").read_text())
    for name, value in changes.items():
        document[name] = value(document[name])
    (place / "run.json").write_text(json.dumps(document))
    return place


def test_the_cure_is_proved_on_the_data_of_the_run(failed):
    found = doctor(failed)

    assert (found.status, found.reason) == ("diverged", "")
    assert found.findings[0].code == "D101"
    (proof,) = found.findings[0].proof
    assert (proof.fix, proof.before, proof.helped) == ("--lr auto", None, True)
    assert found.findings[0].fix == ("--lr auto",)


def test_train_proves_it_too_when_it_fails(failed):
    document = json.loads((failed / "run.json").read_text())
    assert document["findings"][0]["proof"][0]["helped"] is True


def test_a_healthy_run_has_nothing_to_mend(tmp_path, penguins):
    ds.train(penguins, "body_mass_g", optimizer="nesterov", progress=False, run_dir=tmp_path / "run")
    assert doctor(tmp_path / "run").findings == ()


def test_data_that_are_gone_are_said_and_may_be_named(failed, tmp_path, penguins):
    folder = changed(failed, tmp_path / "moved", data=lambda d: {**d, "path": "/nowhere/a.csv"})
    assert doctor(folder).reason == "the data are no longer at /nowhere/a.csv; name them with --data"
    assert doctor(folder, str(penguins)).reason == ""


def test_data_that_have_changed_are_not_used(failed, tmp_path):
    folder = changed(failed, tmp_path / "other", data=lambda d: {**d, "sha256": "0" * 64})
    assert doctor(folder).reason.endswith("penguins.csv has changed since the run")


def test_a_frame_leaves_no_path(failed, tmp_path):
    folder = changed(failed, tmp_path / "frame", data=lambda d: {**d, "path": None})
    assert doctor(folder).reason == "the run does not say where its data are; name them with --data"


def cut(folder):
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text[: len(text) // 2])


def newer(folder):
    document = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**document, "schema": "descend.run/3"}))


def traceless(folder):
    (folder / "trace.jsonl").unlink()


def incomplete(folder):
    document = json.loads((folder / "run.json").read_text())
    del document["config"]
    (folder / "run.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (cut, "it is no valid JSON"), (newer, "descend.run/3"), (traceless, "trace.jsonl"),
        (incomplete, "is incomplete: KeyError 'config'; train again"),
    ],
)  # fmt: skip
def test_a_folder_that_is_damaged_or_newer_is_refused_in_a_sentence(failed, tmp_path, damage, text):
    shutil.copytree(failed, tmp_path / "copy")
    damage(tmp_path / "copy")
    with pytest.raises(ModelError) as caught:
        doctor(tmp_path / "copy")
    assert text in str(caught.value)


def test_a_trace_of_nothing_but_nan_does_not_matter(failed, tmp_path):
    folder = tmp_path / "nan"
    shutil.copytree(failed, folder)
    lines = (folder / "trace.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    blank = [
        {k: (v if k == "epoch" or not isinstance(v, (int, float)) else None) for k, v in row.items()} for row in rows
    ]
    (folder / "trace.jsonl").write_text("".join(json.dumps(row) + "\n" for row in blank))
    assert doctor(folder).findings[0].code == "D101"


def test_what_cannot_be_tried_in_time_is_said(failed, tmp_path):
    folder = changed(failed, tmp_path / "unproved", findings=lambda found: [{**f, "proof": []} for f in found])
    found = doctor(folder, seconds=0.0)
    assert found.reason == "there was no time for the cures of D101; give more with --time"
    assert (found.findings[0].proof, found.command) == ((), "")


def test_proofs_that_the_folder_holds_are_not_tried_again(failed, tmp_path, monkeypatch):
    monkeypatch.setattr("descend.run.doctor.retrain", None)  # a training would fail
    found = doctor(failed)
    assert found.findings[0].proof[0].helped
    assert found.command.endswith("penguins.csv --target body_mass_g --optimizer gd --epochs 50")


def test_a_run_of_another_version_is_trained_again_for_its_findings(failed, tmp_path):
    folder = changed(failed, tmp_path / "old", version=lambda v: "0.0.1", findings=lambda f: [])
    assert doctor(folder).findings[0].code == "D101"


def test_a_table_is_examined_in_one_go(penguins):
    found = examine(str(penguins), "body_mass_g", seconds=10.0, optimizer="gd", lr=50.0, max_epochs=30)
    assert (found.status, found.findings[0].code) == ("diverged", "D101")
    assert found.command.endswith("--target body_mass_g --optimizer gd --epochs 30")
