"""target_loss: which loss a target is learned with, and whether it allows the target."""

import numpy as np

from descend.errors import DataError, UsageError
from descend.losses import Loss, loss
from descend.options import Options
from descend.table.target import Target


def typed_loss(options: Options) -> tuple[Loss | None, dict[str, float], str]:
    """Return the loss that was typed, such as "quantile:0.9", with its constants, and the task that it implies."""
    if options.loss == "auto":
        return None, {}, options.task
    form, constants = loss_with_constants(options.loss)
    if options.task not in ("auto", form.task):
        raise UsageError(
            f"the loss {form.name} is for {form.task}, but task is {options.task}",
            fix=f"use --task {form.task} or another loss",
            code="contradiction",
        )
    return form, constants, form.task


def loss_with_constants(text: str) -> tuple[Loss, dict[str, float]]:
    """Return the loss of a name such as "quantile:0.9", and its constants; raises UsageError for what cannot be used.

    >>> loss_with_constants("huber:1.35")[1]
    {'delta': 1.35}
    """
    name, _, constant = str(text).partition(":")
    form = loss(name)
    return form, _constant(form, constant) if constant else dict(form.constants)


def loss_for(found: Target, typed: Loss | None) -> Loss:
    """Return the loss that was typed, else squared, logistic or softmax, by the target's classes.

    Raises DataError when the loss does not allow the target.
    """
    form = typed or loss("squared" if not found.classes else "logistic" if len(found.classes) <= 2 else "softmax")
    _check_target(found, form)
    return form


def task_description(found: Target) -> str:
    """Return in words what kind of target it is."""
    if not found.classes:
        return "numeric → regression"
    labels = ", ".join(shown(c) for c in found.classes[:4]) + (", …" if len(found.classes) > 4 else "")
    return f"{len(found.classes)} classes ({labels}) → classification"


def shown(name: str) -> str:
    """Return a name of the user's as it may be shown in a line."""
    return name if name.isprintable() and len(name) <= 60 else repr(name[:60])


def _constant(form: Loss, text: str) -> dict[str, float]:
    name = next(iter(form.constants), None)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if name is None or not (0 < value < (1 if name == "tau" else np.inf)):
        allowed = (
            "has no constant"
            if name is None
            else f"needs {name} " + ("between 0 and 1" if name == "tau" else "above 0")
        )
        raise UsageError(
            f"the loss {form.name}:{text} cannot be used, {form.name} {allowed}",
            fix="try quantile:0.9 or huber:1.35",
            code="bad-loss",
        )
    return {name: value}


def _check_target(found: Target, form: Loss) -> None:
    if form.task == "classification" and form.outputs == "one" and len(found.classes) > 2:
        raise DataError(
            f"the target {found.name!r} has {len(found.classes)} classes, the loss {form.name} takes two",
            fix="use --loss softmax",
            code="target-not-allowed",
        )
    bad = ~np.asarray(form.allows(found.y))
    if bad.any():
        row = int(np.flatnonzero(found.kept)[np.argmax(bad)]) + 1
        raise DataError(
            f"the target {found.name!r} is {found.y[np.argmax(bad)]:g} in row {row} and not allowed in {int(bad.sum())} "
            f"rows, the loss {form.name} takes {form.allowed}",
            fix="use another --loss",
            code="target-not-allowed",
        )
