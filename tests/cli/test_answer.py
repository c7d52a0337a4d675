"""The answer of a training, as people read it."""

from dataclasses import replace

import numpy as np

from descend.cli.answer import finding_lines, report_lines, trial_lines
from descend.diagnosis.finding import Proof
from descend.evaluation import RegressionEvaluation
from descend.evaluation.paired import PairedVerdict, Verdict
from descend.evaluation.reference import Reference, ReferenceModel
from descend.options import Options

ARTIFACTS = {
    "model": "runs/my houses/model.safetensors",
    "report": "runs/my houses/report.html",
    "run": "runs/my houses/run.json",
}


def test_the_whole_answer(fakes):
    assert (
        "\n".join(report_lines(fakes.good, ARTIFACTS))
        == """
    variant   lr     batch  epochs  test RMSE  result
 D  adam      0.031    256      41     69,214  best
 G  gd        0.46    full     500     71,902  D201 not converged in budget
 H  momentum  90      full       3          –  D101 diverged by step 3

adam · test RMSE 69,214 (66,000 to 72,500) · R² 0.641 · baseline 115,530 · exact optimum 69,208
✔ converged in 41 epochs; the gap to the exact optimum is 0.01 %

uses     area 31,000 · rooms 812.5   (how much worse the RMSE is with each permuted)
saved    runs/my houses/   model.safetensors  report.html  run.json
next     descend predict 'runs/my houses' new.csv > out.csv
         open 'runs/my houses/report.html'"""
    )


def test_a_failed_run_has_its_finding_and_no_prediction_to_make(fakes):
    assert (
        "\n".join(report_lines(fakes.diverged, {"run": "r/run.json"}))
        == """
    variant   lr  batch  epochs  test RMSE  result
 H  momentum  90   full       3          –  D101 diverged by step 3

✖ D101 learning rate 90 is 24 × the stability limit 3.8
  fix      --lr auto   or   --scale
  more     descend explain D101

saved    r/   run.json"""
    )


def test_verbose_shows_every_trial_and_the_evidence(fakes):
    assert len(trial_lines(fakes.good, verbose=True)) == 5
    assert finding_lines(fakes.too_fast, verbose=True)[3:] == ["  lr       90", "  limit    3.8"]


def test_verbose_shows_every_figure_of_the_test_rows_and_single_ones_only_where_they_may_be(fakes):
    found = RegressionEvaluation(y=np.arange(5.0), predicted=np.zeros(5))
    shown, hidden = (
        "\n".join(
            report_lines(replace(fakes.good, held_out=found, options=Options(rows=rows)), ARTIFACTS, verbose=True)
        )
        for rows in (True, False)
    )
    assert "\nMAE  2      (" in shown
    assert (
        "\nWorst rows, the first row is 0\n row  actual  predicted  residual\n   4       4          0         4\n"
        in shown
    )
    assert "Worst rows" not in hidden
    assert "Residuals, actual less predicted" in hidden
    assert "MAE" not in "\n".join(report_lines(replace(fakes.good, held_out=found), ARTIFACTS))


def test_each_cure_that_was_tried_has_a_line(fakes):
    proofs = (Proof("--lr auto", "train rmse", None, 3.25, True), Proof("--scale", "train rmse", 2.0, 1999.0, False))
    assert finding_lines(replace(fakes.too_fast, proof=proofs))[2:4] == [
        "  tried    --lr auto: train rmse failed → 3.25, helps",
        "  tried    --scale: train rmse 2 → 1,999, does not help",
    ]


def test_colour_marks_the_best_the_failed_and_the_mark(fakes):
    lines = report_lines(fakes.good, ARTIFACTS, color=True)

    assert lines[2].startswith("\x1b[32m D  adam")
    assert lines[4].startswith("\x1b[31m H  momentum")
    assert lines[7].startswith("\x1b[32m✔\x1b[0m converged")


def test_a_narrow_screen_keeps_variant_score_and_result(fakes):
    lines = trial_lines(fakes.good, width=44)

    assert lines[1] == " adam         69,214  best"
    assert trial_lines(fakes.good, width=None)[1] == trial_lines(fakes.good, width=100)[1]


def test_accuracy_is_better_when_higher(fakes):
    run = replace(fakes.good, metric="accuracy", metrics={"train": {"accuracy": 0.9}})
    order = [line.split()[1] for line in trial_lines(run)[1:]]

    assert order == ["adam", "gd", "momentum"]
    assert "train accuracy" in trial_lines(run)[0]


def test_a_verdict_of_trouble_has_another_mark(fakes):
    run = replace(fakes.good, verdict=fakes.verdict("budget", "not converged"))

    assert "! not converged" in report_lines(run, ARTIFACTS)


def test_references_have_a_line_where_the_line_of_numbers_has_not_all_of_them(fakes):
    verdict = PairedVerdict(metric="rmse", verdict=Verdict.WORSE, difference=1.0, low=0.5, high=1.5)
    trees = Reference(model=ReferenceModel.TREES, value=61000.0, low=1.0, high=2.0, verdict=verdict, seconds=0.1)
    constant = replace(
        trees, model=ReferenceModel.CONSTANT, value=115530.0, verdict=replace(verdict, verdict=Verdict.BETTER)
    )

    beside = report_lines(replace(fakes.good, references=(trees, constant)), ARTIFACTS)

    assert (
        "beside   gradient boosted trees 61,000 (worse) · constant prediction 115,530 (better)   (in brackets: this run)"
        in beside
    )
    assert not any(
        line.startswith("beside") for line in report_lines(replace(fakes.good, references=(constant,)), ARTIFACTS)
    )
