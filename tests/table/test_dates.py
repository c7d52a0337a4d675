"""Dates and times are the moments that Python's own strptime reads, whatever the order, the separators and the source."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from descend.table.categorical import Categorical
from descend.table.dates import read_as_dates, read_dates, whole_number_dates
from descend.table.frames import from_frame
from descend.table.read import read
from descend.table.table import Kind
from descend.table.texts import Engine, Texts

MOMENTS = [datetime(2011, 2, 3, 5, 30) + timedelta(hours=7 * k + 31 * 24 * (k % 3)) for k in range(60)]


def days(moment):
    return (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86_400


@pytest.fixture
def texts():
    """Returns a function that makes Texts of cells."""
    with Engine() as engine:
        yield lambda *cells: Texts(engine, Categorical.of(cells))


DATES = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %m %Y", "%m/%d/%y", "%d/%m/%y",
         "%d.%m.%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%d%b%Y", "%A, %d %B %Y", "%a %b %d %Y",
         "%Y-%b-%d", "%d/%b/%Y")  # fmt: skip
TIMES = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S%p",
    "T%H:%M:%S",
    "T%H:%MZ",
    " %H:%M UTC",
    " %H:%M:%S+00:00",
)


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("time", TIMES)
def test_every_usual_form(texts, date, time):
    form = date + time
    read = read_dates(texts(*[m.strftime(form) for m in MOMENTS]))
    expected = [days(m if time else m.replace(hour=0, minute=0)) for m in MOMENTS]
    np.testing.assert_allclose(read.values, list(dict.fromkeys(expected)), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [("2011-02-03T05:30+02:00", datetime(2011, 2, 3, 3, 30)), ("2011-02-03 05:30:00-0530", datetime(2011, 2, 3, 11)),
     ("2011-02-03 05:30:00+02", datetime(2011, 2, 3, 3, 30)), ("03/Feb/2011:05:30:00 +0000", datetime(2011, 2, 3, 5, 30)),
     ("2/3/2011 12:00 AM", datetime(2011, 2, 3)), ("2/3/2011 12:15 p.m.", datetime(2011, 2, 3, 12, 15)),
     ("2/3/2011 5 PM", datetime(2011, 2, 3, 17)), ("Feb. 3rd, 2011", datetime(2011, 2, 3)), ("2011-02", datetime(2011, 2, 1)),
     ("Feb 2011", datetime(2011, 2, 1)), ("2011Q2", datetime(2011, 4, 1)), ("2011-Q4", datetime(2011, 10, 1)), ("02/2011", datetime(2011, 2, 1)),
     ("3/2/69", datetime(1969, 3, 2)), ("3/2/68", datetime(2068, 3, 2)), ("1066-10-14", datetime(1066, 10, 14)),
     ("03FEB2011:05:30:00", datetime(2011, 2, 3, 5, 30)), ("2011-2-3 5:30", datetime(2011, 2, 3, 5, 30)), ("Sept 3, 2011", datetime(2011, 9, 3)),
     ("1989,  October", datetime(1989, 10, 1)), ("2011  Feb  3", datetime(2011, 2, 3))],
)  # fmt: skip
def test_other_forms(texts, cell, moment):
    assert read_dates(texts(cell)).values.tolist() == pytest.approx([days(moment)], abs=1e-9)


@pytest.mark.parametrize(
    "cells",
    [("2020-13-45",), ("31/04/2011",), ("2020-01-02", "x"), ("12",), ("1.5",), ("2011",), ("A-1-2",), ("1/2",), ("3-4",), ("10.0.0.1",),
     ("13/13/2011",), ("2011-02-03 25:61",), ("555-1234",), ("99/99/9999",), ("03/13/2011", "13/03/2011"), ("2000-1", "2000-2"), ("2000/3",)],
)  # fmt: skip
def test_what_is_no_date(texts, cells):
    assert read_dates(texts(*cells)) is None


def test_evidence_decides_between_day_and_month(texts):
    assert read_dates(texts("03/02/2011", "13/02/2011")).pattern == "%d/%m/%Y"
    assert read_dates(texts("03/02/2011", "03/13/2011")).pattern == "%m/%d/%Y"


def test_ambiguity_goes_by_the_order_of_the_rows_then_by_custom_and_is_said(texts, tmp_path):
    rising = read_dates(texts("01/02/2011", "02/02/2011", "01/03/2011", "05/03/2011"))
    assert (rising.pattern, rising.other) == ("%d/%m/%Y", "%m/%d/%Y")
    assert read_dates(texts("05/02/2011", "01/03/2011")).pattern == "%d/%m/%Y"
    assert read_dates(texts("05/02/2011", "01/03/2011", "02/02/2011")).pattern == "%m/%d/%Y"
    assert read_dates(texts("05.02.2011", "01.03.2011", "02.02.2011")).pattern == "%d.%m.%Y"
    assert read_dates(texts("02/02/2011")).other == ""
    (tmp_path / "t.csv").write_text("a day\n05/02/2011\n01/03/2011\n02/02/2011\n")
    assert read(tmp_path / "t.csv").notes == (
        "'a day': dates read as month/day/year; --kind 'a day=date:%d/%m/%Y' reads them the other way",
    )
    declared = read(tmp_path / "t.csv", kinds={"a day": "date:%d/%m/%Y"})
    assert (declared["a day"].values[0], declared.notes) == (days(datetime(2011, 2, 5)), ())


@pytest.mark.parametrize("form", ["%m/%d/%Y %H:%M", "%Y%m%d", "%d-%b-%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])
def test_one_reader_for_every_source(tmp_path, form):
    frame = pd.DataFrame({"when": [m.strftime(form) for m in MOMENTS], "z": range(60)})
    expected = [days(datetime.strptime(cell, form)) for cell in frame.when]
    if form == "%Y%m%d":
        frame["when"] = frame.when.astype(int)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    for table in (*(read(tmp_path / f"t.{suffix}") for suffix in ("csv", "parquet", "jsonl")), from_frame(frame)):
        assert table["when"].kind == Kind.DATE
        np.testing.assert_allclose(table["when"].values, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "values",
    [[], [np.nan], [20110230.0], [20111301.0], [20110203.0, 5.0], [20110203.5], [17990101.0], [22010101.0], [2011.0]],
)
def test_whole_numbers_that_are_no_dates(values):
    assert whole_number_dates(np.array(values, float)) is None


def test_cells_by_a_pattern(texts):
    read = read_as_dates(texts("03/02/2011", "2011-02-03", "x"), "%d/%m/%Y")
    assert read.tolist() == pytest.approx([15008.0, 15008.0, np.nan], nan_ok=True)
    assert np.isnan(read_as_dates(texts("x", "3.2.2011"), "")).tolist() == [True, False]
