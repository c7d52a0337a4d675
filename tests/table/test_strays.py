"""Lines that are no data are left out and named by their line; lines that look like them and are data stay."""

import gzip
import hashlib

import pytest

from descend.errors import DataError
from descend.table.dialect import sniff
from descend.table.read import read
from descend.table.strays import Stray, find_strays, scan

ROWS = "1,x\n2,y\n3,z\n"


@pytest.fixture
def written(tmp_path):
    """Returns a function that writes a text and returns its path."""

    def write(text, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("text", "note"),
    [(f"a,b\n{ROWS}# end\n", "line 5 is left out: a comment"),
     ("a,b\n1,x\n# break\n2,y\n#\n3,z\n", "2 lines are left out (3, 5): a comment"),
     ("a,b\n1,x\na,b\n2,y\n3,z\n", "line 3 is left out: the header again"),
     ("a,b\r\n1,x\r\na,b\r\n2,y\r\n3,z\r\n", "line 3 is left out: the header again"),
     ("b,a\nx,1\ny,2\nz,3\nTotal,6\n", "line 5 is left out: a total"),
     ("b,a\nx,1\ny,2\nz,3\nGrand Total:,6\n", "line 5 is left out: a total"),
     (f"a,b\n{ROWS}Source: the office\n", "line 5 is left out: a footnote"),
     (f"a,b\n{ROWS}* as of today\n(3 rows)\n", "2 lines are left out (5, 6): a footnote")],
)  # fmt: skip
def test_lines_that_are_no_data_are_left_out_and_named(written, text, note):
    for path in (written(text), written(gzip.compress(text.encode()), "t.csv.gz")):
        table = read(path)
        assert (table["a"].values.tolist(), table["b"].values.tolist()) == ([1, 2, 3], ["x", "y", "z"])
        assert table.notes == (note,)


@pytest.mark.parametrize(
    "text",
    ["b,a\nx,1\nTotal,2\nz,3\n", "b,a\nTotal,1\nz,2\nTotal,3\n", "b\nb\nx\nb\n", "b,a\n#1,1\n#2,2\n", "b,a\nx,1\nTotal,\n",
     'b,a\n"k\n# no comment",1\ny,2\n'],
)  # fmt: skip
def test_what_looks_like_it_and_is_data_stays(written, text):
    table = read(written(text))
    assert table.rows == text.count("\n") - 1 - text.count("\n#") * text.count('"') // 2
    assert not any("left out" in note for note in table.notes)


def test_lines_of_errors_count_what_was_left_out(written):
    with pytest.raises(DataError, match="line 6, column 'a': found 'oops' where 3 of 4 cells are numbers"):
        read(written("a,b\n# one\n1,x\n2,y\n3,z\noops,z\n"))


def test_the_last_row_of_a_broken_file_is_no_footnote(written):
    with pytest.raises(DataError, match="has 2 columns, but line 4 has 1"):
        read(written("a,b\n1,x\n2,y\n3\n"))


def test_a_scan_crosses_its_blocks(written):
    filler = "1,xxxxxxxxxxxxxxxxxxxxxx\n" * 45_000
    for text, expected in (
        (f"a,b\n{filler}a,b\n{filler}", {Stray.HEADER}),
        (f"a,b\n{filler}# x\n{filler}", {Stray.COMMENT}),
    ):
        path = written(text)
        dialect = sniff(path, text[: 1 << 20].encode(), None, None, None)
        assert scan(path, dialect).suspected
        found, notes = find_strays(path, dialect)
        assert found.strays == {45_002}
        assert notes == (f"line 45002 is left out: {next(iter(expected)).value}",)
    assert not scan(written(f"a,b\n{filler}"), dialect).suspected


@pytest.mark.parametrize(
    ("text", "mixed"),
    [("a\n1\n", False), ("a\r\n1\r\n", False), ("a\r1\r", False), ("a\n1\r\n", True), ("a\r1\n", True), ("a\r\n1\r2\n", True),
     ("a,b\n" + "1,xxxxxxxxxxxxxxxxxxxxxx\n" * 45_000 + "1,x\r\n", True)],
)  # fmt: skip
def test_line_ends_of_several_kinds_are_seen(written, text, mixed):
    path = written(text)
    assert scan(path, sniff(path, text[: 1 << 20].encode(), None, None, None)).mixed_line_ends == mixed


@pytest.mark.parametrize(
    ("text", "odd"),
    [("a_b,c\n1,2\n", False), ("a_b,c\n1_0,2\n", True), ("a,c\n007,2\n", True), ("a,c\n1,-02\n", True), ("a,c\n1, 2\n", True),
     ("a,c\n" + "2013-01-02,1\n" * 200_000, False), ("a,c\n2013-01-02 05:00:00,1\n", False), ("a,c\n2013-01-02,-01\n", True),
     ("a,c\n2,1\n 05,1\n", True), ("a,c\n2,1\n-05,1\n", True), ("a;c\n1;-02\n", True), ("a,c\n1,+2\n", True), ("a,c\n0.05,10.01\n-0.5,100\n", False), ('a,c\n1,"02"\n', True), ("a,c\n" + "1,xxxxxxxxxxxxxxxxxxx\n" * 50_000 + "00,1\n", True)],
)  # fmt: skip
def test_cells_that_a_cast_may_take_wrongly_are_seen(written, text, odd):
    path = written(text)
    assert scan(path, sniff(path, text[: 1 << 20].encode(), None, None, None)).odd == odd


def test_the_hash_is_that_of_the_bytes(written):
    path = written("a,c\n" + "1,2\n" * 300_000)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert scan(path, sniff(path, b"a,c\n1,2\n", None, None, None)).sha256 == expected
    packed = gzip.compress(b"a,c\n1,2\n")
    assert read(written(packed, "t.csv.gz")).source.sha256 == hashlib.sha256(packed).hexdigest()
