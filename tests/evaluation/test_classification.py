"""Figures of predicted classes, against scikit-learn and worked numbers."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from descend.evaluation import ClassificationEvaluation

RNG = np.random.default_rng(0)
WEIGHT = RNG.uniform(0.1, 3, 150)
TWO = (RNG.random(150) < 0.3).astype(float)
SCORE = TWO + RNG.normal(-0.5, 1, 150)
THREE = RNG.integers(0, 3, 150).astype(float)
SCORES = np.eye(3)[THREE.astype(int)] * 1.5 + RNG.normal(size=(150, 3))


def of_two(y=TWO, score=SCORE, weight=None, rows=None):
    p = 1 / (1 + np.exp(-score))
    return ClassificationEvaluation(
        y=y, score=score, probabilities=np.column_stack([1 - p, p]), predicted=(score > 0).astype(int),
        classes=("no", "yes"), weight=weight, rows=rows,
    )  # fmt: skip


def of_three(weight=None):
    e = np.exp(SCORES)
    return ClassificationEvaluation(
        y=THREE, score=SCORES, probabilities=e / e.sum(axis=1, keepdims=True), predicted=SCORES.argmax(axis=1),
        classes=("a", "b", "c"), weight=weight,
    )  # fmt: skip


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("make", [of_two, of_three])
def test_values_are_those_of_scikit_learn_and_lie_in_their_intervals(make, weight):
    found = make(weight=weight)
    y, p, w = found.y.astype(int), found.probabilities, {"sample_weight": weight}
    area = (
        np.mean([sk.roc_auc_score(y == k, p[:, k], **w) for k in range(3)])
        if p.shape[1] > 2
        else sk.roc_auc_score(y, p[:, 1], **w)
    )
    assert dict(found) == pytest.approx({
        "accuracy": sk.accuracy_score(y, found.predicted, **w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, found.predicted, **w),
        "logloss": sk.log_loss(y, p, **w), "auc": area,
    })  # fmt: skip
    assert all(e.low < e.value < e.high for e in found.estimates.values())


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("make", [of_two, of_three])
def test_figures_of_each_class_are_those_of_scikit_learn(make, weight):
    found = make(weight=weight)
    y, w = found.y.astype(int), {"sample_weight": weight}
    precision, recall, f1, _ = sk.precision_recall_fscore_support(y, found.predicted, **w)
    for k, figures in enumerate(found.by_class):
        assert figures.name == found.classes[k]
        assert figures.rows == (y == k).sum()
        known = [figures.precision, figures.recall, figures.f1, figures.auc, figures.average_precision]
        assert [e.value for e in known] == pytest.approx([
            precision[k], recall[k], f1[k], sk.roc_auc_score(y == k, found.score_of(k), **w),
            sk.average_precision_score(y == k, found.score_of(k), **w),
        ])  # fmt: skip
        assert all(e.low < e.value < e.high for e in known)
    assert (found.confusion == sk.confusion_matrix(y, found.predicted)).all()


def test_the_interval_of_auc_is_that_of_delong():
    """DeLong, DeLong and Clarke-Pearson 1988, by the definition, pair by pair, with the interval on the logit."""
    ones, zeros = SCORE[TWO == 1], SCORE[TWO == 0]
    pairs = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    area = pairs.mean()
    variance = pairs.mean(axis=1).var(ddof=1) / len(ones) + pairs.mean(axis=0).var(ddof=1) / len(zeros)
    moved = np.r_[(pairs.mean(axis=1) - area) / len(ones), (pairs.mean(axis=0) - area) / len(zeros)]
    freedom = 300 / (stats.kurtosis(moved, fisher=False) - 1)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(variance) / (area * (1 - area))
    logit = np.log(area / (1 - area))
    known = tuple(1 / (1 + np.exp(-(logit + side * half))) for side in (-1, 1))
    assert of_two().intervals["auc"] == pytest.approx(known, rel=5e-3)  # n - 1 in place of the classes' own


def test_thresholds_move_recall_against_precision():
    found = of_two()
    for row in found.thresholds:
        guess = found.probabilities[:, 1] >= row.threshold
        assert row.predicted == pytest.approx(guess.mean())
        assert row.recall.value == pytest.approx(sk.recall_score(TWO, guess))
        assert row.balanced_accuracy == pytest.approx(sk.balanced_accuracy_score(TWO, guess))
        if guess.any():
            assert row.precision.value == pytest.approx(sk.precision_score(TWO, guess))
            assert row.f1.value == pytest.approx(sk.f1_score(TWO, guess))
        else:
            assert np.isnan(row.precision.value)
    assert of_three().thresholds == ()


def test_lift_of_a_rare_class_is_how_much_more_frequent_it_is_in_the_top_tenth():
    y = np.zeros(100)
    y[[0, 1, 2, 50]] = 1
    score = -np.arange(100.0)  # the ten best rows hold three of the four
    no, yes = of_two(y, score).by_class
    assert yes.lift.value == pytest.approx(7.5)  # (3 / 10) / (4 / 100)
    exact = stats.binomtest(3, 4).proportion_ci(0.95, "exact")
    assert (yes.lift.low, yes.lift.high) == pytest.approx((10 * exact.low, 10 * exact.high))
    assert no.lift is None
    assert of_two(1 - y, -score).shown_classes == (0,)
    assert of_two(y, np.zeros(100)).by_class[1].lift.value == pytest.approx(1.0)  # all tie: no better than chance


def test_f1_has_the_exact_interval_of_its_share():
    y, guess = np.repeat([1.0, 1, 0, 0], [6, 2, 3, 9]), np.repeat([1.0, -1, 1, -1], [6, 2, 3, 9])
    found = of_two(y, guess).by_class[1].f1  # 6 hits among the 11 rows that are of the class or predicted as it
    exact = stats.binomtest(6, 11).proportion_ci(0.95, "exact")
    assert found.value == pytest.approx(12 / 17)
    assert (found.low, found.high) == pytest.approx(tuple(2 * v / (1 + v) for v in (exact.low, exact.high)))


def test_one_class_alone_has_no_areas_and_no_curves():
    found = of_two(np.ones(150))
    assert np.isnan([found["auc"], *found.intervals["auc"]]).all()
    assert found["accuracy"] == found["balanced_accuracy"] == (SCORE > 0).mean()
    assert found.roc(1) is found.precision_recall(1) is None
    assert (found.shown_classes, found.thresholds) == ((), ())
    no, yes = found.by_class
    assert np.isnan([no.recall.value, no.auc.value, yes.auc.value]).all()
    assert (no.rows, no.precision.value, yes.precision.value) == (0, 0.0, 1.0)


def test_constant_predictions_rank_nothing():
    found = of_two(score=np.zeros(150) - 1)
    assert (found["auc"], found["balanced_accuracy"]) == (0.5, 0.5)
    assert np.isnan(found.by_class[1].precision.value)
    assert found.by_class[1].average_precision.value == pytest.approx(TWO.mean())
    assert len(found.calibration(1)) == 1


def test_a_perfect_order_of_few_rows_is_no_proof_of_an_area_of_one():
    y = np.r_[np.zeros(30), np.ones(5)]
    low, high = of_two(y, np.arange(35.0)).intervals["auc"]
    assert (low, high) == pytest.approx((0.025 ** (1 / 5), 1.0))


def test_without_probabilities_there_is_no_log_loss_no_calibration_and_no_table_of_thresholds():
    found = ClassificationEvaluation(
        y=TWO, score=SCORE, probabilities=None, predicted=(SCORE > 0).astype(int), classes=("no", "yes")
    )
    assert list(found) == ["accuracy", "balanced_accuracy", "auc"]
    assert (found.calibration(1), found.thresholds) == ((), ())
    assert found.roc(1) is not None
