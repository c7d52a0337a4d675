"""Metrics of predictions against targets."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array

BLOCK_ROWS = 1 << 20  # of which metrics are added up at once: 8 MB (arbitrary)
HIGHER_IS_BETTER = ("r2", "accuracy", "balanced_accuracy", "auc")


def regression_metrics(y: Array, predicted: Array, weight: Array | None = None) -> dict[str, float]:
    """Return rmse, mae and r2 of predictions (rows,) for targets (rows,); r2 is NaN for a constant target."""
    sums = RegressionSums(float(np.average(y, weights=weight)))
    for rows in blocks_of(len(y)):
        sums.add(y[rows], predicted[rows], None if weight is None else weight[rows])
    return sums.metrics()


def blocks_of(rows: int) -> Iterator[slice]:
    """Return slices that cover so many rows, so that of many rows no second array as long is made."""
    return (slice(lo, min(lo + BLOCK_ROWS, rows)) for lo in range(0, rows, BLOCK_ROWS))


@dataclass
class RegressionSums:
    """What the metrics of predicted numbers are made from, added up block after block.

    Args:
        mean: the mean of all targets.
    """

    mean: float
    squared: float = 0.0
    absolute: float = 0.0
    spread: float = 0.0
    mass: float = 0.0
    low: float = np.inf
    high: float = -np.inf

    def add(self, y: Array, predicted: Array, weight: Array | None = None) -> None:
        """Add targets and predictions of some rows (rows,), with their weights."""
        with np.errstate(over="ignore"):  # squares of numbers above 1e154 are infinite, and so is their sum
            e = predicted - y
            parts = np.square(e), np.abs(e), np.square(y - self.mean)
            sums = [float(part.sum() if weight is None else weight @ part) for part in parts]
        self.squared, self.absolute, self.spread = (
            self.squared + sums[0],
            self.absolute + sums[1],
            self.spread + sums[2],
        )
        self.mass += len(y) if weight is None else float(weight.sum())
        self.low, self.high = min(self.low, float(y.min())), max(self.high, float(y.max()))

    def metrics(self) -> dict[str, float]:
        """Return rmse, mae and r2."""
        known = self.spread > 0 and self.high > self.low
        return {
            "rmse": float(np.sqrt(self.squared / self.mass)),
            "mae": self.absolute / self.mass,
            "r2": 1 - self.squared / self.spread if known else float("nan"),
        }


def classification_metrics(
    y: Array, score: Array, probabilities: Array | None, weight: Array | None = None, cut: float = 0.0
) -> dict[str, float]:  # fmt: skip
    """Return accuracy, balanced_accuracy, auc and, where there are probabilities, logloss.

    The auc of several classes is the mean of each against the rest.

    Args:
        y: class indices (rows,).
        score: of the second of two classes (rows,); else of each class (rows, classes).
        probabilities: (rows, classes), the sigmoid or softmax of the scores; None where the loss has none. The log loss
            comes from the scores, since probabilities underflow.
        cut: the score above which the second of two classes is predicted.
    """
    y = y.astype(np.int64)
    hit = predicted_class(score, cut) == y
    values = {"accuracy": float(np.average(hit, weights=weight)), "balanced_accuracy": mean_recall(y, hit, weight)}
    if probabilities is not None:
        values["logloss"] = float(np.average(log_losses(y, score), weights=weight))
    several = score if probabilities is None else probabilities
    values["auc"] = auc(y, score, weight) if score.ndim == 1 else mean_auc(y, several, weight)
    return values


def best_first(metric: str, value: float) -> float:
    """Return what values of a metric are sorted by, so that the best comes first and NaN last.

    >>> sorted([0.2, float("nan"), 0.9], key=lambda value: best_first("auc", value))
    [0.9, 0.2, nan]
    """
    if np.isnan(value):
        return float(np.inf)
    return -value if metric in HIGHER_IS_BETTER else value


def predicted_class(score: Array, cut: float = 0.0) -> Array:
    """Return the class (rows,) that scores stand for: the second of two where theirs is above the cut, else the highest."""
    return np.asarray((score > cut).astype(np.int64) if score.ndim == 1 else score.argmax(axis=1))


def mean_recall(y: Array, hit: Array, weight: Array | None = None) -> float:
    """Return the mean, over the classes that have rows, of the share of hits among the rows of each.

    Args:
        y: class indices (rows,).
        hit: whether each row is predicted as what it is (rows,).

    >>> mean_recall(np.array([0, 0, 0, 1]), np.array([True, True, False, True])).__round__(3)
    0.833
    """
    rows = np.bincount(y, weight)
    there = rows > 0
    return float((np.bincount(y, hit if weight is None else hit * weight)[there] / rows[there]).mean())


def log_losses(y: Array, scores: Array) -> Array:
    """Return the log loss of each row (rows,) from scores, by log-sum-exp: right where probabilities underflow.

    >>> log_losses(np.array([0, 1]), np.array([60.0, 800.0])).tolist(), log_losses(np.array([1]), np.array([[900.0, 0.0]])).tolist()
    ([60.0, 0.0], [900.0])
    """
    z = scores.astype(np.float64).reshape(len(y), -1)
    if z.shape[1] == 1:
        return np.asarray(np.logaddexp(0, np.where(y == 1, -z[:, 0], z[:, 0])))
    shifted = z - z.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(y)), y.astype(np.int64)])


def mean_auc(y: Array, score: Array, weight: Array | None = None) -> float:
    """Return the mean over classes of the AUC of each against the rest (macro average); NaN when there is one class.

    Args:
        y: class indices (rows,); a class without rows has no AUC and does not count.
        score: of each class, comparable from row to row, such as probabilities (rows, classes).

    >>> mean_auc(np.array([0, 1, 2]), np.eye(3))
    1.0
    """
    areas = np.array([auc((y == k).astype(np.int64), score[:, k], weight) for k in range(score.shape[1])])
    areas = areas[~np.isnan(areas)]
    return float(areas.mean()) if len(areas) else float("nan")


def auc(y: Array, score: Array, weight: Array | None = None) -> float:
    """Return the area under the ROC curve, ties counted half; NaN when only one class is there.

    >>> auc(np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    weight = np.ones(len(y)) if weight is None else weight
    order = np.argsort(score, kind="stable")
    y, score, weight = y[order], score[order], weight[order]
    ends = np.r_[np.flatnonzero(np.diff(score)), len(score) - 1]
    positive, negative = np.cumsum(weight * (y == 1))[ends], np.cumsum(weight * (y == 0))[ends]
    if positive[-1] == 0 or negative[-1] == 0:
        return float("nan")
    p, n = np.diff(positive, prepend=0), np.diff(negative, prepend=0)
    return float((p * (negative - n + n / 2)).sum() / (positive[-1] * negative[-1]))


def correlation(x: Array, y: Array) -> float:
    """Return Pearson's r of finite numbers (rows,); 0 where one of them does not vary.

    >>> correlation(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])), correlation(np.ones(3), np.arange(3.0))
    (-1.0, 0.0)
    """
    a, b = x - x.mean(), y - y.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def correlation_ratio(x: Array, group: Array) -> float:
    """Return how much of the spread of x (rows,) lies between groups (rows,), indices from 0; 0 to 1 (Fisher 1925).

    >>> correlation_ratio(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
    1.0
    """
    count = np.bincount(group)
    mean = np.bincount(group, weights=x) / np.maximum(count, 1)
    total = float(np.sum(np.square(x - x.mean())))
    return float(np.sqrt(np.sum(count * np.square(mean - x.mean())) / total)) if total > 0 else 0.0


def mean_square_contingency(one: Array, other: Array) -> float:
    """Return how far two groupings of the rows, indices from 0 (rows,), are from independent: Pearson's φ² (1904).

    >>> mean_square_contingency(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    """
    counts = np.bincount(one * (other.max() + 1) + other, minlength=(one.max() + 1) * (other.max() + 1))
    share = counts.reshape(one.max() + 1, other.max() + 1) / len(one)
    expected = np.outer(share.sum(axis=1), share.sum(axis=0))
    return float((share[expected > 0] ** 2 / expected[expected > 0]).sum()) - 1


def cramers_v(phi_squared: Array, levels: Array, others: Array, rows: int) -> Array:
    """Return Cramér's V of groupings (1946), from 0 to 1, without the part that chance has in it (Bergsma 2013).

    Args:
        phi_squared: of `mean_square_contingency`, any shape.
        levels, others: how many groups both have; 0 is returned where one of them has a single one.
        rows: that they were counted on.

    >>> float(cramers_v(np.array(1.0), np.array(2), np.array(2), 1000).round(3))
    1.0
    """
    k, m = np.asarray(levels, np.float64), np.asarray(others, np.float64)
    left = np.maximum(phi_squared - (k - 1) * (m - 1) / (rows - 1), 0.0)
    fewer = np.minimum(k - (k - 1) ** 2 / (rows - 1), m - (m - 1) ** 2 / (rows - 1)) - 1
    return np.asarray(np.sqrt(np.minimum(left / np.where(fewer > 0, fewer, np.inf), 1.0)))
