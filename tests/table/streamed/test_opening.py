"""Which tables are streamed, and from what."""

import pytest

from descend.errors import DataError
from descend.options import read_options
from descend.table.prepare import how_to_read
from descend.table.read import read
from descend.table.streamed import opening
from descend.table.streamed.opening import opened
from descend.table.streamed.scratch import Scratch


def test_a_table_that_fits_is_read_whole(table_file, open_file):
    assert open_file(table_file, memory=10**9) is None


def test_a_larger_table_is_streamed_and_says_what_it_would_take(table_file, open_file):
    table, need = open_file(table_file)
    assert need.allowed == 30_000
    assert 60_000 < need.whole < 200_000  # 400 rows of 10 columns, at 24 bytes a cell, are 96,000
    assert table.rows == 400


def test_parquet_is_read_as_it_is_and_text_from_a_copy(table_file, open_file):
    table, _ = open_file(table_file)
    assert (table.path == table_file) == (table_file.suffix == ".parquet")


def test_columns_that_are_dropped_are_not_read(table_file, open_file):
    table, _ = open_file(table_file, drop="colour")
    assert "colour" not in table.names
    assert table.unread == ("colour",)


def refusal(path, open_file, **options):
    with pytest.raises(DataError) as error:
        open_file(path, **options)
    return str(error.value)


def test_lines_that_are_no_data_are_refused(tmp_path, frame, open_file):
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    with path.open("a") as file:
        file.write("# a comment\n" + ",".join(["1"] * 10) + "\n")
    assert refusal(path, open_file) == (
        f"the file {str(path)!r} is larger than the memory that is allowed, 30 kB, and has lines that are no data, such as "
        "comments or totals, which only reading it whole can mend; remove these lines, or raise --memory"
    )


def test_line_ends_of_several_kinds_are_refused(tmp_path, frame, open_file):
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n", 200))
    assert refusal(path, open_file) == (
        f"the file {str(path)!r} is larger than the memory that is allowed, 30 kB, and has line ends of several kinds, which "
        "only reading it whole can mend; write it with one kind of line end, or raise --memory"
    )


def test_other_encodings_are_refused(tmp_path, frame, open_file):
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False, encoding="utf-16")
    assert refusal(path, open_file, encoding="utf-16") == (
        f"the file {str(path)!r} is larger than the memory that is allowed, 30 kB, and is utf-16 text, which only reading it "
        "whole can mend; write it as UTF-8, or as Parquet, or raise --memory"
    )


def test_a_line_of_another_width_is_said_as_of_a_table_that_is_read_whole(tmp_path, frame, open_file):
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    with path.open("a") as file:
        file.write("1,2\n")
    with pytest.raises(DataError) as whole:
        read(path)
    assert refusal(path, open_file) == str(whole.value)


@pytest.mark.parametrize(
    ("cell", "expected"), [("007", "007"), ("1_000", "1_000"), ("9007199254740993", "9007199254740993")]
)
def test_cells_that_a_cast_would_change_stay_text(tmp_path, frame, open_file, cell, expected):
    path = tmp_path / "table.csv"
    frame["b"] = frame["b"].astype(str)
    frame.loc[390, "b"] = cell
    frame.to_csv(path, index=False)
    table, _ = open_file(path, kinds="b=text")
    assert table.column("b")[0].values[390] == expected
    table, _ = open_file(path)
    assert table.is_text("b")


def test_a_nameless_first_column_is_left_out(tmp_path, frame, open_file):
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=True)
    table, _ = open_file(path)
    assert table.names == tuple(frame.columns)
    assert table.notes == ("column 1 is left out: it has no name",)


def test_an_empty_parquet_file_is_refused(tmp_path, frame, open_file):
    path = tmp_path / "table.parquet"
    frame.iloc[:0].to_parquet(path)
    assert open_file(path, memory=1) is None  # nothing to stream: reading it whole says what is wrong


def test_a_large_parquet_file_is_streamed_by_several_processes_each_of_which_may_take_its_part(
    tmp_path, frame, monkeypatch
):
    frame.to_parquet(tmp_path / "table.parquet")
    path, how, scratch = tmp_path / "table.parquet", how_to_read(read_options({})), Scratch(tmp_path / "run")
    assert opened(path, how, None, 2, scratch, world=2) is None
    monkeypatch.setattr(opening, "LARGE_CELLS", 400 * 10 - 1)
    table, need = opened(path, how, None, 2, scratch, world=2)
    assert (table.rows, need.whole, need.allowed) == (400, 400 * 10 * 24, 400 * 10 * 12)
    assert opened(path, how, 10**9, 2, scratch, world=2) is not None
    assert opened(path, how, 10**9, 2, scratch) is None
    scratch.close()


def test_text_is_streamed_by_several_processes_under_a_limit_of_memory_alone(tmp_path, frame):
    frame.to_csv(tmp_path / "table.csv", index=False)
    how, scratch = how_to_read(read_options({})), Scratch(tmp_path / "run")
    assert opened(tmp_path / "table.csv", how, None, 2, scratch, world=2) is None
    assert opened(tmp_path / "table.csv", how, 30_000, 2, scratch, world=2) is not None
    scratch.close()
