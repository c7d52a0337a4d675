"""What a checkpoint says of its training can be read back, and tells trainings apart."""

import json

import numpy as np
import pytest

from descend.errors import ResumeError
from descend.options import read_options
from descend.rules import adam
from descend.run.call import call_of, pack, read_call, refuse_other
from descend.training.checkpoint import CALL

FACTS = {"NumPy": "2.0", "row count": "3", "a table of hash": "f" * 64}


def call(data="table.csv", target="y", **options):
    return call_of(data, target, read_options(options), FACTS)


@pytest.fixture
def left(tmp_path):
    (tmp_path / CALL).write_bytes(pack(call()))
    return tmp_path


def test_a_call_is_read_as_it_was_written(tmp_path):
    test = tmp_path / "test.csv"
    test.touch()
    written = call(test=test, time_budget=None, hidden_layer_sizes=(8, 4), drop="a", lr=0.1)
    (tmp_path / CALL).write_bytes(pack(written))
    found = read_call(tmp_path)
    assert read_options(found.options) == read_options(written.options)
    assert found.options["test"] == str(test)
    assert (found.data, found.target, found.objects, found.facts) == ("table.csv", "y", (), FACTS)


def test_files_are_named_by_their_whole_path(tmp_path, monkeypatch):
    for name in ("table.csv", "y", "adam"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    found = call(optimizer="adam", drop="y")
    assert found.data == str(tmp_path / "table.csv")
    assert (found.target, found.options) == ("y", {"optimizer": "adam", "drop": ("y",)})  # names of files, but no files


def test_what_no_file_holds_is_named():
    found = call_of(np.zeros((3, 1)), np.zeros(3), read_options({"optimizer": adam}), FACTS)
    assert (found.data, found.target, found.objects) == (None, None, ("data", "target", "optimizer"))
    assert call("-").objects == ("data",)


@pytest.mark.parametrize("damage", ["none", "half", "other schema", "a key less"])
def test_a_file_that_cannot_be_read_tells_of_no_call(left, damage):
    place = left / CALL
    document = json.loads(place.read_text())
    if damage == "none":
        place.unlink()
    elif damage == "half":
        place.write_bytes(place.read_bytes()[:40])
    elif damage == "other schema":
        place.write_text(json.dumps({**document, "schema": "other/1"}))
    else:
        del document["facts"]
        place.write_text(json.dumps(document))
    assert read_call(left) is None
    refuse_other(left, {})


def test_another_training_is_refused_with_what_differs(left):
    refuse_other(left, FACTS)
    with pytest.raises(ResumeError) as caught:
        refuse_other(left, {**FACTS, "row count": "4"})
    assert str(caught.value) == (
        f"the checkpoint {str(left)!r} is of another training: row count 3 then and 4 now; "
        "give the data and options that it had, or begin anew without --resume"
    )
    assert (caught.value.code, caught.value.exit_code) == ("other-training", 4)
    with pytest.raises(
        ResumeError, match="NumPy 2.0 then and 3 now, --lr none then and 1 now, --l1 none then and 1 now, and 1 more;"
    ):
        refuse_other(left, {**FACTS, "NumPy": "3", "--lr": "1", "--l1": "1", "--l2": "1"})
