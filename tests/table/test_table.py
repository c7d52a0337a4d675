"""A table of columns: what is missing, which rows and columns are taken, and names that are not there."""

import numpy as np
import pytest

from descend.errors import DataError, UsageError
from descend.table.read import read
from descend.table.table import Column, Kind, Source, Table, check_finite, text_of


def small_table():
    """Two columns of three rows."""
    number = Column("height", Kind.NUMBER, np.array([1.0, np.nan, 3.0]))
    text = Column("site", Kind.CATEGORY, np.array(["north", None, None], object))
    return Table((number, text), 3, Source(name="birds.csv", format="csv"), notes=("a note",))


def test_missing_cells_are_nan_in_numbers_and_none_in_text():
    table = small_table()

    assert table["height"].is_missing.tolist() == [False, True, False]
    assert table["site"].is_missing.tolist() == [False, True, True]
    assert [column.missing for column in table.columns] == [1, 2]


@pytest.mark.parametrize("rows", [np.array([True, False, True]), np.array([0, 2])], ids=["mask", "indices"])
def test_rows_are_taken_from_every_column_and_the_rest_stays(rows):
    part = small_table().take(rows)

    assert part.rows == 2
    assert part["height"].values.tolist() == [1.0, 3.0]
    assert part["site"].values.tolist() == ["north", None]
    assert (part.source, part.notes) == (small_table().source, ("a note",))


def test_columns_are_kept_in_the_order_given():
    assert small_table().keep(["site", "height"]).names == ("site", "height")
    assert small_table().keep(["site"]).names == ("site",)


def test_an_unknown_column_names_the_nearest(penguins):
    with pytest.raises(UsageError) as caught:
        read(penguins)["body_mass"]
    assert str(caught.value) == "there is no column 'body_mass' in 'penguins.csv'; the nearest are 'body_mass_g'"


def test_where_no_name_is_near_the_first_columns_are_named():
    with pytest.raises(UsageError) as caught:
        small_table().keep(["height", "zzz"])
    assert str(caught.value) == "there is no column 'zzz' in 'birds.csv'; the nearest are 'height', 'site'"


def test_infinite_cells_are_refused_with_row_and_count_and_missing_ones_are_not():
    values = np.array([1.0, np.nan, -np.inf, np.inf])
    with pytest.raises(DataError) as caught:
        check_finite(values, "height")
    assert str(caught.value) == (
        "the column 'height' is infinite in row 3 (2 cells in all); correct these cells or leave the column out with --drop"
    )
    assert check_finite(values[:2], "height") is not None


@pytest.mark.parametrize(
    ("value", "text"), [(3.0, "3"), (-0.5, "-0.5"), (0.1, "0.1"), (1e15, "1000000000000000"), (1e22, "1e+22")]
)
def test_numbers_are_written_as_files_write_them(value, text):
    assert text_of(value) == text
