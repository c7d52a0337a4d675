"""A finished run is saved somewhere, whatever has become of the folder that was asked for."""

import errno
import os
import tempfile

import pytest

from descend import store
from descend.errors import OutputError
from descend.run.saving import Saved, save_somewhere
from descend.store import fsio


class Run:
    """A run that writes two files."""

    def save(self, folder, *, force=False, report=True, command=None):
        store.write_folder(folder, {"run.json": b"{}", "report.html": b""}, force=force)
        return {"run": str(folder / "run.json")}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The temporary folder of this test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def full(monkeypatch):
    """Lets writing below a folder fail as on a full disk."""
    write_file = fsio.write_file

    def fill(*folders):
        def write(path, data):
            if any(path.is_relative_to(folder) for folder in folders):
                raise OSError(errno.ENOSPC, "No space left on device")
            write_file(path, data)

        monkeypatch.setattr(fsio, "write_file", write)

    return fill


def test_a_folder_that_can_be_written_is_used(tmp_path, temporary):
    assert save_somewhere(Run(), tmp_path / "run") == Saved({"run": str(tmp_path / "run" / "run.json")})
    assert os.listdir(temporary) == []


@pytest.mark.parametrize("force", [False, True])
def test_on_a_full_disk_a_run_is_saved_in_a_temporary_folder_and_this_is_said(tmp_path, temporary, full, force):
    disk = tmp_path / "disk"
    disk.mkdir()
    full(disk)

    saved = save_somewhere(Run(), disk / "houses-1", force=force)

    (made,) = temporary.iterdir()
    assert saved.artifacts == {"run": str(made / "houses-1" / "run.json")}
    assert sorted(os.listdir(made / "houses-1")) == ["report.html", "run.json"]
    assert saved.problem == (
        f"'{disk}/houses-1' cannot be written: the disk is full, so the run is saved in '{made}/houses-1'; "
        "move it from there"
    )
    assert os.listdir(disk) == []


def test_a_folder_that_another_process_has_filled_meanwhile_stays(tmp_path, temporary):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "theirs.txt").write_text("precious")

    saved = save_somewhere(Run(), taken)

    assert os.listdir(taken) == ["theirs.txt"]
    assert saved.problem.startswith(f"the run folder '{taken}' exists and is not empty, so the run is saved in ")
    assert os.path.exists(saved.artifacts["run"])


def test_a_parent_that_has_become_a_file_costs_no_run(tmp_path, temporary):
    (tmp_path / "runs").write_text("")

    saved = save_somewhere(Run(), tmp_path / "runs" / "a-1")

    assert "cannot be written: " in saved.problem
    assert os.path.exists(saved.artifacts["run"])


def test_where_nothing_can_be_written_the_error_is_that_of_the_folder_that_was_asked_for(tmp_path, temporary, full):
    full(tmp_path)

    with pytest.raises(OutputError) as caught:
        save_somewhere(Run(), tmp_path / "run")

    assert str(caught.value) == (
        f"'{tmp_path}/run' cannot be written: the disk is full; free some space, nothing was changed"
    )
