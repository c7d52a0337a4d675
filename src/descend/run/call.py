"""call: what a checkpoint says of its training, so that it can be called again from its folder, and told from another one."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from descend.cluster.agreement import PLAIN, differences
from descend.errors import ModelError, ResumeError
from descend.options import Options
from descend.store.strict import check_schema, parse
from descend.training.checkpoint import CALL

SCHEMA = "descend.call/1"
FILES = ("data", "test", "validation")  # arguments that may name a file; a column of the name of a file is none
MOST_SHOWN = 3  # differences in one sentence (arbitrary)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of `train`.

    Args:
        data: the file; None for what is none.
        target: the name of a column; None for what is none.
        options: what was set, by name.
        objects: arguments that are no text and no numbers, such as a data frame: no file holds them.
        facts: what decides the result, see `cluster.agreement.facts`.
    """

    data: str | None
    target: str | None
    options: dict[str, Any]
    objects: tuple[str, ...]
    facts: dict[str, str]


def call_of(data: Any, target: Any, options: Options, facts: dict[str, str]) -> Call:
    """Return a call as its checkpoint keeps it."""
    given = {"data": data, "target": target, **{name: getattr(options, name) for name in sorted(options.user_set)}}
    kept = {name: _plain(name, value) for name, value in given.items() if isinstance(value, (*PLAIN, os.PathLike))}
    if isinstance(data, str) and data == "-":
        del kept["data"]  # standard input can be read once
    objects = tuple(name for name in given if name not in kept)
    path, column = kept.pop("data", None), kept.pop("target", None)
    return Call(data=path, target=column, options=kept, objects=objects, facts=facts)


def _plain(name: str, value: Any) -> Any:
    """An argument as JSON has it; a file by its whole path, wherever it will be read from."""
    is_file = name in FILES and isinstance(value, str | os.PathLike) and Path(value).is_file()
    return os.path.abspath(value) if is_file else os.fspath(value) if isinstance(value, os.PathLike) else value


def pack(call: Call) -> bytes:
    """Return the file of a call."""
    return json.dumps({"schema": SCHEMA, **asdict(call)}, ensure_ascii=False, indent=1).encode()


def read_call(folder: Path) -> Call | None:
    """Return the call that a checkpoint folder tells of; None where there is none, or it is damaged."""
    place = folder / CALL
    try:
        document = parse(place.read_bytes(), repr(str(place)), "it")
        check_schema(document, SCHEMA, repr(str(place)))
        known = {k: v for k, v in document.items() if k != "schema"}
        return Call(**{**known, "objects": tuple(known["objects"])})
    except (OSError, ModelError, KeyError, TypeError):
        return None


def refuse_other(folder: Path, facts: Mapping[str, str]) -> None:
    """Raise ResumeError where the checkpoint in a folder is of other data, options or versions than these."""
    call = read_call(folder)
    apart = [] if call is None else list(differences(call.facts, facts))
    if apart:
        listed = ", ".join(f"{what} {then} then and {now} now" for what, then, now in apart[:MOST_SHOWN])
        more = f", and {len(apart) - MOST_SHOWN:,} more" if len(apart) > MOST_SHOWN else ""
        raise ResumeError(
            f"the checkpoint {os.fspath(folder)!r} is of another training: {listed}{more}",
            fix="give the data and options that it had, or begin anew without --resume", code="other-training",
        )  # fmt: skip
