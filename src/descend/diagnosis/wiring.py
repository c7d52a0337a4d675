"""D6: a training loop whose parts are not connected as they should be, read from what any loop recorded."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.diagnosis.finding import Entry, Finding, Level
from descend.errors import UsageError
from descend.problem.shapes import check_shapes
from descend.text import counted

MOST_STEPS = 0.9  # share of the steps (arbitrary: a loop may skip a few)
SUM_TOLERANCE = 1e-3  # by which probabilities may differ from 1: half precision has 3 digits
MIN_STEPS = 3  # from which D601, D603, D609 and D611 are read (arbitrary)
APART = 0.01  # of their movement: by which ranks differ that train by themselves; those that add in other orders differ by 1e-6
REPLACED = 0.5  # of its length: a weight matrix that changes more between steps is another one (arbitrary; clipping changes less)


@dataclass(frozen=True, eq=False, kw_only=True)
class Loop:
    """What some steps of a training loop recorded; None for what was not recorded.

    Args:
        names: of the parameters.
        held: whether the optimizer holds each parameter (params,).
        gradient: norm of each gradient as the step used it (steps, params); NaN where there was none.
        before: norm of each gradient just before backward (steps, params); 0 or NaN after zero_grad.
        prediction, target: the shapes that went into the loss.
        outputs: predictions as they went into the loss (rows, classes).
        of_scores: whether the loss applies a softmax or sigmoid itself.
        training: whether the model was in training mode at each training step (steps,).
        evaluating: the same at each evaluation (times,).
        calls: "optimizer" and "scheduler" in the order in which they stepped.
        moved: whether each step changed each parameter that had a gradient (steps, params); NaN where it had none.
        between: change of each parameter from the end of a step to the next one, relative to its length (steps, params).
        equal_rows: of each step whether all rows of the input were equal (steps,).
        layers, trained: how many layers multiply by a matrix, and how many of them train, where only normalisation trains else.
        lowered: under autocast, whether each layer computed in half precision (layers,).
        ranks: processes that hold the model.
        alike: how many parameters were equal on them at the start.
        apart: those of them that are not after some steps.
        thawed: parameters that are trained, and that the model's own train() would freeze.
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
    moved: Array | None = None
    between: Array | None = None
    equal_rows: Array | None = None
    layers: int = 0
    trained: int | None = None
    lowered: Array | None = None
    ranks: int = 1
    alike: int = 0
    apart: tuple[str, ...] = ()
    thawed: tuple[str, ...] = ()


def not_zeroed(loop: Loop) -> Finding | None:
    """D601."""
    if loop.before is None or len(loop.before) < MIN_STEPS:
        return None
    left = np.nan_to_num(loop.before[1:]) > 0
    if not left.any(axis=1).mean() > MOST_STEPS:
        return None
    name = loop.names[int(np.argmax(left.mean(axis=0)))]
    text = f"zero_grad is missing: before backward, {name} still holds the gradients of earlier steps, which accumulate"
    fix = ("call optimizer.zero_grad() in every step",)
    return Finding(code="D601", level=Level.ERROR, text=text, evidence={"parameter": name}, fix=fix)


def not_held(loop: Loop) -> Finding | None:
    """D602."""
    if loop.held is None or loop.gradient is None:
        return None
    missing = ~loop.held & (np.nan_to_num(loop.gradient) > 0).any(axis=0)
    if not missing.any():
        return None
    name = loop.names[int(np.argmax(missing))]
    text = f"{int(missing.sum())} parameters have gradients but are in no optimizer, the first is {name}: they never change"
    fix = ("pass model.parameters() to the optimizer, after the model is complete",)
    return Finding(code="D602", level=Level.ERROR, text=text, evidence={"parameter": name}, fix=fix)


def no_gradient(loop: Loop) -> Finding | None:
    """D603."""
    if loop.held is None or loop.gradient is None or len(loop.gradient) < MIN_STEPS:
        return None
    missing = loop.held & ~(np.nan_to_num(loop.gradient) > 0).any(axis=0)
    if not missing.any():
        return None
    name = loop.names[int(np.argmax(missing))]
    text = (
        f"{int(missing.sum())} parameters of the optimizer had no gradient in {len(loop.gradient):,} steps, the first is "
        f"{name}: they are detached, frozen, or not used"
    )
    fix = ("look for detach(), no_grad(), .data, .item() or NumPy between the parameter and the loss",)
    evidence = {"parameter": name, "steps": len(loop.gradient)}
    return Finding(code="D603", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def softmax_twice(loop: Loop) -> Finding | None:
    """D604."""
    z = loop.outputs
    if z is None or not loop.of_scores or z.ndim != 2 or z.shape[1] < 2 or len(z) < 2:
        return None
    if not ((z >= 0) & (z <= 1)).all() or np.abs(z.sum(axis=1) - 1).max() > SUM_TOLERANCE:
        return None
    text = "softmax twice: the predictions are probabilities, and the loss takes scores and applies softmax itself"
    fix = ("leave out the softmax at the end of the model",)
    return Finding(code="D604", level=Level.ERROR, text=text, evidence={"rows": len(z)}, fix=fix)


def wrong_mode(loop: Loop) -> Finding | None:
    """D605."""
    evaluated = loop.evaluating is not None and bool(np.asarray(loop.evaluating).any())
    trained = loop.training is not None and not np.asarray(loop.training).all()
    if not (evaluated or trained):
        return None
    what = "evaluated in training mode" if evaluated else "trained in evaluation mode"
    text = f"the model was {what}, in which dropout and batch normalisation behave differently"
    fix = ("model.eval() before evaluation, model.train() before training",)
    evidence = {"evaluating": evaluated, "training": trained}
    return Finding(code="D605", level=Level.WARNING, text=text, evidence=evidence, fix=fix)


def wrong_order(loop: Loop) -> Finding | None:
    """D606."""
    if "scheduler" not in loop.calls or "optimizer" not in loop.calls:
        return None
    if loop.calls.index("scheduler") > loop.calls.index("optimizer"):
        return None
    text = "the scheduler stepped before the optimizer: the first learning rate was never used"
    return Finding(code="D606", level=Level.WARNING, text=text, fix=("call scheduler.step() after optimizer.step()",))


def broadcasting(loop: Loop) -> Finding | None:
    """D607 where the target, D608 where the loss has a shape that broadcasts."""
    if loop.prediction is None or loop.target is None or loop.of_scores:
        return None
    try:
        check_shapes(loop.prediction, loop.target)
    except UsageError as error:
        square = abs(len(loop.prediction) - len(loop.target)) == 1
        evidence = {"prediction": list(loop.prediction), "target": list(loop.target)}
        code = "D608" if square else "D607"
        return Finding(code=code, level=Level.ERROR, text=error.what, evidence=evidence, fix=(error.fix,))
    return None


def unchanged(loop: Loop) -> Finding | None:
    """D609."""
    if loop.moved is None or len(loop.moved) < MIN_STEPS:
        return None
    tried = np.isfinite(loop.moved).any(axis=0)
    if not tried.any() or np.nan_to_num(loop.moved[:, tried]).any():
        return None
    name = loop.names[int(np.argmax(tried))]
    text = (
        f"steps change nothing: {int(tried.sum())} parameters have gradients, and no step of the optimizer moved any of them, "
        f"{name} among them"
    )
    fix = (
        "look whether step() is called on the optimizer of these parameters, and whether its weights are copied back",
    )
    return Finding(code="D609", level=Level.ERROR, text=text, evidence={"parameter": name}, fix=fix)


def replaced(loop: Loop) -> Finding | None:
    """D610."""
    if loop.between is None or len(loop.between) < MIN_STEPS - 1:
        return None
    changes = np.nan_to_num(loop.between).min(axis=0)
    if not (changes > REPLACED).any():
        return None
    name = loop.names[int(np.argmax(changes))]
    text = (
        f"{int((changes > REPLACED).sum())} parameters are replaced between steps, the first is {name}: what a step has learned is "
        f"gone at the next"
    )
    fix = ("call what initialises or loads weights once, before the loop",)
    evidence = {"parameter": name, "change": float(changes.max())}
    return Finding(code="D610", level=Level.ERROR, text=text, evidence=evidence, fix=fix)


def equal_rows(loop: Loop) -> Finding | None:
    """D611."""
    if loop.equal_rows is None or len(loop.equal_rows) < MIN_STEPS or not loop.equal_rows.all():
        return None
    text = (
        f"all rows of the input are equal in each of {len(loop.equal_rows):,} batches: nothing can be learned from them"
    )
    fix = ("look at what the loader and .to(device) return: the data were lost on the way",)
    return Finding(code="D611", level=Level.ERROR, text=text, evidence={"batches": len(loop.equal_rows)}, fix=fix)


def frozen_layers(loop: Loop) -> Finding | None:
    """D612."""
    if loop.trained != 0 or not loop.layers:
        return None
    text = f"none of the {loop.layers:,} layers with weights is trained, only normalisation is: the others are frozen"
    fix = ("call requires_grad_() on the layers that are to be trained, before the optimizer is made",)
    return Finding(code="D612", level=Level.WARNING, text=text, evidence={"layers": loop.layers}, fix=fix)


def full_precision(loop: Loop) -> Finding | None:
    """D613."""
    if loop.lowered is None or not len(loop.lowered) or loop.lowered.any():
        return None
    text = f"autocast has no effect: none of {len(loop.lowered):,} layers computed in half precision under it"
    fix = ("look for autocast(enabled=False), a compiled function or a cast to float32 inside the model",)
    return Finding(code="D613", level=Level.WARNING, text=text, evidence={"layers": len(loop.lowered)}, fix=fix)


def out_of_step(loop: Loop) -> Finding | None:
    """D614."""
    if not loop.apart:
        return None
    text = (
        f"ranks are out of step: {counted(loop.alike, 'parameter')} alike on {loop.ranks:,} ranks at the start, {len(loop.apart):,} apart "
        f"after the first steps, the first is {loop.apart[0]}: each rank trains a model of its own"
    )
    fix = ("call the DistributedDataParallel wrapper and not its .module, and wrap the model after its last move or cast",
           "clip and scale gradients by the same factor on every rank")  # fmt: skip
    evidence = {"parameter": loop.apart[0], "parameters": len(loop.apart), "ranks": loop.ranks}
    return Finding(code="D614", level=Level.ERROR, text=text, evidence=evidence, fix=fix)


def thawed(loop: Loop) -> Finding | None:
    """D615."""
    if not loop.thawed:
        return None
    text = (
        f"the model's own train() would freeze {counted(len(loop.thawed), 'parameter')} of those that are trained, the first is "
        f"{loop.thawed[0]}: it was not called"
    )
    evidence = {"parameter": loop.thawed[0], "parameters": len(loop.thawed)}
    fix = ("call model.train() before training, and make the optimizer after it",)
    return Finding(code="D615", level=Level.ERROR, text=text, evidence=evidence, fix=fix)


CHECKS = (
    not_zeroed, not_held, no_gradient, softmax_twice, wrong_mode, wrong_order, broadcasting, unchanged, replaced, equal_rows,
    frozen_layers, full_precision, out_of_step, thawed,
)  # fmt: skip

ENTRIES = (
    Entry(
        code="D601",
        title="zero_grad is missing",
        meaning="Backward adds to the gradient that is there. Without zero_grad every step uses the sum of all gradients so far.",
        detected=f"In more than {MOST_STEPS:.0%} of the steps after the first, a gradient is not zero just before backward.",
        fixes="optimizer.zero_grad() in every step; where gradients are accumulated over batches on purpose, this is no fault.",
        reference="PyTorch documentation, torch.optim",
    ),
    Entry(
        code="D602",
        title="parameter not in the optimizer",
        meaning="A parameter that gets gradients and is in no parameter group never changes. Often a layer was replaced after "
        "the optimizer was made.",
        detected="A parameter with a gradient above 0 in some step is in no group of the optimizer.",
        fixes="Make the optimizer after the model is complete, from model.parameters().",
        reference="PyTorch documentation, torch.optim",
    ),
    Entry(
        code="D603",
        title="parameter without gradient",
        meaning="A parameter that the optimizer holds never gets a gradient: the graph is cut between it and the loss.",
        detected=f"No gradient above 0 in any of {MIN_STEPS} or more steps.",
        fixes="Look for detach(), no_grad(), .data, .item() or a conversion to NumPy.",
        reference="PyTorch documentation, autograd mechanics",
    ),
    Entry(
        code="D604",
        title="softmax twice",
        meaning="A loss that takes scores applies softmax itself. Given probabilities it can never become small, and training "
        "is very slow.",
        detected="The loss takes scores, all predictions lie between 0 and 1, and every row sums to 1 within "
        f"{SUM_TOLERANCE:g}.",
        fixes="Leave out the softmax of the model.",
        reference="PyTorch documentation, CrossEntropyLoss",
    ),
    Entry(
        code="D605",
        title="training and evaluation mode",
        meaning="Dropout drops units, and batch normalisation uses the statistics of the batch, in training mode only.",
        detected="The model was in training mode at an evaluation, or in evaluation mode at a training step.",
        fixes="model.eval() before evaluation, model.train() before training.",
        reference="PyTorch documentation, Module.eval",
    ),
    Entry(
        code="D606",
        title="scheduler before optimizer",
        meaning="A scheduler that steps first skips its first value.",
        detected="The scheduler's first step came before the optimizer's.",
        fixes="optimizer.step(), then scheduler.step().",
        reference="PyTorch documentation, how to adjust the learning rate",
    ),
    Entry(
        code="D607",
        title="shapes of prediction and target differ",
        meaning="Where shapes differ, the loss compares values that do not belong together, or fails.",
        detected="The shapes that went into the loss are not equal.",
        fixes="One prediction for each target, in the same shape.",
        reference="NumPy documentation, broadcasting",
    ),
    Entry(
        code="D608",
        title="a loss of a shape that broadcasts",
        meaning="A column of predictions minus a flat target is a table: every prediction is compared with every target, and "
        "the optimum is to predict the mean. Training runs, but the loss stays far above its real minimum.",
        detected="Prediction and target differ by one dimension. No tolerance: it is always a fault.",
        fixes="target.reshape(-1, 1) or prediction.squeeze(-1).",
        reference="NumPy documentation, broadcasting",
    ),
    Entry(
        code="D609",
        title="steps that change nothing",
        meaning="The optimizer steps, but the weights that the loss is computed with stay as they are: it holds copies of them, or "
        "something puts the old ones back.",
        detected=f"Parameters have gradients and a learning rate above 0, and in none of {MIN_STEPS} or more steps does any of them "
        "change.",
        fixes="Step the optimizer that was made from this model's parameters; copy weights back where they were moved elsewhere.",
        reference="Jiang et al. 2025 (TrainCheck)",
    ),
    Entry(
        code="D610",
        title="weights replaced between steps",
        meaning="Weights that are initialised or loaded again in every step forget what the last step has learned.",
        detected=f"From the end of each step to the next one, a parameter changes by more than {REPLACED:.0%} of its length.",
        fixes="Initialise and load once, before the loop.",
        reference="Jiang et al. 2025 (TrainCheck)",
    ),
    Entry(
        code="D611",
        title="input without content",
        meaning="Where all rows of a batch are equal, as when a copy to a device returned zeros, the best prediction is a constant.",
        detected=f"In each of {MIN_STEPS} or more batches of several rows, all rows of the input are equal.",
        fixes="Look at what the loader returns, and at the batch after it was moved to the device.",
        reference="Jiang et al. 2025 (TrainCheck)",
    ),
    Entry(
        code="D612",
        title="only normalisation is trained",
        meaning="Scales and shifts of normalisation alone fit little. Often all parameters were frozen, and a later line turned "
        "some on again.",
        detected="Every layer that multiplies by a matrix is frozen, and all parameters that are trained belong to normalisation. "
        "Where that is meant, as when a model is adapted by its normalisation alone, it is no fault.",
        fixes="requires_grad_() on the layers that are to be trained.",
        reference="Jiang et al. 2025 (TrainCheck)",
    ),
    Entry(
        code="D613",
        title="autocast without effect",
        meaning="Under autocast, layers compute in half precision, which is why it is used. Where none does, something inside turns it "
        "off, and training is as slow as before.",
        detected="The model is called under autocast, and no layer that multiplies by a matrix returns half precision.",
        fixes="Look for what turns it off: autocast(enabled=False), a transformed function, a cast.",
        reference="PyTorch documentation, automatic mixed precision",
    ),
    Entry(
        code="D614",
        title="ranks out of step",
        meaning="Ranks that train one model start equal and take equal steps. Where they do not, each of them trains a model of its own on "
        "its part of the rows, and the one that is saved has seen no more than that.",
        detected="Parameters equal on all ranks at the start differ after the first three steps, by more than "
        f"{APART:.0%} of what they moved. Where ranks hold parts of a model, it is looked at where they get the same batch, and at "
        "parameters that did not start at 0. The ranks tell each other through the store of the process group, and none waits. Where "
        "ranks train by themselves on purpose, as in local SGD, it is no fault.",
        fixes="Call the DistributedDataParallel wrapper, not its module; wrap a model again after it was moved or cast; treat the "
        "gradients of parameters that all ranks hold alike on every rank.",
        reference="Jiang et al. 2025 (TrainCheck)",
    ),
    Entry(
        code="D615",
        title="trained though train() freezes it",
        meaning="Some models freeze layers in their own train(), so that these stay frozen whatever mode is set. As long as train() "
        "was not called, all of them are trained.",
        detected="A part of the model has a train() of its own, and on a copy without numbers it freezes parameters that are trained.",
        fixes="model.train() before training; the optimizer is made after it.",
        reference="Jiang et al. 2025 (TrainCheck)",
    ),
)
