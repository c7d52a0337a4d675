"""events: notes and progress as JSON lines, live, for programs that watch a training."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from descend.cli.output import json_text
from descend.display import Listener, NoteEvent
from descend.errors import OutputError

if TYPE_CHECKING:
    from descend.training import Progress


@contextlib.contextmanager
def recorder(place: str | None, force: bool) -> Iterator[Listener]:
    """Yield a listener that writes each event as one line to a file, or to standard output for "-".

    Raises OutputError when the file exists already, or cannot be opened. When a later write fails, the recording ends
    and the training goes on.
    """
    if place is None:
        yield lambda event: None
        return
    stream = sys.stdout if place == "-" else _open(place, force)
    broken = False

    def record(event: "NoteEvent | Progress") -> None:
        nonlocal broken
        try:
            if not broken:
                stream.write(json_text(event_document(event), stream) + "\n")
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


def event_document(event: "NoteEvent | Progress") -> dict[str, Any]:
    """Return an event as plain values: a note, or the progress of training."""
    if isinstance(event, NoteEvent):
        return {"event": "note", "topic": event.topic, "text": event.text}
    return {"event": "progress", **asdict(event)}


def _open(place: str, force: bool) -> TextIO:
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
