"""attempt: what follows training may fail, and the finished run stays."""

from collections.abc import Callable
from typing import TypeVar

from descend.errors import DescendError
from descend.table.prepare import Note

Result = TypeVar("Result")


def attempt(topic: str, compute: Callable[[], Result], instead: Result, note: Callable[[Note], None]) -> Result:
    """Return what `compute` returns; when it fails, return `instead` and pass a note.

    A trained model is worth more than its folds, its proof or its report: none of these may cost it, whatever happens
    in them, Ctrl-C included.

    Args:
        topic: what is computed, such as "report".
        note: receives the reason as a Note.

    >>> attempt("report", lambda: 1 / 0, None, lambda note: print(note.topic, note.text))
    report left out: internal error ZeroDivisionError (division by zero); the run is complete without it
    """
    try:
        return compute()
    except KeyboardInterrupt:
        reason = "interrupted"
    except DescendError as error:
        reason = error.what
    except Exception as error:
        reason = f"internal error {type(error).__name__} ({error})"
    note(Note(topic, f"left out: {reason}; the run is complete without it"))
    return instead
