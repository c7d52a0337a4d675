"""Every exception becomes one sentence, one document and one exit code."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from descend.cli import errors
from descend.errors import DataError


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trian"], "there is no command 'trian'; try train"),
        (["xyzzy"], "there is no command 'xyzzy'; there are train, compare, lr, check, predict, eval, export, report, runs, diff, doctor, explain, info, demo"),
        (["train", "a.csv", "--optimiser", "adam"], "descend train has no option --optimiser; try --optimizer"),
        (["train", "--zzzzzzz"], "descend train has no option --zzzzzzz; descend train --help lists what there is"),
        (["train", "-q"], "descend train has no option -q; put it before the command: descend -q"),
        (["train", "a.csv", "--lr"], "--lr needs a value; write --lr VALUE"),
        (["train", "a.csv", "--force=1"], "option '--force' does not take a value; descend --help lists what there is"),
        (["train", "a", "b"], "got unexpected extra argument (b); descend train --help lists what there is"),
        (["predict"], "descend predict needs RUN; descend predict --help shows how"),
        (["predict", "r"], "descend predict needs DATA; descend predict --help shows how"),
        (["-q", "-v", "info"], "-q and -v contradict each other; descend --help lists what there is"),
    ],
)  # fmt: skip
def test_usage_errors_are_one_sentence(descend, arguments, sentence):
    assert descend(*arguments) == (2, "", f"error: {sentence}\n")


def test_errors_are_a_document_with_json(descend):
    code, out, err = descend("train", "a.csv", "--json", "--lr", "-1")

    assert code == 2
    assert json.loads(out) == {
        "schema": "descend.error/1", "status": "error", "exit": 2,
        "error": {
            "code": "bad-lr", "text": "--lr is '-1', it must be a finite number above 0",
            "fix": "try --lr auto, which finds it",
        },
    }  # fmt: skip
    assert err == "error: --lr is '-1', it must be a finite number above 0; try --lr auto, which finds it\n"


def guarded(raised, *arguments):
    def invoke():
        raise raised

    return errors.guarded(invoke, list(arguments))


def test_each_kind_of_error_has_its_exit_code(capfd):
    assert guarded(DataError("'a.csv' is empty", fix="name another", code="empty")) == 3
    assert capfd.readouterr() == ("", "error: 'a.csv' is empty; name another\n")
    assert guarded(KeyboardInterrupt()) == 130
    assert capfd.readouterr() == ("", "error: interrupted before there was a result; run it again\n")


def test_untrusted_text_cannot_break_the_line(capfd):
    assert guarded(DataError("no column 'a\n\x1b[31m'", fix="x", code="c")) == 3
    assert capfd.readouterr().err == "error: no column 'a\\n\\x1b[31m'; x\n"


def test_a_bug_leaves_a_trace_in_a_file_and_one_line(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert guarded(ZeroDivisionError("secret")) == 70

    (file,) = tmp_path.iterdir()
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"error: internal error: ZeroDivisionError; please report it with the trace in {file}\n")
    assert "ZeroDivisionError: secret" in file.read_text()


def test_a_bug_with_no_place_for_its_trace_is_told_still(capfd, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert guarded(ZeroDivisionError()) == 70
    assert capfd.readouterr().err == (
        "error: internal error: ZeroDivisionError, and its trace could not be saved (No space left on device); "
        "please report it\n"
    )


def test_sigterm_is_taken_as_an_interrupt(capfd):
    def invoke():
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    assert errors.guarded(invoke, []) == 130
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def interrupts():
    """Ctrl-C raises KeyboardInterrupt, also where the tests run in the background and it would be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_a_library_turned_into_an_error_is_still_one(capfd, number):
    def invoke():
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            raise RuntimeError("query interrupted") from None

    assert errors.guarded(invoke, []) == 130
    assert capfd.readouterr().err == "error: interrupted before there was a result; run it again\n"


@pytest.mark.usefixtures("interrupts")
def test_an_error_of_ours_after_an_interrupt_is_told(capfd):
    def invoke():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise DataError("the disk is full", fix="make room", code="disk-full") from None

    assert errors.guarded(invoke, []) == 3
    assert capfd.readouterr().err == "error: the disk is full; make room\n"


def test_a_closed_pipe_is_quiet():
    script = f"{sys.executable} -m descend info; echo $? >&2"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(["sh", "-c", script], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)

    assert done.stderr == "0\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_told():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "descend", "info"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.stderr == (
        "error: standard output cannot be written: no space left on device; free some space there or write elsewhere\n"
    )
    assert done.returncode == 2
