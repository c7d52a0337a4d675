"""The cells of an evaluation's tables are its figures."""

import dataclasses

import numpy as np
from tests.report.made import of_classes, of_numbers

from descend.evaluation import RegressionEvaluation
from descend.evaluation.paired import PairedVerdict, Verdict
from descend.evaluation.reference import Reference, ReferenceModel
from descend.report import evaluation_tables as tables


def test_metrics_have_their_intervals_or_a_dash():
    found = RegressionEvaluation(y=np.array([2.0, 2.0]), predicted=np.array([1.0, 3.0]))
    made = tables.metrics(found, rows_are="test ")
    assert (made.caption, made.header) == ("On 2 test rows", ("metric", "value", "95 % interval"))
    assert made.rows == (("RMSE", "1", "1 to 1"), ("MAE", "1", "1 to 1"), ("R²", "–", "–"))
    assert tables.metrics(found, ["mae"]).rows == made.rows[1:2]


def test_residuals_and_worst_rows_are_those_of_the_evaluation():
    found = of_numbers()
    assert tables.residuals(found).rows[0][3] == f"{np.median(found.residuals):.4g}"
    assert [int(row[0]) for row in tables.worst_rows(found).rows] == [w.row for w in found.worst()]


def test_the_tables_of_classes_name_them():
    found = of_classes(("a", "b", "c"))
    assert tables.confusion(found).header == ("actual", "a", "b", "c")
    assert [[int(n) for n in row[1:]] for row in tables.confusion(found).rows] == found.confusion.tolist()
    assert [row[0] for row in tables.by_class(found, 50).rows] == ["a", "b", "c"]
    assert tables.by_class(found, 2).caption == "Each class against the rest; 1 more are in descend eval --json"
    assert tables.thresholds(found) is None
    bins = tables.calibration(found, (1,))
    assert {row[0] for row in bins.rows} == {"b"}
    assert sum(int(row[1]) for row in bins.rows) == 60


def test_two_classes_have_thresholds():
    made = tables.thresholds(of_classes(("no", "yes")))
    assert made.caption == "Where yes is predicted from a probability on"
    assert made.rows[5][0] == "0.5"
    assert len(made.rows[5]) == len(made.header)


def test_the_model_stands_among_its_references_in_the_order_of_the_metric():
    found = RegressionEvaluation(y=np.array([2.0, 2.0, 2.0]), predicted=np.array([1.0, 3.0, 2.5]))
    verdict = PairedVerdict(metric="rmse", verdict=Verdict.BETTER, difference=-1.0, low=-2.0, high=0.0)
    worse = Reference(model=ReferenceModel.CONSTANT, value=3.0, low=2.0, high=4.0, verdict=verdict, seconds=0.1)
    better = dataclasses.replace(
        worse, model=ReferenceModel.TREES, value=0.5, verdict=dataclasses.replace(verdict, verdict=Verdict.WORSE)
    )
    unknown = dataclasses.replace(worse, model=ReferenceModel.LINEAR, value=np.nan, low=np.nan, high=np.nan)

    made = tables.leaderboard(found, "rmse", (worse, unknown, better))

    assert [row[0] for row in made.rows] == [
        "gradient boosted trees",
        "this model",
        "constant prediction",
        "exact linear model",
    ]
    assert made.rows[0] == ("gradient boosted trees", "0.5", "2 to 4", "this model is worse")
    assert made.rows[1][3] == ""
    assert made.rows[3][1:3] == ("–", "–")
    assert made.header[1] == "RMSE"
