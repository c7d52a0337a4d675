"""class_weights: from the parameter class_weight to a weight of each class."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import UsageError


def check_class_weight(given: Any, classes: Array) -> None:
    """Raise UsageError unless `given` is None, "balanced", or a finite weight of at least 0 for some of the classes."""
    if given is None or (isinstance(given, str) and given == "balanced"):
        return
    if not isinstance(given, Mapping):
        raise _bad(f"class_weight is {given!r}, it must be None, 'balanced' or a dict from class to weight", "balanced")
    known = classes.tolist()
    for label, weight in given.items():
        if label not in known:
            names = ", ".join(map(repr, known[:10])) + (", …" if len(known) > 10 else "")
            raise _bad(f"class_weight has the key {label!r}, which is no class; the classes are {names}", known[0])
        if not _is_weight(weight):
            raise _bad(f"class_weight of {label!r} is {weight!r}, it must be a finite number of at least 0", label)
    if sum(given.get(label, 1.0) > 0 for label in known) < 2:
        raise _bad("class_weight is 0 for all classes but one, and a class of weight 0 is absent", known[0])


def weights_of_classes(given: Any, classes: Array, at: Array, sample_weight: Array | None) -> Array | None:
    """Return a weight for each class (classes,), or None where all count alike.

    Args:
        given: as `check_class_weight` allows; a class without a weight has weight 1.
        classes: the labels (classes,).
        at: the class of each row, as an index (rows,).
        sample_weight: example weights (rows,) or None; "balanced" gives every class the same sum of them.

    >>> weights_of_classes("balanced", np.array(["a", "b"]), np.array([0, 0, 0, 1]), None).round(3).tolist()
    [0.667, 2.0]
    """
    if given is None:
        return None
    if isinstance(given, str):
        total = np.bincount(at, sample_weight, len(classes))
        weights: Array = np.divide(total.sum(), len(classes) * total, out=np.zeros(len(classes)), where=total > 0)
        return weights
    return np.array([float(given.get(label, 1.0)) for label in classes.tolist()])


def _is_weight(value: Any) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return bool(np.isfinite(number)) and number >= 0


def _bad(what: str, label: Any) -> UsageError:
    fix = "use 'balanced'" if label == "balanced" else f"use keys among the classes, such as {{{label!r}: 2}}"
    return UsageError(what, fix=fix, code="bad-class-weight")
