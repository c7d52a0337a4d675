"""The file operations: each does one thing, and nothing by halves."""

import os

import pytest

from descend.store import fsio


def test_a_file_is_written_once(tmp_path):
    path = tmp_path / "a"
    fsio.write_file(path, b"x" * 1_000_000)
    assert path.read_bytes() == b"x" * 1_000_000
    with pytest.raises(FileExistsError):
        fsio.write_file(path, b"y")
    assert path.read_bytes() == b"x" * 1_000_000


def test_short_writes_are_continued(tmp_path, monkeypatch):
    whole = os.write
    monkeypatch.setattr(fsio.os, "write", lambda descriptor, data: whole(descriptor, data[:3]))
    fsio.write_file(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_folders_are_made_once_and_removed_only_when_empty(tmp_path):
    folder = tmp_path / "f"
    fsio.make_folder(folder)
    with pytest.raises(FileExistsError):
        fsio.make_folder(folder)
    (folder / "a").write_text("a")
    fsio.remove_empty(folder)
    assert folder.is_dir()
    (folder / "a").unlink()
    fsio.remove_empty(folder)
    assert not folder.exists()
    fsio.remove_empty(folder)


def test_rename_replaces_files_and_empty_folders_only(tmp_path):
    for name in ("old", "new", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "a").write_text("a")
    fsio.rename(tmp_path / "new", tmp_path / "old")
    assert not (tmp_path / "new").exists()
    with pytest.raises(OSError, match="not empty"):
        fsio.rename(tmp_path / "old", tmp_path / "full")


def test_remove_takes_files_folders_and_links_and_never_what_a_link_points_to(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "a").write_text("a")
    (tmp_path / "link").symlink_to(target)
    fsio.remove(tmp_path / "link")
    assert not (tmp_path / "link").is_symlink()
    assert (target / "a").read_text() == "a"
    fsio.remove(target)
    assert not target.exists()
    fsio.remove(target)


def test_a_folder_that_cannot_be_synchronised_is_no_error(tmp_path):
    fsio.sync_folder(tmp_path)
    fsio.sync_folder(tmp_path / "missing")
