"""Cells of CSV, JSON lines and JSON."""

import csv
import io
import json

import pytest

from descend.cli.formatting import WRITERS, csv_cell

NAMES = ["id", "=x", "prediction"]
ROWS = [("a,b", '=HYPERLINK("x")', -1.5), ("line\nbreak", None, 2.0), ('q"', "-3", float("nan"))]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_gets_a_quote(start):
    assert csv_cell(f"{start}cmd") == f"'{start}cmd"


@pytest.mark.parametrize("value", [-1.5, -3, "-1.5", "+3e2", "a=b", "", "é"])
def test_numbers_and_plain_text_stay_as_they_are(value):
    assert csv_cell(value) == value


def test_missing_is_empty():
    assert [csv_cell(None), csv_cell(float("nan"))] == ["", ""]


def test_csv_can_be_read_back():
    file = io.StringIO()
    WRITERS["csv"](file, NAMES, iter(ROWS))

    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [
        ["id", "'=x", "prediction"], ["a,b", "'=HYPERLINK(\"x\")", "-1.5"], ["line\nbreak", "", "2.0"],
        ['q"', "-3", ""],
    ]  # fmt: skip


def test_json_lines_and_json_hold_the_values_untouched():
    lines, whole = io.StringIO(), io.StringIO()
    WRITERS["jsonl"](lines, NAMES, iter(ROWS))
    WRITERS["json"](whole, NAMES, iter(ROWS))

    read = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert read == [
        {"id": "a,b", "=x": '=HYPERLINK("x")', "prediction": -1.5},
        {"id": "line\nbreak", "=x": None, "prediction": 2.0},
        {"id": 'q"', "=x": "-3", "prediction": None},
    ]  # fmt: skip
    assert json.loads(whole.getvalue()) == {"schema": "descend.predictions/1", "status": "ok", "rows": read}


def test_no_rows_are_a_document_too():
    file = io.StringIO()
    WRITERS["json"](file, NAMES, iter([]))

    assert json.loads(file.getvalue())["rows"] == []
