"""Frames and arrays give the tables that files give."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix

from descend.errors import DataError
from descend.table import frames
from descend.table.frames import column_of_cells as read_cells
from descend.table.frames import from_arrays, from_frame, is_frame, is_missing, number_of
from descend.table.read import read
from descend.table.table import Kind
from descend.table.texts import Engine


def column_of_cells(name, cells):
    with Engine() as engine:
        return read_cells(engine, name, cells)[0]


def same(a, b):
    assert a.names == b.names
    for x, y in zip(a.columns, b.columns, strict=True):
        assert (x.name, x.kind) == (y.name, y.kind)
        np.testing.assert_array_equal(x.values, y.values)


def test_pandas_polars_and_arrow_give_the_table_of_the_file(penguins):
    expected = read(penguins)
    frame = pd.read_csv(penguins)
    for given in (frame, pl.read_csv(penguins, null_values="NA"), pa.Table.from_pandas(frame), frame.convert_dtypes()):
        same(from_frame(given), expected)


def test_special_types_of_pandas():
    frame = pd.DataFrame({
        "i": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], dtype="boolean"), "c": pd.Categorical(["x", None]),
        "d": pd.to_datetime(["1970-01-03", None]), "o": pd.Series([1.5, None], dtype=object),
    })  # fmt: skip
    kinds = {c.name: (c.kind, c.values.tolist()) for c in from_frame(frame).columns}
    assert kinds["i"][0] == Kind.NUMBER
    assert kinds["b"][0] == Kind.BOOLEAN
    assert kinds["c"] == (Kind.CATEGORY, ["x", None])
    assert kinds["d"][0] == Kind.DATE
    assert kinds["d"][1][0] == 2.0
    assert kinds["o"][0] == Kind.NUMBER
    assert all(np.isnan(v[1]) for name, (_, v) in kinds.items() if name != "c")


def test_nested_and_duplicate_columns_are_refused():
    with pytest.raises(DataError, match="the column 'a' holds List"):
        from_frame(pl.DataFrame({"a": [[1, 2], [3]]}))
    with pytest.raises(DataError) as caught:
        from_frame(pd.DataFrame({"1": [1], 1: [2]}))
    assert (
        str(caught.value)
        == "the data frame has the column '1' twice, as columns 1 and 2; rename one of them, or leave one out with --drop 1#2"
    )


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int64", "float16", "float32", "float64", "bool", ">f8", "longdouble"]
)
def test_arrays_of_every_numeric_dtype(dtype):
    table = from_arrays(np.array([[1, 0], [0, 1]], dtype))
    assert table.names == ("x1", "x2")
    assert table["x1"].values.tolist() == [1.0, 0.0]


def test_strided_fortran_and_read_only_arrays_are_read():
    base = np.arange(12.0).reshape(3, 4)
    base.flags.writeable = False
    for given in (base[:, ::2], np.asfortranarray(base)[:, ::2]):
        assert from_arrays(given)["x2"].values.tolist() == [2.0, 6.0, 10.0]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (np.arange(3.0), "X has shape (3,), it must have two dimensions; use X.reshape(-1, 1) for one feature"),
        (np.zeros((2, 2, 2)), "X has shape (2, 2, 2), it must have two dimensions; pass an array of shape (rows, features)"),
        (np.zeros((0, 3)), "X has shape (0, 3) and holds nothing; pass rows and columns"),
        (np.zeros((2, 1), complex), "X has dtype complex128, it must hold real numbers; pass a data frame for text and dates"),
        (np.array([["a"], ["b"]], object), "X has dtype object, it must hold real numbers; pass a data frame for text and dates"),
        ([[1, 2], [3]], "X has rows of different lengths; give every row the same number of values"),
        (csr_matrix(np.eye(2)), "X is sparse, with shape (2, 2); use X.toarray()"),
        (pl.LazyFrame({"a": [1]}), "X is of type LazyFrame, it must be an array or a data frame; pass an array of shape (rows, features)"),
        (np.array([[1.0], [np.inf]]),
         "the column 'x1' is infinite in row 2 (1 cells in all); correct these cells or leave the column out with --drop"),
    ],
)  # fmt: skip
def test_other_arrays_are_refused(given, text):
    with pytest.raises(DataError) as caught:
        from_arrays(given)
    assert str(caught.value) == text


def test_what_is_a_frame():
    assert is_frame(pd.DataFrame({"a": [1]}))
    assert is_frame(pl.DataFrame({"a": [1]}))
    assert not is_frame(np.zeros((2, 2)))


def kind_and_values(frame, name="a"):
    column = from_frame(frame)[name]
    return column.kind, [None if v != v else v for v in column.values.tolist()]


def test_dates_with_a_zone_are_days_in_utc_however_they_come(tmp_path):
    (tmp_path / "t.csv").write_text("a\n2020-01-02T06:00+02:00\n")
    days = read(tmp_path / "t.csv")["a"].values.tolist()
    assert days == pytest.approx([18263 + 4 / 24])
    frame = pd.DataFrame({"a": pd.to_datetime(["2020-01-02T06:00+02:00"])})
    for given in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        assert from_frame(given)["a"].values.tolist() == days


@pytest.mark.parametrize(
    ("frame", "expected"),
    [(pd.DataFrame({"a": [True, None, False]}), (Kind.BOOLEAN, [1.0, None, 0.0])),
     (pd.DataFrame({"a": [1, "x", None]}), (Kind.CATEGORY, ["1", "x", None])),
     (pl.DataFrame({"a": [None, None]}), (Kind.NUMBER, [None, None])),
     (pl.DataFrame({"a": [1.0, None, float("nan")]}), (Kind.NUMBER, [1.0, None, None])),
     (pl.DataFrame({"a": pl.Series(["x", None], dtype=pl.Categorical)}), (Kind.CATEGORY, ["x", None])),
     (pa.table({"a": pa.array(["x", None]).dictionary_encode()}), (Kind.CATEGORY, ["x", None])),
     (pa.table({"a": pa.chunked_array([[1, None], [3]])}), (Kind.NUMBER, [1.0, None, 3.0])),
     (pa.table({"a": pa.array([0, None], pa.timestamp("ns"))}), (Kind.DATE, [0.0, None])),
     (pd.Series([1.0, 2.0], name="a"), (Kind.NUMBER, [1.0, 2.0]))],
)  # fmt: skip
def test_columns_of_frames(frame, expected):
    assert kind_and_values(frame) == expected


@pytest.mark.parametrize(
    ("frame", "text"),
    [(pd.DataFrame({"a": [{"x": 1}]}), "the column 'a' holds dict, which is no number, date, text or boolean; flatten it or leave it out with --drop"),
     (pd.DataFrame({"a": [1j]}), "the column 'a' holds complex, which is no number, date, text or boolean; flatten it or leave it out with --drop"),
     (pl.DataFrame({"a": [b"x"]}), "the column 'a' holds Binary, which is no number, date, text or boolean; flatten it or leave it out with --drop"),
     (pd.DataFrame([[1, 2]], columns=["a", "a"]), "the data frame has the column 'a' twice, as columns 1 and 2; rename one of them, or leave one out with --drop a#2"),
     (pa.table([[1], [2]], names=["a", "a"]), "the data frame has the column 'a' twice, as columns 1 and 2; rename one of them, or leave one out with --drop a#2"),
     (pd.DataFrame({"": [1]}), "column 1 of the data frame has no name; name it in the header"),
     (pd.DataFrame({"a": []}), "the data frame has 0 rows and 1 columns; pass rows and columns"),
     (pd.DataFrame({"a": [1, np.inf]}), "the column 'a' is infinite in row 2 (1 cells in all); correct these cells or leave the column out with --drop")],
)  # fmt: skip
def test_frames_that_are_refused(frame, text):
    with pytest.raises(DataError) as caught:
        from_frame(frame)
    assert str(caught.value) == text


def test_masked_cells_of_arrays_are_missing():
    table = from_arrays(np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]))
    assert table["x2"].missing == 1
    assert table["x1"].values.tolist() == [1.0, 3.0]


def test_case_c25_digits_as_text_are_read_with_a_word():
    table = from_arrays(np.array([["1"], ["2"]], object))
    assert table["x1"].values.tolist() == [1.0, 2.0]
    assert table.notes == ("X holds text: its cells are read as numbers",)
    assert from_arrays(np.array([[1], [2.5]], object)).notes == ()


@pytest.mark.parametrize(
    ("cell", "number"),
    [(1, 1.0), (True, 1.0), (Decimal("2.5"), 2.5), (Fraction(1, 4), 0.25), (np.int8(3), 3.0), (" 1e3 ", 1000.0), (".5", 0.5),
     (10**400, np.inf), (-(10**400), -np.inf), ("x", None), ("1_000", None), ("0x10", None), ("inf", None), ("1,5", None),
     ("\u0661", None), (1j, None), (np.complex64(1), None), (timedelta(1), None), (np.timedelta64(1, "D"), None), ([1], None)],
)  # fmt: skip
def test_cells_as_numbers(cell, number):
    assert number_of(cell) == number


@pytest.mark.parametrize(
    "cell", [None, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), Decimal("NaN"), "NA", ""]
)
def test_cells_that_are_missing(cell):
    assert np.isnan(number_of(cell))
    assert is_missing(cell) == (not isinstance(cell, str))


def test_an_array_in_a_cell_is_not_missing():
    assert not is_missing(np.array([np.nan, 1.0]))


def test_moments_in_cells_are_dates_as_they_are_in_files():
    east = datetime(1970, 1, 3, 2, tzinfo=timezone(timedelta(hours=2)))
    column = column_of_cells(
        "a", [date(1970, 1, 2), east, None, np.datetime64("1970-01-01T12"), pd.Timestamp("1969-12-31")]
    )
    assert column.kind == Kind.DATE
    np.testing.assert_array_equal(column.values, [1.0, 2.0, np.nan, 0.5, -1.0])
    assert from_frame(pd.DataFrame({"a": [date(1970, 1, 2)]}))["a"].kind == Kind.DATE


@pytest.mark.parametrize("cell", [timedelta(1), np.timedelta64(1, "D"), np.complex64(1)])
def test_cells_of_no_use_are_refused(cell):
    with pytest.raises(DataError) as caught:
        column_of_cells("a", [cell])
    assert str(caught.value) == (
        f"the column 'a' holds {type(cell).__name__}, which is no number, date, text or boolean; "
        "flatten it or leave it out with --drop"
    )


def test_text_that_looks_like_numbers_is_kept_with_a_word():
    frame = pd.DataFrame(
        {"zip": ["01234", None], "price": ["1.299,99", "1e3"], "name": ["1", "x"], "day": ["2020-01-01", "1"]}
    )
    assert from_frame(frame).notes == tuple(
        f"{name!r}: its text looks like numbers and is taken as categories; convert it if they are amounts"
        for name in ("zip", "price")
    )
    assert all(c.kind == Kind.CATEGORY for c in from_frame(frame).columns)


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (5000, 3), (40, 5000), (999, 50)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_ends_of_each_column_are_its_smallest_and_largest_cell(shape, order):
    cells = np.asarray(np.random.default_rng(0).standard_normal(shape), order=order)
    for given in (cells, cells[::-1]):
        low, high = frames._ends(given)
        np.testing.assert_array_equal((low, high), (cells.min(axis=0), cells.max(axis=0)))
    cells[-1, 0] = np.nan
    assert np.isnan([ends[0] for ends in frames._ends(cells)]).all()
