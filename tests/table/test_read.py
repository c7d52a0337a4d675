"""Files are read right or refused in one sentence."""

import csv
import gzip
import io
import os
import sys

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descend.errors import DataError, UsageError
from descend.table import files
from descend.table.read import read
from descend.table.table import Kind


@pytest.fixture
def written(tmp_path):
    """Returns a function that writes text or bytes to a file and returns its path."""

    def write(content, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


def columns(table):
    return {c.name: (c.kind.value, c.values.tolist()) for c in table.columns}


def refused(path, **options):
    with pytest.raises((DataError, UsageError)) as caught:
        read(path, **options)
    return str(caught.value).replace(str(path), "FILE")


def test_the_tidy_penguins(penguins):
    table = read(penguins)
    assert table.rows == 344
    assert [(c.name, c.kind.value, c.missing) for c in table.columns] == [
        ("species", "category", 0), ("island", "category", 0), ("bill_length_mm", "number", 2), ("bill_depth_mm", "number", 2),
        ("flipper_length_mm", "number", 2), ("body_mass_g", "number", 2), ("sex", "category", 11), ("year", "number", 0),
    ]  # fmt: skip
    assert (table.source.delimiter, table.source.encoding, table.source.header) == (",", "UTF-8", True)


def test_the_raw_penguins_have_dates_quotes_and_na(penguins_raw):
    table = read(penguins_raw)
    assert table["Date Egg"].kind == Kind.DATE
    assert table["Date Egg"].values[0] == 13828  # 2007-11-11
    assert table["Stage"].values[0] == "Adult, 1 Egg Stage"
    assert table["Delta 15 N (o/oo)"].missing == 14
    assert table["Comments"].missing == 290


def test_case_c32_decimal_commas_thousands_and_both(written):
    assert columns(read(written("a;b;y\n1,5;x;2\n2,5;z;3\n")))["a"] == ("number", [1.5, 2.5])
    thousands = read(written('a,y\n"1,000",1\n"54,908",2\n'))
    assert columns(thousands)["a"] == ("number", [1000.0, 54908.0])
    assert thousands.notes == ("'a': the comma is read as a thousands separator; --decimal , reads it the other way",)
    assert columns(read(written("a;y\n1.299,99;1\n12,00;2\n")))["a"] == ("number", [1299.99, 12.0])
    assert columns(read(written('a,y\n"1,000",1\n"54,908",2\n'), decimal=","))["a"] == ("number", [1.0, 54.908])


def test_case_c32_text_among_numbers_is_named_with_its_line(written):
    assert refused(written("a\n1\n2\nn/a\n4\nabc\n")) == (
        "the file 'FILE', line 6, column 'a': found 'abc' where 3 of 4 cells are numbers (1 such cells in all); "
        "correct it, use --null abc if it means missing, --kind a=text if the cells are codes, or --drop the column"
    )
    assert columns(read(written("a\n1\n2\nn/a\n4\nabc\n"), null=["abc"]))["a"][1][:2] == [1.0, 2.0]


def test_text_at_row_200_000_is_named_with_its_line(written):
    lines = [str(i) for i in range(200_100)]
    lines[199_999] = "twelve"
    assert refused(written("id\n" + "\n".join(lines) + "\n")).startswith(
        "the file 'FILE', line 200001, column 'id': found 'twelve' where"
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the file 'FILE' is empty; bring a table with a header and rows"),
        (b" \n\n \n", "the file 'FILE' holds only white space; bring a table with a header and rows"),
        (b"a,b\n", "the file 'FILE' has a header of 2 columns and no rows; bring a table with rows"),
        (b"\x89PNG\r\n\x1a\n\x00", "the file 'FILE' is a PNG image, no table of text; export it as CSV or Parquet"),
        (b"PK\x03\x04aaaa", "the file 'FILE' is a zip archive, or an Excel workbook, no table of text; export it as CSV or Parquet"),
        (b"\x80\x04\x95aaaa", "the file 'FILE' is a pickle, no table of text; export it as CSV or Parquet"),
        (b"a,b\n1,\x00\n", "the file 'FILE' holds a NUL byte in line 2 and is no text; export it as CSV"),
        (b"a,b\n1,2\n3\n4,5,6\n",
         "the file 'FILE' has 2 columns, but line 3 has 1, line 4 has 3 (2 lines in all); "
         "quote cells that hold the delimiter, use --delimiter, or --skip-rows where the header comes later"),
        (b'a,b\n1,"x\n2,3\n', "the file 'FILE' has a quote that opens in line 2 and is not closed properly; correct that line"),
        (b"a,b,a\n1,2,3\n", "the file 'FILE' has the column 'a' twice, as columns 1 and 3; rename one of them, or leave one out with --drop a#2"),
        (b"a,,c\n1,2,3\n", "column 2 of the file 'FILE' has no name; name it in the header"),
        (b"a,b\n1,\xe9\n", "the file 'FILE' is not utf-8 text: byte 0xe9 in line 2; name its encoding, such as --encoding latin-1"),
        ("a,b\n1,2\n".encode("utf-16"), "the file 'FILE' is UTF-16 text; use --encoding utf-16"),
        (b'a,"b\n1,2\n', "the file 'FILE' has a quote that opens in line 1 and is not closed properly; correct that line"),
        (b"a,b\n" + b"x" * 4_200_000 + b",1\n",
         "the file 'FILE' has more than 4,194,304 characters in line 2; check that it is a table"),
        (b"x" * 4_200_000, "the file 'FILE' has more than 4,194,304 characters in line 1; check that it is a table"),
        (b"a,b\n" + b"1,2\n" * 300_000 + b"x" * 4_200_000 + b"\n",
         "the file 'FILE' has more than 4,194,304 characters in line 300002; check that it is a table"),
        (b'a,b\n1,"' + b"text\n" * 900_000 + b'"\n',
         "the file 'FILE' has a cell of more than 4,194,304 characters in line 2; check that it is a table"),
        (b"\x28\xb5\x2f\xfd....", "the file 'FILE' is zstd data, no table of text; export it as CSV or Parquet"),
        (b"a,b\n1,inf\n2,3\n",
         "the column 'b' is infinite in row 1 (1 cells in all); correct these cells or leave the column out with --drop"),
        (b"a,b\n1,3\n2,1e999\n",
         "the column 'b' is infinite in row 2 (1 cells in all); correct these cells or leave the column out with --drop"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_with_a_sentence(written, content, text):
    assert refused(written(content)) == text


def test_paths_that_are_no_file(tmp_path, written):
    written("a\n1\n", "penguins.csv")
    assert refused(tmp_path / "pengins.csv") == "the file 'FILE' does not exist; did you mean 'penguins.csv'"
    assert refused(tmp_path) == "the file 'FILE' is a folder; name a file in it, such as 'penguins.csv'"
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "the file 'FILE' is no regular file; copy it to a file, or pipe it in as -"


def test_a_wrong_delimiter_names_the_better_one(written):
    assert refused(written("a;b\n1;2\n"), delimiter=",") == (
        "the file 'FILE' has one column, 'a;b', with the delimiter ','; leave --delimiter out: semicolon gives 2 columns"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("\ufeffa,b\n1,x\n", {"a": ("number", [1.0]), "b": ("category", ["x"])}),
        ("a,b\r\n1,2\r\n", {"a": ("number", [1.0]), "b": ("number", [2.0])}),
        ("a,b\r1,2\r", {"a": ("number", [1.0]), "b": ("number", [2.0])}),
        ('a,b\n1,"x\ny"\n2,"q""r"\n', {"a": ("number", [1.0, 2.0]), "b": ("category", ["x\ny", 'q"r'])}),
        ("a\tb\n1\t2\n", {"a": ("number", [1.0]), "b": ("number", [2.0])}),
        ("a|b\n1|2\n", {"a": ("number", [1.0]), "b": ("number", [2.0])}),
        ("a,b\n1,2\n\n3,4", {"a": ("number", [1.0, 3.0]), "b": ("number", [2.0, 4.0])}),
        ("a,b\ntrue,1e308\nFALSE,-.5\n", {"a": ("boolean", [1.0, 0.0]), "b": ("number", [1e308, -0.5])}),
        ("d\n2020-01-02\n1969-12-31 12:00:00\n", {"d": ("date", [18263.0, -0.5])}),
        ("d\n02.01.2020\n", {"d": ("date", [18263.0])}),
        ("d\n13/01/2020\n01/02/2020\n", {"d": ("date", [18274.0, 18293.0])}),
        ("d\n2020-01-02T00:00Z\n2020-01-02T06:00+02:00\n", {"d": ("date", [18263.0, 18263 + 4 / 24])}),
        ("a,b\r\n1,2\n3,4\r\n", {"a": ("number", [1.0, 3.0]), "b": ("number", [2.0, 4.0])}),
        ("\n\r\na,b\n1,2\n", {"a": ("number", [1.0]), "b": ("number", [2.0])}),
        ("a;b\n1,5e3;x\n2,5e-1;y\n", {"a": ("number", [1500.0, 0.25]), "b": ("category", ["x", "y"])}),
        ("a,b\n1\t,x\n 2\u00a0,y\n", {"a": ("number", [1.0, 2.0]), "b": ("category", ["x", "y"])}),
        ('<script>,"x\ny"\n1,2\n', {"<script>": ("number", [1.0]), "x\ny": ("number", [2.0])}),
        ("1,2\n3,4\n", {"column1": ("number", [1.0, 3.0]), "column2": ("number", [2.0, 4.0])}),
    ],
)
def test_what_reads_right(written, content, expected):
    assert columns(read(written(content))) == expected


def test_encodings_are_read_when_told(written):
    for encoding in ("latin-1", "utf-16", "cp1252"):
        assert columns(read(written("a,b\n1,é\n", encoding=encoding), encoding=encoding))["b"] == ("category", ["é"])


def test_missing_words_are_missing_among_numbers(written):
    table = read(written("a,b\n1,x\nNA,NA\n?,-\n-,y\n,\nnull,z\n7,NaN\n"))
    assert table["a"].missing == 5
    assert table["b"].values.tolist() == ["x", None, "-", "y", None, "z", None]


def test_gzip_parquet_and_json_lines_hold_the_same_table(written, tmp_path):
    text = "a,b,d\n1,x,2020-01-02\n,y,2020-01-03\n"
    plain = read(written(text))
    packed = read(written(gzip.compress(text.encode()), "table.csv.gz"))
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{written(text)}')) TO '{tmp_path}/t.parquet'")
    duckdb.sql(f"COPY (SELECT * FROM read_csv('{written(text)}')) TO '{tmp_path}/t.jsonl' (FORMAT json)")
    for table in (packed, read(tmp_path / "t.parquet"), read(tmp_path / "t.jsonl")):
        assert table.names == plain.names
        for ours, theirs in zip(plain.columns, table.columns, strict=True):
            assert ours.kind == theirs.kind
            np.testing.assert_array_equal(ours.values, theirs.values)


def test_nested_columns_of_parquet_are_refused(tmp_path):
    duckdb.sql(f"COPY (SELECT [1, 2] AS a, 1 AS b) TO '{tmp_path}/t.parquet'")
    assert refused(tmp_path / "t.parquet") == (
        "the column 'a' holds INTEGER[], which is no number, date, text or boolean; flatten it, or leave it out with --drop"
    )


def test_standard_input_is_read_and_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,x\n")))
    table = read("-")
    assert columns(table) == {"a": ("number", [1.0]), "b": ("category", ["x"])}
    assert table.source.name == "standard input"


def test_empty_standard_input_is_named_for_what_it_is(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert refused("-") == "standard input is empty; bring a table with a header and rows"


def test_errors_of_spooled_input_do_not_name_the_spool_file(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n1\n2\nx\n")))
    assert refused("-").startswith("standard input, line 4, column 'a': found 'x' where 2 of 3 cells are numbers")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a":\n')))
    assert "descend-" not in refused("-", format="jsonl")


def test_parquet_is_known_by_its_first_bytes_also_on_standard_input(monkeypatch, tmp_path):
    duckdb.sql(f"COPY (SELECT 1 AS a) TO '{tmp_path}/t.parquet'")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "t.parquet").read_bytes())))
    assert columns(read("-")) == {"a": ("number", [1.0])}


def test_gzip_is_known_by_its_first_bytes_and_keeps_its_line_numbers(written):
    assert columns(read(written(gzip.compress(b"a,b\n1,2\n"))))["b"] == ("number", [2.0])
    latin = written(gzip.compress("a,b\n1,é\n".encode("latin-1")), "t.csv.gz")
    assert columns(read(latin, encoding="latin-1"))["b"] == ("category", ["é"])
    assert refused(latin) == (
        "the file 'FILE' is not utf-8 text: byte 0xe9 in line 2; name its encoding, such as --encoding latin-1"
    )
    assert refused(written(gzip.compress(b"a\n1\n2\nx\n"))).startswith("the file 'FILE', line 4, column 'a'")
    assert refused(written(gzip.compress(b"a,b\n1,2\n3\n"))).startswith(
        "the file 'FILE' has 2 columns, but line 3 has 1"
    )
    lines = b"".join(b"%d,%d\n" % (i, i * 7919 % 1000) for i in range(3000))
    assert refused(written(gzip.compress(b"a,b\n" + lines)[:-900])) == (
        "the file 'FILE' is gzip data that cannot be read (Compressed file ended before the end-of-stream marker was reached); "
        "copy it again"
    )


def test_a_damaged_parquet_file_is_refused_with_its_path(tmp_path):
    duckdb.sql(f"COPY (SELECT 1 AS a) TO '{tmp_path}/t.parquet'")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    assert refused(tmp_path / "cut.parquet").startswith(
        "the file 'FILE' cannot be read: Invalid Input Error: No magic bytes"
    )


def test_json_lines_of_several_types_are_refused_and_empty_columns_are_not(written):
    assert refused(written('{"a": 1}\n{"a": "x"}\n', "t.jsonl")) == (
        "the column 'a' holds values of several types, which is no number, date, text or boolean; "
        "flatten it, or leave it out with --drop"
    )
    assert read(written('{"a": null, "b": 1}\n{"a": null, "b": 2}\n', "t.jsonl"))["a"].missing == 2


def test_an_encoding_told_wrong_is_refused(written):
    path = written("a,b\n1,é\n")
    assert (
        refused(path, encoding="utf-16")
        == "the file 'FILE' is not utf-16 text: it holds no zero byte; leave --encoding out"
    )
    assert refused(path, encoding="ascii") == (
        "the file 'FILE' is not ascii text: byte 0xc3 in line 2; name its encoding, such as --encoding latin-1"
    )
    assert refused(path, encoding="klingon") == "there is no encoding 'klingon'; try utf-8, latin-1, cp1252 or utf-16"


def test_bytes_that_are_no_text_are_found_behind_the_first_megabyte_and_among_mixed_line_ends(written):
    rows = b"1,xxxxxxxxxxxxxxxxxxxxxx\n" * 60_000
    told = "name its encoding, such as --encoding latin-1"
    assert refused(written(b"a,b\n" + rows + b"1,\xe9\n")) == (
        f"the file 'FILE' is not utf-8 text: byte 0xe9 in line 60002; {told}"
    )
    mixed = b"a,b\r\n" + rows + b"1,\xe9\r\n"
    assert refused(written(mixed)) == f"the file 'FILE' is not utf-8 text: byte 0xe9 in line 60002; {told}"


@given(st.lists(st.tuples(st.sampled_from(["x", "y z", '"q""r"', '"s,t"', '"u\nv"', ""]), st.sampled_from(["\n", "\r\n", "\r"])),
                min_size=2, max_size=8))  # fmt: skip
def test_mixed_line_ends_change_no_cell(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("mixed") / "t.csv"
    path.write_bytes(("a,b\r\n" + "".join(f"k,{cell}{end}" for cell, end in rows)).encode())
    with path.open(newline="") as file:
        expected = [cell or None for _, cell in list(csv.reader(file))[1:]]
    read_cells = read(path)["b"].values.tolist() if any(expected) else expected
    assert read_cells == expected


def test_faults_among_mixed_line_ends_are_named(written):
    assert refused(written("a,b\r\n1,2\n3\n")).startswith("the file 'FILE' has 2 columns, but line 3 has 1")
    assert refused(written('a,b\r\n1,"2\n3\n')) == (
        "the file 'FILE' has a quote that opens in line 2 and is not closed properly; correct that line"
    )
    latin = written("a,b\r\n1,é\n3\n".encode("latin-1"))
    assert refused(latin, encoding="latin-1").startswith("the file 'FILE' has 2 columns, but line 3 has 1")


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\ufeff", exclude_categories=["Cs"]), min_size=1, max_size=8
)


def test_the_csv_module_tells_other_tables_apart(written):
    path = written('first,second\n"k,1",k2\n')
    assert [c.values[0] for c in read(path).columns] == ["k,1", "k2"]
    assert next(csv.reader(['"k,1",k2'], quotechar="'")) != ["k,1", "k2"]


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6))
def test_text_cells_are_those_of_pythons_csv_module(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    marked = [("k" + a.strip(), "k" + b.strip()) for a, b in rows]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("first", "second"), *marked])
    with path.open(newline="", encoding="utf-8") as file:
        expected = list(csv.reader(file))[1:]
    table = read(path, delimiter=",", header=True)
    assert [[c.values[i].strip() for c in table.columns] for i in range(table.rows)] == [
        [a.strip(), b.strip()] for a, b in expected
    ]


@pytest.mark.parametrize("content", [b"a,b\n1,2\n3,4\n", b"a,b\n1,2\n3\n"])
@pytest.mark.parametrize("change", ["grows", "is cut", "goes"])
def test_a_file_that_changes_while_it_is_read_is_refused(written, monkeypatch, content, change):
    path, head_of = written(content), files.head_of

    def then(given):
        head = head_of(given)
        if change == "grows":
            path.write_bytes(content + b"5,6\n")
        elif change == "is cut":
            os.truncate(path, len(content) - 4)
        else:
            path.unlink()
        return head

    monkeypatch.setattr(files, "head_of", then)
    if change == "goes":
        monkeypatch.setattr(files, "is_gzip", lambda path: False)
    assert refused(path) == "the file 'FILE' changed while it was read; wait until it is written, or copy it first"


def test_the_footer_of_a_parquet_file_that_lies_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    duckdb.sql("SELECT range AS a, 'x' AS b FROM range(1000)").write_parquet(str(path))
    whole = path.read_bytes()
    size = int.from_bytes(whole[-8:-4], "little")
    for lie in (0, 1, size - 1, size + 1, 0xFFFFFFF0):
        path.write_bytes(whole[:-8] + lie.to_bytes(4, "little") + whole[-4:])
        assert refused(path).startswith("the file 'FILE' cannot be read: ")
    path.write_bytes(whole)
    assert read(path).rows == 1000
