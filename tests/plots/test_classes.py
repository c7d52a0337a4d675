"""Charts of predicted classes: cells are counts, lines are the curves, dots the bins, and classes have their names."""

import numpy as np
import pytest
from tests.plots.parsing import HOSTILE, creates_nothing, parsed, texts

from descend.evaluation import ClassificationEvaluation
from descend.plots import classes
from descend.plots.classes import drawn_classes, panels


def of(names, rows=90, low=False):
    y, rng = np.arange(rows) % len(names), np.random.default_rng(0)
    z = (0.1 if low else 1.5) * np.eye(len(names))[y] + rng.normal(size=(rows, len(names)))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return ClassificationEvaluation(
        y=y.astype(float), score=z if len(names) > 2 else z[:, 1] - z[:, 0], probabilities=p, predicted=z.argmax(axis=1),
        classes=tuple(names),
    )  # fmt: skip


def test_the_cells_of_the_matrix_are_the_counts_and_its_sides_the_names():
    found = of(("Adelie", "Chinstrap", "Gentoo"))
    said = texts(parsed(panels(found)[0]))
    assert [int(t) for t in said if t.isdigit()] == found.confusion.ravel().tolist()
    assert said.count("Adelie") == said.count("Gentoo") == 2
    cells = [e for e in parsed(panels(found)[0]).iter() if e.tag.endswith("rect")]
    shares = found.confusion / found.confusion.sum(axis=1, keepdims=True)
    assert [float(e.get("fill-opacity")) for e in cells] == pytest.approx((0.25 * shares).ravel(), abs=1e-3)


def test_counts_that_do_not_fit_are_rounded():
    assert [classes._count(n, 4) for n in (123, 1234, 12_345, 1_234_567)] == ["123", "1k", "12k", "1.2M"]


def test_each_curve_has_its_class_and_its_area():
    found = of(("a", "b", "c"))
    _, roc, precision_recall, *rest = panels(found)
    assert [f"{c.name} {c.auc.value:.3f}" for c in found.by_class] == [t for t in texts(parsed(roc)) if t[0] in "abc"]
    assert [f"{c.name} {c.average_precision.value:.3f}" for c in found.by_class] == [
        t for t in texts(parsed(precision_recall)) if t[0] in "abc"
    ]
    assert len([e for e in parsed(roc).iter() if e.tag.endswith("polyline")]) == 3
    assert len(rest) == 3


def test_the_legend_of_low_curves_is_above_them():
    def heights(chart):
        return [float(e.get("y")) for e in parsed(chart).iter() if e.tag.endswith("text") and " 0." in (e.text or "")]

    high, low = panels(of(("a", "b", "c")))[2], panels(of(("a", "b", "c"), low=True))[2]
    assert min(heights(high)) > 120 > max(heights(low))


def test_bins_of_calibration_are_dots_with_their_intervals():
    found = of(("no", "yes"))
    chart = parsed(panels(found)[-1])
    bins = found.calibration(1)
    assert len([e for e in chart.iter() if e.tag.endswith("circle")]) == len(bins)
    assert "probability of yes" in texts(chart)


def test_of_many_classes_the_most_frequent_have_curves():
    found = of([f"c{k}" for k in range(6)])
    more = ClassificationEvaluation(
        y=np.r_[found.y, np.full(30, 5.0)], score=np.r_[found.score, found.score[:30]], probabilities=None,
        predicted=np.r_[found.predicted, found.predicted[:30]], classes=found.classes,
    )  # fmt: skip
    assert drawn_classes(more) == (0, 1, 2, 5)
    assert len(panels(more)) == 3  # without probabilities no calibration


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_create_nothing(name):
    for k in range(5):
        creates_nothing(lambda n, k=k: panels(of((n, f"{n}2")))[min(k, 3)], name)
