"""response: from the scores of a model to what people read: expected targets, probabilities, classes."""

import numpy as np

from descend.arrays import Array
from descend.losses import Loss, step


def has_probabilities(loss: Loss) -> bool:
    """Whether the scores of a loss of classes stand for probabilities; those of hinge do not."""
    return loss.task == "classification" and loss.mean is not step


def decision(z: Array) -> Array:
    """Return one score a row (rows,) of scores z (rows, outputs) of two classes, above 0 for the second; else z itself.

    >>> decision(np.array([[-1.0]])).tolist(), decision(np.array([[0.5, 2.0]])).tolist()
    ([-1.0], [1.5])
    """
    if z.shape[1] > 2:
        return z
    return z[:, 0] if z.shape[1] == 1 else z[:, 1] - z[:, 0]


def probabilities(loss: Loss, z: Array) -> Array:
    """Return the classes' probabilities (rows, classes) of scores z (rows, outputs), of a loss that has them.

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
