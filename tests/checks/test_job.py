"""`ds.check` from a file, a frame and an array; no model is trained."""

import warnings

import numpy as np
import pandas as pd
import pytest

import descend as ds


def test_a_file_is_read_and_checked(penguins):
    said = []
    report = ds.check(penguins, "body_mass_g", on_event=said.append)
    assert (report.name, report.rows, report.sampled, report.task) == ("penguins.csv", 344, 344, "regression")
    assert [c.name for c in report.columns][:2] == ["species", "island"]
    assert report.verdict == "0 problems, 0 tips, 13 passed, 2 not applicable"
    assert [(n.topic, n.text) for n in said] == list(report.notes)
    assert report.source["delimiter"] == ","


def test_the_whole_table_of_a_frame_and_of_an_array_are_the_same():
    X = np.random.default_rng(0).normal(size=(100, 3))
    by_frame, by_array = ds.check(pd.DataFrame(X, columns=["a", "b", "c"])), ds.check(X)
    assert [c.status for c in by_frame.checks] == [c.status for c in by_array.checks]
    assert [c.quantiles for c in by_frame.columns] == [c.quantiles for c in by_array.columns]


def test_a_bad_option_is_said_in_keywords():
    with pytest.raises(ds.UsageError) as error:
        ds.check(np.zeros((3, 1)), missing="fill")
    assert str(error.value) == "missing is 'fill', it must be one of median, drop, error; try 'median'"


@pytest.mark.parametrize("rows", [0, 1])
def test_an_empty_table_is_an_error_and_one_row_is_none(rows):
    table = pd.DataFrame({"a": [1.0] * rows, "y": [2.0] * rows})
    if rows == 0:
        with pytest.raises(ds.DataError) as error:
            ds.check(table)
        assert str(error.value) == "the data frame has 0 rows and 2 columns; pass rows and columns"
    else:
        assert ds.check(table, "y").checks[-1].text == "training would refuse: the target 'y' has one row"


def test_everything_missing_is_a_report():
    report = ds.check(pd.DataFrame({"a": [None] * 30, "y": [None] * 30}), "y")
    assert [c.name for c in report.problems] == ["missing", "training"]


def test_numbers_at_the_end_of_the_range_warn_of_nothing():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"a": rng.normal(size=60) * 1e300, "b": rng.normal(size=60) * 1e-300, "y": rng.normal(size=60)}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ds.check(table, "y").html().startswith("<!DOCTYPE html>")
