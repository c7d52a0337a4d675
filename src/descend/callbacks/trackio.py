"""trackio: each fit as a run of Trackio, while it trains."""

from typing import Protocol

from descend.callbacks.listening import Begun, Row, Writer, points
from descend.export.formats import optional

PROJECT = "descend"


class Run(Protocol):
    """A run of Trackio."""

    def log(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Log numbers."""

    def finish(self) -> None:
        """End the run."""


class Trackio(Writer[Run]):
    """Logs each fit as a run of a project of Trackio, which keeps it on this machine unless its own settings say otherwise.

    Trackio itself prints where the run is.

    Args:
        project: its name.

    Raises UsageError where Trackio is not installed.
    """

    def __init__(self, project: str = PROJECT) -> None:
        super().__init__()
        optional("trackio", "trackio")
        self.project = project

    def _start(self, begun: Begun) -> Run:
        run: Run = optional("trackio", "trackio").init(
            project=self.project, name=begun.name, config=dict(begun.params), embed=False,
            auto_log_gpu=False, auto_log_cpu=False,
        )  # fmt: skip
        return run

    def _write(self, place: Run, row: Row) -> None:
        told = list(points(row))
        if told:
            place.log({point.name: point.value for point in told}, step=told[0].step)

    def _finish(self, place: Run, failed: bool) -> None:
        place.finish()
