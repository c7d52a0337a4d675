"""An evaluation as text: every line is written out here by hand."""

import numpy as np

from descend.cli.figures import MOST_CLASSES, detail_lines, metric_lines
from descend.evaluation import ClassificationEvaluation, RegressionEvaluation


def of_classes(count=2, rows=40):
    y = np.arange(rows) % count
    score = np.linspace(-3, 3, rows) if count == 2 else np.eye(count)[y]
    p = 1 / (1 + np.exp(-score)) if count == 2 else None
    return ClassificationEvaluation(
        y=y.astype(float), score=score, probabilities=None if p is None else np.column_stack([1 - p, p]),
        predicted=(score > 0).astype(int) if count == 2 else y, classes=tuple(f"class {k}" for k in range(count)),
    )  # fmt: skip


def test_metrics_stand_below_each_other_with_their_intervals():
    found = RegressionEvaluation(y=np.array([0.0, 1000.0]), predicted=np.array([0.0, 1000.0]))
    assert metric_lines(found, found) == ["RMSE 0  (0 to 0)", "MAE  0  (0 to 0)", "R²   1  (1 to 1)"]
    one = RegressionEvaluation(y=np.zeros(1), predicted=np.ones(1))
    assert metric_lines(one, ["mae", "r2"]) == ["MAE 1", "R²  –"]


def test_residuals_and_worst_rows():
    found = RegressionEvaluation(
        y=np.array([1.0, 2.0, 3.0]), predicted=np.array([1.0, 2.5, 5.0]), rows=np.array([0, 4, 9])
    )
    assert detail_lines(found) == [
        "",
        "Residuals, actual less predicted",
        " lowest    5 %   25 %  median   75 %   95 %  highest",
        "     -2  -1.85  -1.25    -0.5  -0.25  -0.05        0",
        "",
        "Worst rows, the first row is 0",
        " row  actual  predicted  residual",
        "   9       3          5        -2",
        "   4       2        2.5      -0.5",
        "   0       1          1         0",
    ]
    assert detail_lines(found, rows=False) == detail_lines(found)[:4]


def test_two_classes_have_all_tables():
    lines = detail_lines(of_classes())
    assert lines[1:5] == [
        "Rows of each class, by the class that is predicted", " actual   class 0  class 1", " class 0       10       10",
        " class 1       10       10",
    ]  # fmt: skip
    assert lines[6:8] == [
        "Each class against the rest",
        " class    rows            precision               recall                   F1                  AUC    average precision",
    ]
    assert lines[8].startswith(" class 0    20  0.50 (0.27 to 0.73)  0.50 (0.27 to 0.73)")
    assert "Where class 1 is predicted from a probability on" in lines
    assert "Calibration, in bins of equally many rows" in lines


def test_many_classes_are_cut_and_said():
    lines = detail_lines(of_classes(MOST_CLASSES + 2, 140))
    assert lines[:2] == ["", "No matrix of 14 classes; --json has it"]
    assert lines[3] == "Each class against the rest; 2 more are in descend eval --json"
    assert len(lines) == 5 + MOST_CLASSES


def test_a_rare_class_has_its_lift():
    y = np.zeros(100)
    y[:4] = 1
    score = -np.arange(100.0)
    found = ClassificationEvaluation(
        y=y, score=score, probabilities=None, predicted=np.zeros(100, int), classes=("no", "yes")
    )
    no, yes = detail_lines(found)[-2:]
    assert no.endswith("–")
    assert yes.endswith("10.0 (4.0 to 10.0)")


def test_names_from_the_data_cannot_move_the_cursor():
    found = ClassificationEvaluation(
        y=np.array([0.0, 1.0]), score=np.array([-1.0, 1.0]), probabilities=None, predicted=np.array([0, 1]),
        classes=("\x1b[2J", "\n"),
    )  # fmt: skip
    assert not any(c in line for line in detail_lines(found) for c in "\x1b\n")
