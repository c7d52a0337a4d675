"""Events as JSON lines."""

import json

import pytest

from descend.cli.events import event_document, recorder
from descend.errors import OutputError
from descend.table.prepare import Note
from descend.training import Progress

NOTE = Note("read", "a.csv \u00b7 3 rows")
HALF = Progress(
    epoch=120, epochs=240, seconds=20.0, share=0.4, loss=0.3, held_out=float("nan"), lr=0.03, running=5, runs=45
)


def test_a_note_and_progress_are_told_apart():
    assert event_document(NOTE) == {"event": "note", "topic": "read", "text": "a.csv \u00b7 3 rows"}
    document = event_document(HALF)
    assert document["event"] == "progress"
    assert {k: document[k] for k in ("epoch", "loss", "running")} == {"epoch": 120, "loss": 0.3, "running": 5}


def test_each_event_is_one_line_with_null_for_nan(tmp_path):
    place = tmp_path / "live.jsonl"
    with recorder(str(place), force=False) as record:
        record(NOTE)
        record(HALF)
        assert len(place.read_text().splitlines()) == 2  # written at once, not at the end
    first, second = map(json.loads, place.read_text().splitlines())
    assert first == event_document(NOTE)
    assert second["held_out"] is None


def test_without_a_place_nothing_is_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with recorder(None, force=False) as record:
        record(NOTE)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_replaced_only_with_force(tmp_path):
    place = tmp_path / "live.jsonl"
    place.write_text("mine")
    with pytest.raises(OutputError) as caught, recorder(str(place), force=False):
        pass
    assert str(caught.value) == f"the events file {str(place)!r} exists already; name another, or add --force"
    assert place.read_text() == "mine"
    with recorder(str(place), force=True) as record:
        record(NOTE)
    assert json.loads(place.read_text())["topic"] == "read"


def test_a_full_disk_ends_the_recording_and_not_the_training(capsys):
    with recorder("/dev/full", force=True) as record:
        record(NOTE)
        record(HALF)
    assert capsys.readouterr().err == "events   no longer written: no space left on device\n"


def test_a_closed_pipe_on_standard_output_ends_the_command(monkeypatch):
    class Closed:
        encoding = "utf-8"

        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

        def flush(self):
            pass

    monkeypatch.setattr("sys.stdout", Closed())
    with pytest.raises(BrokenPipeError), recorder("-", force=False) as record:
        record(NOTE)
