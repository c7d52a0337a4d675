"""fsio: the few file operations that writing is made of, in one place, so that a test can fail each of them."""

import contextlib
import os
import shutil
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder that must not exist yet."""
    os.mkdir(path)


def write_file(path: Path, data: bytes) -> None:
    """Write a new file and force it to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Force a folder's names to the disk; where a file system cannot, the files are written all the same."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def rename(old: Path, new: Path) -> None:
    """Rename in one step, replacing a file or an empty folder, but never a folder with something in it."""
    os.replace(old, new)


def remove(path: Path) -> None:
    """Remove a file or a folder, whether it is there or not, as well as it goes."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)


def remove_empty(path: Path) -> None:
    """Remove a folder if it is there and empty."""
    with contextlib.suppress(OSError):
        os.rmdir(path)
