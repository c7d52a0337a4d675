"""Encoding, delimiter and header are decided from the first rows; faults are found with their lines."""

import csv

import pytest

from descend.errors import UsageError
from descend.table.dialect import faults, line_of, sniff


@pytest.fixture
def sniffed(tmp_path):
    """Returns a function that writes text and returns its path and dialect."""

    def write(text, **told):
        path = tmp_path / "t.csv"
        path.write_bytes(text.encode())
        options = {"delimiter": None, "encoding": None, "header": None, **told}
        return path, sniff(path, text.encode(), **options)

    return write


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("a,b\n1,2\n", ","), ("a;b\n1,5;2\n", ";"), ("a\tb\n1\t2\n", "\t"), ("a|b\n1|2\n", "|"), ("a\n1\n", ","),
     ('a;"x;y"\n1;"p;q"\n', ";"), ("name;note\nx;a, b, c\ny;d\n", ";")],
)  # fmt: skip
def test_the_delimiter_gives_rows_of_one_width(sniffed, text, delimiter):
    assert sniffed(text)[1].delimiter == delimiter


def test_a_first_row_of_numbers_is_no_header_unless_told(sniffed):
    assert sniffed("1,2\n3,4\n")[1].names == ("column1", "column2")
    assert sniffed("1,2\n3,4\n", header=True)[1].names == ("1", "2")
    assert sniffed("a,2\n3,4\n")[1].header
    assert sniffed("a,b\n3,4\n", header=False)[1].names == ("column1", "column2")


def test_faults_name_at_most_ten_lines_and_count_all(sniffed):
    path, dialect = sniffed("a,b\n" + "1,2\n" * 3 + "1\n" * 25)
    error = faults(path, dialect)
    assert error.what.count("line ") == 10
    assert "line 5 has 1" in error.what
    assert error.what.endswith("(25 lines in all)")


def test_a_file_without_faults_has_none(sniffed):
    assert faults(*sniffed('a,b\n1,"x\ny"\n2,z\n')) is None


def test_the_line_of_a_row_counts_quoted_line_ends(sniffed):
    path, dialect = sniffed('a,b\n1,"x\ny\nz"\n2,w\n')
    assert [line_of(path, dialect, row) for row in (0, 1)] == [2, 5]


@pytest.mark.parametrize("delimiter", ["", "ab", "\n", '"'])
def test_a_delimiter_is_one_character(sniffed, delimiter):
    with pytest.raises(UsageError) as caught:
        sniffed("a,b\n1,2\n", delimiter=delimiter)
    assert str(caught.value) == f"delimiter is {delimiter!r}, it must be one character, and no quote or line end; try ,"


def test_an_empty_line_is_an_empty_cell_where_there_is_one_column(sniffed):
    path, dialect = sniffed("\na\n1\n\n2\n")
    assert dialect.skip == 1
    assert [line_of(path, dialect, row) for row in (0, 1, 2)] == [3, 4, 5]
    path, dialect = sniffed("\na,b\n1,2\n\n3,4\n")
    assert [line_of(path, dialect, row) for row in (0, 1)] == [3, 5]


def test_long_cells_are_read_and_the_limit_of_the_csv_module_is_as_before(sniffed):
    before = csv.field_size_limit()
    path, dialect = sniffed("a,b\n" + "x" * 200_000 + ",1\ny,2\n")
    assert line_of(path, dialect, 1) == 3
    assert csv.field_size_limit() == before
