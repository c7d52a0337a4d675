"""Reading a run folder: what train wrote comes back; for anything else, one sentence that says what to do."""

import json
import os

import numpy as np
import pytest

from descend.errors import ModelError
from descend.store import pack_model, pack_trace, read_document, read_model, read_trace, write_folder

RUN = {"schema": "descend.run/2", "verdict": {"status": "converged"}, "seconds": 1.5}
TRACE = {"epoch": [0, 1], "loss": [2.0, 1.0]}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run folder called r, in the current folder."""
    monkeypatch.chdir(tmp_path)
    files = {
        "run.json": json.dumps(RUN, indent=1).encode(), "trace.jsonl": pack_trace(TRACE),
        "model.safetensors": pack_model({"W": np.ones((2, 1))}, {"target": "y"}),
    }  # fmt: skip
    write_folder(tmp_path / "r", files)
    return type(tmp_path)("r")


def refusal(read, folder, code):
    with pytest.raises(ModelError) as caught:
        read(folder)
    assert (caught.value.code, caught.value.exit_code) == (code, 5)
    return str(caught.value)


def test_a_run_comes_back(run):
    tensors, document = read_model(run)

    assert read_document(run) == RUN
    assert (tensors["W"].tolist(), document["target"]) == ([[1.0], [1.0]], "y")
    assert read_trace(run) == TRACE


@pytest.mark.parametrize(("read", "name"), [
    (read_document, "run.json"), (read_model, "model.safetensors"), (read_trace, "trace.jsonl"),
])  # fmt: skip
def test_what_is_no_run_is_named(run, tmp_path, read, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.csv").touch()
    os.mkfifo(tmp_path / "empty" / name)
    os.symlink("loop", tmp_path / "loop")
    tail, empty = "; name a folder that train wrote", run.with_name("empty")

    assert refusal(read, run.with_name("absent"), "no-such-run") == f"there is no run 'absent'{tail}"
    assert refusal(read, empty, "not-a-run") == f"'empty' is no run folder: its {name} is no file{tail}"
    os.unlink(tmp_path / "empty" / name)
    assert refusal(read, empty, "not-a-run") == f"'empty' is no run folder: it has no {name}{tail}"
    assert refusal(read, run.with_name("file.csv"), "not-a-run") == f"'file.csv' is no run folder: it is a file{tail}"
    assert refusal(read, run.with_name("loop"), "not-a-run") == (
        f"'loop' is no run folder: its {name} cannot be read, too many levels of symbolic links{tail}"
    )
    assert refusal(read, run.with_name("x" * 300), "not-a-run").endswith(f"cannot be read, file name too long{tail}")
    assert refusal(read, run.with_name("a\x00b"), "not-a-run") == (
        f"'a\\x00b' is no run folder: its {name} cannot be read, embedded null byte{tail}"
    )


def test_a_run_without_a_model_failed(run):
    (run / "model.safetensors").unlink()

    assert refusal(read_model, run, "no-model") == (
        "the run 'r' holds no model: its training failed; read its run.json or report.html, then train again"
    )


def test_a_run_that_was_leftovers_is_found(run):
    run.rename("r.old-17-ab")

    assert refusal(read_document, run, "no-such-run") == (
        "there is no run 'r'; rename 'r.old-17-ab', which a process that was killed left"
    )


def test_every_cut_is_noticed(run):
    for name, read in (("run.json", read_document), ("model.safetensors", read_model)):
        data = (run / name).read_bytes()
        for length in range(len(data)):
            (run / name).write_bytes(data[:length])
            assert refusal(read, run, "damaged-run").startswith(f"'r/{name}' is damaged: ")
        (run / name).write_bytes(data)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"schema": "descend.run/7"}',
         "'r/run.json' was written by a newer descend (descend.run/7, this one reads descend.run/2); upgrade descend"),
        ('{"schema": "other/1"}', "'r/run.json' was not written by descend; name a run that train wrote"),
        ("[]", "'r/run.json' is damaged: it is no JSON object; copy it again, or train again"),
        ('{"schema": "descend.run/2", "a": NaN}',
         "'r/run.json' is damaged: it is no valid JSON (NaN is no number); copy it again, or train again"),
        ('{"a": 1, "a": 2}',
         "'r/run.json' is damaged: it is no valid JSON (a key is there twice); copy it again, or train again"),
        ("[" * 10_000, "'r/run.json' is damaged: it is nested too deeply; copy it again, or train again"),
    ],
)  # fmt: skip
def test_another_document_is_refused(run, text, sentence):
    (run / "run.json").write_text(text)

    with pytest.raises(ModelError) as caught:
        read_document(run)

    assert str(caught.value) == sentence


def test_a_file_that_cannot_be_large_is_not_read(run):
    with (run / "trace.jsonl").open("wb") as file:
        file.truncate((1 << 32) + 1)

    assert refusal(read_trace, run, "not-a-run") == (
        "'r' is no run folder: its trace.jsonl is larger than 4 GiB; name a folder that train wrote"
    )
