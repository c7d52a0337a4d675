"""What stands before the rows is told apart from the header, and the header from the rows."""

import pytest

from descend.table.dialect import sniff
from descend.table.preamble import find_header, separator_line
from descend.table.read import read


@pytest.fixture
def table(tmp_path):
    """Returns a function that reads a text."""

    def write(text, **options):
        (tmp_path / "t.csv").write_text(text)
        return read(tmp_path / "t.csv", **options)

    return write


def cells(table):
    return {c.name: c.values.tolist() for c in table.columns}


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [("sep=;\n", ";"), ("sep=,\r\n", ","), ('"sep=|"\n', "|"), ("SEP=\\t\n", "\t"), ("sep=\t\n", "\t")],
)
def test_a_line_that_names_the_delimiter_is_obeyed(table, line, delimiter):
    assert separator_line(line + "a") == (delimiter, 1)
    made = table(line + delimiter.join("ab") + "\n" + delimiter.join("12") + "\n" + delimiter.join("34") + "\n")
    assert cells(made) == {"a": [1, 3], "b": [2, 4]}
    assert made.notes == (f"line 1 names the delimiter {delimiter!r}",)


@pytest.mark.parametrize(
    ("text", "skipped"),
    [("# one\n# two, three\na,b\n1,2\n3,4\n", "lines 1 to 2 are left out as comments"),
     ("# one\na,b\n1,2\n3,4\n", "line 1 is left out as comments"),
     ("Sales of 2020\n\na,b\n1,2\n3,4\n", "line 1 is left out as titles before the header"),
     ("Sales of 2020,\na,b\n1,2\n3,4\n", "line 1 is left out as titles before the header"),
     ("Sales\nby region\na,b\n1,2\n3,4\n", "lines 1 to 2 are left out as titles before the header"),
     (",\na,b\n1,2\n3,4\n", None)],
)  # fmt: skip
def test_titles_and_comments_are_left_out_and_said(table, text, skipped):
    made = table(text)
    assert cells(made) == {"a": [1, 3], "b": [2, 4]}
    assert made.notes == (() if skipped is None else (f"{skipped}; --skip-rows 0 reads from the first line",))


def test_titles_that_are_padded_with_delimiters(table):
    made = table("Sales of 2020,,\na,b,c\n1,2,3\n3,4,5\n")
    assert made.names == ("a", "b", "c")


def test_a_header_behind_a_comment_sign(table):
    assert cells(table("# a,b\n1,2\n3,4\n")) == {"a": [1, 3], "b": [2, 4]}
    assert cells(table("#chrom,start\nchr1,2\nchr2,4\n")) == {"chrom": ["chr1", "chr2"], "start": [2, 4]}


def test_cells_that_begin_with_the_sign_are_data(table):
    assert cells(table("colour,n\n#ff0000,1\n#00ff00,2\n"))["colour"] == ["#ff0000", "#00ff00"]


def test_a_short_header_has_a_column_of_row_names(table):
    made = table("a,b\nr1,1,2\nr2,3,4\n")
    assert cells(made) == {"a": [1, 3], "b": [2, 4]}
    assert (
        made.notes[0] == "the header has one name less than the rows have cells: the first cell of each row is its name"
    )


def test_a_delimiter_at_the_end_of_each_row_is_no_column(table):
    made = table("a,b\n1,2,\n3,4,\n")
    assert cells(made) == {"a": [1, 3], "b": [2, 4]}
    assert made.notes == ("column 3 is left out: it has no name and no value",)


def test_lines_to_skip_can_be_said(table):
    assert cells(table("x\n1 and 2\na,b\n1,2\n", skip_rows=2)) == {"a": [1], "b": [2]}
    assert cells(table("# a,b\n1,2\n", skip_rows=0)) == {"# a": [1], "b": [2]}


def test_a_header_needs_rows_of_one_width_below():
    rows = [(1, ["a", "b"]), (2, ["1", "2"]), (3, ["3"])]
    assert find_header(rows, None, True).line == 1


def test_years_may_be_names_of_columns(tmp_path):
    text = "country,1990,2000\nA,1,2\nB,3,4\n"
    assert sniff(tmp_path, text.encode(), None, None, None).names == ("country", "1990", "2000")
