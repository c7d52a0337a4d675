"""cache: a folder for compiled kernels where neither the package nor the home folder can be written.

Numba raises RuntimeError when it finds no place for the cache of a function, such as in a container without a home
folder and with a read-only installation.
"""

import logging
import os
import stat
import tempfile
from pathlib import Path

from numba import config, njit

from descend.errors import OutputError


def ensure_cache_folder() -> None:
    """Let Numba cache in the temporary folder when it has no other place, and log that once.

    Raises OutputError when there is no temporary folder either.
    """
    try:
        njit(cache=True)(_probe)  # looks for a place; compiles nothing
    except RuntimeError:
        folder = private_folder()
        config.CACHE_DIR = str(folder)
        logging.getLogger("descend").warning(
            "compiled kernels are cached in %s, since neither the installation nor the home folder can be written",
            folder,
        )


def private_folder() -> Path:
    """Return a folder below the temporary one that only this user can read and write.

    It has the same name in every process, so that kernels are compiled once. Cache files can run code when they are
    read: a folder of that name that another user made or can write is not used, but a new one for this process alone.
    """
    try:
        root = Path(tempfile.gettempdir())
        if hasattr(os, "getuid"):
            folder = root / f"descend-cache-{os.getuid()}"
            folder.mkdir(mode=0o700, exist_ok=True)
            if _is_private(folder.lstat(), os.getuid()):
                return folder
        return Path(tempfile.mkdtemp(prefix="descend-cache-"))
    except OSError as error:
        raise OutputError(
            "there is no folder for compiled kernels: the installation, the home folder and the temporary folder cannot "
            "be written",
            fix="set NUMBA_CACHE_DIR or TMPDIR to a folder that can", code="no-cache-folder",
        ) from error  # fmt: skip


def _is_private(status: os.stat_result, user: int) -> bool:
    return stat.S_ISDIR(status.st_mode) and status.st_uid == user and not status.st_mode & 0o077


def _probe() -> None:
    """A function to look for a place with."""
