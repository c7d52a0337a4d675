"""What the cells of a column are; a number is never taken for a category."""

import numpy as np
import pytest

from descend.errors import DataError
from descend.table.read import read
from descend.table.table import Kind
from descend.table.types import column_of_values


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
    assert column_of_values(
        "a", "VARCHAR", np.ma.array(["x", "y"], mask=[True, False], dtype=object)
    ).values.tolist() == [None, "y"]
    dates = np.ma.array(np.array(["1970-01-02", "1970-01-03"], "datetime64[us]"), mask=[False, True])
    assert column_of_values("a", "TIMESTAMP", dates).values[0] == 1.0


def test_nested_types_are_refused():
    with pytest.raises(DataError) as caught:
        column_of_values("a", "STRUCT(x INTEGER)", np.array([{}], dtype=object))
    assert str(caught.value) == (
        "the column 'a' holds STRUCT(X INTEGER), which is no number, date, text or boolean; flatten it or leave it out of the file"
    )


def test_a_decimal_comma_told_against_the_cells_is_said(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n1.234;x\n1.5;y\n")
    table = read(tmp_path / "t.csv", decimal=",")
    assert table["a"].values.tolist() == [1.234, 1.5]
    assert table.notes == ("'a': decimal point, as its cells show, and not the comma told",)


@pytest.mark.parametrize("cells", [("5%", "6%"), ("$1.50", "$2"), ("1 234,5", "2 000,0")])
def test_amounts_that_become_categories_are_said(tmp_path, cells):
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
    assert table.notes == ("'d': dates read as month/day/year; write them as year-month-day to be sure",)


def test_levels_of_an_enumeration_are_no_type(tmp_path):
    made = column_of_values("a", "ENUM('rabbit', 'list')", np.array(["rabbit", "list"], dtype=object))
    assert made.values.tolist() == ["rabbit", "list"]
