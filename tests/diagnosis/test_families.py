"""Planted faults are named with their place, whole trainings are silent when all is well, and every code is explained."""

import dataclasses
import sys
from pathlib import Path

import pytest

import descend as ds
from descend.diagnosis import (
    CHECKS,
    ENTRIES,
    Finding,
    Level,
    diagnose,
    divergence,
    explain,
    fitting,
    labels,
    numerics,
    penalty,
    rates,
    signal,
    slow,
    tables,
    wiring,
)
from descend.errors import UsageError
from descend.options import read_options
from descend.outcome import Outcome

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import diagnosis as planted  # noqa: E402

CASES = [case for plant in planted.PLANTED for case in plant(0)]
LEFT_TO_UNITS = {
    "D104",
    "D105",
    "D209",
    "D210",
    "D211",
    "D212",
    "D213",
    "D305",
    "D306",
    "D307",
    "D308",
    "D407",
    "D409",
    "D410",
    "D411",
    "D501",
}  # that no seed plants for sure; their own tests do


@pytest.mark.parametrize("case", CASES, ids=[f"{c.code}-{k}" for k, c in enumerate(CASES)])
def test_a_planted_fault_is_named_with_its_place(case, monkeypatch):
    monkeypatch.setattr("descend.run.job._Job.with_proof", lambda job, run: run)
    run = planted.trained(case.frame, case.options)
    found = {f.code: f for f in run.findings}

    assert case.code in found
    assert planted.right_place(case, found[case.code]) in (True, None)
    assert all(f.text and f.evidence is not None for f in run.findings)


def test_every_code_is_planted_somewhere():
    codes = {c.code for c in CASES} | LEFT_TO_UNITS
    assert codes == {code for code in ENTRIES if not code.startswith("D6")}


TABLES = [(name, target, hidden) for name, targets in (("penguins", ("body_mass_g", "species", "sex", "island")),
          ("penguins_raw", ("Species", "Body Mass (g)"))) for target in targets for hidden in ((), (16,))]  # fmt: skip


@pytest.mark.parametrize(("name", "target", "hidden"), TABLES)
def test_on_the_example_tables_at_auto_settings_nothing_graver_than_a_note_is_said(name, target, hidden):
    path = ROOT / "examples" / "data" / f"{name}.csv"
    options = {"optimizer": "adam,nesterov", "max_epochs": 100} if hidden else {}
    run = ds.train(path, target, hidden_layer_sizes=hidden, seeds=1, progress=False, **options)
    assert [f.text for f in run.findings if f.level != "note"] == []


@pytest.mark.parametrize(
    "family", [divergence, slow, rates, fitting, penalty, signal, tables, labels, numerics, wiring]
)
def test_every_check_is_documented_by_the_code_in_its_docstring(family):
    named = {check.__doc__[:4] for check in family.CHECKS}
    assert named <= {e.code for e in family.ENTRIES}
    assert len(family.ENTRIES) - len(named) in (0, 1)  # D607 and D608 share a check


def test_entries_are_whole():
    assert len(CHECKS) == 41
    for code, e in ENTRIES.items():
        assert explain(code.lower()) is e
        assert all(len(text) > 5 for text in (e.title, e.meaning, e.detected, e.fixes, e.reference))


def test_an_unknown_code_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        explain("D2O2")
    assert str(caught.value).startswith("there is no finding 'D2O2', there are D101 to D615; try 'D212' or 'D202'")


def test_the_page_of_findings_is_up_to_date():
    sys.path.insert(0, str(ROOT / "tools"))
    import findings

    assert (ROOT / "docs" / "findings.md").read_text() == findings.page()


def test_a_fix_that_changes_nothing_or_contradicts_what_is_set_is_not_proposed(monkeypatch, quiet):
    fixes = (
        "--lr auto",
        "--optimizer nesterov",
        "--optimizer nesterov --lr 0.1",
        "--l2 0.01",
        "--batch 7",
        "more rows",
    )
    made = Finding(code="D201", level=Level.NOTE, text="", fix=fixes)
    monkeypatch.setattr("descend.diagnosis.CHECKS", (lambda evidence: made,))

    def proposed(**options):
        return diagnose(dataclasses.replace(quiet, options=read_options(options)))[0].fix

    assert proposed(optimizer="nesterov", lr=0.3) == (
        "--lr auto",
        "--optimizer nesterov --lr 0.1",
        "--l2 0.01",
        "--batch 7",
        "more rows",
    )
    assert proposed(optimizer="gd", l2=0.01) == ("--optimizer nesterov", "--optimizer nesterov --lr 0.1", "more rows")


def test_a_failure_that_is_explained_is_placed_under_its_cause(monkeypatch, quiet):
    levels = {"D401": "warning", "D103": "error", "D305": "warning", "D201": "note", "D101": "error"}
    made = [Finding(code=code, level=level, text="", fix=("more rows",)) for code, level in levels.items()]
    monkeypatch.setattr("descend.diagnosis.CHECKS", tuple(lambda evidence, f=f: f for f in made))
    nonfinite = diagnose(dataclasses.replace(quiet, outcome=Outcome.NONFINITE))
    assert [f.code for f in nonfinite] == ["D101", "D103", "D305", "D201", "D401"]
    assert [f.fix for f in nonfinite[:2]] == [("more rows",), ()]
    assert "D103" not in [f.code for f in diagnose(dataclasses.replace(quiet, outcome=Outcome.DIVERGED))]
