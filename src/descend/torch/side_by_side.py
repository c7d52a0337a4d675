"""side_by_side: one module trained at several settings: by torch.func in one call a step, or one copy after the other."""

import contextlib
import dataclasses
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.func import grad_and_value, vmap
from torch.nn import Module
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim import Optimizer

from descend.arrays import Array
from descend.errors import DescendError
from descend.outcome import Outcome
from descend.plan import Setting
from descend.torch.batches import Batch
from descend.torch.objective import Objective, check_kept, copied, in_mode, in_short
from descend.torch.optimizer import Descent
from descend.torch.optimizers import OPTIMIZERS
from descend.torch.stateless import call_with
from descend.training.stopping import DIVERGED_FACTOR

T = TypeVar("T")

MOST_NUMBERS = 1 << 26  # weights of all runs that are computed in one call (arbitrary: 256 MB in float32)
MOST_POINTS = 64  # of a surface that are computed in one call (arbitrary: activations of all are in memory)
TOLERANCE = 1e-3  # relative: by which a gradient side by side may differ from the same alone, in float32
ROUNDING = 8  # units in the last place, in half precision


class Group(Protocol):
    """Runs that take the same batches."""

    def step(self, places: Sequence[int], batch: Batch) -> Tensor:
        """Take one step of the runs at these places; return their losses before it (places,)."""
        ...

    def losses(self, places: Sequence[int], batch: Batch) -> Tensor:
        """Return their losses in evaluation mode (places,)."""
        ...


def optimizer_of(setting: Setting, params: Any) -> Optimizer:
    """Return the optimizer of a setting."""
    kind = OPTIMIZERS.get(setting.rule.name)
    if kind is None or kind.form.rule is not setting.rule:
        return Descent(params, setting.rule, **setting.constants)
    form = kind.form
    values = {
        option: tuple(setting.constants[c] for c in held) if len(held) > 1 else setting.constants[held[0]]
        for option, held in form.places.items()
    }
    return kind(params, **values)


class Stacked:
    """Runs whose weights are rows of one matrix; torch.func computes all losses and gradients in one call.

    Args:
        objective: what is minimised.
        settings: one a run.
    """

    def __init__(self, objective: Objective, settings: Sequence[Setting]) -> None:
        self.objective, self._trained = objective, objective.trained()
        start = flat(self._trained.values())
        self.rows = [start.clone().requires_grad_() for _ in settings]
        self.optimizers = [optimizer_of(setting, [row]) for setting, row in zip(settings, self.rows, strict=True)]
        self.buffers = {
            name: torch.stack([b] * len(settings)) for name, b in objective.module.named_buffers()
        }  # fmt: skip

    def _loss(self, row: Tensor, buffers: dict[str, Tensor], batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return loss_at(self.objective, {**parameters_of(row, self._trained), **buffers}, batch), buffers

    def gradients(self, places: Sequence[int], batch: Batch) -> tuple[Tensor, Tensor]:
        """Return losses (places,) and gradients (places, weights); what the batch does to the buffers is kept."""
        weights = torch.stack([self.rows[k].detach() for k in places])
        buffers = {name: b[list(places)] for name, b in self.buffers.items()}
        each = vmap(grad_and_value(lambda w, b: self._loss(w, b, batch), has_aux=True), randomness="different")
        with in_mode(self.objective.module, training=True), _plain_attention():
            slopes, (values, changed) = each(weights, buffers)
        for name, value in changed.items():
            self.buffers[name][list(places)] = value
        return values, slopes

    def step(self, places: Sequence[int], batch: Batch) -> Tensor:
        """See Group."""
        values, slopes = self.gradients(places, batch)
        for k, slope in zip(places, slopes, strict=True):
            self.rows[k].grad = slope
            self.optimizers[k].step()
        return values

    def losses(self, places: Sequence[int], batch: Batch) -> Tensor:
        """See Group."""
        weights = torch.stack([self.rows[k].detach() for k in places])
        buffers = {name: b[list(places)] for name, b in self.buffers.items()}
        with in_mode(self.objective.module, training=False), torch.no_grad(), _plain_attention():
            return vmap(lambda w, b: self._loss(w, b, batch)[0], randomness="different")(weights, buffers)


class Copies:
    """Runs that are copies of the module, trained one after the other.

    Args:
        objective, settings: see Stacked.
    """

    def __init__(self, objective: Objective, settings: Sequence[Setting]) -> None:
        self.objective = objective
        self.modules: list[Module] = [copied(objective.module) for _ in settings]
        self._held = [dict(module.named_parameters()) for module in self.modules]
        self.optimizers = [
            optimizer_of(setting, [p for p in module.parameters() if p.requires_grad])
            for setting, module in zip(settings, self.modules, strict=True)
        ]

    def step(self, places: Sequence[int], batch: Batch) -> Tensor:
        """See Group."""
        values = []
        for k in places:
            module, optimizer = self.modules[k], self.optimizers[k]
            with in_mode(module, training=True):
                optimizer.zero_grad()
                loss = self.objective.loss(module(*batch.inputs), batch.target)
                loss.backward()
                optimizer.step()
            check_kept(module, self._held[k])
            values.append(loss.detach().reshape(()))
        return torch.stack(values)

    def losses(self, places: Sequence[int], batch: Batch) -> Tensor:
        """See Group."""
        values = []
        for k in places:
            with in_mode(self.modules[k], training=False), torch.no_grad():
                values.append(self.objective.loss(self.modules[k](*batch.inputs), batch.target).reshape(()))
        return torch.stack(values)


@dataclass(frozen=True)
class Way:
    """How runs are computed: side by side, or one by one, and why."""

    together: bool
    reason: str


TOGETHER = Way(True, "side by side, by torch.func")


class Runs:
    """All runs of a search, and how each of them stands.

    Args:
        objective: what is minimised.
        settings: one a run.
        way: see `way_of`.
    """

    def __init__(self, objective: Objective, settings: Sequence[Setting], way: Way) -> None:
        self.objective, self.settings = objective, tuple(settings)
        weights = sum(p.numel() for p in objective.trained().values())
        most = max(1, MOST_NUMBERS // max(weights, 1)) if way.together else len(settings)
        kind = Stacked if way.together else Copies
        self._groups: list[tuple[int, Group]] = [
            (first, kind(objective, settings[first : first + most])) for first in range(0, len(settings), most)
        ]
        self._most = most
        self.outcomes = np.full(len(settings), Outcome.RUNNING)
        self.steps = np.zeros(len(settings), np.int64)
        self._ceiling = np.full(len(settings), np.inf)

    @property
    def running(self) -> list[int]:
        """The runs that still train."""
        return np.flatnonzero(self.outcomes == Outcome.RUNNING).tolist()

    def _parts(self, runs: Sequence[int]) -> Iterator[tuple[Group, list[int]]]:
        for first, group in self._groups:
            places = [r - first for r in runs if first <= r < first + self._most]
            if places:
                yield group, places

    def step(self, batch: Batch) -> Array:
        """Take one step of the runs that still train; return all losses before it (runs,), NaN for the others.

        A run whose loss is not finite, or ten thousand times its first, has ended.
        """
        runs, batch = self.running, batch.to(self.objective.device)
        values = np.full(len(self.settings), np.nan)
        values[runs] = (
            torch.cat([group.step(places, batch) for group, places in self._parts(runs)]).double().cpu().numpy()
        )
        self.steps[runs] += 1
        first = np.isinf(self._ceiling) & np.isfinite(values)
        self._ceiling[first] = DIVERGED_FACTOR * np.abs(values[first]) + 1e-300
        alive = self.outcomes == Outcome.RUNNING
        self.outcomes[alive & ~np.isfinite(values)] = Outcome.NONFINITE
        self.outcomes[alive & (values > self._ceiling)] = Outcome.DIVERGED
        return values

    def losses(self, batches: Iterator[Batch]) -> Array:
        """Return the mean loss on batches, in evaluation mode (runs,), NaN for runs that have ended."""
        runs, total, rows = self.running, np.zeros(len(self.settings)), 0
        for batch in batches if runs else ():
            here = batch.to(self.objective.device)
            found = torch.cat([group.losses(places, here) for group, places in self._parts(runs)])
            total[runs] += batch.rows * found.double().cpu().numpy()
            rows += batch.rows
        ended = np.isin(np.arange(len(total)), runs, invert=True)
        return np.where(ended, np.nan, total / max(rows, 1))


def on_runs(objective: Objective, settings: Sequence[Setting], way: Way, work: Callable[[Runs], T]) -> tuple[T, Way]:
    """Return what work makes of runs, and how they were computed: one by one where torch.func fails later than at its trial."""
    if way.together:
        try:
            return work(Runs(objective, settings, way)), way
        except DescendError:
            raise
        except Exception as error:  # whatever a module of one's own may raise there
            way = _one_by_one(objective, error)
    return work(Runs(objective, settings, way)), way


def losses_at(objective: Objective, way: Way, vectors: Array, batches: Sequence[Batch]) -> Array:
    """Return the mean loss on batches, in evaluation mode, at parameter vectors (points, weights), in the order of `trained`."""
    batches = [batch.to(objective.device) for batch in batches]
    rows = torch.tensor([batch.rows for batch in batches], dtype=torch.float64, device="cpu")
    weights = torch.from_numpy(vectors).to(flat(objective.trained().values()))
    there = copied(objective.module)
    many = Evaluation(dataclasses.replace(objective, module=there))
    most = max(1, min(MOST_POINTS, MOST_NUMBERS // max(weights.shape[1], 1))) if way.together else 1
    found = []
    with in_mode(there, training=False), torch.no_grad():
        for part in weights.split(most):
            values = torch.stack([many.together(part, b) if way.together else many.alone(part[0], b) for b in batches])
            found.append((values.double().cpu() * rows[:, None]).sum(0) / rows.sum())
    return torch.cat(found).numpy()


class Evaluation:
    """A module's loss as a function of its trained parameters as one vector.

    Args:
        objective: its module's parameters are overwritten.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective, self._trained = objective, objective.trained()

    def together(self, rows: Tensor, batch: Batch) -> Tensor:
        """Return the losses at vectors (points,)."""

        def loss(row: Tensor) -> Tensor:
            return loss_at(self.objective, parameters_of(row, self._trained), batch).reshape(())

        with _plain_attention():
            return vmap(loss, randomness="different")(rows)

    def alone(self, row: Tensor, batch: Batch) -> Tensor:
        """Return the loss at a vector (1,)."""
        for name, part in parameters_of(row, self._trained).items():
            self._trained[name].copy_(part)
        return self.objective.of(batch).reshape(1)


def way_to_evaluate(objective: Objective, batch: Batch) -> Way:
    """Return whether torch.func can evaluate the module at several weights at once: tried on a batch."""
    vector = flat(objective.trained().values())
    try:
        with in_mode(objective.module, training=False), torch.no_grad(), _loops_are_errors():
            Evaluation(objective).together(torch.stack([vector, vector]), batch.to(objective.device))
    except Exception as error:  # whatever a module of one's own may raise there
        return _one_by_one(objective, error)
    return TOGETHER


def parameters_of(row: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a vector, as `flat` makes it, as parameters by name, of the shapes and dtypes of others."""
    parts = zip(like.items(), row.split([p.numel() for p in like.values()]), strict=True)
    return {name: part.view(p.shape).to(p.dtype) for (name, p), part in parts}


def loss_at(objective: Objective, tensors: dict[str, Tensor], batch: Batch) -> Tensor:
    """Return the loss on a batch with these parameters and buffers in place of the module's own."""
    return objective.loss(call_with(objective.module, tensors, batch.inputs), batch.target)


def flat(tensors: Any) -> Tensor:
    """Return tensors as one vector, in the widest of their dtypes."""
    parts = [p.detach().reshape(-1) for p in tensors]
    dtype = parts[0].dtype
    for part in parts[1:]:
        dtype = torch.promote_types(dtype, part.dtype)
    return torch.cat([part.to(dtype) for part in parts])


def way_of(objective: Objective, setting: Setting, batch: Batch) -> Way:
    """Return whether torch.func can train the module side by side: tried on a batch, and compared with a copy alone."""
    name, batch = type(objective.module).__name__, batch.to(objective.device)
    before = _random_state(objective.device)
    try:
        with _loops_are_errors():
            pair = Stacked(objective, [setting, setting])
            _, slopes = pair.gradients([0, 1], batch)
            chance = not torch.equal(before, _random_state(objective.device))
            pair.losses([0, 1], batch)
    except Exception as error:  # whatever a module of one's own may raise there
        return _one_by_one(objective, error)
    alone = copied(objective.module)
    with in_mode(alone, training=True):
        objective.loss(alone(*batch.inputs), batch.target).backward()
    trained = [p for p in alone.parameters() if p.requires_grad]
    expected = flat([torch.zeros_like(p) if p.grad is None else p.grad for p in trained])
    tolerance = max(TOLERANCE, ROUNDING * torch.finfo(expected.dtype).eps)
    apart = (slopes - expected).abs().max() / expected.abs().max().clamp_min(1e-12)
    if not chance and bool(torch.isfinite(expected).all()) and not float(apart) <= tolerance:
        return Way(False, f"one by one: the gradients of {name} differ side by side, so it keeps something of its own")
    return TOGETHER


@contextlib.contextmanager
def _loops_are_errors() -> Iterator[None]:
    """A context in which an operation that vmap would take one by one is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="There is a performance drop")
        yield


def _one_by_one(objective: Objective, error: Exception) -> Way:
    name = type(objective.module).__name__
    return Way(False, f"one by one: torch.func cannot run {name} side by side ({_first_sentence(error)})")


@contextlib.contextmanager
def _plain_attention() -> Iterator[None]:
    """A context in which attention is computed by its formula: torch.func cannot batch the fused kernels."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _first_sentence(error: Exception) -> str:
    text = str(error)
    if "data-dependent control flow" in text:
        return "its path depends on the values of its tensors"
    operation = re.search(r"atching rule (?:not implemented )?for (aten::\w+)", text)
    if operation is not None:
        return f"it has no batching rule for {operation[1]}"
    return in_short(error)


def _random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.random.get_rng_state()
