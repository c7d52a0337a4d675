"""flags: from options to the flags of the command line, and back."""

import shlex
from typing import Any

from descend.options.table import OPTIONS, Options


def flags_of_options(options: Options) -> list[str]:
    """Return the flags that stand for options, those at their defaults left out.

    >>> from descend.options import read_options
    >>> flags_of_options(read_options({"scale": False, "hidden_layer_sizes": (8, 4)}))
    ['--hidden', '8,4', '--no-scale']
    """
    flags: list[str] = []
    for option in (o for o in OPTIONS if o.name in options.user_set):
        value = getattr(options, option.name)
        if isinstance(value, bool):
            flags.append(option.flag.split("/")[0 if value else 1])
        elif isinstance(value, tuple) and option.name not in ("betas", "hidden_layer_sizes"):
            flags += [part for item in value for part in (option.flag, str(item))]
        else:
            flags += [option.flag, ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
    return flags


def options_of_flags(line: str) -> dict[str, Any]:
    """Return the options that a line of flags stands for; none where a word of it is no flag.

    >>> options_of_flags("--scale --lr 0.5"), options_of_flags("more rows")
    ({'scale': True, 'lr': '0.5'}, {})
    """
    words, found, flags = shlex.split(line), {}, _values_of_flags()
    while words:
        word = words.pop(0)
        if word not in flags:
            return {}
        name, value = flags[word]
        if value is None and not words:
            return {}
        found[name] = words.pop(0) if value is None else value
    return found


def _values_of_flags() -> dict[str, tuple[str, bool | None]]:
    """Flag to option and value; None where the value is the next word."""
    flags: dict[str, tuple[str, bool | None]] = {}
    for option in OPTIONS:
        on, _, off = option.flag.partition("/")
        flags[on] = (option.name, True if off else None)
        if off:
            flags[off] = (option.name, False)
    return flags
