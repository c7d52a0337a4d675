"""A training that was killed ends, from its folder alone, in the run that it would have been."""

import subprocess
import sys

import pytest

import descend as ds
from descend.errors import ResumeError
from descend.training import checkpoint

GIVEN = {"optimizer": "gd,adam", "max_epochs": 20, "seeds": 2, "time_budget": None, "progress": False}


class Killed(BaseException):
    """Ends a process as SIGKILL does: nothing that follows is done."""


@pytest.fixture
def killed(monkeypatch):
    """Kill a training at its third file, which are written at once."""
    monkeypatch.setattr(checkpoint, "INTERVAL", -1.0)

    def run(*call, **given):
        offer, calls = checkpoint.Checkpoint.offer, []

        def counted(self, state, ended=False):
            offer(self, state, ended)
            calls.append(ended)
            if len(calls) == 3:
                raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(checkpoint.Checkpoint, "offer", counted)
            with pytest.raises(Killed):
                ds.train(*call, **given)

    return run


@pytest.fixture
def table(penguins, tmp_path):
    """A copy of the penguins that may change."""
    copy = tmp_path / "penguins.csv"
    copy.write_bytes(penguins.read_bytes())
    return copy


def bits(run):
    trace = {name: values for name, values in run.trace.items() if name != "seconds"}
    return run.model.weights.tobytes(), trace, run.metrics, run.chosen


@pytest.mark.parametrize("named", ["run", "run.search"])
def test_it_has_the_bits_of_one_that_was_never_stopped(killed, table, tmp_path, named):
    alone = ds.train(table, "body_mass_g", **GIVEN)
    killed(table, "body_mass_g", run_dir=tmp_path / "run", **GIVEN)
    assert not (tmp_path / "run").exists()

    again = ds.resume(tmp_path / named, progress=False)

    assert bits(again) == bits(alone)
    assert [n.topic for n in again.notes if n.topic == "resume"] == ["resume"]
    assert again.options == alone.options
    assert ds.load(tmp_path / "run").model.weights.tobytes() == alone.model.weights.tobytes()
    assert not (tmp_path / "run.search").exists()


def test_the_folder_may_be_the_working_folder(killed, table, tmp_path, monkeypatch):
    killed(table, "body_mass_g", run_dir=tmp_path / "run", **GIVEN)
    monkeypatch.chdir(tmp_path / "run.search")
    again = ds.resume(".", progress=False)
    assert ds.load(tmp_path / "run").model.weights.tobytes() == again.model.weights.tobytes()


def test_a_checkpoint_of_its_own_saves_no_run(killed, table, tmp_path):
    killed(table, "body_mass_g", checkpoint=tmp_path / "state", **GIVEN)
    assert ds.resume(tmp_path / "state", progress=False).metrics
    assert [p.name for p in tmp_path.iterdir()] == ["penguins.csv"]


def test_other_data_or_options_are_refused_and_the_checkpoint_stays(killed, table, tmp_path):
    killed(table, "body_mass_g", run_dir=tmp_path / "run", **GIVEN)
    with pytest.raises(
        ResumeError, match="is of another training: l2=0.0001 then and 0.5 now; give the data and options"
    ):
        ds.train(table, "body_mass_g", run_dir=tmp_path / "run", resume=True, l2=0.5, **GIVEN)
    table.write_text("\n".join(table.read_text().splitlines()[:-1]))
    with pytest.raises(ResumeError) as caught:
        ds.resume(tmp_path / "run", progress=False)
    assert str(caught.value).startswith(
        f"the checkpoint {str(tmp_path / 'run.search')!r} is of another training: row count 344 then and 343 now, a table of hash "
    )
    assert str(caught.value).endswith("; give the data and options that it had, or begin anew without resume")
    assert caught.value.exit_code == 4
    assert (tmp_path / "run.search" / checkpoint.CALL).is_file()


def test_the_command_refuses_them_too(killed, table, tmp_path):
    killed(table, "body_mass_g", run_dir=tmp_path / "run", **GIVEN)
    command = [
        sys.executable,
        "-m",
        "descend",
        "train",
        table,
        "-t",
        "body_mass_g",
        "--run-dir",
        tmp_path / "run",
        "--resume",
    ]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 4
    assert "begin anew without --resume" in ended.stderr


def test_where_there_is_nothing_to_go_on_from_it_says_what_there_is(table, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(ResumeError) as caught:
        ds.resume(folder)
    assert str(caught.value) == (
        f"there is nothing to go on from: {str(folder) + '.search'!r} holds no checkpoint; train with run_dir, which leaves one every "
        "five seconds"
    )
    assert (caught.value.code, caught.value.exit_code) == ("no-checkpoint", 4)
    ds.train(table, "body_mass_g", run_dir=folder, **GIVEN)
    with pytest.raises(ResumeError) as caught:
        ds.resume(folder)
    assert str(caught.value) == (
        f"there is nothing to go on from: the training of {str(folder)!r} has ended; read the run by load({str(folder)!r})"
    )


def test_objects_are_asked_for_again(killed, table, tmp_path):
    import pandas as pd

    killed(pd.read_csv(table), "body_mass_g", run_dir=tmp_path / "run", **GIVEN)
    with pytest.raises(ResumeError) as caught:
        ds.resume(tmp_path / "run")
    assert str(caught.value) == (
        f"the training of {str(tmp_path / 'run.search')!r} was given data as an object, which no file holds; call train with the same "
        "arguments and resume=True"
    )
