"""shapes: refuse a prediction and a target that would silently broadcast against each other."""

from collections.abc import Sequence

import numpy as np

from descend.errors import UsageError


def check_shapes(prediction: Sequence[int], target: Sequence[int]) -> None:
    """Raise UsageError D608 unless a prediction and a target have the same shape.

    (1000, 1) minus (1000,) is a 1000 x 1000 table: every prediction is compared with every target, training runs, and
    the best that remains is to predict the mean. It is the most common silent fault of the field.

    Args:
        prediction, target: shapes, of arrays or of tensors.

    >>> check_shapes((3,), (3,))
    """
    p, t = tuple(map(int, prediction)), tuple(map(int, target))
    if p == t:
        return
    what, table = f"the prediction has shape {p} and the target {t}", _broadcast(p, t)
    if table is None:
        what += ", which do not fit together"
    else:
        what += f", so their difference would silently become a table of shape {table}"
    raise UsageError(what, fix=_cure(p, t), code="D608")


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def _cure(prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    if prediction == (*target, 1):
        return "use target.reshape(-1, 1) or prediction.squeeze(-1)"
    if target == (*prediction, 1):
        return "use target.squeeze(-1) or prediction.reshape(-1, 1)"
    return "bring one prediction for each target, in the same shape"
