"""Events: notes and progress as JSON lines, live, for programs that watch a training."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from descend.cli.output import json_text
from descend.errors import OutputError


@contextlib.contextmanager
def recorder(place: str | None, force: bool) -> Iterator[Callable[[Any], None]]:
    """Yield a listener that writes each event as one line to a file, or to standard output for "-".

    Raises OutputError when the file exists already, or cannot be opened. A write that fails later ends the recording,
    not the training.
    """
    if place is None:
        yield lambda heard: None
        return
    stream = sys.stdout if place == "-" else _open(place, force)
    broken = False

    def record(heard: Any) -> None:
        nonlocal broken
        try:
            if not broken:
                stream.write(json_text(event(heard), stream) + "\n")
                stream.flush()
        except BrokenPipeError:
            broken = True
            if place == "-":
                raise
        except OSError as error:
            broken = True
            sys.stderr.write(f"events   no longer written: {(error.strerror or str(error)).lower()}\n")

    try:
        yield record
    finally:
        if place != "-":
            with contextlib.suppress(OSError):
                stream.close()


def event(heard: Any) -> dict[str, Any]:
    """Return what a listener heard as a document: a note, or the progress of training."""
    return {"event": "note" if hasattr(heard, "topic") else "progress", **asdict(heard)}


def _open(place: str, force: bool) -> Any:
    if os.path.isfile(place) and not force:
        raise OutputError(
            f"the events file {place!r} exists already", fix="name another, or add --force", code="file-exists"
        )
    try:
        return Path(place).open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise OutputError(
            f"the events file {place!r} cannot be written: {why}", fix="name another file", code="cannot-write"
        ) from error
