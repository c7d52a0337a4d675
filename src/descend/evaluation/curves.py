"""curves: the ROC curve, the precision-recall curve, and calibration, of one class against the rest."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.evaluation.intervals import Estimate, share

BINS = 10  # of equally many rows (Hosmer and Lemeshow 1980 take deciles)


@dataclass(frozen=True, eq=False)
class RocCurve:
    """The share of negatives and of positives scored at least as high as each threshold (points,), from (0, 0) to (1, 1)."""

    false_positive: Array
    true_positive: Array


@dataclass(frozen=True, eq=False)
class PrecisionRecallCurve:
    """Recall, rising, and precision of the rows scored at least as high as each threshold (points,)."""

    recall: Array
    precision: Array


@dataclass(frozen=True)
class CalibrationBin:
    """Rows of similar probabilities: their mean probability, the share that is of the class, and the number of rows."""

    predicted: float
    observed: Estimate
    rows: int


def roc_curve(positive: Array, score: Array, weight: Array | None = None) -> RocCurve:
    """Return the curve of rows (rows,); positives and negatives must both be there.

    >>> curve = roc_curve(np.array([False, True, True]), np.array([0.2, 0.1, 0.9]))
    >>> curve.false_positive.tolist(), curve.true_positive.tolist()
    ([0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0])
    """
    hits, misses = _counts(positive, score, weight)
    return RocCurve(np.r_[0.0, misses / misses[-1]], np.r_[0.0, hits / hits[-1]])


def precision_recall_curve(positive: Array, score: Array, weight: Array | None = None) -> PrecisionRecallCurve:
    """Return the curve of rows (rows,); there must be positives.

    >>> curve = precision_recall_curve(np.array([False, True, True]), np.array([0.2, 0.1, 0.9]))
    >>> curve.recall.tolist(), curve.precision.round(2).tolist()
    ([0.5, 0.5, 1.0], [1.0, 0.5, 0.67])
    """
    hits, misses = _counts(positive, score, weight)
    return PrecisionRecallCurve(hits / hits[-1], hits / (hits + misses))


def _counts(positive: Array, score: Array, weight: Array | None) -> tuple[Array, Array]:
    """Positives and negatives at or above each different score, the highest first."""
    weight = np.ones(len(score)) if weight is None else weight
    levels, at = np.unique(-score, return_inverse=True)
    return tuple(np.cumsum(np.bincount(at, weight * of, len(levels))) for of in (positive, ~positive))  # type: ignore[return-value]


def calibration(positive: Array, probability: Array, weight: Array | None = None) -> tuple[CalibrationBin, ...]:
    """Return bins of equally many rows, by their probabilities (rows,); rows of one probability share a bin."""
    inner = np.unique(np.quantile(probability, np.linspace(0, 1, BINS + 1)[1:-1]))
    at = np.searchsorted(inner, probability)
    bins = []
    for k in np.unique(at):
        rows = at == k
        own = None if weight is None else weight[rows]
        bins.append(
            CalibrationBin(
                float(np.average(probability[rows], weights=own)), share(positive[rows], own), int(rows.sum())
            )
        )
    return tuple(bins)
