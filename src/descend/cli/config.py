"""Config: what was asked for, and where: flag, then --config FILE, then pyproject.toml, then the default."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descend.errors import UsageError, nearest
from descend.options import BY_NAME, OPTIONS, Option
from descend.options.readers import betas, hidden, kinds, names, text

OUTSIDE = ("target", "run_dir")  # settings of the command line that are no options of training
PYPROJECT = "pyproject.toml"


@dataclass(frozen=True)
class Given:
    """A value that somebody gave.

    Args:
        value: as given, and once checked, as read.
        source: "flag", the file's name, or "default".
        called: what errors call it, such as "--lr".
    """

    value: Any
    source: str
    called: str


def gather(flags: Mapping[str, Any], file: str | None, folder: Path = Path()) -> dict[str, Given]:
    """Return every value that was given, checked, by the name of its option.

    Args:
        flags: what was typed, by option name; None and () mean not typed.
        file: the file after --config, or None.
        folder: where pyproject.toml is looked for.

    Raises UsageError for an unknown key and a value that is not allowed.
    """
    given = {**_pyproject(folder), **(_file(file) if file else {})}
    for name, value in flags.items():
        if value is not None and value != ():
            flag = BY_NAME[name].flag.partition("/")[0] if name in BY_NAME else f"--{name.replace('_', '-')}"
            given[name] = Given(value, "flag", flag)
    return {name: _read(name, one) for name, one in _with_time(given).items()}


def describe(given: Mapping[str, Given]) -> dict[str, Given]:
    """Return the value of every setting and where it came from, defaults included."""
    defaults = {name: Given(None, "default", name) for name in OUTSIDE}
    defaults |= {option.name: Given(option.default, "default", option.name) for option in OPTIONS}
    return {**defaults, **given}


def key(name: str) -> str:
    """Return how a setting is called in a file: as its flag, without dashes before it.

    >>> key("time_budget"), key("batch_size"), key("scale")
    ('time', 'batch', 'scale')
    """
    return BY_NAME[name].flag.partition("/")[0].removeprefix("--") if name in BY_NAME else name.replace("_", "-")


def toml(value: Any) -> str | None:
    """Return a value as TOML, or None when TOML has no word for it.

    >>> toml((0.9, 0.999)), toml("auto"), toml(None)
    ('[0.9, 0.999]', '"auto"', None)
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(str(toml(v)) for v in value)}]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in escaped) + '"'


def _pyproject(folder: Path) -> dict[str, Given]:
    path = folder / PYPROJECT
    if not path.is_file():
        return {}
    table = _toml(path).get("tool", {})
    own = table.get("descend", {}) if isinstance(table, dict) else {}
    return _keys(own, PYPROJECT, f"[tool.descend] of {PYPROJECT}")


def _file(name: str) -> dict[str, Given]:
    return _keys(_toml(Path(name)), name, name)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(f"{str(path)!r} cannot be read: {why}", fix="name a TOML file", code="bad-config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        why = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is no UTF-8 text"
        raise UsageError(f"{str(path)!r} is not TOML: {why}", fix="mend that place", code="bad-config") from error


def _keys(table: Any, source: str, where: str) -> dict[str, Given]:
    if not isinstance(table, dict):
        raise UsageError(f"{where} is no table", fix='write keys such as lr = "auto"', code="bad-config")
    found: dict[str, Given] = {}
    known = {key(name): name for name in (*OUTSIDE, *BY_NAME)}
    for word, value in table.items():
        name = known.get(word.replace("_", "-"), word.replace("-", "_"))
        if name not in BY_NAME and name not in OUTSIDE:
            close = nearest(word, known) or ["optimizer"]
            raise UsageError(f"{where} has the unknown key {word!r}", fix=f"try {close[0]!r}", code="unknown-option")
        if name in found:
            raise UsageError(f"{where} gives {key(name)!r} twice", fix="keep one of them", code="bad-config")
        found[name] = Given(_allowed(name, value, word, where), source, f"{word} in {where}")
    return found


def _allowed(name: str, value: Any, word: str, where: str) -> Any:
    """Refuse what a flag could never be: a table, a date, a list where one value is asked for."""
    option = BY_NAME.get(name)
    several = option is not None and (option.read in (names, kinds, betas, hidden))
    plain = (str,) if option is None or option.read in (names, kinds, text) else (str, int, float, bool)
    ok = isinstance(value, plain) or (
        several and isinstance(value, list) and all(isinstance(v, (str, float, int)) for v in value)
    )
    if not ok:
        allowed = "a text or a list of texts" if several else "a text" if plain == (str,) else "a single value"
        raise UsageError(f"{word} in {where} is {value!r}, it must be {allowed}", fix="mend it", code="bad-config")
    return tuple(value) if isinstance(value, list) else value


def _with_time(given: dict[str, Given]) -> dict[str, Given]:
    """Sort out --time, which is the time budget, or the time column when it holds no duration."""
    budget = given.get("time_budget")
    if budget is None:
        return given
    found = dict(given)
    del found["time_budget"]
    for value in budget.value if isinstance(budget.value, tuple) else (budget.value,):
        name = "time_budget" if _like_duration(value) else "time"
        if name == "time" and "time" in given and given["time"].source == budget.source:
            raise UsageError(
                f"{budget.called} is {value!r}, and the time column is {given['time'].value!r} already",
                fix="give --time a duration such as 30s",
                code="contradiction",
            )
        found[name] = Given(value, budget.source, budget.called)
    return found


def _like_duration(value: Any) -> bool:
    """A text that starts as a number, or is a number, was meant as a duration, right or wrong."""
    return not isinstance(value, str) or re.match(r"\s*[-+.\d]|\s*$|nan|inf", value, re.IGNORECASE) is not None


def _read(name: str, one: Given) -> Given:
    option = BY_NAME.get(name)
    return one if option is None else Given(_checked(option, one), one.source, one.called)


def _checked(option: Option, one: Given) -> Any:
    try:
        return option.read(option.name, one.value)
    except UsageError as error:
        what = error.what
        if what.startswith(f"{option.name} is "):
            what = one.called + what[len(option.name) :]
        raise UsageError(what, fix=error.fix, code=error.code) from None
