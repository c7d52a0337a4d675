"""mlflow: a run in MLflow: parameters, metrics epoch by epoch, and the files of its folder."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from descend.errors import OutputError
from descend.export.formats import optional
from descend.export.record import Point, RunRecord

EXPERIMENT = "descend"
MOST_METRICS = 1000  # of a call, MLflow's own limit
LONGEST = 500  # letters of a parameter or a tag; MLflow takes at least as many in every version


class OpenRun:
    """A run of MLflow that is being logged.

    Every call raises UsageError where MLflow is not installed, and OutputError with MLflow's own words where it cannot log.

    Args:
        place: a tracking URI, or a folder; where None, what MLflow itself is told by MLFLOW_TRACKING_URI, else its default.
        name: of the run.
        begun: seconds since 1970 in UTC at its begin.
        tags: as text.
    """

    def __init__(self, place: str | None, name: str, begun: float, tags: Mapping[str, str]) -> None:
        uri = place if place is None or "://" in place else Path(place).absolute().as_uri()
        self._begun, self._entities = int(1000 * begun), optional("mlflow.entities", "mlflow")
        with _in_its_words():
            self._client = client = optional("mlflow.tracking", "mlflow").MlflowClient(tracking_uri=uri)
            found = client.get_experiment_by_name(EXPERIMENT)
            experiment = client.create_experiment(EXPERIMENT) if found is None else found.experiment_id
            named = {f"{EXPERIMENT}.{key}": value[:LONGEST] for key, value in tags.items()}
            run = client.create_run(experiment, start_time=self._begun, tags=named, run_name=name)
            self._id = run.info.run_id
            self.where = f"run {self._id} of experiment {EXPERIMENT} in {client.tracking_uri}"

    def log_params(self, params: Mapping[str, str]) -> None:
        """Log parameters."""
        with _in_its_words():
            given = [self._entities.Param(name, value[:LONGEST]) for name, value in params.items()]
            self._client.log_batch(self._id, params=given)

    def log(self, points: Iterable[Point]) -> None:
        """Log numbers."""
        with _in_its_words():
            metrics = [
                self._entities.Metric(p.name, p.value, self._begun + int(1000 * p.seconds), p.step) for p in points
            ]
            for at in range(0, len(metrics), MOST_METRICS):
                self._client.log_batch(self._id, metrics=metrics[at : at + MOST_METRICS])

    def log_files(self, files: Mapping[str, bytes]) -> None:
        """Log files, name to bytes."""
        with _in_its_words(), tempfile.TemporaryDirectory() as folder:
            for name, data in files.items():
                (Path(folder) / name).write_bytes(data)
            self._client.log_artifacts(self._id, folder)

    def end(self, ended: float, *, failed: bool) -> None:
        """Say that the run has ended, at so many seconds since 1970."""
        with _in_its_words():
            self._client.set_terminated(self._id, "FAILED" if failed else "FINISHED", end_time=int(1000 * ended))


def track(record: RunRecord, place: str | None) -> str:
    """Log a run and return where it is; place, and what is raised, are those of `OpenRun`."""
    run = OpenRun(place, record.name, record.begun, record.tags)
    run.log_params(record.params)
    run.log([*record.points(), *record.scored()])
    run.log_files(record.files)
    run.end(record.ended, failed=record.failed)
    return run.where


@contextlib.contextmanager
def _in_its_words() -> Iterator[None]:
    failure = optional("mlflow.exceptions", "mlflow").MlflowException
    try:
        yield
    except (failure, OSError) as error:
        why = str(error).strip().splitlines()[0].rstrip(".")
        raise OutputError(f"MLflow cannot log the run: {why}", fix="name another place", code="tracker") from error
