"""How checks end, and numbers as text."""

from descend.checks.records import Check, ColumnProfile, Contents, Status, association_text, range_text
from descend.diagnosis.finding import Finding, Level


def a_finding(level):
    return Finding(code="D402", level=level, text="a leak", evidence={"column": "a"}, fix=("--drop a",))


def test_a_finding_becomes_a_problem_and_a_note_a_tip():
    assert Check.of("leak", a_finding(Level.WARNING), "none") == Check(
        name="leak", status=Status.PROBLEM, text="a leak", evidence={"column": "a"}, fix=("--drop a",), code="D402"
    )
    assert Check.of("leak", a_finding(Level.NOTE), "none").status is Status.TIP
    assert Check.of("leak", None, "none") == Check(name="leak", status=Status.PASSED, text="none")


def test_the_contents_put_problems_first_and_count_every_status():
    checks = tuple(Check(name=s.name, status=s, text="") for s in reversed(Status))
    contents = Contents(
        name="t.csv",
        rows=1,
        sampled=1,
        source={},
        target=None,
        task=None,
        columns=(),
        correlated=(),
        checks=checks,
        notes=(),
    )
    assert [c.status for c in contents.by_urgency] == list(Status)
    assert contents.counts == dict.fromkeys(("problem", "tip", "passed", "skipped", "not applicable"), 1)
    assert contents.verdict == "1 problem, 1 tip, 1 passed, 1 skipped, 1 not applicable"
    assert contents.title == "t.csv · 1 row × 0 columns"
    assert (contents.problems, contents.tips) == ((checks[-1],), (checks[-2],))


def test_numbers_and_days_as_text():
    plain = ColumnProfile(
        name="a", kind="number", missing=0, used_as="a", distinct=2, quantiles=(1.0, 2.0, 3.0, 4.0, 1e6)
    )
    assert (range_text(plain, 0), range_text(plain, -1), association_text(plain)) == ("1", "1,000,000", "–")
    day = ColumnProfile(
        name="d", kind="date", missing=0, used_as="d", distinct=1, quantiles=(0.0, 0, 0, 0, 18262.0), association=-0.001
    )
    assert (range_text(day, 0), range_text(day, -1), association_text(day)) == ("1970-01-01", "2020-01-01", "0.00")
    none = ColumnProfile(name="k", kind="category", missing=0, used_as="k", distinct=1)
    assert range_text(none, 2) == "–"
