"""Rule: a plain function plus what its signature says about it."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from descend import rules
from descend.errors import UsageError, nearest


@dataclass(frozen=True, eq=False)
class Rule:
    """An update rule read from the signature of a function `(g, memory..., t, constants=...)`.

    Args:
        update: maps gradient, memory, t and constants to (step, new memory...).
        memory: memory names with their start values, such as {"m": 0.0, "v": 0.0}.
        constants: constant names with their defaults; `lr` is one of them.

    >>> Rule.of(rules.adam).memory
    {'m': 0.0, 'v': 0.0}
    """

    update: Callable[..., tuple[Any, ...]]
    memory: dict[str, float]
    constants: dict[str, float]

    @classmethod
    def of(cls, update: Callable[..., tuple[Any, ...]]) -> "Rule":
        """Read a rule; raises UsageError when the signature is not a rule's."""
        parameters = inspect.signature(update).parameters
        names = list(parameters)
        if names[:1] != ["g"] or "t" not in names or "lr" not in names[names.index("t") + 1 :]:
            raise _not_a_rule(update, "a rule reads (g, memory..., t, lr=..., constants=...)")
        at = names.index("t")
        memory = {n: _number(update, n, parameters[n].default, 0.0) for n in names[1:at]}
        constants = {n: _number(update, n, parameters[n].default, None) for n in names[at + 1 :]}
        return cls(update, memory, constants)

    @property
    def name(self) -> str:
        """The function's name."""
        return self.update.__name__

    @property
    def summary(self) -> str:
        """The first line of the function's docstring, or nothing."""
        return (inspect.getdoc(self.update) or "").partition("\n")[0]

    def with_constants(self, **given: float) -> dict[str, float]:
        """Return all constants, the given ones replacing defaults; raises UsageError for an unknown name."""
        for name in given:
            if name not in self.constants:
                raise UsageError(
                    f"the rule {self.name} has no constant {name!r}, it has {', '.join(self.constants)}",
                    fix=f"try {(nearest(name, self.constants) or ['lr'])[0]!r}",
                    code="unknown-constant",
                )
        return {**self.constants, **given}


def rule(given: "str | Rule | Callable[..., tuple[Any, ...]]") -> Rule:
    """Return the rule of that name, or the rule that a function is; raises UsageError for an unknown name.

    >>> rule("adam").constants["beta1"]
    0.9
    """
    if isinstance(given, Rule):
        return given
    if callable(given):
        return Rule.of(given)
    if given not in RULES:
        raise UsageError(
            f"there is no rule {given!r}, there are {', '.join(RULES)}",
            fix=f"try {' or '.join(map(repr, nearest(str(given), RULES) or ['adam']))}",
            code="unknown-rule",
        )
    return RULES[given]


def fingerprint(f: Any) -> str:
    """Return a hash that changes when the code of `f`, or of a function or constant that it names, changes.

    Comments, docstrings and line numbers do not count.
    """
    return hashlib.sha256(repr(_describe(f, set())).encode()).hexdigest()[:16]


def _describe(f: Any, seen: set[Any]) -> object:
    code = getattr(f, "__code__", None)
    if code is None or code in seen:
        return repr(f) if isinstance(f, (int, float, str, bool)) else getattr(f, "__qualname__", type(f).__name__)
    seen.add(code)
    constants = [c if not hasattr(c, "co_code") else c.co_code for c in code.co_consts if c != f.__doc__]
    cells = [c.cell_contents for c in f.__closure__ or ()]
    used = [f.__globals__[n] for n in code.co_names if n in f.__globals__]
    return (code.co_code, constants, code.co_names, [_describe(x, seen) for x in (*cells, *used)], f.__defaults__)


def _number(update: Callable[..., Any], name: str, default: Any, missing: float | None) -> float:
    if default is inspect.Parameter.empty:
        default = missing
    if isinstance(default, bool) or not isinstance(default, (int, float)):
        raise _not_a_rule(update, f"its constant {name!r} needs a number as default")
    return float(default)


def _not_a_rule(update: Callable[..., Any], why: str) -> UsageError:
    given = f"{getattr(update, '__name__', update)}{inspect.signature(update)}"
    return UsageError(f"{given} is not a rule: {why}", fix="compare descend.rules.adam", code="not-a-rule")


RULES: dict[str, Rule] = {
    name: Rule.of(f) for name, f in vars(rules).items() if inspect.isfunction(f) and f.__module__ == rules.__name__
}
