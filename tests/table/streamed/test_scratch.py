"""A folder for large files: made when needed, refused in one sentence, gone at the end."""

import os
import shutil

import pytest

from descend.errors import OutputError
from descend.table.streamed.scratch import Scratch


def test_the_folder_is_beside_the_run_and_gone_at_the_end(tmp_path):
    with Scratch(tmp_path / "mine") as scratch:
        path = scratch.room("rows", 10, "a file")
        path.write_bytes(b"0123456789")
        assert path.parent.parent == tmp_path
        assert path.parent.name.startswith("mine.rows-")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_made_where_nothing_is_asked_for(tmp_path):
    with Scratch(tmp_path / "mine"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_said_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12 - 5 * 10**8, 5 * 10**8)
    )
    with Scratch(tmp_path / "mine") as scratch, pytest.raises(OutputError) as error:
        scratch.room("rows", 4 * 10**9, "a file for rows")
    assert str(error.value) == (
        f"a file for rows takes 4 GB of disk, 500 MB are free in {str(tmp_path)!r}; free some space, or choose a --run-dir on a "
        "larger disk"
    )


def test_a_place_that_cannot_be_written_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with Scratch(tmp_path / "file" / "mine") as scratch, pytest.raises(OutputError) as error:
        scratch.room("rows", 1, "a file")
    assert str(error.value) == (
        f"a table larger than memory needs a folder in {str(tmp_path / 'file')!r}, which cannot be made: file exists; choose a "
        "--run-dir that can be written"
    )


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_not(tmp_path):
    left = tmp_path / "mine.rows-killed"
    left.mkdir()
    (left / "train.rows").write_bytes(b"1")
    with Scratch(tmp_path / "mine") as first:
        held = first.folder
        assert not left.exists()
        with Scratch(tmp_path / "mine") as second:
            assert second.folder != held
            assert os.path.exists(held)
