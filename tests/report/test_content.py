"""The contents of a report are frozen records, made by keyword."""

import dataclasses

import pytest
from tests.report.made import a_report

from descend.report.content import FindingRow, Mark, ReportData, VariantRow


def test_each_mark_has_a_sign_of_its_own():
    assert {mark.name: mark.value for mark in Mark} == {"OK": "\u2714", "NEUTRAL": "\u25cf", "FAILED": "\u2716"}


@pytest.mark.parametrize("record", [FindingRow, VariantRow, ReportData])
def test_large_records_take_keywords_only(record):
    with pytest.raises(TypeError, match="positional argument"):
        record("D101", "error", "text", ())


def test_a_report_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        a_report().title = "other"
