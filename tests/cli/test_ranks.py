"""torchrun starts several processes of `descend train`: one talks and writes, and the result is that of one process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import descend
from descend.cli import main, ranks

GIVEN = ["--target", "body_mass_g", "--optimizer", "gd", "--epochs", "30", "--no-report"]


def torchrun(folder, *arguments, processes=2, restarts=0):
    """Exit code, standard output and error of a command that torchrun starts as several processes."""
    started = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
         "--max-restarts", str(restarts), *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, timeout=180,
        env={**os.environ, "PYTHONPATH": str(Path(descend.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return started.returncode, started.stdout, started.stderr


def of_descend(errors):
    """The lines on standard error that are not torchrun's own."""
    return [
        line for line in errors.splitlines() if line.startswith(("error:", "interrupted", "read ", "ranks ", "resume "))
    ]


@pytest.fixture
def alone(tmp_path, penguins, monkeypatch):
    """The folder of the same training by one process."""
    monkeypatch.chdir(tmp_path)
    assert main(["-q", "train", str(penguins), *GIVEN, "--run-dir", "alone"]) == 0
    return tmp_path / "alone"


def same_model(one, other):
    same = (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    return same and trace(one) == trace(other)


def trace(folder):
    """The trace of a run, without the seconds that a clock has measured."""
    lines = (json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines())
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def test_a_process_that_torchrun_did_not_start_is_rank_0(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    assert ranks.rank() == 0
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    assert ranks.rank() == 1
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert ranks.rank() == 0


def test_rank_0_tells_errors_and_another_what_rank_0_cannot(monkeypatch, capsys):
    told = []
    for name in ("0", "1"):
        for key, value in (("RANK", name), ("WORLD_SIZE", "2"), ("TORCHELASTIC_RUN_ID", "none")):
            monkeypatch.setenv(key, value)
        assert main(["train", "a.csv", "--target", "y", "--lr", "-1"]) == 2
        told.append((capsys.readouterr().err, ranks.is_told("usage"), ranks.is_told("rank-lost")))
    assert told == [("error: --lr is '-1', it must be a finite number above 0; try --lr auto, which finds it\n", True, True),
                    ("", False, True)]  # fmt: skip


def test_another_rank_says_nothing_of_a_configuration(monkeypatch, capsys):
    for key, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("TORCHELASTIC_RUN_ID", "none")):
        monkeypatch.setenv(key, value)
    assert [main(["train", "a.csv", "--target", "y", flag]) for flag in ("--print-config", "--dry-run")] == [0, 0]
    assert capsys.readouterr() == ("", "")


def test_two_processes_write_the_model_of_one_and_rank_0_alone_talks(tmp_path, penguins, alone):
    code, said, errors = torchrun(tmp_path, "-m", "descend", "train", penguins, *GIVEN, "--run-dir", "two")
    assert code == 0, errors
    assert same_model(alone, tmp_path / "two")
    assert said.count("saved") == 1
    assert [line.split()[0] for line in of_descend(errors)] == ["read", "ranks"]


@pytest.mark.slow
def test_more_processes_than_rows_end_as_one(tmp_path, penguins, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.csv").write_text("x,y\n1,2\n2,5\n3,5\n4,9\n")
    given = ["few.csv", "--target", "y", "--optimizer", "gd", "--epochs", "30", "--no-report", "--test", "none"]
    assert main(["-q", "train", *given, "--run-dir", "alone"]) == 0
    code, _, errors = torchrun(tmp_path, "-m", "descend", "train", *given, "--run-dir", "five", processes=5)
    assert code == 0, errors
    assert same_model(tmp_path / "alone", tmp_path / "five")


@pytest.mark.slow
def test_what_is_refused_is_said_once(tmp_path, penguins):
    code, said, errors = torchrun(tmp_path, "-m", "descend", "train", penguins, "-t", "sex", "--memory", "1GB")
    assert code == 1  # torchrun's own
    assert (said, of_descend(errors)[-1:]) == (
        "",
        ["error: several processes cannot share tables larger than memory; leave out --memory, or start one process"],
    )
    assert errors.count("error: several") == 1


DIES_ONCE = """
import os, signal, sys
from pathlib import Path
from descend.cli import main
from descend.training import checkpoint, loop

Path("rank-" + os.environ["RANK"]).write_text(str(os.getpid()))
checkpoint.INTERVAL = -1.0  # a file after each call of an engine
if os.environ["RANK"] == "0" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
    before, calls = loop._Loop._advance, []

    def advance(self, epoch, points):
        calls.append(epoch)
        if len(calls) == {at}:
            os.kill(int(Path("rank-{lost}").read_text()), signal.SIGKILL)
        return before(self, epoch, points)

    loop._Loop._advance = advance
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("lost", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_rank_that_is_killed_is_started_again_and_goes_on_to_an_equal_run(tmp_path, penguins, alone, lost):
    (tmp_path / "script.py").write_text(DIES_ONCE.format(lost=lost, at=4))
    code, said, errors = torchrun(tmp_path, "script.py", "train", penguins, *GIVEN, "--run-dir", "two", restarts=1)
    assert code == 0, errors
    assert said.count("saved") == 1
    assert [line.split()[:4] for line in of_descend(errors)].count(["resume", "went", "on", "from"]) == 1
    assert same_model(alone, tmp_path / "two")
    assert not (tmp_path / "two.search").exists()


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_rank_that_is_killed_ends_all_without_a_restart(tmp_path, penguins, alone, lost):
    (tmp_path / "script.py").write_text(DIES_ONCE.format(lost=lost, at=4))
    code, said, errors = torchrun(tmp_path, "script.py", "train", penguins, *GIVEN, "--run-dir", "two")
    assert (code, said) == (1, "")
    assert not (tmp_path / "two").exists()
    assert len([line for line in of_descend(errors) if line.startswith("error:")]) <= 1

    again = torchrun(tmp_path, "-m", "descend", "train", penguins, *GIVEN, "--run-dir", "two", "--resume")

    assert again[0] == 0, again[2]
    assert "resume   went on from" in again[2]
    assert same_model(alone, tmp_path / "two")


def test_of_several_processes_sigterm_is_an_error_and_ctrl_c_an_interruption(monkeypatch):
    assert isinstance(ranks.interruption(signal.SIGTERM), KeyboardInterrupt)
    for key, value in (("RANK", "1"), ("WORLD_SIZE", "2"), ("TORCHELASTIC_RUN_ID", "none")):
        monkeypatch.setenv(key, value)
    assert isinstance(ranks.interruption(signal.SIGINT), KeyboardInterrupt)
    error = ranks.interruption(signal.SIGTERM)
    assert str(error) == (
        "rank 1 of 2 was ended by SIGTERM; see which process ended first; --resume goes on from the last checkpoint"
    )
    assert (error.exit_code, ranks.is_told(error.code)) == (7, False)
