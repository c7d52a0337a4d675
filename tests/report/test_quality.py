"""The section of the test rows: figures, charts where there is something to draw, and a sentence where there is not."""

import dataclasses

import numpy as np
from tests.report.made import a_report, of_classes, of_numbers, parsed

import descend as ds
from descend.evaluation import RegressionEvaluation
from descend.report import html
from descend.report.quality import NO_TEST_ROWS, quality


def titles(section):
    return [e.text for e in parsed(str(section)).iter() if e.tag.endswith("title")]


def of(found, **changes):
    return quality(dataclasses.replace(a_report(), held_out=found, **changes))


def test_numbers_have_three_charts_and_their_metrics():
    section = of(of_numbers())
    assert titles(section) == [
        "Predicted against actual",
        "Residuals against prediction",
        "Distribution of the residuals",
    ]
    text = "".join(parsed(str(section)).itertext())
    assert "On 60 test rows" in text
    assert "RMSE" in text


def test_classes_have_matrix_curves_and_calibration_by_name():
    section = of(of_classes(("a", "b", "c")))
    assert titles(section) == [
        "Confusion matrix", "ROC", "Precision and recall", "Calibration of a", "Calibration of b", "Calibration of c",
    ]  # fmt: skip


def test_one_class_alone_has_its_matrix_and_a_sentence():
    found = of_classes(("a", "b"))
    alone = dataclasses.replace(found, y=np.ones(60))
    section = of(alone)
    assert titles(section) == ["Confusion matrix"]
    assert "No curves: all test rows are of the class b." in str(section)


def test_many_classes_have_the_curves_of_the_most_frequent():
    section = of(of_classes([f"c{k}" for k in range(12)]))
    assert "No confusion matrix of 12 classes. Curves of the 4 most frequent of 12 classes." in str(section)
    assert len(titles(section)) == 6


def test_many_classes_of_which_one_has_rows_have_a_sentence_alone():
    found = of_classes([f"c{k}" for k in range(12)])
    section = of(dataclasses.replace(found, y=np.zeros(60)))
    assert titles(section) == []
    assert "No confusion matrix of 12 classes. No curves: all test rows are of the class c0." in str(section)


def test_one_row_has_no_chart():
    section = of(RegressionEvaluation(y=np.ones(1), predicted=np.zeros(1)))
    assert "No chart: there is one test row." in str(section)


def test_without_test_rows_the_section_says_so_and_without_a_model_there_is_none():
    assert NO_TEST_ROWS in str(of(None))
    assert of(None, measured=False) is None


def test_of_many_rows_a_thousand_are_drawn_and_it_is_said():
    section = str(of(of_numbers(3000)))
    assert section.count("h0") == 2000
    assert "1,000 of 3,000 rows, evenly spaced." in section


def test_the_report_of_a_run_shows_its_test_rows(penguins):
    run = ds.train(penguins, "species", optimizer="gd", max_epochs=20, progress=False)
    page = run.report()
    assert "How good is it" in page
    assert f"On {len(run.held_out.y)} test rows" in page
    parsed(page)
    assert "How good is it" not in html.render(
        dataclasses.replace(a_report(), measured=False, held_out=None)
    )  # a failed run


def test_single_rows_are_left_out_where_that_was_asked(penguins):
    run = ds.train(penguins, "body_mass_g", optimizer="gd", max_epochs=20, rows=False, progress=False)
    page = run.report()
    assert "Worst rows" not in page
    assert "Predicted against actual" not in page
    assert "Distribution of the residuals" in page
    assert "Single rows are not shown, as asked." in page
    assert "No chart: single rows are not shown, as asked with --no-rows." in page
    assert "--no-rows" in run.command
    marks = sum(e.get("d", "").count("h0") for e in parsed(page).iter())
    assert marks == 0  # no dot of a row anywhere
