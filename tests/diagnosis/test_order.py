"""Findings as one list: by level and usefulness, consequences under their cause, whatever order the checks have."""

import itertools

from descend.diagnosis import ENTRIES
from descend.diagnosis.finding import Finding, Level
from descend.diagnosis.order import FOLLOWS, USEFUL, grouped, ordered


def made(**levels):
    return [Finding(code=code, level=level, text="") for code, level in levels.items()]


def test_the_most_severe_is_first_and_the_most_useful_of_equals():
    found = ordered(made(D404="note", D301="warning", D403="warning", D101="error"))
    assert [f.code for f in found] == ["D101", "D403", "D301", "D404"]
    assert all(f.cause == "" for f in found)


def test_a_consequence_stands_under_its_most_direct_cause():
    found = ordered(made(D305="warning", D201="note", D101="warning", D405="warning", D206="warning"))
    assert [(f.code, f.cause) for f in found] == [
        ("D101", ""), ("D305", "D101"), ("D206", "D101"), ("D201", "D101"), ("D405", ""),
    ]  # fmt: skip


def test_a_note_is_no_cause():
    found = ordered(made(D305="warning", D406="note"))
    assert [(f.code, f.cause) for f in found] == [("D305", ""), ("D406", "")]


def test_an_error_lifts_the_warning_that_it_follows_from():
    found = ordered(made(D403="warning", D103="error", D407="warning"))
    assert [f.code for f in found] == ["D407", "D103", "D403"]


def test_the_order_of_the_checks_does_not_matter():
    findings = made(D305="warning", D403="warning", D101="error", D206="warning")
    orders = {tuple(f.code for f in ordered(list(some))) for some in itertools.permutations(findings)}
    assert orders == {("D101", "D305", "D206", "D403")}


def test_no_finding_is_lost_and_none_follows_from_itself():
    codes = [c for c in ENTRIES if not c.startswith("D6")]
    found = ordered(made(**dict.fromkeys(codes, "warning")))
    assert sorted(f.code for f in found) == sorted(codes)
    assert all(f.level is Level.WARNING for f in found)


def test_every_code_of_a_run_has_its_place():
    assert sorted(USEFUL) == sorted(c for c in ENTRIES if not c.startswith("D6"))
    assert {c for causes in FOLLOWS.values() for c in causes} | set(FOLLOWS) <= set(USEFUL)


def test_groups_are_causes_with_what_follows():
    found = grouped(ordered(made(D305="warning", D101="error", D403="warning")))
    assert [(root.code, [f.code for f in follows]) for root, follows in found] == [("D101", ["D305"]), ("D403", [])]
