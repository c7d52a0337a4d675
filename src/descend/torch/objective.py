"""objective: a module with a loss, as one number a batch; what cannot be trained is refused here, in a sentence."""

import contextlib
import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import UninitializedParameter

from descend.errors import DataError, DescendError, UsageError, nearest
from descend.problem.shapes import check_shapes
from descend.torch.batches import Batch
from descend.torch.replay import tensors_in

Loss = Callable[[Any, Any], Tensor]
IGNORED = -100  # a class that torch's cross_entropy leaves out
# The targets that a loss takes: from, to, and in words.
TAKEN = {"logloss": (0, 1, "from 0 to 1"), "poisson": (0, float("inf"), "of at least 0")}
LONGEST_REASON = 150  # characters of an error of torch (arbitrary: two lines)


def _alike(function: Loss) -> Loss:
    """A loss that compares one prediction with one target; a column of predictions is one for each of a flat target."""

    def loss(prediction: Tensor, target: Tensor) -> Tensor:
        if prediction.shape == (*target.shape, 1):
            prediction = prediction.squeeze(-1)
        check_shapes(prediction.shape, target.shape)
        return function(prediction, target.to(prediction.dtype))

    return loss


LOSSES: dict[str, Loss] = {
    "mse": _alike(F.mse_loss), "huber": _alike(F.huber_loss), "logloss": _alike(F.binary_cross_entropy_with_logits),
    "softmax": F.cross_entropy, "poisson": _alike(F.poisson_nll_loss),
}  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Objective:
    """What is minimised.

    Args:
        module: that is trained.
        loss: maps its output and a target to one number.
        name: of the loss.
        device: where its parameters are.
    """

    module: Module
    loss: Loss
    name: str
    device: torch.device

    def of(self, batch: Batch) -> Tensor:
        """Return the loss of a batch."""
        return self.loss(self.module(*batch.inputs), batch.target)

    def trained(self) -> dict[str, Tensor]:
        """Return the parameters that are to be trained, by name."""
        return {name: p for name, p in self.module.named_parameters() if p.requires_grad}


def check_parameters(module: Module) -> None:
    """Raise UsageError for a module that has none."""
    if next(module.parameters(), None) is None:
        raise UsageError(
            f"the model {type(module).__name__} has no parameters, so there is nothing to train",
            fix="give its layers to it as attributes or in a ModuleList", code="no-parameters",
        )  # fmt: skip


def check_module(module: Any, caller: str) -> None:
    """Raise UsageError for what is no module, or has no parameters to train; caller: the function's name."""
    if not isinstance(module, Module):
        raise UsageError(
            f"{caller} was given a {type(module).__name__}, it takes a torch.nn.Module",
            fix="make a subclass of torch.nn.Module of it", code="no-module",
        )  # fmt: skip
    check_parameters(module)
    if not any(p.requires_grad for p in module.parameters()):
        raise UsageError(
            f"all parameters of the model {type(module).__name__} are frozen, so there is nothing to train",
            fix="call requires_grad_() on those that are to be trained", code="all-frozen",
        )  # fmt: skip
    devices = sorted({str(p.device) for p in module.parameters()})
    if devices == ["meta"]:
        raise UsageError(
            f"the parameters of the model {type(module).__name__} are on the meta device, where they have no numbers",
            fix="call model.to_empty(device='cpu'), and initialise or load them", code="no-numbers",
        )  # fmt: skip
    if len(devices) > 1:
        raise UsageError(
            f"the model {type(module).__name__} has parameters on {' and '.join(devices)}, {caller} takes one device",
            fix=f"call model.to({devices[0]!r}), or train it in a loop of your own, with descend.torch.watch",
            code="several-devices",
        )  # fmt: skip


def objective_of(module: Module, loss: str | Loss, first: Batch, targets: Any = None) -> Objective:
    """Return a module with its loss; the loss "auto" follows from the output for the first batch, and the targets.

    Args:
        module, loss: see `fit`.
        first: a batch.
        targets: of all rows, where they are known; those of the first batch else.

    Raises UsageError for an unknown loss, a module or a loss that does not take the batch, and a loss that is not one number.
    """
    device = next(module.parameters()).device
    first = first.to(device)
    if not callable(loss) and loss != "auto" and loss not in LOSSES:
        raise UsageError(
            f"there is no loss {loss!r}, there are auto, {', '.join(LOSSES)}, and functions of prediction and target",
            fix=f"try {(nearest(str(loss), LOSSES) or ['auto'])[0]!r}", code="unknown-loss",
        )  # fmt: skip
    with in_mode(module, training=False), torch.no_grad():
        with _taken(
            f"the model {type(module).__name__}",
            first.inputs,
            "give what its forward takes, in the dtype of its parameters",
        ):
            prediction = module(*first.inputs)
        targets = first.target if targets is None else targets
        name = _auto(prediction, targets) if loss == "auto" else loss if isinstance(loss, str) else _name(loss)
        function = LOSSES[name] if isinstance(loss, str) else loss
        if isinstance(loss, str) and not isinstance(prediction, Tensor):
            raise UsageError(
                f"the model returns a {type(prediction).__name__}, the loss {name!r} takes a tensor",
                fix="give a function of prediction and target as loss", code="no-prediction",
            )  # fmt: skip
        if isinstance(loss, str) and isinstance(targets, Tensor):
            _check_targets(name, prediction, targets)
        with _taken(f"the loss {name}", (prediction, first.target), "give a loss of such predictions and targets"):
            value = function(prediction, first.target)
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise UsageError(
            f"the loss returns {shape}, it must return a tensor of one number",
            fix="return its mean", code="no-loss",
        )  # fmt: skip
    return Objective(module=module, loss=function, name=name, device=device)


@contextlib.contextmanager
def _taken(what: str, given: Any, fix: str) -> Iterator[None]:
    """A context in which whatever a call raises is a UsageError that says what it was given."""
    try:
        yield
    except DescendError:
        raise
    except Exception as error:  # whatever a module or a loss of one's own may raise
        tensors = (f"{tuple(t.shape)} {str(t.dtype).removeprefix('torch.')}" for t in tensors_in(given))
        said = " and ".join(tensors) or type(given).__name__
        raise UsageError(f"{what} does not take {said}: {in_short(error)}", fix=fix, code="does-not-take") from error


def in_short(error: Exception) -> str:
    """Return the first sentence of an error of torch."""
    text = " ".join(str(error).split()) or type(error).__name__
    return re.split(r"(?<=[a-z)])[.;] ", text)[0].rstrip(".")[:LONGEST_REASON]


def check_kept(module: Module, held: Mapping[str, Tensor]) -> None:
    """Raise UsageError where the module has replaced a parameter that it held."""
    now = dict(module.named_parameters())
    changed = next((name for name in {**held, **now} if held.get(name) is not now.get(name)), None)
    if changed is not None:
        old, new = ("gone" if of.get(changed) is None else f"of shape {tuple(of[changed].shape)}" for of in (held, now))
        raise UsageError(
            f"the parameter {changed} was {old} at the start and is {'another one ' if old == new else ''}{new} now, and an optimizer "
            f"moves the one of the start",
            fix="train it in a loop of your own, with descend.torch.watch", code="shapes-change",
        )  # fmt: skip


def _auto(prediction: Any, target: Any) -> str:
    """The loss that the dtype of the target and the shape of the prediction speak for."""
    whole = isinstance(target, Tensor) and not (target.is_floating_point() or target.is_complex())
    if not whole or not isinstance(prediction, Tensor):
        return "mse"
    if prediction.dim() == target.dim() + 1 and prediction.shape[1] > 1:
        return "softmax"
    return "logloss" if bool(((target == 0) | (target == 1)).all()) else "mse"


def _check_targets(name: str, prediction: Tensor, targets: Tensor) -> None:
    """Raise DataError for a target that a loss does not take, in the words of the data."""
    if name == "softmax" and not targets.is_floating_point() and prediction.dim() > 1:
        outputs = prediction.shape[1]
        wrong = ((targets < 0) & (targets != IGNORED)) | (targets >= outputs)
        allowed = f"the model has {outputs:,} outputs, for classes from 0 to {outputs - 1:,}"
        fix = "count classes from 0, and give the model an output for each"
    elif name in TAKEN:
        wrong = (targets < TAKEN[name][0]) | (targets > TAKEN[name][1])
        allowed, fix = (
            f"{name} takes targets {TAKEN[name][2]}",
            "try loss='mse', or a model with an output for each class",
        )
    else:
        return
    if bool(wrong.any()):
        row = int(wrong.reshape(len(wrong), -1).any(dim=1).nonzero()[0]) if wrong.dim() else 0
        value = targets[wrong].flatten()[0].item()
        raise DataError(f"{allowed}, and y holds {value:g} in row {row + 1:,}", fix=fix, code="target-range")


def _name(loss: Loss) -> str:
    return getattr(loss, "__name__", type(loss).__name__)


def least_rows(module: Module) -> int:
    """Return the rows that a batch needs: two where batch normalisation takes their spread."""
    return 2 if any(isinstance(m, _BatchNorm) for m in module.modules()) else 1


def is_lazy(module: Module) -> bool:
    """Tell whether a layer waits for its first batch to know its sizes."""
    return any(isinstance(p, UninitializedParameter) for p in module.parameters())


class in_mode:  # noqa: N801  # a context, as torch.no_grad is
    """A context in which a module is in training or evaluation mode; afterwards each part is as it was.

    Parts that were put in evaluation mode by hand, as frozen batch normalisation is, stay in it.
    """

    def __init__(self, module: Module, *, training: bool) -> None:
        self.module, self.training = module, training

    def __enter__(self) -> None:
        self._modes = [(part, part.training) for part in self.module.modules()]
        if not self.training:
            self.module.eval()
        elif not self.module.training:
            self.module.train()

    def __exit__(self, *_: object) -> None:
        for part, mode in self._modes:
            part.training = mode


def copied(module: Module) -> Module:
    """Return a copy of a module whose parameters can be trained; those of a compiled script are no leaves at first."""
    other = copy.deepcopy(module)
    needed = [p.requires_grad for p in module.parameters()]
    for parameter, trained in zip(other.parameters(), needed, strict=True):
        if not parameter.is_leaf:
            parameter.detach_().requires_grad_(trained)
    return other
