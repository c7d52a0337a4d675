"""flags: from options to the flags of the command line, and back; from sentences with flags to sentences with keywords."""

import contextlib
import re
import shlex
from collections.abc import Iterator
from typing import Any

from descend.errors import DescendError
from descend.options.table import BY_NAME, OPTIONS, Options

FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*(?![\w-])(?: (?!--)[^\s;]*[^\s;,.])?")
NO_VALUES = ("or", "and", "in", "to", "of", "by", "with", "for", "is")  # words of a sentence that follow a flag


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
            flags += [
                option.flag,
                ",".join(map(str, value)) if isinstance(value, tuple) else "none" if value is None else str(value),
            ]
    return flags


def options_of_flags(line: str) -> dict[str, Any]:
    """Return the options that a line of flags stands for, a tuple where one is repeated; none where a word of it is no flag.

    >>> options_of_flags("--scale --lr 0.5"), options_of_flags("more rows")
    ({'scale': True, 'lr': '0.5'}, {})
    >>> options_of_flags("--null=-200"), options_of_flags("--null=-200 --null 99")
    ({'null': '-200'}, {'null': ('-200', '99')})
    """
    words, flags = shlex.split(line), _values_of_flags()
    found: dict[str, Any] = {}
    while words:
        word, joined, own = words.pop(0).partition("=")
        if joined:
            words.insert(0, own)
        if word not in flags or (joined and flags[word][1] is not None):
            return {}
        name, value = flags[word]
        if value is None and not words:
            return {}
        given = words.pop(0) if value is None else value
        found[name] = (*_as_tuple(found[name]), given) if name in found else given
    return found


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@contextlib.contextmanager
def in_keywords() -> Iterator[None]:
    """Let errors speak of keywords, for those who call Python; the command still says flags."""
    try:
        yield
    except DescendError as error:
        error.rephrase(keywords_of(error.what), keywords_of(error.fix))
        raise


def keywords_of(sentence: str) -> str:
    """Return a sentence with keywords in place of flags.

    >>> keywords_of("use --optimizer minibatch or leave out --val none"), keywords_of("add --hidden, such as --hidden 8,8")
    ('use optimizer="minibatch" or leave out validation="none"',
     'add hidden_layer_sizes, such as hidden_layer_sizes=(8, 8)')
    """
    return FLAG.sub(_keyword, sentence)


def _keyword(found: re.Match[str]) -> str:
    flag, _, word = found.group().partition(" ")
    name, value = _values_of_flags().get(flag, (flag[2:].replace("-", "_"), None))
    comma = "," if found.string.startswith(" --", found.end()) else ""
    rest = f" {word}" if word else comma
    if value is not None:
        return f"{name}={value}{rest}"
    if not word or word in NO_VALUES or not _is_value(name, word):
        return f"{name}{rest}"
    return f"{name}={_literal(word)}{comma}"


def _is_value(name: str, word: str) -> bool:
    """Whether an option takes this word as a value."""
    if name not in BY_NAME:
        return False
    try:
        BY_NAME[name].read(name, word)
    except DescendError:
        return word.isupper()  # a metavar, such as COL
    return True


def _literal(word: str) -> str:
    """A word as Python writes it: a number, a tuple of numbers, or text."""
    parts = word.split(",")
    if all(re.fullmatch(r"[-+]?\d+\.?\d*(e[-+]?\d+)?", part) for part in parts):
        return word if len(parts) == 1 else f"({', '.join(parts)})"
    return f'"{word}"'


def _values_of_flags() -> dict[str, tuple[str, bool | None]]:
    """Flag to option and value; None where the value is the next word."""
    flags: dict[str, tuple[str, bool | None]] = {}
    for option in OPTIONS:
        on, _, off = option.flag.partition("/")
        flags[on] = (option.name, True if off else None)
        if off:
            flags[off] = (option.name, False)
    return flags
