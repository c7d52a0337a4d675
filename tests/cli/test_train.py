"""`descend train`: the order of things, streams, exit codes; with a training that is only told of."""

import io
import json
import tempfile

import pytest

from descend.errors import DataError, OutputError
from descend.table.prepare import Note
from descend.training import Progress

NOTES = (Note("read", "a.csv · 3 rows"), Note("curve", "λmax 2"))
HALF = Progress(epoch=12, epochs=24, seconds=1.0, share=0.5, loss=0.25, held_out=float("nan"), lr=0.1, running=1)
ANSWER = """
    variant   lr     batch  epochs  test RMSE  result
 D  adam      0.031    256      41     69,214  best
 G  gd        0.46    full     500     71,902  D201 not converged in budget
 H  momentum  90      full       3          –  D101 diverged by step 3

adam · test RMSE 69,214 (66,000 to 72,500) · R² 0.641 · baseline 115,530 · exact optimum 69,208
✔ converged in 41 epochs; the gap to the exact optimum is 0.01 %

uses     area 31,000 · rooms 812.5   (how much worse the RMSE is with each permuted)
saved    runs/a-1/   trace.jsonl  model.safetensors  report.html  run.json
next     descend predict runs/a-1 new.csv > out.csv
         open runs/a-1/report.html
"""
SAID = "read     a.csv · 3 rows\ncurve    λmax 2\n"


@pytest.fixture
def training(monkeypatch, fakes):
    """Replace the library's training; the list holds the calls."""
    calls = []

    def train(data, target, *, on_event, begun, checkpoint, resume, **options):
        calls.append((data, target, options))
        for heard in (*NOTES, HALF):
            on_event(heard)
        if isinstance(calls.result, BaseException):
            raise calls.result
        return calls.result

    class Calls(list):
        result = fakes.good

    calls = Calls()
    monkeypatch.setattr("descend.run.job.train", train)
    return calls


def test_the_answer_goes_to_standard_output_and_notes_to_standard_error(descend, training):
    assert descend("train", "a.csv", "-t", "y", "--lr", "0.1", "--drop", "p", "--drop", "q") == (0, ANSWER, SAID)
    assert training == [("a.csv", "y", {"lr": 0.1, "drop": ("p", "q")})]


def test_quiet_leaves_the_answer(descend, training):
    assert descend("-q", "train", "a.csv", "-t", "y") == (0, ANSWER, "")


def test_json_is_one_document(descend, training):
    code, out, err = descend("train", "a.csv", "-t", "y", "--json", "--no-report", "--fail-if", "rmse>1e6")

    assert (code, err) == (0, SAID + "gate     rmse>1e6 · passed, it is 69214.2\n")
    assert json.loads(out) == {
        "schema": "descend.run/2", "status": "ok", "loss": None,
        "command": ["train", "a.csv", "-t", "y", "--json", "--no-report", "--fail-if", "rmse>1e6"],
        "artifacts": {
            "trace": "runs/a-1/trace.jsonl", "model": "runs/a-1/model.safetensors", "run": "runs/a-1/run.json",
        },
        "gates": [{"gate": "rmse>1e6", "seen": 69214.2, "tripped": False}],
    }  # fmt: skip


def test_a_gate_that_trips_is_exit_code_1(descend, training):
    code, out, err = descend("-q", "train", "a.csv", "-t", "y", "--fail-if", "rmse>1", "--fail-if", "r2<0")

    assert (code, out, err) == (1, ANSWER, "gate     rmse>1 · tripped, it is 69214.2\n")


def test_a_training_that_failed_is_exit_code_4_and_recorded(descend, training, fakes):
    training.result = fakes.diverged
    code, out, err = descend("train", "a.csv", "-t", "y")

    assert code == 4
    assert "✖ D101 learning rate 90 is 24 × the stability limit 3.8\n  fix      --lr auto   or   --scale\n" in out
    assert "saved    runs/a-1/   trace.jsonl  report.html  run.json\n" in out
    assert err == SAID + "error: training failed, there is no usable model (D101); the record is in runs/a-1\n"


def test_an_interrupted_training_says_where_the_best_is(descend, training, fakes):
    training.result = fakes.interrupted
    code, out, err = descend("-q", "train", "a.csv", "-t", "y")

    assert (code, err) == (130, "interrupted: the best model so far is saved in runs/a-1\n")
    assert "! interrupted after 12 epochs" in out


def test_an_interrupt_before_any_result(descend, training):
    training.result = KeyboardInterrupt()

    assert descend("-q", "train", "a.csv", "-t", "y") == (
        130, "", "error: interrupted before there was a result; run it again\n"
    )  # fmt: skip


def test_an_error_of_the_data_is_exit_code_3_with_a_document(descend, training):
    training.result = DataError("the file 'a.csv' is empty", fix="bring rows", code="empty-file")
    code, out, err = descend("-q", "train", "a.csv", "-t", "y", "--json")

    assert (code, err) == (3, "error: the file 'a.csv' is empty; bring rows\n")
    assert json.loads(out) == {
        "schema": "descend.error/1", "status": "error", "exit": 3,
        "error": {"code": "empty-file", "text": "the file 'a.csv' is empty", "fix": "bring rows"},
    }  # fmt: skip


def test_the_run_folder_is_checked_before_training(descend, training, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()

    assert descend("train", "a.csv", "-t", "y", "--run-dir", "full") == (
        2, "", "error: the run folder 'full' exists and is not empty; "
        "name another --run-dir, or replace it with --force\n",
    )  # fmt: skip
    assert training == []
    assert descend("-q", "train", "a.csv", "-t", "y", "--run-dir", "full", "--force")[0] == 0


def test_the_environment_may_name_the_run_folder(descend, training, monkeypatch):
    monkeypatch.setenv("DESCEND_RUN_DIR", "elsewhere")

    assert "saved    elsewhere/ " in descend("-q", "train", "a.csv", "-t", "y")[1]
    assert "saved    typed/ " in descend("-q", "train", "a.csv", "-t", "y", "--run-dir", "typed")[1]


def test_a_numbered_folder_that_was_taken_meanwhile_gives_way(descend, training, monkeypatch, tmp_path):
    saved = type(training.result).save

    def save(self, folder, **kwargs):
        if folder.name == "a-1":
            folder.mkdir(parents=True)
            raise OutputError("exists", fix="x", code="folder-exists")
        return saved(self, folder, **kwargs)

    monkeypatch.setattr(type(training.result), "save", save)
    assert "saved    runs/a-2/ " in descend("-q", "train", "a.csv", "-t", "y")[1]


@pytest.mark.parametrize("flags", [(), ("--run-dir", "mine")])
def test_a_run_whose_folder_cannot_be_written_is_saved_elsewhere(descend, training, monkeypatch, tmp_path, flags):
    saved, asked = type(training.result).save, "mine" if flags else "a-1"

    def save(self, folder, **kwargs):
        if tmp_path / "temporary" not in folder.parents:
            raise OutputError(
                f"'{folder}' cannot be written: the disk is full", fix="free some space", code="disk-full"
            )
        return saved(self, folder, **kwargs)

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(type(training.result), "save", save)

    code, out, err = descend("-q", "train", "a.csv", "-t", "y", "--fail-if", "rmse>1", *flags)

    (made,) = (tmp_path / "temporary").iterdir()
    folder = "mine" if flags else "runs/a-1"
    assert code == 2
    assert f"saved    {made}/{asked}/ " in out
    assert err.endswith(
        f"error: '{folder}' cannot be written: the disk is full, so the run is saved in '{made}/{asked}'; "
        "move it from there\n"
    )


def test_standard_input_has_a_name(descend, training, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "saved    runs/stdin-1/ " in descend("-q", "train", "-", "-t", "y")[1]


@pytest.mark.parametrize("command", [("train", "-", "-t", "y"), ("predict", "RUN", "-"), ("eval", "RUN", "-")])
def test_standard_input_that_brings_nothing_is_refused(descend, runs, monkeypatch, command):
    words = [str(runs / "mass") if word == "RUN" else word for word in command]
    monkeypatch.setattr("sys.stdin", None)
    assert descend(*words) == (3, "", "error: standard input is closed; pipe a table in, or name a file\n")
    stdin = io.StringIO()
    stdin.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", stdin)
    assert descend(*words) == (3, "", "error: standard input is a terminal; pipe a table in, or name a file\n")


def test_events_are_json_lines_in_a_file(descend, training, tmp_path):
    descend("-q", "train", "a.csv", "-t", "y", "--events", "live.jsonl")

    assert [json.loads(line) for line in (tmp_path / "live.jsonl").read_text().splitlines()] == [
        {"event": "note", "topic": "read", "text": "a.csv · 3 rows"},
        {"event": "note", "topic": "curve", "text": "λmax 2"},
        {"event": "progress", "epoch": 12, "epochs": 24, "seconds": 1.0, "share": 0.5, "loss": 0.25, "held_out": None,
         "lr": 0.1, "running": 1, "runs": 1},
    ]  # fmt: skip
    assert descend("-q", "train", "a.csv", "-t", "y", "--events", "live.jsonl") == (
        2, "", "error: the events file 'live.jsonl' exists already; name another, or add --force\n"
    )  # fmt: skip
    assert descend("-q", "train", "a.csv", "-t", "y", "--events", "no/live.jsonl") == (
        2, "", "error: the events file 'no/live.jsonl' cannot be written: no such file or directory; "
        "name another file\n",
    )  # fmt: skip


def test_events_on_standard_output_send_the_answer_to_standard_error(descend, training):
    code, out, err = descend("-q", "train", "a.csv", "-t", "y", "--events", "-")

    assert code == 0
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["note", "note", "progress"]
    assert err == ANSWER


def test_a_dry_run_reads_and_stops(descend, training, tmp_path):
    assert descend("train", "a.csv", "-t", "y", "--dry-run") == (
        0, "dry run: nothing was trained; the run would be saved in runs/a-1\n", SAID
    )  # fmt: skip
    assert json.loads(descend("-q", "train", "a.csv", "-t", "y", "--dry-run", "--json")[1])["run_dir"] == "runs/a-1"
    assert list(tmp_path.iterdir()) == []


def test_the_configuration_and_where_it_came_from(descend, training, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.descend]\ntarget = "y"\npatience = 3\n')
    code, out, err = descend("train", "--print-config", "--lr", "0.1", "--time", "date", "--time", "5m")

    assert (code, err) == (0, "")
    lines = dict(line.split("#  ", 1)[0].rsplit("  # ", 1) for line in out.splitlines())
    assert {k.rstrip(): v for k, v in lines.items() if v != "default"} == {
        'target = "y"': "pyproject.toml", "lr = 0.1": "flag", "time = 300.0": "flag", 'time-column = "date"': "flag",
        "patience = 3": "pyproject.toml",
    }  # fmt: skip
    assert "# clip =" in {k.rstrip() for k in lines}
    assert descend("-q", "train", "a.csv")[0] == 0
    assert training[-1] == ("a.csv", "y", {"patience": 3})


def test_the_printed_configuration_can_be_read_back(descend, training, tmp_path):
    (tmp_path / "all.toml").write_text(descend("train", "--print-config", "--betas", "0.8,0.9", "--drop", "p")[1])
    code, out, _ = descend("train", "--print-config", "--json", "--config", "all.toml")

    read = json.loads(out)
    assert (code, read["schema"]) == (0, "descend.config/1")
    assert read["config"]["betas"] == {"value": [0.8, 0.9], "source": "all.toml"}
    assert read["config"]["drop"] == {"value": ["p"], "source": "all.toml"}
    assert read["config"]["clip"] == {"value": None, "source": "default"}


def test_colour_is_asked_for_and_refused(descend, training, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m D  adam" in descend("-q", "train", "a.csv", "-t", "y")[1]
    assert "\x1b[" not in descend("-q", "--no-color", "train", "a.csv", "-t", "y")[1]
