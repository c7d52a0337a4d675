"""threshold: from which probability on the second of two classes is predicted."""

import numpy as np

from descend.arrays import Array
from descend.errors import UsageError
from descend.evaluation.curves import roc_curve
from descend.losses import Loss
from descend.problem.response import has_probabilities

EVEN = 0.5  # where both classes are as likely


def check_threshold(given: float | str | None, loss: Loss, classes: int) -> None:
    """Raise UsageError for a threshold of a model that has no two classes with probabilities."""
    if given is None or (classes == 2 and has_probabilities(loss)):
        return
    what = f"the target has {classes:,} classes" if classes else "the target is a number"
    raise UsageError(
        f"threshold is {given!r}, which needs two classes with probabilities, and "
        + (f"the loss {loss.name} has none" if classes == 2 else what),
        fix="use --loss logloss" if classes == 2 else "leave out --threshold",
        code="bad-threshold",
    )


def best_threshold(positive: Array, score: Array, weight: Array | None = None) -> float:
    """Return the threshold of the largest balanced accuracy (Youden 1950), halfway between two scores; 0.5 of one class.

    Args:
        positive: whether each row is of the second class (rows,).
        score: its log odds (rows,).

    >>> best_threshold(np.array([False, True, True]), np.array([-3.0, -1.0, 2.0])).__round__(4)
    0.1192
    """
    if positive.all() or not positive.any():
        return EVEN
    curve = roc_curve(positive, score, weight)
    k = int(np.argmax(curve.true_positive - curve.false_positive))
    levels = np.unique(score)[::-1]  # the first k of them are predicted as the second class
    cut = levels[0] + 1 if k == 0 else levels[-1] - 1 if k == len(levels) else (levels[k - 1] + levels[k]) / 2
    return float(np.clip(1 / (1 + np.exp(-np.clip(cut, -30, 30))), 1e-12, 1 - 1e-12))
