"""together: a run that rank 0 of several processes found, given to the others as its folder would give it."""

import tempfile
from dataclasses import replace
from pathlib import Path

from descend.cluster.group import Group
from descend.cluster.passes import Served
from descend.run.document import load
from descend.run.record import Run


def give(group: Group, run: Run) -> None:
    """Send a run to the other ranks, without its report."""
    with tempfile.TemporaryDirectory(prefix="descend-") as place:
        folder = Path(place) / "run"
        run.save(folder, report=False)
        files = sorted(path for path in folder.iterdir() if path.is_file())
        group.broadcast_bytes("\n".join(path.name for path in files).encode(), 0)
        for path in files:
            group.broadcast_bytes(path.read_bytes(), 0)


def take(group: Group, served: Served) -> Run:
    """Return the run that rank 0 found, as it is when it is loaded from a folder, and take part in the work until then."""
    group.wait(served, served.room)
    with tempfile.TemporaryDirectory(prefix="descend-") as place:
        for name in group.broadcast_bytes(b"", 0).decode().split("\n"):
            (Path(place) / name).write_bytes(group.broadcast_bytes(b"", 0))
        return replace(load(place), folder=None)
