"""Text and JSON on standard output, files that are written whole or not at all."""

import io
import json
import os
import stat

import pytest

from descend.cli.output import atomic_text_file, check_folder_for, json_text, writing
from descend.errors import OutputError


def stream(encoding):
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def test_json_has_escapes_only_where_the_encoding_needs_them():
    assert json_text({"a": "\u2192"}, stream("utf-8")) == '{"a": "\u2192"}'
    assert json_text({"a": "\u2192"}, stream("ascii")) == '{"a": "\\u2192"}'
    assert json.loads(json_text({"a": "\u2192"}, stream("ascii"))) == {"a": "\u2192"}


def test_a_failed_write_is_a_sentence_and_a_closed_pipe_passes():
    with pytest.raises(OutputError) as caught, writing("the file 'a'"):
        raise OSError(28, "No space left on device")
    assert str(caught.value) == (
        "the file 'a' cannot be written: no space left on device; free some space there or write elsewhere"
    )
    assert caught.value.code == "cannot-write"
    with pytest.raises(BrokenPipeError), writing("x"):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_file_appears_whole_with_the_usual_permissions(tmp_path):
    place = tmp_path / "out.csv"
    with atomic_text_file(str(place)) as file:
        file.write("\u00e9\n")
        assert not place.exists()
    assert place.read_bytes() == "\u00e9\n".encode()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(place.stat().st_mode) == 0o666 & ~umask
    assert list(tmp_path.iterdir()) == [place]


def test_an_interrupted_file_leaves_the_old_one(tmp_path):
    place = tmp_path / "out.csv"
    place.write_text("old")

    def interrupted(file):
        file.write("new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), atomic_text_file(str(place)) as file:
        interrupted(file)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("out.csv", "old")]


def test_a_device_is_written_directly():
    with atomic_text_file(os.devnull) as file:
        file.write("x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_standard_output_is_used_without_a_path(capsys):
    with atomic_text_file(None) as file:
        file.write("x\n")
    assert capsys.readouterr().out == "x\n"


def test_folders_for_several_files_are_checked_first(tmp_path):
    names = ("a.svg", "b.svg")
    assert check_folder_for(tmp_path / "new" / "deep", names, force=False) == [
        tmp_path / "new" / "deep" / n for n in names
    ]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "b.svg").write_text("mine")
    with pytest.raises(OutputError) as caught:
        check_folder_for(tmp_path, names, force=False)
    assert str(caught.value) == (
        f"the file {str(tmp_path / 'b.svg')!r} exists already; name another folder, or add --force"
    )
    assert check_folder_for(tmp_path, names, force=True) == [tmp_path / n for n in names]
    with pytest.raises(OutputError) as caught:
        check_folder_for(tmp_path / "b.svg" / "x", names, force=True)
    assert str(caught.value) == f"{str(tmp_path / 'b.svg')!r} is no folder; name another folder"
