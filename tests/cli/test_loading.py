"""Runs and tables for the commands that use a trained model."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from descend.cli.loading import at_hand, check_input, load_run, load_table, named, reading_options
from descend.errors import DataError, ModelError
from descend.options import read_options


def run_of(options):
    """A run of which only what decides the reading is known."""
    return SimpleNamespace(options=read_options(options), model=SimpleNamespace(readings={}))


def test_standard_input_must_bring_something(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError) as caught:
        check_input("-")
    assert str(caught.value) == "standard input is closed; pipe a table in, or name a file"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(DataError) as caught:
        check_input("-")
    assert str(caught.value) == "standard input is a terminal; pipe a table in, or name a file"
    check_input("a.csv")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ModelError, match="is no run folder"):
        load_run(str(tmp_path))


def test_flags_win_over_the_runs_options_and_the_format_is_that_of_the_file():
    run = run_of({"delimiter": ";", "null": "NA", "input_format": "csv"})
    options = reading_options(run.options, {"delimiter": "\t", "null": None, "encoding": ()})
    assert options.delimiter == "\t"
    assert options.null == run.options.null
    assert options.input_format == "auto"


def test_a_table_is_read_with_these_options(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x;y\n1;2\n3;4\n")
    run = run_of({})
    assert load_table(str(path), run, {"delimiter": ";"}).names == ("x", "y")


def test_standard_input_becomes_a_file_for_the_while(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"x\n1\n"), isatty=lambda: False))
    with at_hand("-") as path:
        assert Path(path).read_bytes() == b"x\n1\n"
    assert not Path(path).exists()
    with at_hand("a.csv") as path:
        assert path == "a.csv"


def test_errors_about_standard_input_do_not_name_the_file(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"x\n"), isatty=lambda: False))

    def failing(path):
        raise DataError(f"the file {path!r} has no rows", fix="add some", code="empty")

    with pytest.raises(DataError) as caught, at_hand("-") as path:
        failing(path)
    assert str(caught.value) == "standard input has no rows; add some"


@pytest.mark.parametrize(("data", "name"), [("-", "standard input"), ("folder/a.csv", "a.csv")])
def test_a_table_has_the_name_that_was_typed(tmp_path, data, name):
    path = tmp_path / "b.csv"
    path.write_text("x,y\n1,2\n")
    table = load_table(str(path), run_of({}), {})
    assert named(table, data).source.name == name
