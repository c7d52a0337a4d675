"""folder: writing beside, then renaming, so that a file or a run folder is there whole or not at all."""

import contextlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from descend.errors import OutputError
from descend.store import fsio
from descend.store.place import absolute, beside, telling

LONGEST_SLUG = 80
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all: an old one stays intact until the new one is on the disk.

    Raises OutputError when it cannot be written; then nothing has changed.
    """
    target = absolute(path)
    new = beside(target, "tmp")
    with telling(path):
        try:
            fsio.write_file(new, data)
            fsio.rename(new, target)
        except BaseException:
            fsio.remove(new)
            raise
    fsio.sync_folder(target.parent)


def next_run_folder(root: Path, name: str) -> Path:
    """Return root/<name>-<n> for the first n that is free; a hostile name becomes a harmless one.

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
        path: the folder, there or not.
        force: whether what it holds may be replaced.
    """
    target = absolute(path)
    with telling(path):
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
        force: whether an old folder is replaced; it stays intact until the new one is on the disk. A process that is
            killed in between leaves it beside, whole, under its name and ".old-".

    Raises OutputError when the folder holds something and `force` is not set, or cannot be written; then nothing has
    changed.
    """
    check_folder(path, force)
    target = absolute(path)
    *parents, _ = missing = _missing(target)
    new = beside(target, "tmp")
    with telling(path):
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
    """Put the new folder into the place of an old one, or leave the old one there."""
    if not target.exists():
        return fsio.rename(new, target)
    old = beside(target, "old")
    try:
        fsio.rename(target, old)
        fsio.rename(new, target)
    finally:
        if not os.path.lexists(target):
            fsio.rename(old, target)
        fsio.remove(old)


def _missing(target: Path) -> list[Path]:
    """The folders above `target` that do not exist, from the top, then `target` itself."""
    found = [target]
    while not os.path.lexists(found[0].parent):
        found.insert(0, found[0].parent)
    return found


def _check_name(path: Path) -> None:
    """Raise OSError when no file there could have that name, such as one of 300 bytes."""
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
