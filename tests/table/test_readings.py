"""Real and generated columns are read as a person reads them; the page of the docs has the count of those that are not."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_WRONG = 0.02  # of the cases, wrong and said


@pytest.fixture(scope="module")
def readings():
    """The module `tools/readings.py`."""
    spec = importlib.util.spec_from_file_location("readings", ROOT / "tools" / "readings.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["readings"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["readings"]


@pytest.fixture(scope="module")
def made(readings):
    """All cases, run."""
    return readings.cases()


def test_no_column_is_silently_wrong(made):
    assert [case for case in made if case.outcome == "silently wrong"] == []


def test_few_are_wrong_and_said(made):
    wrong = [case for case in made if case.outcome == "wrong, said"]
    assert len(wrong) <= MOST_WRONG * len(made)


def test_the_cases_are_many_and_of_every_aspect(made):
    assert len({(case.source, case.what) for case in made}) >= 150
    assert {case.aspect for case in made} == {"reading", "role", "sentinel", "target", "lines"}


def test_the_page_is_that_of_the_cases(readings, made):
    assert readings.PAGE.read_text(encoding="utf-8") == readings.page(made)


def test_the_check_can_fail(readings):
    case = readings.Case("t", "c", "reading", "date", "number", False)
    assert case.outcome == "silently wrong"
