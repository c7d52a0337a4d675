"""tracking: a run in a tracker of experiments."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from descend import store
from descend.errors import OutputError, UsageError
from descend.export import mlflow, tensorboard
from descend.export.record import RunRecord
from descend.options import Options
from descend.store.reading import DOCUMENT, MODEL, TRACE

CHOICE = ("optimizer", "lr", "batch")
UNTRAINED = ("baseline", "optimum")  # parts of the metrics that do not come from the weights of a training that failed
FILES = (DOCUMENT, MODEL, TRACE, "report.html")


def record_of(
    name: str, document: Mapping[str, Any], trace: Mapping[str, Sequence[Any]], options: Options
) -> RunRecord:
    """Return a run as a tracker keeps it, without its files, and as if it had ended in 1970.

    Args:
        name: of the run.
        document: run.json, of the present schema.
        trace: columns of record points.
        options: those of the run; the ones that were set are kept beside what was chosen.
    """
    asked = {key: getattr(options, key) for key in sorted(options.user_set)}
    chosen = {key: document["chosen"].get(key) for key in CHOICE}
    verdict, data = document["verdict"], document["data"]
    tags = {"version": document["version"], "status": verdict["status"], "verdict": verdict["text"], "data": data["name"],
            "sha256": data.get("sha256")}  # fmt: skip
    failed = document["status"] == "failed"
    scores = {
        f"{part}_{metric}": value
        for part, values in document["metrics"].items() if part in UNTRAINED or not failed
        for metric, value in values.items() if value is not None
    }  # fmt: skip
    return RunRecord(
        name=name, params=_texts(asked | chosen), tags=_texts(tags), scores=scores, trace=trace, ended=0.0,
        seconds=float(document["seconds"]), failed=failed, files={},
    )  # fmt: skip


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None}


def files_of(folder: Path | None) -> dict[str, bytes]:
    """Return the files of a run folder; none where there is no folder."""
    there = [] if folder is None else [name for name in FILES if (folder / name).is_file()]
    return {name: (Path(str(folder)) / name).read_bytes() for name in there}


def write_tracked(record: RunRecord, to: str, place: str | None, *, force: bool = False) -> str:
    """Hand a run to a tracker and return where it is.

    Args:
        record: the run.
        to: one of `export.formats.TRACKERS`.
        place: of MLflow a tracking URI or a folder, its own default when None; of TensorBoard a folder.
        force: whether the contents of that folder are replaced.

    Raises UsageError where the tracker's package is not installed, and OutputError where it cannot be written.
    """
    if to == "mlflow":
        return mlflow.track(record, place)
    if place is None:
        raise UsageError("TensorBoard reads a folder", fix="name one", code="missing-argument")
    try:
        store.write_folder(Path(place), {tensorboard.FILE: tensorboard.render(record)}, force=force)
    except OutputError as error:
        if error.code != "folder-exists":
            raise
        what, fix = f"the folder {place!r} exists and is not empty", "name another folder, or replace it with --force"
        raise OutputError(what, fix=fix, code=error.code) from error
    return place
