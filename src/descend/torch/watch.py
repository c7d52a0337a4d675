"""watch: what is wrong with a training loop of one's own, while it runs."""

import contextlib
import logging
import math
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.module import register_module_forward_hook
from torch.optim import Optimizer

from descend import store
from descend.diagnosis import Finding, diagnose_loop
from descend.diagnosis.steps import Failure
from descend.errors import UsageError
from descend.text import counted
from descend.torch.freezing import frozen_by_train
from descend.torch.objective import check_parameters, is_lazy
from descend.torch.recorder import Recorder
from descend.torch.replay import Inputs, Place, finite, first_nonfinite
from descend.torch.replicas import Replicas, replicas_of
from descend.torch.run_folder import Watched, write

EVERY = 100  # steps: a sampled one took 1.2 times as long, on a convolutional network and on a transformer block
FIRST = 3  # steps that are sampled whatever `every` says: the fewest from which missing gradients are read

# What torch 2.13 keeps of a hook with keywords that was removed; torch.compile warns as long as there is one.
HOOKS_WITH_KEYWORDS: dict[int, bool] = getattr(torch.nn.modules.module, "_global_forward_hooks_with_kwargs", {})

logger = logging.getLogger("descend")


class Watch:
    """A training loop that is watched, see `watch`.

    Args:
        findings: what is wrong, the most severe first.
        inputs: what the model was called with last; at the end the batch that failed, or None.
    """

    def __init__(
        self, model: Module, optimizers: Sequence[Optimizer], run: str | os.PathLike[str] | None, every: int
    ) -> None:  # fmt: skip
        self.model, self.every = model, every
        self.run = None if run is None else Path(run)
        self.findings: tuple[Finding, ...] = ()
        self.inputs: Inputs | None = None
        self._recorder = Recorder(model, optimizers)
        self._handles: list[Any] = []
        self._place: Place | None = None  # of the first NaN or inf, found before a step was taken
        self._failure: Failure | None = None
        self._replicas: Replicas | None = None
        self._thawed = tuple[str, ...]()
        self._begun, self._replays = 0.0, False
        self._said: set[str] = set()  # codes of the findings that were logged

    def __enter__(self) -> "Watch":
        if self.run is not None:
            store.check_folder(self.run, force=False)
        handle: Any = register_module_forward_hook(self._called, with_kwargs=True)
        for hook in list((handle.hooks_dict_ref() or {}).values()):  # of a loop that was left without an end
            other = getattr(hook, "__self__", None)
            if isinstance(other, Watch) and other is not self and other.model is self.model:
                other._detach()
        self._handles = [handle]
        for optimizer in self._recorder.optimizers:
            self._handles.append(optimizer.register_step_pre_hook(self._before_step))
            self._handles.append(optimizer.register_step_post_hook(self._after_step))
        self._replicas = replicas_of(self.model)
        self._begun = time.monotonic()
        self._recorder.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self._detach()
        if self._replicas is not None:
            self._replicas.hear()
        with contextlib.suppress(Exception) if error is not None else contextlib.nullcontext():
            self._diagnose()
            if self.run is not None:
                write(self.run, self.watched())
        if self._failure is None:
            self.inputs = None

    def step(self, loss: Tensor | float) -> None:
        """Tell that a step is done, and its loss."""
        recorder = self._recorder
        sampled = recorder.samples
        value = float(loss.detach()) if isinstance(loss, Tensor) else float(loss)
        recorder.end()
        recorder.after_loss(value)
        steps = len(recorder.losses)
        if steps == 1:
            self._thawed = frozen_by_train(self.model)
        heard = self._replicas is not None and steps >= FIRST and self._replicas.after_step(self.inputs)
        failed = self._failure is None and (self._place is not None or not math.isfinite(value))
        if failed:
            self._fail(steps, value)
        if sampled or failed or heard:
            self._diagnose()
        if self._handles and self._failure is None and (steps < FIRST or (steps + 1) % self.every == 0):
            recorder.begin()

    @property
    def failed(self) -> bool:
        """Whether a NaN or inf was seen."""
        return self._failure is not None

    def _fail(self, step: int, value: float) -> None:
        place = self._place or self._replay() or Place("the loss")
        if place.name.startswith("the gradient") and not math.isfinite(value):
            place = Place("the loss")  # whose inputs are finite, and whose gradients are not
        self._failure = Failure(step=step, place=place.name, rows=place.rows)

    def _replay(self) -> Place | None:
        self._replays = True
        try:
            return first_nonfinite(self.model, self.inputs)
        finally:
            self._replays = False

    def _called(self, module: Module, args: Any, kwargs: Any, output: Any) -> None:
        if torch.compiler.is_compiling() or module is not self.model or self._replays:
            return
        if torch.is_grad_enabled():
            self._recorder.note_input((args, kwargs))
            if self._failure is None and self._place is None:
                self.inputs = Inputs(args, kwargs)
        else:
            self._recorder.after_evaluation()

    def _before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self._recorder.before_step()
        if self._place is None and not self._gradients_are_finite(optimizer):
            self._place = self._replay()

    def _gradients_are_finite(self, optimizer: Optimizer) -> bool:
        """Whether the first and the last gradient are: a NaN or inf that is anywhere reaches one of them, or the next loss."""
        first, last = optimizer.param_groups[0]["params"][:2], optimizer.param_groups[-1]["params"][-2:]
        given = ([p.grad for p in part if p.grad is not None] for part in (first, last))
        ends = [min(part, key=Tensor.numel) for part in given if part]  # of weights and bias, the bias
        return all(finite(g) for g in ends if g.is_cpu or self._recorder.samples)

    def _after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self._recorder.after_step()

    def _detach(self) -> None:
        for handle in self._handles:
            handle.remove()
            HOOKS_WITH_KEYWORDS.pop(getattr(handle, "id", -1), None)
        self._handles = []
        self._recorder.end()

    def _diagnose(self) -> None:
        recorder = self._recorder
        loop = replace(recorder.loop(), thawed=self._thawed)
        if self._replicas is not None:
            loop = replace(loop, ranks=self._replicas.world, alike=self._replicas.alike, apart=self._replicas.apart)
        found = (*diagnose_loop(recorder.loop_of_scores()), *diagnose_loop(loop, recorder.steps(self._failure)))
        self.findings = tuple(sorted(found, key=lambda finding: finding.level.rank))
        for finding in self.findings:
            if finding.code not in self._said:
                self._said.add(finding.code)
                place = f"{self.run}  " if self.run is not None else ""
                logger.warning("%s%s %s (step %d)", place, finding.code, finding.text, len(recorder.losses))

    def watched(self) -> Watched:
        """Return what was seen so far."""
        recorder = self._recorder
        return Watched(
            model=type(self.model).__name__, parameters=sum(p.numel() for p in self.model.parameters()),
            optimizers=tuple(type(o).__name__ for o in recorder.optimizers), losses=tuple(recorder.losses),
            steps=recorder.steps(self._failure), findings=self.findings, seconds=time.monotonic() - self._begun,
        )  # fmt: skip

    def __repr__(self) -> str:
        losses = self._recorder.losses
        ends = f", loss {losses[0]:.4g} → {losses[-1]:.4g}" if losses else ""
        lines = [f"{counted(len(losses), 'step')} watched{ends}"]
        lines += [f"{f.code} {f.text}; {' or '.join(f.fix)}" for f in self.findings] or ["nothing to mend"]
        return "\n".join(lines)


def watch(
    model: Module, optimizer: Optimizer | Sequence[Optimizer] | None = None, *,
    run: str | os.PathLike[str] | None = None, every: int = EVERY,
) -> Watch:  # fmt: skip
    """Return a context in which a training loop is watched; call its `step(loss)` at the end of every step.

    Findings are logged (logger "descend") when they are first seen, and are in `.findings`. Nothing is stored on the
    model, and all hooks are gone at the end.

    Args:
        model: any module, as the loop calls it.
        optimizer: all that move its parameters; None where the loop moves them itself.
        run: a folder for findings, losses and report, which `descend doctor` reads.
        every: sample each so many steps; the first three are sampled always.

    Raises UsageError for what is no optimizer or no module, and for a model without parameters or with lazy layers; OutputError where the
    run folder cannot be written.

    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> x, y = torch.eye(4, 2), torch.ones(4, 1)
    >>> with watch(model, optimizer) as w:
    ...     for _ in range(30):
    ...         optimizer.zero_grad()
    ...         loss = torch.nn.functional.mse_loss(model(x), y)
    ...         loss.backward()
    ...         optimizer.step()
    ...         w.step(loss)
    >>> w.findings
    ()
    """
    optimizers = [] if optimizer is None else [optimizer] if isinstance(optimizer, Optimizer) else list(optimizer)
    wrong = (
        model if not isinstance(model, Module) else next((o for o in optimizers if not isinstance(o, Optimizer)), None)
    )
    if wrong is not None:
        raise UsageError(
            f"watch was given a {type(wrong).__name__}, it takes a torch.nn.Module and the optimizers of the loop",
            fix="call watch(model, optimizer)", code="not-watchable",
        )  # fmt: skip
    check_parameters(model)
    if is_lazy(model):
        raise UsageError(
            f"layers of the model {type(model).__name__} wait for their first batch to know their sizes",
            fix="call the model once on a batch, then make the optimizer and the watch", code="lazy-layers",
        )  # fmt: skip
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise UsageError(f"every is {every!r}, it must be a whole number above 0", fix="try 100", code="every-range")
    return Watch(model, optimizers, run, every)
