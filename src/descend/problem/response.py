"""response: from the scores of a model to what people read: expected targets, probabilities, classes."""

import numpy as np

from descend.arrays import Array
from descend.losses import Loss


def probabilities(loss: Loss, z: Array) -> Array:
    """Return the classes' probabilities (rows, classes) of scores z (rows, outputs).

    >>> from descend.losses import LOSSES
    >>> probabilities(LOSSES["logistic"], np.array([[0.0]])).tolist()
    [[0.5, 0.5]]
    """
    if z.shape[1] > 1:
        return np.asarray(loss.mean(z), np.float64)
    p = np.asarray(loss.mean(z[:, 0]), np.float64)
    return np.column_stack([1 - p, p])


def class_indices(z: Array) -> Array:
    """Return the most probable class (rows,) of scores z (rows, outputs): one score counts for the second class.

    >>> class_indices(np.array([[-1.0], [2.0]])).tolist(), class_indices(np.array([[0.1, 0.7, 0.2]])).tolist()
    ([0, 1], [1])
    """
    return np.asarray((z[:, 0] > 0).astype(np.int64) if z.shape[1] == 1 else z.argmax(axis=1))
