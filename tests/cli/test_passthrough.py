"""Columns of the input beside the predictions."""

import gzip

import pyarrow as pa
import pyarrow.parquet
import pytest

from descend.cli.passthrough import passthrough_columns
from descend.errors import UsageError
from descend.options import read_options
from descend.table.prepare import load

OPTIONS = read_options({})
ROWS = ["id,name,when,x", "007,=SUM,2024-01-02,1.50", "8,,2024-01-03,-2"]


def columns(path, names, as_text):
    return passthrough_columns(str(path), load(str(path), OPTIONS), names, OPTIONS, as_text)


def test_text_is_that_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(ROWS) + "\n")
    assert columns(path, ["x", "id", "name"], as_text=True) == {
        "x": ["1.50", "-2"], "id": ["007", "8"], "name": ["=SUM", ""],
    }  # fmt: skip


def test_for_json_numbers_are_numbers_and_missing_is_none(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(ROWS) + "\n")
    assert columns(path, ["x", "name"], as_text=False) == {"x": [1.5, -2], "name": ["=SUM", None]}


def test_compressed_files_are_read_too(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(("\n".join(ROWS) + "\n").encode()))
    assert columns(path, ["id"], as_text=True) == {"id": ["007", "8"]}


@pytest.mark.parametrize("as_text", [True, False])
def test_files_with_types_keep_their_values(tmp_path, as_text):
    path = tmp_path / "a.parquet"
    table = pa.table({"n": [1, None, 3], "t": ["a", "b", None], "b": [True, False, None], "x": [0.5, 1.0, 2.0]})
    pyarrow.parquet.write_table(table, path)
    assert columns(path, ["n", "t", "b", "x"], as_text) == {
        "n": [1, None, 3], "t": ["a", "b", None], "b": ["true", "false", None] if as_text else [True, False, None],
        "x": [0.5, 1, 2],
    }  # fmt: skip


def test_numbers_beyond_float64_are_refused(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table({"key": [2.0**53, 2], "whole": [2**53 + 1, 2], "x": [1.0, 2.0]}), path)
    with pytest.raises(UsageError) as caught:
        columns(path, ["key"], as_text=True)
    assert str(caught.value) == (
        "the column 'key' holds numbers of 2^53 or more, which cannot be written exactly; store it as text"
    )
    assert columns(path, ["whole"], as_text=True) == {"whole": ["9007199254740993", "2"]}


def test_no_columns_are_no_work(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\n".join(ROWS) + "\n")
    assert columns(path, [], as_text=True) == {}
