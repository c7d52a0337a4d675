"""paths: where files are written, and a sentence for each reason why they cannot be."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from descend.errors import OutputError

LONGEST = 40  # characters of a name that a temporary name repeats: at most 160 of the 255 bytes that file systems allow
DISK_FULL = ("the disk is full", "free some space, nothing was changed", "disk-full")
NOT_EMPTY = ("it exists and is not empty", "write elsewhere, or replace it with --force", "folder-exists")
REASONS = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.ENOTEMPTY: NOT_EMPTY,
    errno.EEXIST: NOT_EMPTY,
    errno.ENOENT: ("its folder does not exist", "make that folder first, or write elsewhere", "no-such-folder"),
    errno.ENOTDIR: ("what should be its folder is a file", "write elsewhere", "no-such-folder"),
    errno.EISDIR: ("a folder of that name is in the way", "write elsewhere, or move that folder", "folder-in-the-way"),
}


@contextlib.contextmanager
def as_output_error(path: Path) -> Iterator[None]:
    """Turn a failed file operation into an OutputError with a sentence."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        reason, fix, code = REASONS.get(error.errno or 0, (why, "write elsewhere", "unwritable"))
        raise OutputError(f"{str(path)!r} cannot be written: {reason}", fix=fix, code=code) from error


def check_file(path: str, source: str, force: bool) -> None:
    """Raise OutputError when a file of that name cannot be written, is the source, or is there already."""
    target = Path(path)
    parent = target.resolve().parent
    why, fix = "", "name another file"
    if target.is_dir():
        why = "it is a folder"
    elif target.exists() and os.path.exists(source) and target.samefile(source):
        why = "it is the input"
    elif target.is_file() and not force:
        why, fix = "it exists already", "name another file, or add --force"
    elif not parent.is_dir():
        why, fix = "its folder does not exist", f"make the folder {str(parent)!r} first"
    elif not os.access(parent, os.W_OK):
        why = "its folder does not allow writing"
    if why:
        raise OutputError(f"the file {path!r} cannot be written: {why}", fix=fix, code="cannot-write")


def absolute(path: Path) -> Path:
    """Return the absolute path, without dots; raises OutputError when no file can have it."""
    if "\x00" in str(path):
        raise OutputError(f"{str(path)!r} holds a NUL character", fix="write elsewhere", code="bad-path")
    with as_output_error(path):
        result = Path(os.path.abspath(path))
    if not result.name:
        raise OutputError(f"{str(path)!r} is the root of all folders", fix="name a folder in it", code="bad-path")
    return result


def temporary_name(path: Path, kind: str) -> Path:
    """Return an unused name in the same folder; `kind` is "tmp" for what is being written, "old" for what it replaces."""
    return path.parent / f"{path.name[:LONGEST]}.{kind}-{os.getpid()}-{secrets.token_hex(4)}"


def leftovers(path: Path) -> list[Path]:
    """Return the old folders that killed processes renamed to replace them, and did not remove."""
    start = f"{path.name[:LONGEST]}.old-"
    with contextlib.suppress(OSError):
        return sorted(other for other in path.parent.iterdir() if other.name.startswith(start))
    return []
