"""mlflow: a run in MLflow: parameters, metrics epoch by epoch, and the files of its folder."""

import tempfile
from pathlib import Path

from descend.errors import OutputError
from descend.export.formats import optional
from descend.export.record import RunRecord

EXPERIMENT = "descend"
MOST_METRICS = 1000  # of a call, MLflow's own limit
LONGEST = 500  # letters of a parameter or a tag; MLflow takes at least as many in every version


def track(record: RunRecord, place: str | None) -> str:
    """Log a run and return where it is.

    Args:
        record: the run.
        place: a tracking URI, or a folder; where None, what MLflow itself is told by MLFLOW_TRACKING_URI, else its default.

    Raises UsageError where MLflow is not installed, and OutputError with MLflow's own words where it cannot log.
    """
    tracking, entities = optional("mlflow.tracking", "mlflow"), optional("mlflow.entities", "mlflow")
    failure = optional("mlflow.exceptions", "mlflow").MlflowException
    uri = place if place is None or "://" in place else Path(place).absolute().as_uri()
    try:
        client = tracking.MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = client.create_experiment(EXPERIMENT) if found is None else found.experiment_id
        begun = int(1000 * record.begun)
        tags = {f"{EXPERIMENT}.{name}": value[:LONGEST] for name, value in record.tags.items()}
        run = client.create_run(experiment, start_time=begun, tags=tags, run_name=record.name).info.run_id
        last = max(record.steps, default=0)
        metrics = [entities.Metric(p.name, p.value, begun + int(1000 * p.seconds), p.step) for p in record.points()]
        metrics += [entities.Metric(name, v, int(1000 * record.ended), last) for name, v in record.scores.items()]
        client.log_batch(run, params=[entities.Param(name, value[:LONGEST]) for name, value in record.params.items()])
        for at in range(0, len(metrics), MOST_METRICS):
            client.log_batch(run, metrics=metrics[at : at + MOST_METRICS])
        with tempfile.TemporaryDirectory() as folder:
            for name, data in record.files.items():
                (Path(folder) / name).write_bytes(data)
            client.log_artifacts(run, folder)
        client.set_terminated(run, "FAILED" if record.failed else "FINISHED", end_time=int(1000 * record.ended))
    except (failure, OSError) as error:
        why = str(error).strip().splitlines()[0].rstrip(".")
        raise OutputError(f"MLflow cannot log the run: {why}", fix="name another place", code="tracker") from error
    return f"run {run} of experiment {EXPERIMENT} in {tracking.MlflowClient(tracking_uri=uri).tracking_uri}"
