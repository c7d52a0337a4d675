"""optimizer: a rule as an optimizer of torch."""

import inspect
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim import optimizer as of_torch

from descend.errors import UsageError
from descend.plan.rule import Rule
from descend.plan.rule import rule as as_rule
from descend.torch.form import Form
from descend.torch.placement import Batch
from descend.torch.state import start_state, take_over
from descend.torch.update import step_group

Parameters = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any]


class Descent(Optimizer):
    """Any update rule as an optimizer of torch: one of `descend.rules`, or a function of your own like them.

    Args:
        params: parameters, named parameters, or groups of them with options of their own.
        rule: a function `(g, memory..., t, lr=..., constants=...)`, or the name of one.
        lr: learning rate, a number or a tensor; the rule's own default where it is left out.
        options: the rule's constants; `weight_decay`, which adds weight_decay * w to the gradient (a rule's constant
            `decay` is decoupled instead); `maximize`; `capturable`, for CUDA graphs. `foreach` and `fused` are accepted
            and change nothing.

    Raises UsageError for an option that there is not, or one that is out of range.

    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = Descent([w], lambda g, m, t, lr=0.1, beta=0.5: (lr * (beta * m + g), beta * m + g))
    >>> w.square().sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    form: Form
    _last: tuple[Batch | None, ...] = ()  # of each group

    def __init__(
        self,
        params: Parameters,
        rule: str | Rule | Callable[..., Any],
        lr: float | Tensor | None = None,
        **options: Any,
    ) -> None:
        self.form = Form(rule=as_rule(rule), checked=False)
        self._begin(params, lr, options)

    def _begin(self, params: Parameters, lr: float | Tensor | None, options: dict[str, Any]) -> None:
        name = type(self).__name__
        self.form.refuse_unknown(options, name)
        given = options if lr is None else {"lr": lr, **options}
        if not isinstance(params, Iterable):
            raise UsageError(
                f"{name} was given a {type(params).__name__}, it takes parameters, or groups of them",
                fix="pass model.parameters()", code="no-parameters",
            )  # fmt: skip
        if not isinstance(params, Tensor):
            params = list(params)
            if not params or all(isinstance(group, dict) and not _held(group) for group in params):
                raise UsageError(
                    f"{name} was given no parameters, it needs at least one", fix="pass model.parameters()",
                    code="no-parameters",
                )  # fmt: skip
        super().__init__(params, {**self.form.fixed, **self.form.defaults, **given})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters with options of its own; raises UsageError for a parameter that is there already."""
        if isinstance(param_group, dict) and not isinstance(_held(param_group), Tensor | set):
            self._refuse_twice(param_group["params"])
        super().add_param_group(param_group)
        group, name = self.param_groups[-1], type(self).__name__
        try:
            self._refuse_other_rule(self.form, group)
            self.form.check(group, name)
            if group["capturable"] and any(p.is_cpu for p in group["params"]):
                raise UsageError(
                    f"{name} was given capturable=True and parameters in the memory of the CPU, where there are no graphs",
                    fix="leave it out", code="capturable-on-cpu",
                )  # fmt: skip
        except UsageError:
            del self.param_groups[-1]
            raise
        if self.form.eager:
            for p in group["params"]:
                self.state[p].update(start_state(self.form, group, p))

    def _refuse_other_rule(self, form: Form, group: dict[str, Any]) -> None:
        wrong = [option for option, value in form.fixed.items() if group.get(option, value) != value]
        if wrong:
            given, own = (", ".join(f"{option}={of[option]!r}" for option in wrong) for of in (group, form.fixed))
            fits = [kind.__name__ for kind in Named.__subclasses__() if kind.form.fits(group)]
            raise UsageError(
                f"{type(self).__name__} stands for {own}, and the group has {given}",
                fix=f"use {fits[0]}" if fits else "torch.optim has an optimizer for it, descend.torch has none",
                code="other-rule",
            )  # fmt: skip

    def _refuse_twice(self, params: list[Any]) -> None:
        seen = {id(p) for group in self.param_groups for p in group["params"]}
        for at, given in enumerate(params):
            named, p = given if isinstance(given, tuple) else (f"number {at + 1} of its group", given)
            if id(p) in seen:
                raise UsageError(
                    f"parameter {named} is given twice, each must be in one group once",
                    fix="leave out the second, model.parameters() has each once", code="parameter-twice",
                )  # fmt: skip
            seen.add(id(p))

    def step(self, closure: Closure | None = None) -> Any:
        """Move every parameter that has a gradient; return the loss of the closure, where one is given."""
        hooks = self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks
        if hooks or of_torch._global_optimizer_pre_hooks or of_torch._global_optimizer_post_hooks or _is_profiled():
            return _with_hooks(self, closure)
        return self._advance(closure)

    step.hooked = True  # type: ignore[attr-defined]  # torch would wrap it, at a cost of several small steps

    def _advance(self, closure: Closure | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._refuse_other_rule(self.form, group)  # a scheduler may have turned momentum on
        groups = zip_longest(self.param_groups, self._last[: len(self.param_groups)])
        self._last = tuple([step_group(self.form, group, self.state, last) for group, last in groups])
        return loss

    def __getstate__(self) -> dict[str, Any]:
        own = {"form": self.form} if "form" in self.__dict__ else {}
        return {**super().__getstate__(), **own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        form, name = state.get("form") or self.form, type(self).__name__
        for group in state["param_groups"]:
            for option, default in {**form.fixed, **form.defaults}.items():
                group.setdefault(option, default)
            self._refuse_other_rule(form, group)
            form.check(group, name)
        for p, kept in state["state"].items():
            if isinstance(p, Tensor):
                take_over(form, name, p, kept)
        super().__setstate__(state)


class Named(Descent):
    """An optimizer of one rule; `form` says which, and what torch calls its constants and memories."""

    def __init__(self, params: Parameters, lr: float | Tensor | None = None, **options: Any) -> None:
        self._begin(params, lr, options)

    def __init_subclass__(cls) -> None:
        kind = inspect.Parameter
        defaults = cls.form.defaults
        given = [
            kind("params", kind.POSITIONAL_OR_KEYWORD),
            kind("lr", kind.POSITIONAL_OR_KEYWORD, default=defaults["lr"]),
        ]
        rest = [kind(name, kind.KEYWORD_ONLY, default=value) for name, value in defaults.items() if name != "lr"]
        cls.__signature__ = inspect.Signature([*given, *rest])


def _held(group: dict[str, Any]) -> Any:
    """What a group holds, made a list that can be read again; raises UsageError for a group that holds nothing."""
    if "params" not in group:
        raise UsageError(
            f"a group has {', '.join(map(str, group)) or 'nothing'} and no params", fix='give {"params": [...], "lr": ...}',
            code="no-parameters",
        )  # fmt: skip
    if not isinstance(group["params"], Tensor | set):
        group["params"] = list(group["params"])
    return group["params"]


def _is_profiled() -> bool:
    return torch.autograd._profiler_enabled()


_with_hooks = Optimizer.profile_hook_step(Descent._advance)
