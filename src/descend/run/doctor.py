"""doctor: the findings about a run of the past, with a short training for each cure that is proposed."""

import os
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descend import store
from descend.blas import one_blas_thread
from descend.diagnosis import Finding, untyped
from descend.diagnosis.proof import RunSummary, best_cure, prove_within
from descend.diagnosis.verdict import Verdict
from descend.options import Options, options_of_flags, read_options
from descend.options.flags import flags_of_options, in_keywords
from descend.run.config import incomplete, options_of
from descend.run.document import finding_of, metrics_of
from descend.run.job import retrain
from descend.run.record import Run
from descend.table.prepare import load as load_table
from descend.table.table import Table
from descend.version import VERSION

OnEvent = Callable[[Any], None]


SECONDS = 30.0  # for all cures, when not said: about ten short trainings


@dataclass(frozen=True, eq=False)
class Examined:
    """What the doctor says of a run.

    Args:
        folder: of the run, or the data that were trained on here.
        status, text: its verdict.
        findings: with their proof, where the data were at hand.
        reason: what could not be tried, and why; empty where all was tried.
        command: the command that trains with the best cure; empty where no cure that was tried helps.
    """

    folder: str
    status: str
    text: str
    findings: tuple[Finding, ...]
    reason: str
    command: str = ""


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
    folder: str | os.PathLike[str],
    data: Any = None,
    on_event: OnEvent = lambda event: None,
    *,
    seconds: float = SECONDS,
) -> Examined:
    """Return the findings of a run folder, each cure tried in a short training on the same data.

    Proofs that the folder holds are kept. Where it was written by another version, the run is trained again for its findings.

    Args:
        folder: a run folder of `descend train`, of a failed training too.
        data: the data, where they are no longer where they were.
        on_event: hears the progress of the trainings.
        seconds: for all trainings together.

    Raises ModelError when the folder is no run, is damaged, or is of a newer version.
    """
    deadline = time.monotonic() + seconds
    document = store.read_document(Path(folder))
    store.read_trace(Path(folder))
    try:
        values = options_of(document)
        findings = tuple(untyped(finding_of(f), values) for f in document["findings"])
        epochs = max((int(t["epochs"]) for t in document["trials"] if t["best"]), default=0)
        before: RunSummary = _Before(
            document["status"] == "failed", metrics_of(document), "accuracy" in document["metrics"].get("baseline", {}), epochs,
            document["chosen"].get("gap"),
        )  # fmt: skip
        verdict, said, version = Verdict(**document["verdict"]), document["data"], document["version"]
        target = said["target"]
    except (KeyError, TypeError, AttributeError) as error:
        raise incomplete(folder, error) from error
    if document.get("kind") == "torch":
        return Examined(
            str(folder), verdict.status, verdict.text, findings, "a training in torch is tried again by its own code"
        )
    table, reason = _table(said, values, data)
    if table is not None and target not in table.names:
        table, reason = None, f"the data have no column {target!r}"
    if table is None:
        return Examined(str(folder), verdict.status, verdict.text, findings, reason)
    if version != VERSION:
        again = retrain(table, target, _within(values, deadline), on_event)
        before, verdict, findings = again, again.verdict, again.findings
    case = _Case(str(folder), str(said.get("path") if data is None else data), table, target, values)
    return _tried(case, verdict, findings, before, on_event, deadline)


@in_keywords()
@one_blas_thread()
def examine(
    data: Any, target: str, on_event: OnEvent = lambda event: None, *, seconds: float = SECONDS, **options: Any
) -> Examined:
    """Train a model of `target`, and return its findings with each cure tried; half of the time is for the training.

    Args:
        data, target, options: as of `descend.train`.
        on_event: hears the progress of the trainings.
        seconds: for all trainings together.
    """
    deadline = time.monotonic() + seconds
    values = read_options(options)
    table = load_table(data, values)
    run = retrain(table, target, _within(values, deadline), on_event)
    case = _Case(str(data), str(data), table, target, values)
    return _tried(case, run.verdict, run.findings, run, on_event, deadline)


@dataclass(frozen=True, eq=False)
class _Case:
    """What is examined: its name, its data and where they are, and how they were trained on."""

    name: str
    path: str
    table: Table
    target: str
    options: Options


def _within(options: Options, deadline: float) -> Options:
    """Options of a training that takes half of the time that is left at most."""
    left = max(deadline - time.monotonic(), 0.1)
    return options.replace(time_budget=min(options.time_budget or left, left / 2))


def _tried(
    case: _Case, verdict: Verdict, findings: tuple[Finding, ...], before: RunSummary, on_event: OnEvent, deadline: float
) -> Examined:  # fmt: skip
    """Try the cures until the deadline."""

    def again(changed: Options) -> Run:
        return retrain(case.table, case.target, changed, on_event)

    findings, left_out = prove_within(findings, case.options, before, again, deadline)
    reason = f"there was no time for the cures of {', '.join(left_out)}; give more with --time" if left_out else ""
    cure = best_cure(findings)
    command = _command(case, cure) if cure else ""
    return Examined(case.name, verdict.status, verdict.text, findings, reason, command)


def _command(case: _Case, cure: str) -> str:
    """The command line that trains with a cure."""
    typed = {name: getattr(case.options, name) for name in case.options.user_set} | options_of_flags(cure)
    return shlex.join(["descend", "train", case.path, "--target", case.target, *flags_of_options(read_options(typed))])


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
