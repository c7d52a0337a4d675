"""place: where something is to be written, and the sentence for each reason why it cannot be."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from descend.errors import OutputError

LONGEST = 40  # characters of a name that a temporary one repeats: 160 bytes at most, of the 255 that file systems allow
FULL = ("the disk is full", "free some space, nothing was changed", "disk-full")
TAKEN = ("it exists and is not empty", "write elsewhere, or replace it with --force", "folder-exists")
REASONS = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.ENOTEMPTY: TAKEN,
    errno.EEXIST: TAKEN,
    errno.ENOENT: ("its folder does not exist", "make that folder first, or write elsewhere", "no-such-folder"),
    errno.ENOTDIR: ("what should be its folder is a file", "write elsewhere", "no-such-folder"),
    errno.EISDIR: ("a folder of that name is in the way", "write elsewhere, or move that folder", "folder-in-the-way"),
}


@contextlib.contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn the failure of a file operation into the sentence that users read; raises OutputError."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        reason, fix, code = REASONS.get(error.errno or 0, (why, "write elsewhere", "unwritable"))
        raise OutputError(f"{str(path)!r} cannot be written: {reason}", fix=fix, code=code) from error


def absolute(path: Path) -> Path:
    """Return the path from the root, without dots; raises OutputError when no file could have it."""
    if "\x00" in str(path):
        raise OutputError(f"{str(path)!r} holds a NUL character", fix="write elsewhere", code="bad-path")
    with telling(path):
        found = Path(os.path.abspath(path))
    if not found.name:
        raise OutputError(f"{str(path)!r} is the root of all folders", fix="name a folder in it", code="bad-path")
    return found


def beside(path: Path, kind: str) -> Path:
    """Return a name in the same folder that nobody else uses; `kind` is "tmp" for new things and "old" for old ones."""
    return path.parent / f"{path.name[:LONGEST]}.{kind}-{os.getpid()}-{secrets.token_hex(4)}"


def moved_aside(path: Path) -> list[Path]:
    """Return what killed processes moved aside to replace it, and never replaced."""
    start = f"{path.name[:LONGEST]}.old-"
    with contextlib.suppress(OSError):
        return sorted(other for other in path.parent.iterdir() if other.name.startswith(start))
    return []
