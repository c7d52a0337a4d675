"""What follows training may fail, and the finished run stays."""

import pytest

from descend.errors import DataError
from descend.run.attempt import attempt
from descend.table.prepare import Note


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (DataError("a fold has one class", fix="use fewer folds", code="one-class"), "a fold has one class"),
        (ValueError("bad"), "internal error ValueError (bad)"),
        (MemoryError(), "internal error MemoryError ()"),
    ],
)
def test_a_failure_is_a_note_and_the_result_is_the_one_instead(error, reason):
    notes = []

    def compute():
        raise error

    assert attempt("folds", compute, {}, notes.append) == {}
    assert notes == [Note("folds", f"left out: {reason}; the run is complete without it")]


def test_what_succeeds_is_returned_without_a_note():
    notes = []
    assert attempt("folds", lambda: {"rmse": 1.0}, {}, notes.append) == {"rmse": 1.0}
    assert notes == []


def test_the_end_of_the_process_is_not_held_up():
    def leave():
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        attempt("report", leave, None, lambda note: None)
