"""cache: kernels from Numba's disk cache; a folder for it where neither the package nor the home folder can be written.

Numba raises RuntimeError when it finds no place for the cache of a function, such as in a container without a home
folder and with a read-only installation.
"""

import logging
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core.caching import FunctionCache
from numba.core.runtime import rtsys

from descend.errors import OutputError


class KernelCache(FunctionCache):  # type: ignore[misc]  # Numba has no types
    """Numba's cache of one function, where what is found is machine code and needs no more than the runtime.

    Numba prepares to compile before it looks: 200 modules and 2,000 declarations, 0.3 s of a command that compiles
    nothing. Where nothing is found, its compiler prepares itself.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function of this signature, None where there is none or its file is damaged.

        A file that a full disk or a crash has cut short fails in whatever way its bytes lead to. It is begun anew.
        """
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            try:
                return self._load_overload(sig, target_context)
            except OSError:
                raise
            except Exception:
                self.flush()
        return None


def without_compiler(own: Any, function: Any) -> Any:
    """Return a KernelCache in place of Numba's own cache of a function; the own one where Numba is made in another way."""
    as_known = type(own) is FunctionCache and hasattr(own, "_load_overload")
    return KernelCache(function) if as_known else own


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
