"""Loading: a run folder, and a table read as the run's own was, unless flags say otherwise."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descend.errors import DataError
from descend.options import BY_NAME, Options

if TYPE_CHECKING:
    from descend.run.record import Run


def check_input(data: str) -> None:
    """Raise DataError when standard input is asked for and nothing can come from it."""
    if data == "-" and (sys.stdin is None or sys.stdin.isatty()):
        what = "closed" if sys.stdin is None else "a terminal"
        raise DataError(f"standard input is {what}", fix="pipe a table in, or name a file", code="no-input")


def load_run(folder: str) -> Any:
    """Return the run of a folder; raises ModelError when it is none."""
    from descend.run.document import load

    return load(folder)


def load_table(data: str, run: "Run", reading: Mapping[str, Any]) -> Any:
    """Return the table of a path or of standard input."""
    check_input(data)
    from descend.table.prepare import load

    return load(data, reading_options(run.options, reading), run.model.readings)


def reading_options(options: Options, reading: Mapping[str, Any]) -> Options:
    """Return how to read: what was typed, else what the run was told; the format goes by the file."""
    given = {name: value for name, value in reading.items() if value not in (None, ())}
    typed = {name: BY_NAME[name].read(BY_NAME[name].flag, value) for name, value in given.items()}
    return options.replace(input_format="auto", **typed)


@contextlib.contextmanager
def at_hand(data: str) -> Iterator[str]:
    """Yield a path that can be read more than once: standard input becomes a file for the while."""
    if data != "-":
        yield data
        return
    from descend.table.files import spool

    check_input(data)
    path = spool(sys.stdin.buffer)
    try:
        yield str(path)
    except DataError as error:
        what = error.what.replace(f"the file {str(path)!r}", "standard input")
        raise DataError(what, fix=error.fix, code=error.code) from None
    finally:
        path.unlink()


def named(table: Any, data: str) -> Any:
    """Return the table under the name that people know it by."""
    return replace(table, source=replace(table.source, name="standard input" if data == "-" else Path(data).name))
