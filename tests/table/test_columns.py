"""Columns become features by what the training rows show, and by nothing else."""

import numpy as np
import pytest

from descend.errors import DataError, ModelError
from descend.table.columns import MISSING, Schema, complete_rows, fit_schema
from descend.table.read import read
from descend.table.table import Column, Kind, Source, Table


def table(**columns):
    made = tuple(
        Column(name, Kind.CATEGORY, np.array(v, dtype=object))
        if isinstance(v[0], str)
        else Column(name, Kind.NUMBER, np.array(v, float))
        for name, v in columns.items()
    )
    return Table(made, len(made[0].values), Source(name="t.csv", format="csv"))


def test_categories_become_a_feature_a_level_and_missing_a_level_of_its_own():
    schema = fit_schema(table(c=["b", "a", None, "b"]))
    assert schema.names == ("c=a", "c=b", f"c={MISSING}")
    assert schema.encode(table(c=["b", "a", None, "b"])).X.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_numbers_are_filled_with_the_median_and_flagged():
    schema = fit_schema(table(x=[1.0, np.nan, 3.0, 8.0]))
    encoded = schema.encode(table(x=[np.nan, 5.0]))
    assert schema.names == ("x", "x is missing")
    assert encoded.X.tolist() == [[3.0, 1.0], [5.0, 0.0]]
    assert encoded.filled == {"x": 1}


def test_a_level_never_seen_is_all_zeros_and_counted():
    schema = fit_schema(table(c=["a", "b", "a"]))
    encoded = schema.encode(table(c=["z", "a", "z"]))
    assert encoded.X.tolist() == [[0, 0], [1, 0], [0, 0]]
    assert encoded.unseen == {"c": 2}


def test_the_raw_penguins_leave_out_what_tells_nothing(penguins_raw):
    schema = fit_schema(read(penguins_raw).keep([n for n in read(penguins_raw).names if n != "Sex"]))
    assert schema.dropped["Region"] == "constant: every value is 'Anvers'"
    assert schema.dropped["Stage"] == "constant: every value is 'Adult, 1 Egg Stage'"
    assert schema.dropped["Individual ID"] == "190 levels, none of them in 5 rows or more (see --max-levels)"
    assert "Date Egg" in schema.names
    assert "Clutch Completion=Yes" in schema.names


def test_identifiers_and_empty_columns_are_left_out_with_the_reason():
    rows = 30
    schema = fit_schema(table(
        key=[f"k{i}" for i in range(rows)], row=list(range(rows)), gone=[np.nan] * rows, x=list(np.linspace(0, 1, rows)),
    ))  # fmt: skip
    assert schema.dropped == {
        "key": "identifier: 30 levels in 30 rows",
        "row": "identifier: it numbers the rows from 0 to 29",
        "gone": "every cell is missing",
    }


def test_a_lone_counting_column_is_kept():
    assert fit_schema(table(t=list(range(40)))).names == ("t",)


def test_columns_are_found_by_name_in_any_order_and_others_are_ignored():
    schema = fit_schema(table(a=[1.0, 2.0], b=["x", "y"]))
    straight = schema.encode(table(a=[5.0], b=["y"])).X
    np.testing.assert_array_equal(schema.encode(table(more=[9.0], b=["y"], a=[5.0])).X, straight)


def test_missing_and_changed_columns_are_named():
    schema = fit_schema(table(a=[1.0, 2.0], b=["x", "y"]))
    with pytest.raises(ModelError) as absent:
        schema.encode(table(c=[1.0]))
    assert str(absent.value) == (
        "the data have no column 'a', 'b', which the model was trained on; bring data with the columns of the training data"
    )
    with pytest.raises(ModelError) as changed:
        schema.encode(table(a=["one"], b=["x"]))
    assert str(changed.value) == (
        "the column 'a' holds text, such as 'one' in row 1, the model was trained on a number; correct the column"
    )


def test_missing_cells_can_be_refused_or_their_rows_found():
    given = table(x=[1.0, np.nan, 3.0], c=["a", "b", None])
    with pytest.raises(DataError) as caught:
        fit_schema(given, missing="error")
    assert str(caught.value) == (
        "cells are missing in 'x' (1 cells, first in row 2), 'c' (1 cells, first in row 3); "
        "use --missing median or --missing drop"
    )
    assert complete_rows(given, fit_schema(given, missing="drop")).tolist() == [True, False, False]


def test_a_schema_survives_json(penguins):
    schema = fit_schema(read(penguins))
    assert Schema.from_json(schema.to_json()) == schema


def test_the_tidy_penguins_use_every_column_with_levels_by_name(penguins):
    read_table = read(penguins)
    schema = fit_schema(read_table.keep([n for n in read_table.names if n != "body_mass_g"]))
    assert schema.dropped == {}
    assert schema.names == (
        "species=Adelie", "species=Chinstrap", "species=Gentoo", "island=Biscoe", "island=Dream", "island=Torgersen",
        "bill_length_mm", "bill_length_mm is missing", "bill_depth_mm", "bill_depth_mm is missing",
        "flipper_length_mm", "flipper_length_mm is missing", "sex=female", "sex=male", "sex=(missing)", "year",
    )  # fmt: skip
    medians = {f.column: f.median for f in schema.features if f.flag}
    assert medians == {"bill_length_mm": 44.45, "bill_depth_mm": 17.3, "flipper_length_mm": 197.0}


def test_medians_come_from_the_rows_given():
    whole = table(x=[1.0, np.nan, 3.0, 100.0, 200.0])
    assert fit_schema(whole.take(np.arange(3))).features[0].median == 2.0
    assert fit_schema(whole).features[0].median == 51.5


def made(kind, *values):
    column = Column("c", kind, np.array(values, object if kind == Kind.CATEGORY else float))
    return Table((column,), len(values), Source(name="t.csv", format="csv"))


@pytest.mark.parametrize(
    ("levels", "later", "expected"),
    [(("1234567", "A1"), made(Kind.NUMBER, 1234567, 2), [[1, 0], [0, 0]]),
     (("False", "maybe", "true"), made(Kind.BOOLEAN, 1, 0), [[0, 0, 1], [1, 0, 0]]),
     (("A1", None), made(Kind.NUMBER, np.nan), [[0, 1]]),
     (("A1", "(missing)", None), made(Kind.CATEGORY, None, "(missing)"), [[0, 1], [0, 1]])],
)  # fmt: skip
def test_levels_are_found_however_a_later_file_was_read(levels, later, expected):
    assert fit_schema(made(Kind.CATEGORY, *levels)).encode(later).X.tolist() == expected


def test_dates_and_numbers_are_not_taken_for_each_other():
    schema = fit_schema(made(Kind.DATE, 1, 2))
    with pytest.raises(ModelError) as caught:
        schema.encode(made(Kind.NUMBER, 1, 2))
    assert str(caught.value) == "the column 'c' holds numbers, the model was trained on dates; correct the column"
    assert schema.encode(made(Kind.NUMBER, np.nan)).filled == {"c": 1}
