"""form: what a rule's constants and memories are called in torch, so that torch's own optimizers can take them over."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

from descend.errors import UsageError, nearest
from descend.plan.rule import Rule

# What an optimizer of torch has beside the constants of its rule.
FLAGS: dict[str, Any] = {
    "maximize": False, "foreach": None, "capturable": False, "differentiable": False, "fused": None,
}  # fmt: skip
SHARES = ("betas", "rho", "alpha")  # moving averages: at least 0 and below 1; all other constants are at least 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Form:
    """A rule as torch has it.

    Args:
        rule: how gradients become steps.
        options: the constants of each option that is named otherwise than the one constant that it holds; an option of
            several constants is a tuple.
        memories: the key of each memory that has another name in the state.
        shared: how many memories, the last ones, are one number for all coordinates of a parameter.
        counts: whether the state holds the number of steps; where it does not, the rule does not use t.
        eager: whether the state is made before the first step.
        fixed: options of torch's optimizer that the rule does not have, with the values that it stands for.
        checked: whether every constant is known to be at least 0, and a moving average's below 1.
    """

    rule: Rule
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    memories: Mapping[str, str] = field(default_factory=dict)
    shared: int = 0
    counts: bool = True
    eager: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)
    checked: bool = True

    def __deepcopy__(self, memo: dict[int, Any]) -> "Form":
        return self

    @cached_property
    def places(self) -> dict[str, tuple[str, ...]]:
        """The constants of each option, in the order of the rule."""
        owner = {constant: option for option, constants in self.options.items() for constant in constants}
        names = dict.fromkeys(owner.get(constant, constant) for constant in self.rule.constants)
        return {name: self.options.get(name, (name,)) for name in names}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Every option that can be given, with its default."""
        values = {
            option: tuple(self.rule.constants[c] for c in constants)
            if len(constants) > 1
            else self.rule.constants[constants[0]]
            for option, constants in self.places.items()
        }
        return {"weight_decay": 0.0, **values, **FLAGS}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The key of each memory in the state, in the order of the rule."""
        return tuple(self.memories.get(name, name) for name in self.rule.memory)

    @cached_property
    def own_keys(self) -> tuple[str, ...]:
        """The keys of the memories that have the shape of the parameter."""
        return self.keys[: len(self.keys) - self.shared]

    @cached_property
    def shared_keys(self) -> tuple[str, ...]:
        """The keys of the memories that are one number for all coordinates."""
        return self.keys[len(self.keys) - self.shared :]

    @cached_property
    def number_keys(self) -> tuple[str, ...]:
        """The keys of what is one number a parameter: the step counter, shared memories."""
        return (*(("step",) if self.counts else ()), *self.shared_keys)

    @cached_property
    def state_keys(self) -> tuple[str, ...]:
        """Every key of a state."""
        return (*self.own_keys, *self.number_keys)

    @cached_property
    def _where(self) -> tuple[tuple[str, int | None], ...]:
        """The option of each constant, and its place where the option is a tuple."""
        found = {
            constant: (option, at if len(constants) > 1 else None)
            for option, constants in self.places.items()
            for at, constant in enumerate(constants)
        }
        return tuple(found[constant] for constant in self.rule.constants)

    def values(self, group: Mapping[str, Any]) -> list[Any]:
        """Return the constants of a parameter group, in the order of the rule."""
        return [group[option] if at is None else group[option][at] for option, at in self._where]

    def l2(self, group: Mapping[str, Any]) -> float:
        """Return the coupled penalty: what is added to the gradient per weight."""
        return 0.0 if "weight_decay" in self.options else float(group["weight_decay"])

    def check(self, group: Mapping[str, Any], name: str) -> None:
        """Raise UsageError for an option of a parameter group that is out of range; name: of the optimizer."""
        for option, constants in {**self.places, "weight_decay": ("weight_decay",)}.items():
            given = group[option]
            if len(constants) > 1 and not (isinstance(given, tuple | list) and len(given) == len(constants)):
                raise UsageError(
                    f"{option} is {given!r}, it must be {len(constants)} numbers", fix=f"try {self.defaults[option]}",
                    code="option-range",
                )  # fmt: skip
            for value in given if len(constants) > 1 else (given,):
                self._check_number(option, value)
        if group["differentiable"]:
            raise UsageError(
                f"{name} does not take differentiable=True: its step is not recorded for backward",
                fix=f"call descend.rules.{self.rule.name} on tensors, which autograd follows", code="not-differentiable",
            )  # fmt: skip
        if group["foreach"] and group["fused"]:
            raise UsageError(
                f"{name} was given both foreach=True and fused=True, at most one of them can be true",
                fix="leave both out, the fastest way is chosen", code="foreach-and-fused",
            )  # fmt: skip

    def fits(self, group: Mapping[str, Any]) -> bool:
        """Tell whether a parameter group of an optimizer of torch is one of this rule."""
        options = {*self.places, *self.fixed} <= group.keys()
        return options and bool(self.fixed) and all(group[option] == value for option, value in self.fixed.items())

    def _check_number(self, option: str, value: Any) -> None:
        one = isinstance(value, int | float | Tensor) and not isinstance(value, bool)
        one = one and (not isinstance(value, Tensor) or value.numel() == 1)
        number = float(value) if one else math.nan
        low, high, allowed = 0.0, math.inf, "a finite number of at least 0"
        if self.checked and option in SHARES:
            high, allowed = 1.0, "at least 0 and below 1"
        elif not self.checked and option not in ("lr", "weight_decay"):
            low, allowed = -math.inf, "a finite number"
        if not low <= number < high or number == -math.inf:
            raise UsageError(
                f"{option} is {value!r}, it must be {allowed}", fix=f"try {self.defaults[option]!r}", code="option-range"
            )  # fmt: skip

    def refuse_unknown(self, given: Mapping[str, Any], name: str) -> None:
        """Raise UsageError for an option that there is not; name: of the optimizer."""
        known = self.defaults
        for option in given:
            if option not in known:
                raise UsageError(
                    f"{name} has no option {option!r}, it has {', '.join(known)}",
                    fix=f"try {(nearest(option, known) or ['lr'])[0]!r}", code="unknown-option",
                )  # fmt: skip
