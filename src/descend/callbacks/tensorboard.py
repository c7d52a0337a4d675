"""tensorboard: each fit as a folder of events that TensorBoard shows, while it trains."""

import os
from contextlib import suppress
from pathlib import Path

from descend import store
from descend.callbacks.listening import Appended, Begun, Row, Writer, points
from descend.export.formats import optional
from descend.export.tensorboard import FILE, Events


class TensorBoard(Writer[Events]):
    """Writes each fit as a folder of its own, such as DescentClassifier-1, with the numbers as `export --to tensorboard` names them.

    A folder that cannot be written ends nothing: one warning says so, and training goes on.

    Args:
        folder: where those folders are made; `tensorboard --logdir` shows all of them.

    Raises UsageError where TensorBoard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__()
        optional("tensorboard.summary.writer.record_writer", "tensorboard")
        self.folder = Path(folder)

    def _start(self, begun: Begun) -> Events:
        return Events(Appended(_new_folder(self.folder, begun.estimator) / FILE), begun.at)

    def _write(self, place: Events, row: Row) -> None:
        place.write(points(row))


def _new_folder(parent: Path, name: str) -> Path:
    """Make and return the first of name-1, name-2, ... that there is not, and that no other process makes now."""
    while True:
        folder = store.next_run_folder(parent, name)
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
