"""interception: what goes into losses and activations during a step, whoever calls them."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

# Functions that compare a prediction with a target, in the order of these arguments.
LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "gaussian_nll_loss")
OF_SCORES = ("cross_entropy", "binary_cross_entropy_with_logits")  # that apply softmax or sigmoid themselves
DIFFERENCES = ("sub", "subtract", "rsub", "__sub__", "__rsub__")
PROBABILITIES = ("sigmoid",)
# Functions whose result still is the prediction, one for each row.
SAME = (
    "squeeze", "unsqueeze", "view", "reshape", "flatten", "float", "double", "to", "contiguous", "clone", "sigmoid",
    "tanh", "softmax", "log_softmax", "exp", "mul", "add", "div", "__getitem__",
)  # fmt: skip
ACTIVATIONS = ("relu", "relu_", "relu6", "tanh", "sigmoid")


class Interception(TorchFunctionMode):
    """Tells of activations, losses and backward passes as they are called.

    Args:
        on_activation: hears an activation's name, input and output.
        around_backward: is given each backward pass to run.
    """

    def __init__(
        self, on_activation: Callable[[str, Tensor, Tensor], None], around_backward: Callable[[Callable[[], Any]], Any]
    ) -> None:  # fmt: skip
        super().__init__()
        self.on_activation, self.around_backward = on_activation, around_backward
        self.listening = True
        self.shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None  # of a prediction and a target that differ
        self.scores: Tensor | None = None  # as they went into a loss that applies softmax or sigmoid itself
        self._predictions: dict[int, Tensor] = {}
        self._probabilities: dict[int, Tensor] = {}

    def predicted(self, outputs: Iterable[Tensor]) -> None:
        """Tell what the model has just predicted."""
        self._predictions |= {id(output): output for output in outputs}

    def forget(self) -> None:
        """Let go of all tensors of the step."""
        self._predictions, self._probabilities = {}, {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:  # fmt: skip
        """Call the function, and look at what it was given."""
        kwargs = kwargs or {}
        if torch.compiler.is_compiling() or not self.listening:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", "")
        if name == "backward":
            return self.around_backward(lambda: func(*args, **kwargs))
        given = args[0] if name in ACTIVATIONS and args and isinstance(args[0], Tensor) else None
        if given is not None and (name.endswith("_") or kwargs.get("inplace") or True in args[1:]):
            given = given.detach().clone()
        found = func(*args, **kwargs)
        if given is not None:
            self.on_activation(name.rstrip("_"), given, found)
        elif name in LOSSES or name in OF_SCORES or name in DIFFERENCES:
            self._compare(name, args, kwargs)
        if name in PROBABILITIES and isinstance(found, Tensor):
            self._probabilities[id(found)] = found
        if name in SAME and isinstance(found, Tensor) and args and id(args[0]) in self._predictions:
            self._predictions[id(found)] = found
        return found

    def _compare(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        tensors = [*args[:2], *(kwargs[key] for key in ("input", "target", "other") if key in kwargs)]
        if len(tensors) < 2 or not all(isinstance(tensor, Tensor) for tensor in tensors[:2]):
            return
        prediction, target = tensors[:2]
        if name in OF_SCORES:
            twice = name != "cross_entropy" and id(prediction) in self._probabilities
            flat = prediction.detach().reshape(-1)
            if name == "cross_entropy":
                self.scores = prediction.detach()
            elif twice:
                self.scores = torch.stack([flat, 1 - flat], 1)  # two classes, which sum to 1
            return
        if name in DIFFERENCES and id(prediction) not in self._predictions:
            prediction, target = target, prediction
        shapes = tuple(prediction.shape), tuple(target.shape)
        if id(prediction) not in self._predictions or target.requires_grad or id(target) in self._predictions:
            return
        if self.shapes is None and shapes[0] != shapes[1] and (name in LOSSES or _makes_a_table(*shapes)):
            self.shapes = shapes


def _makes_a_table(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether the difference of these shapes has more elements than either, though neither was made to fit by hand."""
    try:
        table = torch.broadcast_shapes(a, b)
    except RuntimeError:
        return False
    sizes = [torch.Size(shape).numel() for shape in (a, b, table)]
    return len(a) != len(b) and sizes[2] > max(sizes[:2])
