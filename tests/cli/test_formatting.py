"""Cells of CSV, JSON lines and JSON."""

import csv
import io
import json

import numpy as np
import pytest

from descend.cli import formatting
from descend.cli.formatting import WRITERS, csv_cell

NAMES = ["id", "=x", "prediction"]
ROWS = [("a,b", '=HYPERLINK("x")', -1.5), ("line\nbreak", None, 2.0), ('q"', "-3", float("nan"))]
COLUMNS = dict(zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True))


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
    WRITERS["csv"](file, [COLUMNS])

    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [
        ["id", "'=x", "prediction"], ["a,b", "'=HYPERLINK(\"x\")", "-1.5"], ["line\nbreak", "", "2.0"],
        ['q"', "-3", ""],
    ]  # fmt: skip


def test_numbers_are_written_with_the_digits_of_python(monkeypatch):
    rng = np.random.default_rng(0)
    exponents = 10.0 ** rng.uniform(-320, 308, 5000) * rng.choice([-1.0, 1.0], 5000)
    edges = [0.0, -0.0, 1e15, 1e16, 1e17, 1e-4, 1e-5, 5e-324, 2.0**53, 2.0**63, 0.1 + 0.2, float("inf"), float("nan")]
    numbers = np.concatenate([edges, exponents, rng.standard_normal(5000), np.arange(-20.0, 20.0)])
    labels = np.array(["yes", 'a "b", c', "=1"], object)[np.arange(len(numbers)) % 3]
    monkeypatch.setattr(formatting, "BLOCK", 1000)
    file, expected = io.StringIO(), io.StringIO()
    formatting.write_csv(file, [{"prediction": labels, "p": numbers}])

    writer = csv.writer(expected, lineterminator="\n")
    writer.writerow(["prediction", "p"])
    writer.writerows([csv_cell(label), csv_cell(p)] for label, p in zip(labels, numbers.tolist(), strict=True))
    assert file.getvalue() == expected.getvalue()


def test_json_lines_and_json_hold_the_values_untouched():
    lines, whole = io.StringIO(), io.StringIO()
    WRITERS["jsonl"](lines, [COLUMNS])
    WRITERS["json"](whole, [COLUMNS])

    read = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert read == [
        {"id": "a,b", "=x": '=HYPERLINK("x")', "prediction": -1.5},
        {"id": "line\nbreak", "=x": None, "prediction": 2.0},
        {"id": 'q"', "=x": "-3", "prediction": None},
    ]  # fmt: skip
    assert json.loads(whole.getvalue()) == {"schema": "descend.predictions/1", "status": "ok", "rows": read}


def test_no_rows_are_a_document_too():
    file = io.StringIO()
    WRITERS["json"](file, [{"a": []}])

    assert json.loads(file.getvalue())["rows"] == []
