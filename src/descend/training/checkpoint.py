"""checkpoint: where the trainings of a search stand, in small files of a folder, so that one that was killed can go on."""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from descend import store
from descend.arrays import Array
from descend.errors import OutputError
from descend.plan import Plan, Setting

SCHEMA = "descend.search/2"
SUFFIX = ".search"  # of the folder of a training that writes a run folder
CALL = "call.json"  # the file that says what is trained
INTERVAL = 5.0  # seconds before the first file, and between files (arbitrary: less work than that is soon repeated)

Arrays = dict[str, Array]


class Checkpoints:
    """The trainings of one search in their order, each with a file that tells where it stands.

    A search decides by its trainings alone. One that begins again with the same data and options trains in the same order, and
    a training that finds its file goes on from there: the end is that of a search that was never interrupted.

    Args:
        folder: of the files; None for no files.
        resume: whether to go on from files that are there.
        since: when the work began, in seconds of `time.monotonic`.
    """

    def __init__(self, folder: Path | None = None, resume: bool = False, since: float = 0.0) -> None:
        self.folder, self.resume, self.resumed = folder, resume, 0.0
        self.identify: Callable[[], str] = lambda: ""
        self.describe: Callable[[], bytes] | None = None  # what CALL holds
        self._since, self._last, self._count = since, since, 0

    @cached_property
    def identity(self) -> str:
        """What tells this search from others, by `identify`, such as a hash of its data; asked for where a file is used."""
        return self.identify()

    def clock(self) -> float:
        """Return the seconds of `time.monotonic`, and those of trainings that were not repeated."""
        return time.monotonic() + self.resumed

    def next(self, plan: Plan) -> "Checkpoint":
        """Return the checkpoint of the next training."""
        self._count += 1
        start = None if plan.start is None else hashlib.sha256(np.ascontiguousarray(plan.start).tobytes()).hexdigest()
        described = json.dumps([start, *(_described(s) for s in plan.settings)])
        return Checkpoint(self, f"{self._count}.safetensors", described)

    def read(self, name: str, settings: str) -> Arrays | None:
        """Return what a file of this search holds of a training with these settings; None where there is no such file."""
        if self.folder is None or not self.resume:
            return None
        return _read(self.folder / name, {"search": self.identity, "settings": settings})

    def due(self, ended: bool) -> bool:
        """Tell whether it is time for a file; one of a training that has ended is written whenever the last was."""
        return self.folder is not None and time.monotonic() - (self._since if ended else self._last) > INTERVAL

    def write(self, name: str, settings: str, arrays: Arrays) -> None:
        """Write a file; one that cannot be written costs no training: what is wrong there is said when the run is saved."""
        from safetensors.numpy import save

        assert self.folder is not None
        if not self.resume and self._last == self._since:
            self.remove()  # what an earlier search has left
        about = {"schema": SCHEMA, "search": self.identity, "settings": settings}
        with contextlib.suppress(OSError, OutputError):
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._last == self._since and self.describe is not None:
                store.atomic_write(self.folder / CALL, self.describe())
            store.atomic_write(
                self.folder / name,
                save({k: np.ascontiguousarray(a) for k, a in arrays.items()}, {"descend": json.dumps(about)}),
            )
        self._last = time.monotonic()

    def remove(self) -> None:
        """Remove the files, and the folder where it holds nothing else."""
        if self.folder is not None and self.folder.is_dir():
            with contextlib.suppress(OSError):
                for place in (*self.folder.glob("*.safetensors"), self.folder / CALL):
                    place.unlink(missing_ok=True)
                self.folder.rmdir()


class Checkpoint:
    """The file of one training."""

    def __init__(self, search: Checkpoints, name: str, settings: str) -> None:
        self._search, self._name, self._settings = search, name, settings

    def found(self) -> Arrays | None:
        """Return where the training stood, if it is known."""
        return self._search.read(self._name, self._settings)

    def goes_on(self, seconds: float) -> None:
        """Tell the search that so many seconds of training are not repeated."""
        self._search.resumed += seconds

    def offer(self, state: Callable[[], Arrays], ended: bool = False) -> None:
        """Write where the training stands, where the last file was written long enough ago, or the training has ended."""
        if self._search.due(ended):
            self._search.write(self._name, self._settings, state())


def _read(place: Path, expected: dict[str, str]) -> Arrays | None:
    """The arrays of a file; None where it is missing, damaged, or of another search."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(place, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["descend"])
            if about != {"schema": SCHEMA, **expected}:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  a file has no iterator
    except (OSError, KeyError, TypeError, ValueError, SafetensorError):
        return None


def _described(setting: Setting) -> list[object]:
    about = (setting.label, setting.rule.name, setting.constants, setting.batch_size, setting.seed, setting.schedule)
    return [*about, len(setting.factors), setting.init]
