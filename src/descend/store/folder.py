"""folder: files and folders are written under a temporary name and renamed, so that they exist whole or not at all."""

import contextlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from descend.errors import OutputError
from descend.store import fsio
from descend.store.paths import absolute, as_output_error, temporary_name

LONGEST_SLUG = 80  # characters; arbitrary, below the 255 bytes that file systems allow
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all: an old one stays until the new one is on the disk.

    Raises OutputError when it cannot be written; then nothing has changed.
    """
    target = absolute(path)
    new = temporary_name(target, "tmp")
    with as_output_error(path):
        _check_no_device(path, target)
        try:
            fsio.write_file(new, data)
            fsio.rename(new, target)
        except BaseException:
            fsio.remove(new)
            raise
    fsio.sync_folder(target.parent)


def _check_no_device(path: Path, target: Path) -> None:
    """Raise OutputError for a device or a pipe, which a rename would replace."""
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise OutputError(
            f"{str(path)!r} cannot be written: it is no regular file", fix="write elsewhere", code="not-a-file"
        )


def next_run_folder(root: Path, name: str) -> Path:
    """Return root/<name>-<n> for the first n that is free; characters that are unsafe in paths are replaced.

    >>> next_run_folder(Path("nowhere"), "../a b").name
    'a-b-1'
    """
    slug = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-._")[:LONGEST_SLUG].rstrip("-._") or "run"
    slug = f"run-{slug}" if DEVICES.fullmatch(slug) else slug
    n = 1
    while os.path.lexists(root / f"{slug}-{n}"):
        n += 1
    return root / f"{slug}-{n}"


def check_folder(path: Path, force: bool) -> None:
    """Raise OutputError, before anything is trained, when a run folder could not be written.

    Args:
        path: the folder; it need not exist.
        force: whether its contents may be replaced.
    """
    target = absolute(path)
    with as_output_error(path):
        missing = _missing(target)
        for folder in missing:
            _check_name(missing[0].parent / folder.name)
        _check_content(path, target, force)
        with tempfile.TemporaryFile(dir=missing[0].parent):
            pass


def write_folder(path: Path, files: Mapping[str, bytes], force: bool = False) -> None:
    """Write a folder of files, whole or not at all.

    Args:
        path: the folder; missing parents are made.
        files: name to bytes.
        force: whether an old folder is replaced. It stays until the new one is on the disk; a process that is killed
            in between leaves it whole, under its name and ".old-".

    Raises OutputError when the folder is not empty and `force` is not set, or cannot be written; then nothing has
    changed.
    """
    check_folder(path, force)
    target = absolute(path)
    *parents, _ = missing = _missing(target)
    new = temporary_name(target, "tmp")
    with as_output_error(path):
        try:
            _fill(new, parents, files)
            put = _replace if force else fsio.rename
            put(new, target)
        except BaseException:
            fsio.remove(new)
            for folder in reversed(parents):
                fsio.remove_empty(folder)
            raise
    for folder in missing:
        fsio.sync_folder(folder.parent)


def _fill(new: Path, parents: list[Path], files: Mapping[str, bytes]) -> None:
    for folder in parents:
        with contextlib.suppress(FileExistsError):  # another process may have made it meanwhile
            fsio.make_folder(folder)
    fsio.make_folder(new)
    for name, data in files.items():
        fsio.write_file(new / name, data)
    fsio.sync_folder(new)


def _replace(new: Path, target: Path) -> None:
    """Rename the new folder over an old one; on failure the old one gets its name back."""
    if not target.exists():
        return fsio.rename(new, target)
    old = temporary_name(target, "old")
    try:
        fsio.rename(target, old)
        fsio.rename(new, target)
    finally:
        if not os.path.lexists(target):
            fsio.rename(old, target)
        fsio.remove(old)


def _missing(target: Path) -> list[Path]:
    """The parents of `target` that do not exist, from the top, then `target` itself."""
    missing = [target]
    while not os.path.lexists(missing[0].parent):
        missing.insert(0, missing[0].parent)
    return missing


def _check_name(path: Path) -> None:
    """Raise OSError when no file can have that name there, such as one of 300 bytes."""
    with contextlib.suppress(FileNotFoundError):
        os.lstat(path)


def _check_content(path: Path, target: Path, force: bool) -> None:
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise OutputError(f"{str(path)!r} exists and is no folder", fix="name another --run-dir", code="not-a-folder")
    if target == Path.cwd() or target in Path.cwd().parents:
        raise OutputError(
            f"the run folder {str(path)!r} is the folder that you work in, or holds it",
            fix="name another --run-dir", code="bad-path",
        )  # fmt: skip
    if not force and any(target.iterdir()):
        raise OutputError(
            f"the run folder {str(path)!r} exists and is not empty",
            fix="name another --run-dir, or replace it with --force", code="folder-exists",
        )  # fmt: skip
