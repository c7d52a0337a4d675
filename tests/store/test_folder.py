"""Writing: whole or not at all, whatever file operation fails, and wherever the process is killed."""

import errno
import os
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descend.errors import OutputError
from descend.store import atomic_write, check_folder, folder, fsio, next_run_folder, write_folder

OLD, NEW = {"run.json": b"old", "mine.txt": b"old too"}, {"run.json": b"new", "model.safetensors": b"n" * 10_000}
LONG = "x" * 300
OWN = "is the folder that you work in, or holds it"
SRC = Path(folder.__file__).parents[2]


class Fault:
    """The `os` module, whose k-th file operation goes wrong; it counts them."""

    OPERATIONS = ("open", "write", "fsync", "close", "replace", "mkdir", "unlink", "rmdir")

    def __init__(self, k, wrong):
        self.k, self.wrong, self.calls = k, wrong, []

    def __getattr__(self, name):
        real = getattr(os, name)
        return (lambda *args: self.call(name, real, args)) if name in self.OPERATIONS else real

    def call(self, name, real, args):
        self.calls.append(name)
        if len(self.calls) != self.k:
            return real(*args)
        if name == "close":
            real(*args)
        self.wrong()
        return real(*args)


def disk_full():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def broken():
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def interrupt():
    raise KeyboardInterrupt


def held(path):
    """Every file below, by name."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def names(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*"))


def in_a_new_folder(tmp_path, k):
    path = tmp_path / str(k)
    path.mkdir()
    return path


def every_fault(monkeypatch, wrong, action):
    """Fail the k-th operation of `action(k)` for k = 1, 2, ... until nothing fails; yields (k, what was raised)."""
    for k in count(1):
        fault = Fault(k, wrong)
        with monkeypatch.context() as patched:
            patched.setattr(fsio, "os", fault)
            error = None
            try:
                action(k)
            except (OutputError, KeyboardInterrupt) as caught:
                error = caught
        if len(fault.calls) < k:
            assert error is None
            return
        yield k, error


WRONGS = pytest.mark.parametrize("wrong", [disk_full, broken, interrupt])


def test_a_file_is_written_and_replaced(tmp_path):
    atomic_write(tmp_path / "a.txt", b"one")
    atomic_write(tmp_path / "a.txt", b"two" * 100_000)

    assert held(tmp_path) == {"a.txt": b"two" * 100_000}


@WRONGS
def test_no_fault_loses_a_file(tmp_path, monkeypatch, wrong):
    raised = []

    def action(k):
        path = in_a_new_folder(tmp_path, k) / "a.txt"
        path.write_bytes(b"old")
        atomic_write(path, b"new")

    for k, error in every_fault(monkeypatch, wrong, action):
        raised.append(type(error))
        assert names(tmp_path / str(k)) == ["a.txt"]
        assert (tmp_path / str(k) / "a.txt").read_bytes() == (b"old" if k <= 5 else b"new")

    # open, write, fsync, close, replace, and when all is done the folder's open, fsync, close
    late = KeyboardInterrupt if wrong is interrupt else type(None)
    assert raised == [KeyboardInterrupt if wrong is interrupt else OutputError] * 5 + [late] * 3


def test_the_faults_find_a_careless_writer(tmp_path, monkeypatch):
    def careless(k):
        path = in_a_new_folder(tmp_path, k) / "a.txt"
        path.write_bytes(b"old")
        descriptor = fsio.os.open(path, os.O_WRONLY | os.O_TRUNC)
        try:
            fsio.os.write(descriptor, b"new")
        except OSError as error:
            raise OutputError("x", fix="y", code="z") from error
        finally:
            os.close(descriptor)

    faults = every_fault(monkeypatch, lambda: None, careless)
    assert [(tmp_path / str(k) / "a.txt").read_bytes() for k, _ in faults] == [b"new", b"new"]
    assert (tmp_path / "3" / "a.txt").read_bytes() == b"new"
    fault = Fault(2, disk_full)
    monkeypatch.setattr(fsio, "os", fault)
    with pytest.raises(OutputError):
        careless("careless")
    assert (tmp_path / "careless" / "a.txt").read_bytes() == b""


def test_short_writes_are_continued(tmp_path, monkeypatch):
    class Short:
        write = staticmethod(lambda descriptor, data: os.write(descriptor, data[:3]))

        def __getattr__(self, name):
            return getattr(os, name)

    monkeypatch.setattr(fsio, "os", Short())
    atomic_write(tmp_path / "a.txt", b"0123456789")

    assert held(tmp_path) == {"a.txt": b"0123456789"}


def test_a_folder_is_written_with_its_parents(tmp_path):
    write_folder(tmp_path / "runs" / "deep" / "a-1", NEW)

    assert held(tmp_path / "runs" / "deep" / "a-1") == NEW
    assert names(tmp_path / "runs" / "deep") == ["a-1", "a-1/model.safetensors", "a-1/run.json"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "a-1").mkdir()
    write_folder(tmp_path / "a-1", NEW)

    assert held(tmp_path) == {f"a-1/{name}": data for name, data in NEW.items()}


def test_force_replaces_a_folder_whole(tmp_path):
    write_folder(tmp_path / "a-1", OLD)
    write_folder(tmp_path / "a-1", NEW, force=True)

    assert held(tmp_path / "a-1") == NEW
    assert os.listdir(tmp_path) == ["a-1"]


@WRONGS
def test_no_fault_leaves_half_a_folder(tmp_path, monkeypatch, wrong):
    raised = []
    for k, error in every_fault(monkeypatch, wrong, lambda k: write_folder(tmp_path / str(k) / "runs" / "a-1", NEW)):
        raised.append(error)
        there = (tmp_path / str(k)).exists()
        assert there == (error is None) or (there and wrong is interrupt)
        if there:
            assert held(tmp_path / str(k)) == {f"runs/a-1/{name}": data for name, data in NEW.items()}
        assert not list(tmp_path.glob("**/*.tmp-*"))

    # two parents, the folder, four operations for each of two files, the renaming: 12; and syncing folders
    assert [k for k, error in enumerate(raised, 1) if isinstance(error, OutputError)] == (
        [] if wrong is interrupt else [*range(1, 12), 15]
    )


@WRONGS
def test_no_fault_loses_an_old_folder(tmp_path, monkeypatch, wrong):
    raised = []

    def action(k):
        path = in_a_new_folder(tmp_path, k) / "a-1"
        write_plainly(path, OLD)
        write_folder(path, NEW, force=True)

    for k, error in every_fault(monkeypatch, wrong, action):
        raised.append(error)
        assert os.listdir(tmp_path / str(k)) == ["a-1"]
        found = held(tmp_path / str(k) / "a-1")
        assert found == (NEW if error is None else OLD) or (found == NEW and wrong is interrupt)

    assert [k for k, error in enumerate(raised, 1) if isinstance(error, OutputError)] == (
        [] if wrong is interrupt else [*range(1, 10), 13, 14]
    )


def write_plainly(path, files):
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)


KILLED = """
import os, signal, sys
from pathlib import Path
from descend.store import fsio, write_folder

class Killing:
    def __init__(self, left):
        self.left = left
    def __getattr__(self, name):
        self.left -= name in ("open", "write", "fsync", "close", "replace", "mkdir", "unlink", "rmdir")
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return getattr(os, name)

k, status = 0, 9
while status == 9:
    k += 1
    path = Path(str(k), "a-1")
    path.mkdir(parents=True)
    (path / "run.json").write_bytes(b"old")
    child = os.fork()
    if child == 0:
        fsio.os = Killing(k)
        write_folder(path, {"run.json": b"new", "model.safetensors": b"n" * 10_000}, force=True)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
sys.exit(status)
"""


def test_a_kill_at_any_point_loses_nothing(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    subprocess.run([sys.executable, "-c", KILLED], env=environment, cwd=tmp_path, check=True)

    seen = []
    for k in range(1, len(os.listdir(tmp_path)) + 1):
        path, aside = tmp_path / str(k) / "a-1", list((tmp_path / str(k)).glob("a-1.old-*"))
        # between two renames the old one is beside, whole
        seen.append(held(path) if path.exists() else held(aside[0]))
        write_folder(path, NEW, force=True)  # what the kill left is in nobody's way
        assert held(path) == NEW

    # make the folder, four operations for each of two files, three for syncing, two renames; then three for syncing
    assert seen == [{"run.json": b"old"}] * 14 + [NEW] * 4


@pytest.mark.parametrize(
    ("path", "force", "sentence", "code"),
    [
        (
            "full", False,
            "the run folder 'full' exists and is not empty; name another --run-dir, or replace it with --force",
            "folder-exists",
        ),
        ("file", True, "'file' exists and is no folder; name another --run-dir", "not-a-folder"),
        ("link", True, "'link' exists and is no folder; name another --run-dir", "not-a-folder"),
        ("file/a-1", True, "'file/a-1' cannot be written: what should be its folder is a file; write elsewhere",
         "no-such-folder"),
        (".", True, f"the run folder '.' {OWN}; name another --run-dir", "bad-path"),
        ("..", True, f"the run folder '..' {OWN}; name another --run-dir", "bad-path"),
        (f"no/{LONG}", False, f"'no/{LONG}' cannot be written: file name too long; write elsewhere", "unwritable"),
        ("a\x00b", False, "'a\\x00b' holds a NUL character; write elsewhere", "bad-path"),
        ("/", True, "'/' is the root of all folders; name a folder in it", "bad-path"),
    ],
)  # fmt: skip
def test_a_folder_is_checked_before_training(tmp_path, monkeypatch, path, force, sentence, code):
    monkeypatch.chdir(tmp_path)
    write_plainly(tmp_path / "full", OLD)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("full")
    before = names(tmp_path)

    for refuse in (lambda: check_folder(Path(path), force), lambda: write_folder(Path(path), NEW, force)):
        with pytest.raises(OutputError) as caught:
            refuse()
        assert (str(caught.value), caught.value.code, caught.value.exit_code) == (sentence, code, 2)
        assert names(tmp_path) == before
    assert held(tmp_path / "full") == OLD


def test_a_folder_that_may_be_written_passes_and_is_left_alone(tmp_path):
    write_plainly(tmp_path / "full", OLD)
    (tmp_path / "empty").mkdir()
    before = names(tmp_path)

    check_folder(tmp_path / "new", False)
    check_folder(tmp_path / "empty", False)
    check_folder(tmp_path / "full", True)
    check_folder(tmp_path / "runs" / "deep" / "new", False)

    assert names(tmp_path) == before


def test_a_place_without_permission_is_refused_before_training(tmp_path, monkeypatch):
    def denied(dir):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "TemporaryFile", denied)

    with pytest.raises(OutputError) as caught:
        check_folder(Path("a-1"), False)

    assert str(caught.value) == "'a-1' cannot be written: permission denied; write elsewhere"


def test_a_folder_that_another_process_fills_meanwhile_is_kept(tmp_path, monkeypatch):
    path, real = tmp_path / "a-1", fsio.sync_folder

    def slow(folder):
        write_plainly(path, OLD)
        real(folder)

    monkeypatch.setattr(fsio, "sync_folder", slow)
    with pytest.raises(OutputError) as caught:
        write_folder(path, NEW)

    assert caught.value.code == "folder-exists"
    assert held(tmp_path) == {f"a-1/{name}": data for name, data in OLD.items()}


def test_the_first_free_number_is_taken(tmp_path):
    for taken in ("a-1", "a-2", "a-4"):
        (tmp_path / taken).mkdir()
    (tmp_path / "b-1").symlink_to("nowhere")

    assert next_run_folder(tmp_path, "a") == tmp_path / "a-3"
    assert next_run_folder(tmp_path, "b") == tmp_path / "b-2"
    assert next_run_folder(tmp_path / "none", "a") == tmp_path / "none" / "a-1"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("houses", "houses-1"), ("my houses (2).v3", "my-houses-2-.v3-1"),
        ("..", "run-1"), ("", "run-1"), (".", "run-1"),
        ("../../etc/passwd", "etc-passwd-1"), ("/etc/passwd", "etc-passwd-1"), ("a\x00b", "a-b-1"), ("a\nb", "a-b-1"),
        (LONG, "x" * 80 + "-1"), ("é" * 300, "run-1"), ("CON", "run-CON-1"), ("nul.txt", "run-nul.txt-1"),
        ("trailing.", "trailing-1"), ("-rf", "rf-1"), ("~", "run-1"), ("C:\\x", "C-x-1"), ("\u202egnp", "gnp-1"),
        ("\x1b[31mred", "31mred-1"), (".hidden", "hidden-1"), ("\udcff", "run-1"),
    ],
)  # fmt: skip
def test_a_hostile_name_becomes_harmless(tmp_path, name, slug):
    assert next_run_folder(tmp_path, name) == tmp_path / slug


@given(st.text(st.characters(codec=None), max_size=400))
def test_any_name_stays_inside(name):
    root = Path("nowhere")
    path = next_run_folder(root, name)

    assert path.parent == root
    assert len(os.fsencode(path.name)) < 100
    assert path.name.isprintable()
    assert path.name.isascii()
    assert not path.name.startswith((".", "-"))
