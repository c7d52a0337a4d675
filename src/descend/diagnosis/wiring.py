"""D6: a training loop whose parts are not connected as they should be. Read from what a loop showed, whoever wrote it."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.diagnosis.finding import Entry, Finding
from descend.errors import UsageError
from descend.problem.shapes import check_shapes

OFTEN = 0.9  # of the steps
SUMS = 1e-3  # by which probabilities may miss 1


@dataclass(frozen=True, eq=False)
class Loop:
    """What some steps of a training loop showed; what was not looked at is None.

    Args:
        names: of the parameters.
        held: parameters (params,) that the optimizer holds.
        gradient: norm of each gradient as the step used it (steps, params); NaN where there was none.
        before: norm of each gradient just before backward (steps, params); 0 or NaN after zero_grad.
        prediction, target: the shapes that went into the loss.
        outputs: predictions as they went into the loss (rows, classes).
        of_scores: whether the loss applies a softmax or sigmoid itself.
        training: whether the model was in training mode at each training step (steps,).
        evaluating: the same at each evaluation (times,).
        calls: "optimizer" and "scheduler" in the order in which they stepped.
    """

    names: tuple[str, ...] = ()
    held: Array | None = None
    gradient: Array | None = None
    before: Array | None = None
    prediction: tuple[int, ...] | None = None
    target: tuple[int, ...] | None = None
    outputs: Array | None = None
    of_scores: bool = False
    training: Array | None = None
    evaluating: Array | None = None
    calls: tuple[str, ...] = ()


def not_zeroed(loop: Loop) -> Finding | None:
    """D601."""
    if loop.before is None or len(loop.before) < 3:
        return None
    left = np.nan_to_num(loop.before[1:]) > 0
    if not left.any(axis=1).mean() > OFTEN:
        return None
    name = loop.names[int(np.argmax(left.mean(axis=0)))]
    text = (
        f"zero_grad is missing: before backward, {name} still holds the gradient of the steps before, and they add up"
    )
    return Finding("D601", "error", text, {"parameter": name}, ("call optimizer.zero_grad() in every step",))


def not_held(loop: Loop) -> Finding | None:
    """D602."""
    if loop.held is None or loop.gradient is None:
        return None
    lost = ~loop.held & (np.nan_to_num(loop.gradient) > 0).any(axis=0)
    if not lost.any():
        return None
    name = loop.names[int(np.argmax(lost))]
    text = (
        f"{int(lost.sum())} parameters get gradients and are in no optimizer, {name} the first of them: they never move"
    )
    return Finding(
        "D602",
        "error",
        text,
        {"parameter": name},
        ("pass model.parameters() to the optimizer, after the model is whole",),
    )


def no_gradient(loop: Loop) -> Finding | None:
    """D603."""
    if loop.held is None or loop.gradient is None or len(loop.gradient) < 3:
        return None
    lost = loop.held & ~(np.nan_to_num(loop.gradient) > 0).any(axis=0)
    if not lost.any():
        return None
    name = loop.names[int(np.argmax(lost))]
    text = (
        f"{int(lost.sum())} parameters of the optimizer had no gradient in {len(loop.gradient):,} steps, {name} the first of "
        f"them: they are detached, frozen, or not used"
    )
    fix = ("look for detach(), no_grad(), .data, .item() or NumPy between the parameter and the loss",)
    return Finding("D603", "warning", text, {"parameter": name, "steps": len(loop.gradient)}, fix)


def softmax_twice(loop: Loop) -> Finding | None:
    """D604."""
    z = loop.outputs
    if z is None or not loop.of_scores or z.ndim != 2 or z.shape[1] < 2 or len(z) < 2:
        return None
    if not ((z >= 0) & (z <= 1)).all() or np.abs(z.sum(axis=1) - 1).max() > SUMS:
        return None
    text = (
        "softmax twice: the predictions are probabilities already, and the loss takes scores and applies softmax itself"
    )
    return Finding("D604", "error", text, {"rows": len(z)}, ("leave out the softmax at the end of the model",))


def wrong_mode(loop: Loop) -> Finding | None:
    """D605."""
    late = loop.evaluating is not None and bool(np.asarray(loop.evaluating).any())
    early = loop.training is not None and not np.asarray(loop.training).all()
    if not (late or early):
        return None
    what = "evaluated in training mode" if late else "trained in evaluation mode"
    text = f"the model was {what}: dropout and batch normalisation do the other thing there"
    return Finding(
        "D605",
        "warning",
        text,
        {"evaluating": late, "training": early},
        ("model.eval() before evaluation, model.train() before training",),
    )


def wrong_order(loop: Loop) -> Finding | None:
    """D606."""
    if "scheduler" not in loop.calls or "optimizer" not in loop.calls:
        return None
    if loop.calls.index("scheduler") > loop.calls.index("optimizer"):
        return None
    text = "the scheduler stepped before the optimizer: the first learning rate was never used"
    return Finding("D606", "warning", text, {}, ("call scheduler.step() after optimizer.step()",))


def broadcasting(loop: Loop) -> Finding | None:
    """D607 where the target, D608 where the loss has a shape that broadcasts."""
    if loop.prediction is None or loop.target is None or loop.of_scores:
        return None
    try:
        check_shapes(loop.prediction, loop.target)
    except UsageError as error:
        square = len(loop.prediction) == len(loop.target) + 1 or len(loop.target) == len(loop.prediction) + 1
        evidence = {"prediction": list(loop.prediction), "target": list(loop.target)}
        return Finding("D608" if square else "D607", "error", error.what, evidence, (error.fix,))
    return None


CHECKS = (not_zeroed, not_held, no_gradient, softmax_twice, wrong_mode, wrong_order, broadcasting)

ENTRIES = (
    Entry(
        "D601", "zero_grad is missing",
        "Backward adds to what a gradient holds. Without zero_grad every step uses the sum of all gradients so far.",
        f"In more than {OFTEN:.0%} of the steps after the first, a gradient is not zero just before backward.",
        "optimizer.zero_grad() in every step; where gradients are meant to add up over batches, that is no fault.",
        "PyTorch documentation, torch.optim",
    ),
    Entry(
        "D602", "parameter not in the optimizer",
        "A parameter that gets gradients and is in no parameter group never moves. Often a layer was replaced after the "
        "optimizer was made.",
        "A parameter with a gradient above 0 in some step is in no group of the optimizer.",
        "Make the optimizer after the model is whole, from model.parameters().",
        "PyTorch documentation, torch.optim",
    ),
    Entry(
        "D603", "parameter without gradient",
        "A parameter that the optimizer holds never gets a gradient: the graph is cut between it and the loss.",
        "No gradient above 0 in any of three or more steps.",
        "Look for detach(), no_grad(), .data, .item() or a way through NumPy.",
        "PyTorch documentation, autograd mechanics",
    ),
    Entry(
        "D604", "softmax twice",
        "A loss that takes scores applies softmax itself. Given probabilities it can never become small, and training "
        "crawls.",
        f"The loss takes scores, all predictions lie between 0 and 1, and every row sums to 1 within {SUMS:g}.",
        "Leave out the softmax of the model.",
        "PyTorch documentation, CrossEntropyLoss",
    ),
    Entry(
        "D605", "training and evaluation mode",
        "Dropout drops, and batch normalisation uses the batch's own statistics, in training mode alone.",
        "The model was in training mode at an evaluation, or in evaluation mode at a training step.",
        "model.eval() before evaluation, model.train() before training.",
        "PyTorch documentation, Module.eval",
    ),
    Entry(
        "D606", "scheduler before optimizer",
        "A scheduler that steps first skips its first value.",
        "The scheduler's first step came before the optimizer's.",
        "optimizer.step(), then scheduler.step().",
        "PyTorch documentation, how to adjust the learning rate",
    ),
    Entry(
        "D607", "shapes of prediction and target differ",
        "Where shapes differ, the loss compares what does not belong together, or fails.",
        "The shapes that went into the loss are not equal.",
        "Bring one prediction for each target, in the same shape.",
        "NumPy documentation, broadcasting",
    ),
    Entry(
        "D608", "a loss of a shape that broadcasts",
        "A column of predictions minus a flat target is a table: every prediction is compared with every target, and the "
        "best that remains is to predict the mean. Training runs, and the loss never falls to where it could.",
        "Prediction and target differ by one dimension. No tolerance: it is always a fault.",
        "target.reshape(-1, 1) or prediction.squeeze(-1).",
        "NumPy documentation, broadcasting",
    ),
)  # fmt: skip
