"""doctor: the findings about a run of the past, with a short training for each cure that is proposed."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descend import store
from descend.blas import one_blas_thread
from descend.diagnosis.finding import Finding
from descend.diagnosis.proof import prove_all
from descend.options import Options
from descend.options.flags import in_keywords
from descend.run.document import finding_of, incomplete, metrics_of, options_of
from descend.run.job import retrain
from descend.table.prepare import load as load_table
from descend.table.table import Table


@dataclass(frozen=True, eq=False)
class Examined:
    """What the doctor says of a run.

    Args:
        folder: of the run.
        status, text: its verdict.
        findings: with their proof, where the data were at hand.
        reason: why nothing could be tried; empty where it could.
    """

    folder: str
    status: str
    text: str
    findings: tuple[Finding, ...]
    reason: str


@dataclass(frozen=True)
class _Before:
    """The run of the past, as far as a proof asks."""

    failed: bool
    metrics: dict[str, dict[str, float]]
    model_is_classifier: bool
    epochs: int
    gap: float | None


@in_keywords()
@one_blas_thread()
def doctor(
    folder: str | os.PathLike[str], data: Any = None, on_event: Callable[[Any], None] = lambda event: None
) -> Examined:
    """Return the findings of a run folder, each cure tried in a short training on the same data.

    Args:
        folder: a run folder of `descend train`, of a failed training too.
        data: the data, where they are no longer where they were.
        on_event: hears the progress of the trainings.

    Raises ModelError when the folder is no run, is damaged, or is of a newer version.
    """
    document = store.read_document(Path(folder))
    store.read_trace(Path(folder))
    try:
        findings = tuple(finding_of(f) for f in document["findings"])
        values = options_of(document)
        epochs = max((int(t["epochs"]) for t in document["trials"] if t["best"]), default=0)
        before = _Before(
            document["status"] == "failed", metrics_of(document), "accuracy" in document["metrics"].get("baseline", {}), epochs,
            document["chosen"].get("gap"),
        )  # fmt: skip
        verdict, said = document["verdict"], document["data"]
        target = said["target"]
    except (KeyError, TypeError, AttributeError) as error:
        raise incomplete(folder, error) from error
    table, reason = _table(said, values, data)
    if table is not None and target not in table.names:
        table, reason = None, f"the data have no column {target!r}"
    if table is not None:
        findings = prove_all(findings, values, before, lambda options: retrain(table, target, options, on_event))
    return Examined(str(folder), verdict["status"], verdict["text"], findings, reason)


def _table(said: Mapping[str, Any], values: Options, data: Any) -> tuple[Table | None, str]:
    """The data of a run, or why they are not at hand."""
    path = said.get("path") if data is None else data
    if path is None:
        return None, "the run does not say where its data are; name them with --data"
    if isinstance(path, str) and not os.path.exists(path):
        return None, f"the data are no longer at {path}; name them with --data"
    table = load_table(path, values)
    if said.get("sha256") and table.source.sha256 and said["sha256"] != table.source.sha256:
        return None, f"{path} has changed since the run"
    return table, ""
