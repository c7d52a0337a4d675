"""classification: how good predicted classes are."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.evaluation.curves import (
    CalibrationBin,
    PrecisionRecallCurve,
    RocCurve,
    calibration,
    precision_recall_curve,
    roc_curve,
)
from descend.evaluation.evaluation import Evaluation
from descend.evaluation.influence import of_auc, of_average_precision, of_ratio
from descend.evaluation.intervals import UNKNOWN, Estimate, Scale, clopper_pearson, delta_interval, effective, share
from descend.metrics import auc, classification_metrics, log_losses, mean_recall

RARE = 0.1  # share of the rows below which a class is rare: then accuracy says little, and lift says more (arbitrary)
TOP = 0.1  # of the rows, those with the highest scores, for lift
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """One class against the rest.

    Args:
        name: of the class.
        rows: of it among those that were evaluated.
        precision: the share of those predicted as it that are it; NaN where none are predicted.
        recall: the share of its rows that are predicted as it; NaN where it has none.
        f1: the harmonic mean of both (van Rijsbergen 1979).
        auc, average_precision: areas under the ROC curve and the precision-recall curve; NaN where one side has no rows.
        lift: of a rare class, how much more frequent it is in the tenth of the rows with the highest scores; else None.
    """

    name: str
    rows: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    auc: Estimate
    average_precision: Estimate
    lift: Estimate | None


@dataclass(frozen=True, kw_only=True)
class ThresholdFigures:
    """What becomes of two classes where the second is predicted from a probability on.

    Args:
        threshold: the probability.
        predicted: the share of the rows that are predicted as the second class.
        precision, recall: of the second class.
        f1: of the second class.
        balanced_accuracy: the mean of the recalls of both.
    """

    threshold: float
    predicted: float
    precision: Estimate
    recall: Estimate
    f1: Estimate
    balanced_accuracy: float


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ClassificationEvaluation(Evaluation):
    """How good predicted classes are.

    Args:
        score: of the second of two classes (rows,), or of each of several (rows, classes).
        probabilities: (rows, classes), or None where the loss has none.
        predicted: indices of classes (rows,).
        classes: their names.
    """

    score: Array
    probabilities: Array | None
    predicted: Array
    classes: tuple[str, ...]

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """Accuracy, balanced accuracy, AUC and, where there are probabilities, log loss, with their intervals."""
        values = classification_metrics(self.y, self.score, self.probabilities, self.weight)
        found = {"accuracy": share(self.hit, self.weight), "balanced_accuracy": self._balanced_accuracy()}
        if "logloss" in values:
            loss = values["logloss"]
            found["logloss"] = delta_interval(loss, self._losses - loss, self.weight, Scale.POSITIVE)
        counts = [self._rows_of(k) for k in self._with_both_sides]
        fewest = min((min(n, len(self.y) - n) for n in counts), default=0)
        area = values["auc"]
        found["auc"] = delta_interval(area, self._of_mean_auc, self.weight, Scale.SHARE, fewest) if counts else UNKNOWN
        return found

    def influence(self, metric: str) -> Array:
        """Return how far each row moves a metric (rows,)."""
        if metric == "auc":
            return self._of_mean_auc
        if metric == "balanced_accuracy":
            return self._of_balanced_accuracy
        by_row = self._losses if metric == "logloss" else self.hit.astype(np.float64)
        return np.asarray(by_row - self[metric])

    def document(self, rows: bool = True) -> dict[str, Any]:
        """Return the confusion matrix, the figures of the classes, calibration and thresholds as plain values."""
        return {
            "classes": list(self.classes), "confusion": self.confusion.tolist(), "by_class": [asdict(c) for c in self.by_class],
            "calibration": {self.classes[k]: [asdict(b) for b in self.calibration(k)] for k in self.shown_classes},
            "thresholds": [asdict(t) for t in self.thresholds],
        }  # fmt: skip

    @cached_property
    def hit(self) -> Array:
        """Whether the class of a row is the predicted one (rows,)."""
        return np.asarray(self.predicted == self.y)

    @cached_property
    def confusion(self) -> Array:
        """How many rows of each class are predicted as each class (classes, classes), a row for each actual class."""
        size = len(self.classes)
        pairs = self.y.astype(np.int64) * size + self.predicted
        return np.bincount(pairs, minlength=size * size).reshape(size, size)

    @cached_property
    def by_class(self) -> tuple[ClassFigures, ...]:
        """The figures of each class against the rest."""
        return tuple(self._figures(k) for k in range(len(self.classes)))

    @cached_property
    def thresholds(self) -> tuple[ThresholdFigures, ...]:
        """What becomes of two classes at other thresholds; empty of several classes and without probabilities."""
        if self.probabilities is None or len(self.classes) != 2 or not self._with_both_sides:
            return ()
        return tuple(self._at(t) for t in THRESHOLDS)

    def roc(self, k: int) -> RocCurve | None:
        """Return the ROC curve of class k against the rest; None where one side has no rows."""
        return roc_curve(self.y == k, self.score_of(k), self.weight) if k in self._with_both_sides else None

    def precision_recall(self, k: int) -> PrecisionRecallCurve | None:
        """Return the precision-recall curve of class k against the rest; None where one side has no rows."""
        known = k in self._with_both_sides
        return precision_recall_curve(self.y == k, self.score_of(k), self.weight) if known else None

    def calibration(self, k: int) -> tuple[CalibrationBin, ...]:
        """Return the bins of the probabilities of class k; none where the loss has no probabilities."""
        if self.probabilities is None:
            return ()
        return calibration(self.y == k, self.probabilities[:, k], self.weight)

    def score_of(self, k: int) -> Array:
        """Return what ranks the rows by how likely class k is (rows,)."""
        if self.score.ndim == 1:
            return self.score if k == 1 else -self.score
        return np.asarray((self.score if self.probabilities is None else self.probabilities)[:, k])

    @property
    def shown_classes(self) -> tuple[int, ...]:
        """The classes whose curves are shown, of those with rows on both sides: each of several, one of two.

        Of two classes the rare one, where one is: the other is nearly always right. Else the second.
        """
        first_is_rare = self._sizes[0] < RARE * len(self.y)
        every = (0 if first_is_rare else 1,) if len(self.classes) == 2 else range(len(self.classes))
        return tuple(k for k in every if k in self._with_both_sides)

    def _rows_of(self, k: int) -> int:
        return int(self._sizes[k])

    @cached_property
    def _sizes(self) -> Array:
        return np.bincount(self.y.astype(np.int64), minlength=len(self.classes))

    @cached_property
    def _with_both_sides(self) -> tuple[int, ...]:
        """The classes with rows, where there are rows of another class too."""
        return tuple(k for k, n in enumerate(self._sizes) if 0 < n < len(self.y))

    @cached_property
    def _losses(self) -> Array:
        return log_losses(self.y, self.score)

    @cached_property
    def _of_mean_auc(self) -> Array:
        """The influence on the mean AUC; of two classes both have the same."""
        shown = self.shown_classes
        if not shown:
            return np.full(len(self.y), np.nan)
        moved = np.zeros(len(self.y))
        for k in shown:  # one class at a time: of many classes and rows not all fit the memory
            moved += self._of_auc(k)[1]
        return moved / len(shown)

    def _of_auc(self, k: int) -> tuple[float, Array]:
        positive, score = self.y == k, self.score_of(k)
        area = auc(positive.astype(np.int64), score, self.weight)
        return area, of_auc(positive, score, area, self.weight)

    @cached_property
    def _recalls(self) -> tuple[tuple[float, Array], ...]:
        """The recall of each class that has rows, and the influence of each row on it."""
        there = np.flatnonzero(self._sizes)
        return tuple(of_ratio(self.hit * (self.y == k), (self.y == k) * 1.0, self.weight) for k in there)

    @property
    def _of_balanced_accuracy(self) -> Array:
        return np.asarray(np.mean([influence for _, influence in self._recalls], axis=0))

    def _balanced_accuracy(self) -> Estimate:
        value = mean_recall(self.y.astype(np.int64), self.hit, self.weight)
        fewest = float(self._sizes[self._sizes > 0].min())
        return delta_interval(value, self._of_balanced_accuracy, self.weight, Scale.SHARE, fewest)

    def _figures(self, k: int) -> ClassFigures:
        of_class, as_class = self.y == k, self.predicted == k
        precision, recall = self._precision_and_recall(of_class, as_class)
        fewest = float(min(of_class.sum(), len(self.y) - of_class.sum()))
        area = precise = UNKNOWN
        if fewest:
            two = len(self.classes) == 2  # whose areas are the same
            area = self.estimates["auc"] if two else delta_interval(*self._of_auc(k), self.weight, Scale.SHARE, fewest)
            found = of_average_precision(of_class, self.score_of(k), self.weight)
            precise = delta_interval(*found, self.weight, Scale.SHARE, fewest)
        rare = fewest > 0 and np.average(of_class, weights=self.weight) < RARE
        return ClassFigures(
            name=self.classes[k], rows=self._rows_of(k), precision=precision, recall=recall,
            f1=self._f1(of_class, as_class), auc=area,
            average_precision=precise, lift=self._lift(k) if rare else None,
        )  # fmt: skip

    def _precision_and_recall(self, of_class: Array, as_class: Array) -> tuple[Estimate, Estimate]:
        """Shares of hits among those predicted, and among those that are of the class."""
        return tuple(  # type: ignore[return-value]
            share(hits[among], None if self.weight is None else self.weight[among])
            for hits, among in ((of_class, as_class), (as_class, of_class))
        )

    def _f1(self, of_class: Array, as_class: Array) -> Estimate:
        """F1 rises with the share of hits among the rows that are of the class or predicted as it: F1 = 2 s / (1 + s)."""
        among = of_class | as_class
        hits = share((of_class & as_class)[among], None if self.weight is None else self.weight[among])
        return Estimate(*(2 * v / (1 + v) for v in (hits.value, hits.low, hits.high)))

    def _lift(self, k: int) -> Estimate:
        """The share of the class in the top tenth, over a tenth; rows that tie at its edge count in part."""
        positive, score = self.y == k, self.score_of(k)
        weight = np.ones(len(score)) if self.weight is None else self.weight
        levels, at = np.unique(-score, return_inverse=True)
        every, of_class = (np.bincount(at, weight * rows, len(levels)) for rows in (1.0, positive))
        room = TOP * weight.sum() - (np.cumsum(every) - every)
        caught = float((of_class * np.clip(room / every, 0, 1)).sum() / of_class.sum())
        size = float(positive.sum()) if self.weight is None else effective(weight[positive])
        found = clopper_pearson(caught * size, size)
        return Estimate(*(v / TOP for v in (found.value, found.low, found.high)))

    def _at(self, threshold: float) -> ThresholdFigures:
        assert self.probabilities is not None
        of_class, as_class = self.y == 1, self.probabilities[:, 1] >= threshold
        precision, recall = self._precision_and_recall(of_class, as_class)
        other = self._precision_and_recall(~of_class, ~as_class)[1]
        return ThresholdFigures(
            threshold=threshold, predicted=float(np.average(as_class, weights=self.weight)), precision=precision,
            recall=recall, f1=self._f1(of_class, as_class), balanced_accuracy=(recall.value + other.value) / 2,
        )  # fmt: skip
