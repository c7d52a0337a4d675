"""The page of a check: inert whatever the names, complete, and small."""

import re

import pytest
from tests.report.made import HOSTILE, parsed, shape

from descend.checks.page import render
from descend.checks.records import Check, ColumnProfile, Contents, Correlation, Status


def contents(name="name", **fields):
    number = ColumnProfile(name=name, kind="number", missing=1, used_as=name, distinct=3, mean=1.0, spread=1.0,
                           quantiles=(0.0, 1.0, 2.0, 3.0, 4.0), counts=(1, 2, 0, 1), association=0.5)  # fmt: skip
    day = ColumnProfile(name=name, kind="date", missing=0, used_as=name, distinct=3, quantiles=(0.0, 1.0, 2.0, 3.0, 4.0),
                        counts=(1, 2, 0, 1))  # fmt: skip
    levels = ColumnProfile(
        name=name, kind="category", missing=0, used_as=name, distinct=2, levels=((name, 3), ("b", 1))
    )
    checks = tuple(Check(name=name, status=s, text=name, fix=(name,), code=name) for s in Status)
    known = {
        "name": name, "rows": 4, "sampled": 4, "source": {}, "target": name, "task": "regression",
        "columns": (number, day, levels), "correlated": (Correlation(name, name, name, 0.5),), "checks": checks,
        "notes": ((name, name),),
    }  # fmt: skip
    return Contents(**(known | fields))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_in_every_place_change_no_element_and_no_attribute(name):
    assert shape(render(contents(name))) == shape(render(contents("name")))


def test_nothing_is_requested_and_nothing_runs():
    page = render(contents())
    tags = {e.tag.split("}")[-1] for e in parsed(page).iter()}
    assert not tags & {"link", "iframe", "img", "object", "form"}
    assert not re.search(r"\bon\w+=|url\(|https?://(?!www\.w3\.org/2000/svg)", page)


def test_every_check_and_every_column_is_there():
    page = render(contents())
    sections = re.findall(r'<section id="(\w+)"', page)
    assert sections == ["verdict", "next", "checks", "columns", "distributions", "correlations", "data", "glossary"]
    assert page.count('role="img"') == 3
    for status in Status:
        assert f"{status.mark} {status.value}" in page


def test_of_a_sample_the_caption_says_so():
    page = render(contents(rows=1_000_000, sampled=65_536))
    assert (
        "How often each value occurs, of a category the 10 most frequent; numbers and dates in 65,536 of 1,000,000 rows, "
        "drawn at random."
    ) in page


def test_where_nothing_was_found_the_page_says_so():
    page = render(contents(checks=(), columns=(), correlated=(), notes=()))
    assert "No problems found, and no tips." in page
    assert "No chart: no column has a value." in page
    assert 'id="correlations"' not in page


def test_a_table_that_training_refuses_is_said_on_top():
    refused = Check(name="training", status=Status.PROBLEM, text="training would refuse")
    page = render(contents(checks=(refused,)))
    assert "Training would refuse this table" in page
    assert '<section id="verdict" class="failed">' in page


def test_ten_thousand_columns_are_a_short_page():
    page = render(contents(columns=contents("x" * 1000).columns[:1] * 10_000))
    assert "10,000 columns, as read; 9,800 more are in --json" in page
    assert "9,988 more columns are not drawn." in page
    assert len(page) < 350_000
