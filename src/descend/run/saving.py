"""saving: a finished run is never lost: where its folder cannot be written, it is saved in a temporary one."""

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from descend.errors import OutputError
from descend.run.record import Run


@dataclass(frozen=True)
class Saved:
    """Where a run was saved.

    Args:
        artifacts: the path of each file, by its name without suffix.
        problem: why it is not in the folder that was asked for, and where it is; "" where it is there.
    """

    artifacts: dict[str, str]
    problem: str = ""


def save_somewhere(
    run: Run, folder: str | os.PathLike[str], *, force: bool = False, report: bool = True, command: list[str] | None = None
) -> Saved:  # fmt: skip
    """Save a run in a folder, or in a temporary one where that cannot be written: the disk was filled, or the folder taken.

    Raises OutputError where neither can be written.
    """
    try:
        return Saved(run.save(folder, force=force, report=report, command=command))
    except OutputError as error:
        with contextlib.suppress(OSError, OutputError):
            elsewhere = Path(tempfile.mkdtemp(prefix="descend-")) / (Path(folder).name or "run")
            artifacts = run.save(elsewhere, report=report, command=command)
            return Saved(artifacts, f"{error.what}, so the run is saved in {str(elsewhere)!r}; move it from there")
        raise
