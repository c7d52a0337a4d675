"""What the cells of a column are; a number is never taken for a category."""

import numpy as np
import pytest

from descend.errors import DataError
from descend.table.categorical import Categorical
from descend.table.read import read
from descend.table.reading import Conventions
from descend.table.table import Kind
from descend.table.texts import Engine
from descend.table.typed import column_of_values as read_values


def column_of_values(name, type, values):
    with Engine() as engine:
        return read_values(engine, name, type, values, Conventions(typed=True), lambda row: f"row {row + 1}")[0]


def kind_of(tmp_path, *cells, **options):
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f'"{cell}",x\n' for cell in cells))
    return read(tmp_path / "t.csv", **options)["a"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [(("1", "2.5", "-3e4"), Kind.NUMBER), (("+1", ".5", "7."), Kind.NUMBER), (("1_000", "x"), Kind.CATEGORY),
     (("0x1F", "y"), Kind.CATEGORY), (("TRUE", "false"), Kind.BOOLEAN), (("yes", "no"), Kind.CATEGORY),
     (("2020-01-02", "2020-1-3 04:05"), Kind.DATE), (("2020-13-45", "2020-01-02"), Kind.CATEGORY),
     (("A1", "12", "B2", "C3"), Kind.CATEGORY), (("1,5", "2,25"), Kind.NUMBER), (("", "NA"), Kind.NUMBER)],
)  # fmt: skip
def test_kinds(tmp_path, cells, kind):
    assert kind_of(tmp_path, *cells).kind == kind


def test_a_told_decimal_sign_decides(tmp_path):
    assert kind_of(tmp_path, "1,234", "2,345").values.tolist() == [1234, 2345]
    assert kind_of(tmp_path, "1,234", "2,345", decimal=",").values.tolist() == [1.234, 2.345]
    with pytest.raises(DataError, match="found '1,5' where"):
        kind_of(tmp_path, "1,5", "2", "3", decimal=".")


def test_typed_columns_keep_their_missing_cells():
    masked = np.ma.array([1, 2], mask=[False, True])
    assert np.isnan(column_of_values("a", "BIGINT", masked).values[1])
    assert column_of_values("a", "VARCHAR", Categorical.of([None, "y"])).values.tolist() == [None, "y"]
    dates = np.ma.array(np.array(["1970-01-02", "1970-01-03"], "datetime64[us]"), mask=[False, True])
    assert column_of_values("a", "TIMESTAMP", dates).values[0] == 1.0


def test_nested_types_are_refused():
    with pytest.raises(DataError) as caught:
        column_of_values("a", "STRUCT(x INTEGER)", np.array([{}], dtype=object))
    assert str(caught.value) == (
        "the column 'a' holds STRUCT(X INTEGER), which is no number, date, text or boolean; flatten it, or leave it out with --drop"
    )


def test_a_decimal_comma_told_against_the_cells_is_said(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n1.234;x\n1.5;y\n")
    table = read(tmp_path / "t.csv", decimal=",")
    assert table["a"].values.tolist() == [1.234, 1.5]
    assert table.notes == ("'a': decimal point, as its cells show, and not the comma told",)


@pytest.mark.parametrize(
    ("cells", "values"),
    [(("5%", "6%"), [5, 6]), (("$1.50", "$2"), [1.5, 2]), (("1 234,5", "2 000,0"), [1234.5, 2000]), (("5\u202f000", "7"), [5000, 7]),
     (("(5.25)", "3"), [-5.25, 3]), (("3 EUR", "4,5 EUR"), [3, 4.5]), (("USD 3", "USD -4"), [3, -4]), (("1.2k", "3M"), [1200, 3e6]),
     (("80 m²", "95 m²"), [80, 95]), (("12kg", "13kg"), [12, 13]), (("3 rooms", "4 rooms", "7 rooms"), [3, 4, 7]),
     (("1 year", "2 years"), [1, 2]), (("5:30", "6:15"), [5.5, 6.25]), (("12-", "3"), [-12, 3])],
)  # fmt: skip
def test_amounts_are_read_as_numbers_and_said(tmp_path, cells, values):
    (tmp_path / "t.csv").write_text("a;b\n" + "".join(f"{cell};x\n" for cell in cells))
    table = read(tmp_path / "t.csv")
    assert table["a"].kind == Kind.NUMBER
    assert table["a"].values.tolist() == values
    assert len(table.notes) == 1
    assert "read as numbers" in table.notes[0]


@pytest.mark.parametrize(
    "cells",
    [
        ("5%", "6%", "0.06"),
        ("5 kg", "6 lb"),
        ("$5", "€6"),
        ("5 kg", "6 kg", "7"),
        ("5th", "6th"),
        ("12A", "13A"),
        ("10+", "20+"),
    ],
)
def test_what_looks_like_amounts_and_is_not_read_is_said(tmp_path, cells):
    (tmp_path / "t.csv").write_text("a;b\n" + "".join(f"{cell};x\n" for cell in cells))
    table = read(tmp_path / "t.csv")
    assert table["a"].kind == Kind.CATEGORY
    assert table.notes == (
        f"'a': cells such as {min(cells)!r} are read as categories; write plain numbers if they are amounts",
    )


def test_slash_dates_that_could_be_either_are_said(tmp_path):
    (tmp_path / "t.csv").write_text("d\n01/02/2020\n")
    table = read(tmp_path / "t.csv")
    assert table["d"].values.tolist() == [18263.0]
    assert table.notes == ("'d': dates read as month/day/year; --kind d=date:%d/%m/%Y reads them the other way",)


def test_levels_of_an_enumeration_are_no_type(tmp_path):
    made = column_of_values("a", "ENUM('rabbit', 'list')", Categorical.of(["rabbit", "list"]))
    assert made.values.tolist() == ["rabbit", "list"]
