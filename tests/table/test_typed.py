"""Columns with types of their own are read as those of text files are."""

from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from descend.table.frames import from_frame
from descend.table.read import read
from descend.table.reading import Conventions, Reading
from descend.table.table import Kind
from descend.table.typed import inexact

BIG = [1582218195625938945 + 2 * i for i in range(4)]


def sources(tmp_path, frame):
    """The same frame as a table of a frame, of Parquet and of JSON lines."""
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    return (
        from_frame(frame),
        from_frame(pl.from_pandas(frame)),
        read(tmp_path / "t.parquet"),
        read(tmp_path / "t.jsonl"),
    )


def test_keys_that_no_float_holds_are_text(tmp_path):
    for table in sources(tmp_path, pd.DataFrame({"key": BIG, "n": [1, 2, 3, 4]})):
        assert table["key"].values.tolist() == [str(v) for v in BIG]
        assert (
            table.notes[0]
            == "'key': read as text, since it has whole numbers of more than 15 digits, which no float holds exactly"
        )
    assert from_frame(pd.DataFrame({"key": pd.array([BIG[0], None], dtype="Int64")}))["key"].values.tolist() == [
        str(BIG[0]),
        None,
    ]
    assert from_frame(pd.DataFrame({"key": pd.Series(BIG, dtype=object)}))["key"].kind == Kind.CATEGORY


def test_amounts_in_text_are_numbers_and_digits_in_text_are_text(tmp_path):
    frame = pd.DataFrame(
        {"price": ["$5", "$1,200", "$7", None], "code": ["1", "2", "3", "4"], "zip": ["01", "02", "03", "04"]}
    )
    for table in sources(tmp_path, frame):
        assert table["price"].values[:3].tolist() == [5, 1200, 7]
        assert (table["code"].kind, table["zip"].kind) == (Kind.CATEGORY, Kind.CATEGORY)
        assert (
            table.notes[1]
            == "'code': its text looks like numbers and is taken as categories; convert it if they are amounts"
        )


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [([1, 2], "text", ["1", "2"]), ([1.5, 2.0], "category", ["1.5", "2"]), ([True, False], "number", [1.0, 0.0]),
     (["01", "2"], "number", [1.0, 2.0]), (["yes", "no"], "boolean", [1.0, 0.0]), ([1, 0], "boolean", [1.0, 0.0]),
     ([19700102, 19700103], "date", [1.0, 2.0]), ([19700102, 19700103], "number", [19700102.0, 19700103.0]),
     (["2.1.1970", "3.1.1970"], "date:%d.%m.%Y", [1.0, 2.0]), (["a ", "NA"], "text", ["a ", "NA"]), (["a ", "NA"], "category", ["a", None])],
)  # fmt: skip
def test_a_declared_kind_decides_in_every_source(tmp_path, values, kind, expected):
    frame = pd.DataFrame({"a": values})
    frame.to_parquet(tmp_path / "t.parquet")
    for table in (
        from_frame(frame, Conventions(readings={"a": Reading.of(kind)})),
        read(tmp_path / "t.parquet", kinds={"a": kind}),
    ):
        assert table["a"].values.tolist() == expected
        assert table.notes == ()


def test_dates_that_are_declared_as_text_are_written_as_iso_has_them():
    frame = pd.DataFrame({"a": pd.to_datetime(["2020-01-02 00:00:00", "2020-01-02 03:04:05", None])})
    table = from_frame(frame, Conventions(readings={"a": Reading.of("text")}))
    assert table["a"].values.tolist() == ["2020-01-02", "2020-01-02T03:04:05", None]


def test_the_largest_numbers_that_floats_hold_are_numbers():
    assert not inexact(np.array([2**53 - 1, -(2**53) + 1]))
    assert inexact(np.array([2**53]))
    assert inexact(np.array([np.iinfo(np.int64).min]))
    assert not inexact(np.array([], int))
    assert not inexact(np.array([1e300]))


def test_decimals_of_parquet_are_numbers(tmp_path):
    duckdb.sql(f"COPY (SELECT 1.25::DECIMAL(9,2) AS a, 'x' AS b) TO '{tmp_path}/t.parquet'")
    assert read(tmp_path / "t.parquet")["a"].values.tolist() == [1.25]
    assert from_frame(pd.DataFrame({"a": [Decimal("1.25")]}))["a"].values.tolist() == [1.25]


def test_text_among_numbers_of_a_frame_is_a_category():
    assert from_frame(pd.DataFrame({"a": ["1", "2", "x"]}))["a"].kind == Kind.CATEGORY
