"""What users are told when a file cannot be written: the reason in their words, and what to do."""

import errno
import os
from pathlib import Path

import pytest

from descend.errors import OutputError
from descend.store import atomic_write, check_file, fsio

LONG = "x" * 300


def refusal(path):
    with pytest.raises(OutputError) as caught:
        atomic_write(Path(path), b"new")
    assert caught.value.exit_code == 2
    return str(caught.value), caught.value.code


@pytest.mark.parametrize(
    ("path", "sentence", "code"),
    [
        (
            "missing/a.txt",
            "'missing/a.txt' cannot be written: its folder does not exist; make that folder first, or write elsewhere",
            "no-such-folder",
        ),
        (
            "file/a.txt",
            "'file/a.txt' cannot be written: what should be its folder is a file; write elsewhere",
            "no-such-folder",
        ),
        (
            "folder",
            "'folder' cannot be written: a folder of that name is in the way; write elsewhere, or move that folder",
            "folder-in-the-way",
        ),
        (LONG, f"'{LONG}' cannot be written: file name too long; write elsewhere", "unwritable"),
        ("a\x00b", "'a\\x00b' holds a NUL character; write elsewhere", "bad-path"),
        ("/", "'/' is the root of all folders; name a folder in it", "bad-path"),
    ],
)
def test_a_path_that_cannot_be_written(tmp_path, monkeypatch, path, sentence, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    assert refusal(path) == (sentence, code)
    assert sorted(os.listdir()) == ["file", "folder"]


@pytest.mark.parametrize(
    ("number", "why", "code"),
    [
        (errno.ENOSPC, "the disk is full; free some space, nothing was changed", "disk-full"),
        (errno.EDQUOT, "the disk is full; free some space, nothing was changed", "disk-full"),
        (errno.EACCES, "permission denied; write elsewhere", "unwritable"),
        (errno.EROFS, "read-only file system; write elsewhere", "unwritable"),
    ],
)
def test_a_disk_that_cannot_be_written(tmp_path, monkeypatch, number, why, code):
    def wrong(path, data):
        raise OSError(number, os.strerror(number))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fsio, "write_file", wrong)

    assert refusal("a.txt") == (f"'a.txt' cannot be written: {why}", code)


def test_a_current_folder_that_is_gone(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert refusal("a.txt") == (
        "'a.txt' cannot be written: its folder does not exist; make that folder first, or write elsewhere",
        "no-such-folder",
    )


def test_files_that_must_not_be_written_are_refused(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("a")
    (tmp_path / "out.csv").write_text("b")

    def refusal(path, force=False):
        with pytest.raises(OutputError) as caught:
            check_file(str(path), str(source), force)
        return str(caught.value).replace(str(tmp_path), "T")

    assert refusal(tmp_path) == "the file 'T' cannot be written: it is a folder; name another file"
    assert refusal(source, force=True) == "the file 'T/in.csv' cannot be written: it is the input; name another file"
    assert refusal(tmp_path / "out.csv") == (
        "the file 'T/out.csv' cannot be written: it exists already; name another file, or add --force"
    )
    assert refusal(tmp_path / "no" / "out.csv") == (
        "the file 'T/no/out.csv' cannot be written: its folder does not exist; make the folder 'T/no' first"
    )
    check_file(str(tmp_path / "out.csv"), str(source), force=True)
    check_file(str(tmp_path / "new.csv"), str(source), force=False)


def test_a_device_is_never_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert refusal(pipe) == (f"{str(pipe)!r} cannot be written: it is no regular file; write elsewhere", "not-a-file")
    assert pipe.is_fifo()
