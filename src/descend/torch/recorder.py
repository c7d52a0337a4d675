"""recorder: what sampled steps of a training loop show, as plain arrays for `descend.diagnosis`."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim import Optimizer

from descend.arrays import Array
from descend.diagnosis import Loop, Steps
from descend.diagnosis.steps import Failure
from descend.problem.layer_stats import FLAT
from descend.torch.interception import Interception
from descend.torch.replay import tensors_in

MOST_SAMPLES = 40  # that are kept (arbitrary: bounds the memory of a loop of any length)
COPIED = 3  # steps at the beginning whose weights are copied, to see what changes them
MOST_ROWS = 1000  # of the scores that are kept (arbitrary: a softmax shows in few)
RARE = 0.5  # of the steps: calls without gradients in more of them belong to training, as in a GAN (arbitrary)
HALF = (torch.float16, torch.bfloat16)
LAYERS = (torch.nn.Linear, torch.nn.modules.conv._ConvNd)  # that multiply by a matrix
# Modules that compute something else in training mode.
MODES = (
    torch.nn.modules.dropout._DropoutNd, torch.nn.modules.batchnorm._BatchNorm, torch.nn.utils.parametrizations._SpectralNorm,
)  # fmt: skip
NORMS = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.LayerNorm, torch.nn.GroupNorm)
WHOLE = "the model"
Row = dict[str, float]


class Recorder:
    """Collects what a model and its optimizers do in the steps that it is told to sample.

    Args:
        model: any module; nothing is stored on it.
        optimizers: all that move its parameters; none where they are moved by hand.
    """

    def __init__(self, model: Module, optimizers: Sequence[Optimizer]) -> None:
        self.model, self.optimizers = model, tuple(optimizers)
        self.losses: list[float] = []
        self.shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None
        self.scores: Array | None = None
        self._gradient: list[Row] = []
        self._before: list[Row] = []
        self._signal: list[Row] = []
        self._saturated: list[Row] = []
        self._alive: dict[str, Tensor] = {}  # of each activation, which units had a slope for any row
        self._symmetric = {name: _has_equal_units(weight) for name, weight in self._layers()}
        self._training: list[bool] = []
        self._evaluating: list[bool] = []
        self._rounds, self._evaluated = 0, False  # steps with calls without gradients, and whether this is one
        self._calls: tuple[str, ...] = ()
        self._rates = self._learning_rates()
        self._lost: list[float] = []
        self._stepped, self._fresh = False, True  # whether an optimizer stepped, and no backward pass has been since
        self._modules: dict[Module, str] = {}
        self._labels: dict[str, str] = {}
        self._stack: list[str] = []
        self._count: dict[str, int] = {}
        self._last_bounded: tuple[str, Tensor] | None = None
        self._weights: dict[str, Tensor] = {}
        self._left: dict[str, Tensor] = {}  # the weights at the end of one of the first steps
        self._moved: list[Row] = []
        self._between: list[Row] = []
        self._equal_rows: list[bool] = []
        self._under_autocast = False  # whether the outermost call was
        self._lowered: dict[str, bool] = {}
        self._handles: list[Any] = []
        self._mode: Interception | None = None

    @property
    def samples(self) -> bool:
        """Whether the step that runs is sampled."""
        return self._mode is not None

    def begin(self) -> None:
        """Sample the step that begins."""
        self._modules = {module: name or WHOLE for name, module in self.model.named_modules()}
        self._labels = labels(self.model)
        self._handles = [register_module_forward_pre_hook(self._enter), register_module_forward_hook(self._leave)]
        self._stack, self._count = [], {}
        self._signal.append({})
        self._saturated.append({})
        self._gradient.append({})
        self._mode = Interception(self._activation, self._backward)
        self._mode.__enter__()

    def end(self) -> None:
        """End the sample, if there is one; a step without gradients shows nothing of them."""
        mode, self._mode = self._mode, None
        if mode is None:
            return
        for handle in self._handles:
            handle.remove()
        mode.listening = False
        if torch.overrides._get_current_function_mode() is mode:  # else one of the user's is above it, and it rests
            mode.__exit__(None, None, None)
        if not self.optimizers:
            self._note_gradients()
        for rows in (self._gradient, self._signal, self._saturated):
            if not rows[-1]:
                rows.pop()
            _thin(rows)
        _thin(self._before)
        self.shapes = self.shapes or mode.shapes
        if mode.scores is not None and mode.scores.dim() == 2:
            self.scores = mode.scores[:MOST_ROWS].double().cpu().numpy()
        mode.forget()
        self._weights, self._last_bounded = {}, None

    def _enter(self, module: Module, args: Any) -> None:
        if not torch.compiler.is_compiling() and module in self._modules:
            if not self._stack:
                self._under_autocast = any(torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda"))
            self._stack.append(self._modules[module])

    def _leave(self, module: Module, args: Any, output: Any) -> None:
        if torch.compiler.is_compiling() or module not in self._modules or not self._stack:
            return
        name = self._stack.pop()
        if not torch.is_grad_enabled() or self._mode is None:
            return
        first = next(tensors_in(output), None)
        if first is not None and isinstance(module, LAYERS) and name not in self._signal[-1]:
            self._signal[-1][name] = _norm(first) / math.sqrt(max(first.numel(), 1))
        if (
            first is not None
            and isinstance(module, LAYERS)
            and self._under_autocast
            and module.weight.dtype not in HALF
        ):
            self._lowered[name] = self._lowered.get(name, False) or first.dtype in HALF
        if not self._stack:  # the outermost call: of the model, or of its parts where a loop calls these
            self._mode.predicted(tensors_in(output))
            if self._last_bounded is not None and first is self._last_bounded[1]:  # probabilities may be near 0 and 1
                self._saturated[-1].pop(self._last_bounded[0], None)

    def _activation(self, name: str, given: Tensor, found: Tensor) -> None:
        if not torch.is_grad_enabled() or not self._stack or found.dim() < 2 or found.numel() == 0:
            return
        place = f"{name} in {self._labels[self._stack[-1]]}"
        self._count[place] = count = self._count.get(place, 0) + 1
        place = place if count == 1 else f"{place}, call {count}"
        if name.startswith("relu"):
            units = 1 if found.dim() in (2, 4, 5) else found.dim() - 1
            others = [axis for axis in range(found.dim()) if axis != units]
            alive = ~(given.detach().amax(dim=others) < 0)  # a unit at 0 is behind weights of 0, which will move
            old = self._alive.get(place)
            self._alive[place] = alive if old is None or old.shape != alive.shape else old | alive
            return
        a = found.detach().float()
        slope = 1 - a.square() if name == "tanh" else 4 * a * (1 - a)
        self._saturated[-1][place] = float((slope < FLAT).float().mean())
        self._last_bounded = place, found

    def _backward(self, run: Callable[[], Any]) -> Any:
        """Run a backward pass; the first since a step that reaches the model shows what zero_grad has left."""
        before = self._gradients() if self._fresh else {}
        found = run()
        if self._fresh and self._gradients() != before:
            self._fresh = False
            held = {id(p) for p in self._held()}
            self._before.append({n: before.get(n, math.nan) for n, p in self._parameters() if id(p) in held})
        return found

    def _gradients(self) -> Row:
        """The norm of each gradient that there is."""
        return {name: _norm(p.grad) for name, p in self._parameters() if p.grad is not None}

    def before_step(self) -> None:
        """Note what an optimizer is about to move."""
        if not self._calls:
            scheduled = any(hasattr(o.step, "_wrapped_by_lr_sched") for o in self.optimizers)
            early = scheduled and self._rates != self._learning_rates()
            self._calls = ("scheduler", "optimizer") if early else ("optimizer",)
        if self._mode is not None:
            early = len(self.losses) < COPIED
            self._weights = {name: p.detach().clone() for name, p in self._parameters() if early or p.dtype in HALF}
            if early and self._left:
                self._between.append({name: _change(self._left.get(name), w) for name, w in self._weights.items()})
                self._left = {}

    def after_step(self) -> None:
        """Note the gradients that an optimizer has just used, and what it changed."""
        self._stepped = self._fresh = True
        if self._mode is None:
            return
        self._note_gradients()
        self._note_moves()
        if any(w.dtype in HALF for w in self._weights.values()) and any(self._learning_rates()):
            named, total, lost = dict(self._parameters()), 0.0, 0.0
            for name, old in self._weights.items():
                p = named[name]
                if p.grad is not None and old.dtype in HALF:
                    squares = p.grad.detach().float().square()
                    total += float(squares.sum())
                    lost += float(squares[p.detach() == old].sum())
            self._lost.append(lost / total if total > 0 else math.nan)

    def _note_moves(self) -> None:
        """Note which weights one of the first steps has changed; of several optimizers, together."""
        if len(self.losses) >= COPIED:
            return
        row = self._gradient[-1]
        if any(self._learning_rates()):
            moved = {
                name: float(not torch.equal(p.detach(), self._weights[name]))
                for name, p in self._parameters()
                if row.get(name, 0.0) > 0
                and p.dtype not in HALF
                and name in self._weights
                and self._weights[name].shape == p.shape
            }
            self._moved.append(moved)
        self._left = {name: p.detach().clone() for name, p in self._parameters()}

    def note_input(self, given: Any) -> None:
        """Note whether all rows of what the model is called with are equal, in one of the first steps."""
        first = next((t for t in tensors_in(given) if t.dim() > 1), None)
        if self._mode is not None and len(self.losses) < COPIED and first is not None and len(first) > 1:
            self._equal_rows.append(bool((first[1:] == first[:1]).all()))

    def _note_gradients(self) -> None:
        self._gradient[-1].update(self._gradients())

    def after_loss(self, value: float) -> None:
        """Note the loss at the end of a step, and the mode that the model is in."""
        self.losses.append(value)
        self._training.append(self.model.training)
        self._fresh = self._stepped or not self.optimizers  # else gradients are being accumulated
        self._stepped = self._evaluated = False

    def after_evaluation(self) -> None:
        """Note that the model was called without gradients."""
        self._evaluating.append(self.model.training)
        self._rounds += not self._evaluated
        self._evaluated = True

    def loop(self) -> Loop:
        """Return what D6 reads, but for the scores."""
        parameters = dict(self._parameters())
        held = {id(p) for p in self._held()}
        moves = bool(self.optimizers) and bool(self._gradient)
        modes = any(isinstance(m, MODES) for m in self.model.modules())
        evaluates = self._rounds < RARE * len(self.losses)
        return Loop(
            names=tuple(parameters), held=np.array([id(p) in held for p in parameters.values()]) if moves else None,
            gradient=_table(self._gradient, parameters) if moves else None,
            before=_table(self._before, parameters) if self._before else None,
            prediction=self.shapes[0] if self.shapes else None, target=self.shapes[1] if self.shapes else None,
            training=np.array(self._training) if modes and self._training else None,
            evaluating=np.array(self._evaluating) if modes and evaluates and self._evaluating else None, calls=self._calls,
            moved=_table(self._moved, parameters) if moves and self._moved else None,
            between=_table(self._between, parameters) if moves and self._between else None,
            equal_rows=np.array(self._equal_rows) if self._equal_rows else None,
            layers=sum(isinstance(m, LAYERS) for m in self.model.modules()), trained=self._trained_layers(),
            lowered=np.array(list(self._lowered.values())) if self._lowered else None,
        )  # fmt: skip

    def loop_of_scores(self) -> Loop:
        """Return what D604 reads."""
        return Loop(outputs=self.scores, of_scores=True)

    def steps(self, failure: Failure | None) -> Steps:
        """Return what D1, D2 and D5 read."""
        known = {name for name, _ in self._layers()}
        layers = [name for name in (self._signal[0] if self._signal else ()) if name in known]
        bounded = tuple(self._saturated[0] if self._saturated else ())
        gradients = [{name: row.get(_weight_of(name), math.nan) for name in layers} for row in self._gradient]
        dtype = next((p.dtype for _, p in self._parameters() if p.is_floating_point()), torch.float32)
        eps = [float(g["eps"]) for o in self.optimizers for g in o.param_groups if "eps" in g]
        rates = self._learning_rates()
        return Steps(
            loss=np.array(self.losses), lr=rates[0] if rates else math.nan, failure=failure,
            layers=tuple(self._labels[name] for name in layers),
            signal=_table(self._signal, layers), gradient=_table(gradients, layers),
            symmetric=np.array([self._symmetric.get(name, False) for name in layers], bool), activations=tuple(self._alive),
            units=np.array([alive.numel() for alive in self._alive.values()]),
            dead=np.array([int((~alive).sum()) for alive in self._alive.values()]),
            bounded=bounded, saturated=_table(self._saturated, bounded), lost=np.array(self._lost),
            dtype=str(dtype).removeprefix("torch."), least=math.sqrt(torch.finfo(dtype).tiny), eps=min(eps, default=None),
        )  # fmt: skip

    def _held(self) -> Iterator[Tensor]:
        """The parameters that the optimizers hold; without optimizers, all."""
        if not self.optimizers:
            return self.model.parameters()
        return (p for o in self.optimizers for group in o.param_groups for p in group["params"])

    def _parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters that are to be trained, by name; frozen ones rest by design."""
        return ((name, p) for name, p in self.model.named_parameters() if p.requires_grad)

    def _layers(self) -> Iterator[tuple[str, Tensor]]:
        """The weights of the layers that are to be trained, by the name of the layer."""
        layers = ((name or WHOLE, m) for name, m in self.model.named_modules() if isinstance(m, LAYERS))
        return ((name, m.weight) for name, m in layers if isinstance(m.weight, Tensor) and m.weight.requires_grad)

    def _trained_layers(self) -> int | None:
        """How many layers train, where what trains beside them is normalisation; None where other things train."""
        layers = list(self._layers())
        beside = {
            id(p) for m in self.model.modules() if isinstance(m, (*NORMS, *LAYERS)) for p in m.parameters(recurse=False)
        }
        return len(layers) if all(id(p) in beside for _, p in self._parameters()) else None

    def _learning_rates(self) -> list[float]:
        return [float(group["lr"]) for o in self.optimizers for group in o.param_groups]


def labels(model: Module) -> dict[str, str]:
    """Return what people read for the name of each module, such as "blocks.3 (Linear)"; a name may be a mere number."""
    return {name or WHOLE: f"{name} ({type(m).__name__})" if name else WHOLE for name, m in model.named_modules()}


def _thin(rows: list[Row]) -> None:
    """Keep the rows of the first and the last samples, and of those in the middle the largest numbers, in place."""
    if len(rows) > MOST_SAMPLES:
        middle = MOST_SAMPLES // 2
        for name, value in rows.pop(middle).items():
            rows[middle][name] = max(value, rows[middle].get(name, value))


def _table(rows: Sequence[Row], names: Collection[str]) -> Array:
    """Rows of numbers by name as an array (rows, names); NaN for a name that a row does not have."""
    found = np.array([[row.get(name, math.nan) for name in names] for row in rows], np.float64)
    return found.reshape(len(rows), len(names))


def _weight_of(layer: str) -> str:
    return "weight" if layer == WHOLE else f"{layer}.weight"


def _norm(tensor: Tensor | None) -> float:
    """The length of a tensor in float64, NaN for none."""
    if tensor is None or tensor.is_meta:
        return math.nan
    values = tensor.detach().coalesce().values() if tensor.is_sparse else tensor.detach()
    if values.dtype in HALF:
        values = values.float()  # whose squares it holds
    return float(torch.linalg.vector_norm(values))


def _change(old: Tensor | None, new: Tensor) -> float:
    """How far weights are from what they were, relative to their length; NaN where they were not, or had another shape."""
    if old is None or old.shape != new.shape or new.is_meta:
        return math.nan
    if new.dtype in HALF:
        new, old = new.float(), old.float()
    return _norm(new - old) / max(_norm(old), 1e-30) if new.numel() > 1 else math.nan


def _has_equal_units(weight: Tensor) -> bool:
    """Whether several units have equal weights that are not 0."""
    rows = weight.detach().reshape(len(weight), -1)
    return len(rows) > 1 and bool((rows == rows[0]).all()) and bool(rows[0].any())
