"""scratch: a folder for files that are too large for memory, beside the run, gone when it ends."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from descend.errors import OutputError
from descend.memory import size_text

LEFT = 1 << 28  # bytes of a disk that are left to others (arbitrary)


class Scratch:
    """A folder that is made when the first file of it is asked for, and removed with all in it by `close`.

    Args:
        beside: the run folder, beside which it is made; the system's folder of temporary files when None.

    A process that was killed leaves its folder; the next one of the same run folder removes it.
    """

    def __init__(self, beside: str | os.PathLike[str] | None = None) -> None:
        self._beside = None if beside is None else Path(beside)
        self._folder: Path | None = None
        self._lock: int | None = None

    @property
    def folder(self) -> Path:
        """The folder; raises OutputError where it cannot be made."""
        if self._folder is None:
            parent, prefix = self._place()
            try:
                parent.mkdir(parents=True, exist_ok=True)
                self._remove_left_behind(parent, prefix)
                self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
                self._lock = _locked(self._folder / "lock")
            except OSError as error:
                raise OutputError(
                    f"a table larger than memory needs a folder in {str(parent)!r}, which cannot be made: "
                    f"{(error.strerror or str(error)).lower()}",
                    fix="choose a --run-dir that can be written", code="cannot-write",
                ) from error  # fmt: skip
        return self._folder

    def room(self, name: str, size: int, what: str) -> Path:
        """Return the path of a new file; raises OutputError where the disk has no room for it.

        Args:
            name: of the file.
            size: its bytes, or about as many.
            what: it is for, as the subject of a sentence.
        """
        free = shutil.disk_usage(self.folder).free
        if size + LEFT > free:
            raise OutputError(
                f"{what} takes {size_text(size)} of disk, {size_text(free)} are free in {str(self.folder.parent)!r}",
                fix="free some space, or choose a --run-dir on a larger disk", code="no-room",
            )  # fmt: skip
        return self.folder / name

    def close(self) -> None:
        """Remove the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _place(self) -> tuple[Path, str]:
        if self._beside is None:
            return Path(tempfile.gettempdir()), "descend-rows-"
        return self._beside.parent, f"{self._beside.name}.rows-"

    def _remove_left_behind(self, parent: Path, prefix: str) -> None:
        """Remove what a process that was killed has left, of which nobody holds the lock."""
        for folder in parent.glob(f"{prefix}*") if self._beside is not None else ():
            with contextlib.suppress(OSError):
                lock = _locked(folder / "lock")
                if lock is not None:
                    os.close(lock)
                    shutil.rmtree(folder, ignore_errors=True)

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _locked(path: Path) -> int | None:
    """The file, locked for this process; None where another holds it, or the system has no such locks."""
    try:
        import fcntl
    except ImportError:
        return None
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
