"""mlflow: each fit as a run of MLflow, while it trains."""

import time

from descend.callbacks.listening import Begun, Row, Writer, points
from descend.export.formats import optional
from descend.export.mlflow import OpenRun
from descend.version import VERSION


class MLflow(Writer[OpenRun]):
    """Logs each fit as a run of MLflow's experiment `descend`: the parameters, and the numbers as `export --to mlflow` names them.

    Where MLflow cannot log, one warning says why in its own words, and training goes on.

    Args:
        place: a tracking URI, or a folder; where None, what MLflow itself is told by MLFLOW_TRACKING_URI, else its default.

    Raises UsageError where MLflow is not installed.
    """

    def __init__(self, place: str | None = None) -> None:
        super().__init__()
        optional("mlflow.tracking", "mlflow")
        self.place = place

    def _start(self, begun: Begun) -> OpenRun:
        run = OpenRun(self.place, begun.name, begun.at, {"version": VERSION, "estimator": begun.estimator})
        run.log_params(begun.params)
        return run

    def _write(self, place: OpenRun, row: Row) -> None:
        place.log(points(row))

    def _finish(self, place: OpenRun, failed: bool) -> None:
        place.end(time.time(), failed=failed)
