"""readers: each turns what a user gave for an option, as text or as a value, into the value; or refuses it.

Names of rules, schedules and activations are looked up when one is read, so that the help of a command loads no NumPy.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from descend.errors import UsageError, nearest
from descend.options.kinds import Reading

Read = Callable[[str, Any], Any]


def refuse(name: str, given: Any, allowed: str, fix: str) -> UsageError:
    """Return the error for a value that an option does not allow."""
    return UsageError(f"{name} is {given!r}, it must be {allowed}", fix=fix, code=f"bad-{name.replace('_', '-')}")


def number(low: float, high: float, allowed: str, fix: str, *, open_low: bool = False, open_high: bool = False) -> Read:
    """Return a reader of finite numbers from low to high, with or without the ends."""

    def read(name: str, given: Any) -> float:
        try:
            value = float("nan") if isinstance(given, bool) else float(given)
        except (TypeError, ValueError, OverflowError):
            value = float("nan")
        inside = (value > low if open_low else value >= low) and (value < high if open_high else value <= high)
        if not (math.isfinite(value) and inside):
            raise refuse(name, given, allowed, fix)
        return value

    return read


def whole(low: int, allowed: str, fix: str, high: int = 2**63 - 1) -> Read:
    """Return a reader of whole numbers from low to high."""

    def read(name: str, given: Any) -> int:
        try:
            value = int(given) if not isinstance(given, bool) and float(given) == int(float(given)) else low - 1
        except (TypeError, ValueError, OverflowError):
            value = low - 1
        if not low <= value <= high:
            raise refuse(name, given, allowed, fix)
        return value

    return read


def word(*known: str) -> Read:
    """Return a reader of one of these words."""

    def read(name: str, given: Any) -> str:
        if given not in known:
            close = nearest(str(given), known) or known[:1]
            raise refuse(name, given, f"one of {', '.join(known)}", f"try {close[0]!r}")
        return str(given)

    return read


def either(keyword: str | None, read: Read) -> Read:
    """Return a reader of a keyword, such as "auto" or None, for which the word "none" stands too, or else of what `read` reads."""

    def both(name: str, given: Any) -> Any:
        if keyword is None and isinstance(given, str) and given == "none":
            return None
        return given if isinstance(given, type(keyword)) and given == keyword else read(name, given)

    return both


def batch(name: str, given: Any) -> int | str:
    """Read rows a step: a whole number, "full" or "auto"."""
    if isinstance(given, str) and given in ("auto", "full"):
        return given
    return int(whole(1, "a whole number of at least 1, full or auto", "try --batch auto")(name, given))


def switch(name: str, given: Any) -> bool:
    """Read True or False, of Python or of NumPy."""
    if type(given).__name__ not in ("bool", "bool_"):
        raise refuse(name, given, "True or False", "try True")
    return bool(given)


def text(name: str, given: Any) -> Any:
    """Read anything; the value is checked where it is used."""
    return given


def names(name: str, given: Any) -> tuple[str, ...]:
    """Read a word, such as a column name, or several; None is none."""
    if given is None or isinstance(given, str):
        return () if given is None else (given,)
    if not isinstance(given, Iterable):
        raise refuse(name, given, "a name or several", f"try {str(given)!r}")
    return tuple(str(g) for g in given)


def kinds(name: str, given: Any) -> tuple[str, ...]:
    """Read what columns are: a mapping of names to kinds, or "COL=KIND", one or several; each is one of the readings."""
    if isinstance(given, Mapping):
        given = [f"{column}={kind}" for column, kind in given.items()]
    entries = names(name, given)
    for entry in entries:
        column, equals, kind = entry.rpartition("=")
        if not (column and equals):
            raise refuse(name, entry, "COL=KIND", f"try {entry + '=text'!r}")
        Reading.of(kind)
    return entries


def betas(name: str, given: Any) -> tuple[float, float]:
    """Read two numbers of [0, 1), as a pair or as text such as "0.9,0.999"."""
    try:
        first, second = (float(b) for b in (given.split(",") if isinstance(given, str) else given))
    except (TypeError, ValueError):
        first, second = -1.0, -1.0
    if not (0 <= first < 1 and 0 <= second < 1):
        raise refuse(name, given, "two numbers of at least 0 and below 1", "try 0.9,0.999")
    return first, second


UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def duration(name: str, given: Any) -> float:
    """Read seconds: a number, or text such as "30s", "5m", "1.5h" or "500ms"."""
    match = re.fullmatch(r"\s*((?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(ms|s|min|m|h|)\s*", str(given))
    seconds = float(match[1]) * UNITS[match[2]] if match and not isinstance(given, bool) else -1.0
    if not 0 < seconds < math.inf:
        raise refuse(name, given, "a time above 0, such as 30s, 5m or 1h", "try 30s")
    return seconds


BYTES = {"": 1.0, "b": 1.0, **{f"{p}{s}": 1000.0**k for k, p in enumerate("kmgt", 1) for s in ("", "b")},
         **{f"{p}ib": 1024.0**k for k, p in enumerate("kmgt", 1)}}  # fmt: skip


def size(name: str, given: Any) -> int:
    """Read bytes: a number, or text such as "800MB", "1.5GB" or "2GiB"."""
    match = re.fullmatch(r"\s*((?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-z]*)\s*", str(given).lower())
    known = match is not None and not isinstance(given, bool) and match[2] in BYTES
    size = float(match[1]) * BYTES[match[2]] if match is not None and known else -1.0
    if not 1 <= size < 2.0**63:
        raise refuse(name, given, "a size of at least one byte, such as 800MB or 2GB", "try 2GB")
    return int(size)


def rows(name: str, given: Any) -> Any:
    """Read which rows are set aside: a share of them below 1, "none" or 0 for none, or the path of a file."""
    if given is None or (isinstance(given, str) and given == "none"):
        return 0.0
    try:
        share = float(given)
    except (TypeError, ValueError):
        return given
    if isinstance(given, bool) or not 0 <= share < 1:
        raise refuse(name, given, "a share of at least 0 and below 1, a file, or none", "try 0.2")
    return share


def optimizer(name: str, given: Any) -> Any:
    """Read "auto", names of variants separated by commas, "all", or a rule of the user's own."""
    from descend.plan import THE_EIGHT, variant
    from descend.plan.rule import Rule

    if callable(given) or isinstance(given, Rule) or (isinstance(given, str) and given == "auto"):
        return given
    chosen = tuple(part.strip() for part in given.split(",")) if isinstance(given, str) else ()
    if chosen == ("all",):
        chosen = THE_EIGHT
    if len(set(chosen) - {"", "auto", "all"}) < max(len(chosen), 1):
        raise refuse(name, given, "auto, all, a rule, or names with commas between, each once", "try 'gd,adam'")
    for one in chosen:
        variant(one)
    return ",".join(chosen)


def schedule(name: str, given: Any) -> str:
    """Read the name of a schedule, "plateau", "none", or "auto"."""
    from descend.schedules import SCHEDULES

    return str(word("none", *SCHEDULES, "plateau", "auto")(name, given))


def hidden(name: str, given: Any) -> tuple[int, ...]:
    """Read widths of hidden layers: a whole number, several, or text such as "64,64"; none for a linear model."""
    if given is None or (isinstance(given, str) and given in ("", "none")):
        return ()
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, Iterable) else (given,)
    return tuple(whole(1, "whole numbers of at least 1, with commas between", "try 64,64")(name, p) for p in parts)


def activation_name(name: str, given: Any) -> str:
    """Read the name of an activation."""
    from descend.activations import activation

    return activation(given).name


def init_name(name: str, given: Any) -> str:
    """Read the name of an initialisation."""
    from descend.initialisers import check_init

    return check_init(str(given))
