"""Columns are cast as a whole, and no cell that a cast takes wrongly passes."""

import numpy as np
import pytest

from descend.table.dialect import sniff
from descend.table.read import read
from descend.table.reading import Conventions, Kind
from descend.table.text_table import read_cells
from descend.table.texts import Engine

TRAPS = {
    "1": 1, "1.": 1, ".5": 0.5, "+1": 1, "1e5": 1e5, " 1": 1, "1 ": 1, "1e-400": 0, "-0": 0, "0": 0, "0.5": 0.5, "00.5": 0.5, "-007.5": -7.5,
    "NA": np.nan, "nan": np.nan, "?": np.nan, "-": np.nan, " NA ": np.nan, "": np.nan, '""': np.nan, "1\u00a0": 1, "#N/A": np.nan,
}  # fmt: skip
TEXT = ["1_000", "0x1A", "+-1", "1d", "\u0661", "true", "--1", "1 2", "0b1", "1e", "_1"]


@pytest.mark.parametrize("behind", [0, 1500])
@pytest.mark.parametrize("cell", TRAPS)
def test_cells_that_are_numbers(tmp_path, cell, behind):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * (behind + 1) + f"{cell},3\n")
    column = read(tmp_path / "t.csv")["a"]
    assert column.kind == Kind.NUMBER
    np.testing.assert_array_equal(column.values[-1], TRAPS[cell])


@pytest.mark.parametrize("behind", [1, 1500])
@pytest.mark.parametrize("cell", TEXT)
def test_cells_that_are_none_are_named_however_late(tmp_path, cell, behind):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * (behind + 1) + f"{cell},3\n")
    with pytest.raises(ValueError, match=f"line {behind + 3}, column 'a': found "):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize("cell", ["007", "-007", "00", "9007199254740993", "12345678901234567890", "-9007199254740992"])
@pytest.mark.parametrize("behind", [0, 1500])
def test_codes_and_keys_make_text_however_late(tmp_path, cell, behind):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * (behind + 1) + f"{cell},3\n")
    table = read(tmp_path / "t.csv")
    assert table["a"].kind == Kind.CATEGORY
    assert table["a"].values[-1] == cell
    assert table.notes[0].startswith("'a': read as text, since it has ")
    assert read(tmp_path / "t.csv", kinds={"a": "number"})["a"].values[-1] == float(cell)


def test_columns_that_are_not_asked_for_are_not_read(tmp_path):
    text = "a,b,c\n1,x,2\n3,y,z\n"
    (tmp_path / "t.csv").write_text(text)
    dialect = sniff(tmp_path / "t.csv", text.encode(), None, None, None)
    with Engine() as engine:
        cells = read_cells(engine, tmp_path / "t.csv", dialect, [1, 0], [1], Conventions())
    assert (cells.columns[1].texts().tolist(), cells.columns[0].tolist()) == (["x", "y"], [1, 3])
    assert read(tmp_path / "t.csv", drop=["c"]).unread == ("c",)


def test_a_column_that_cannot_be_read_can_be_left_out(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,1\n2,2\nx,3\n")
    with pytest.raises(ValueError, match="or --drop the column"):
        read(tmp_path / "t.csv")
    assert read(tmp_path / "t.csv", drop=["a"]).names == ("b",)


@pytest.mark.parametrize(("encoding", "advice"), [("cp1252", "cp1252"), ("latin-1", "latin-1")])
def test_the_encoding_that_is_advised_reads_the_file(tmp_path, encoding, advice):
    text = "place,x\nCafé €,1\nplain,2\n" if encoding == "cp1252" else "place,x\nCafé,1\nplain,2\n"
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    with pytest.raises(ValueError, match=f"name its encoding, such as --encoding {advice}"):
        read(tmp_path / "t.csv")
    assert read(tmp_path / "t.csv", encoding=advice)["place"].values[0] == text.split("\n")[1].split(",")[0]


def test_control_characters_out_of_latin_1_are_said(tmp_path):
    (tmp_path / "t.csv").write_bytes("place,x\n50 €,1\n60 €,2\n50 €,3\n".encode("cp1252"))
    assert read(tmp_path / "t.csv", encoding="latin-1").notes[0] == (
        "2 different cells hold control characters, which no text does: --encoding cp1252 reads them as letters and signs"
    )
    assert not any("control" in note for note in read(tmp_path / "t.csv", encoding="cp1252").notes)


@pytest.mark.parametrize("rows", [3, 700])
def test_points_and_commas_by_the_delimiter(tmp_path, rows):
    (tmp_path / "t.csv").write_text("a;b\n" + "1.234;1,5\n2.500;2,5\n" * rows)
    table = read(tmp_path / "t.csv")
    assert table["a"].values[:2].tolist() == [1.234, 2.5]
    assert table.notes == (
        "'a': the point is read as a decimal point; --decimal , reads it as a thousands separator", "'b': decimal comma",
    )  # fmt: skip
    assert read(tmp_path / "t.csv", decimal=",")["a"].values[:2].tolist() == [1234, 2500]


def test_line_ends_within_quotes_are_none_of_the_records(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'a,b\n1,"x\r\ny"\n2,"z"\n')
    assert read(tmp_path / "t.csv")["b"].values.tolist() == ["x\r\ny", "z"]


@pytest.mark.parametrize("word", ["NA", "nan", "-", "?"])
def test_words_for_missing_numbers_leave_text_as_it_is(tmp_path, word):
    (tmp_path / "t.csv").write_text("a,b,c\n1,x,2\n" + f"{word},{word},3\n" + "".join(f"{k},y,{k}\n" for k in range(9)))
    table = read(tmp_path / "t.csv", kinds={"b": "text"})
    assert (table["a"].missing, table["b"].values[1]) == (1, word)
    table = read(tmp_path / "t.csv")
    assert (table["a"].missing, table["b"].values[1]) == (1, word if word in "-?" else None)


def test_rows_of_text_keep_their_order_in_a_long_table(tmp_path):
    cells = [f"k{(7919 * row) % 1009}" if row % 11 else "" for row in range(150_000)]  # longer than DuckDB's row groups
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)))
    table = read(tmp_path / "t.csv")
    assert table["a"].values.tolist() == list(range(150_000))
    assert table["b"].values.tolist() == [cell or None for cell in cells]
