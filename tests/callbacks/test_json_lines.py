"""A file that a reader can follow while a fit trains."""

import json
from pathlib import Path

import pytest
from tests.callbacks.fits import Estimator, epochs, tell

from descend.callbacks import JSONLines


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_row_is_a_line_that_is_there_at_once(tmp_path):
    callback, estimator, path = JSONLines(tmp_path / "a.jsonl"), Estimator(), tmp_path / "a.jsonl"
    callback.setup(estimator=estimator, context=None)
    assert path.read_text() == ""
    for k, told in enumerate(epochs(1.0, float("nan")), 1):
        callback.on_fit_task_end(estimator, object(), metadata=told)
        assert len(lines(path)) == k
    last = lines(path)[-1]
    assert {**last, "seconds": 0} == {"fit": 1, "seconds": 0, "epoch": 1, "loss": None, "val": None, "lr": 0.1}


def test_a_second_fit_is_appended(tmp_path):
    callback = JSONLines(str(tmp_path / "a.jsonl"))
    tell(callback, *epochs(1.0))
    tell(callback, *epochs(2.0))
    assert [(row["fit"], row["loss"]) for row in lines(tmp_path / "a.jsonl")] == [(1, 1.0), (2, 2.0)]


def test_a_file_that_cannot_be_written_ends_nothing(tmp_path):
    place = Path(tmp_path / "no" / "a.jsonl")
    with pytest.warns(UserWarning, match="^JSONLines") as caught:
        assert tell(JSONLines(place), *epochs(2.0, 1.0)) == 2
    assert [str(w.message) for w in caught] == [
        f"JSONLines writes no more of this fit: {str(place)!r}: no such file or directory; training goes on"
    ]
