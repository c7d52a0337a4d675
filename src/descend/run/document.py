"""document: from a run folder back to a Run; folders of older versions are read too."""

import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from descend import store
from descend.diagnosis.finding import Finding, Proof
from descend.diagnosis.verdict import Verdict
from descend.evaluation.paired import PairedVerdict
from descend.evaluation.paired import Verdict as PairedWord
from descend.evaluation.reference import Reference, ReferenceModel
from descend.evaluation.usage import Coefficient, Importance
from descend.export.record import RunRecord
from descend.options.flags import in_keywords
from descend.run.config import incomplete, is_first_schema, options_of
from descend.run.model import Model
from descend.run.record import Run
from descend.run.tracking import files_of, record_of
from descend.run.trials import Trial
from descend.store.reading import DOCUMENT
from descend.table.prepare import Note


@in_keywords()
def load(folder: str | os.PathLike[str]) -> Run:
    """Return the run of a folder; raises ModelError when it is not one, or is damaged."""
    folder = Path(folder)
    document = store.read_document(folder)
    try:
        return Run(
            model=Model.of(*store.read_model(folder)), verdict=Verdict(**document["verdict"]),
            findings=tuple(finding_of(f) for f in document["findings"]), tried=tuple(Trial(**t) for t in document["trials"]),
            metrics=metrics_of(document), metric=document["metric"], chosen=document["chosen"], data=document["data"],
            options=options_of(document), env=document["env"], seconds=document["seconds"],
            trace=store.read_trace(folder), notes=tuple(Note(**n) for n in document["notes"]),
            intervals=intervals_of(document), folder=folder,
            importances=tuple(Importance(**i) for i in document.get("importances", ())),
            references=tuple(reference_of(r) for r in document.get("references", ())),
            coefficients=tuple(Coefficient(**c) for c in document.get("coefficients", ())),
        )  # fmt: skip
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise incomplete(folder, error) from error


def tracked(folder: str | os.PathLike[str]) -> RunRecord:
    """Return a run folder as trackers keep it, also one without a model: of a training that failed, or of a loop in torch.

    Raises ModelError when it is none, or is damaged.
    """
    folder = Path(folder)
    document, trace = store.read_document(folder), store.read_trace(folder)
    try:
        present = {**document, "metrics": metrics_of(document)}
        record = record_of(folder.resolve().name, present, trace, options_of(document))
    except (KeyError, TypeError, AttributeError) as error:
        raise incomplete(folder, error) from error
    return replace(record, ended=(folder / DOCUMENT).stat().st_mtime, files=files_of(folder))


def finding_of(document: Mapping[str, Any]) -> Finding:
    """Return a finding as run.json has it."""
    proof = tuple(Proof(**p) for p in document.get("proof", ()))
    return Finding(**{**document, "fix": tuple(document["fix"]), "proof": proof})


def metrics_of(document: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return the metrics by part; in `descend.run/1` the test rows were called "val"."""
    metrics: dict[str, dict[str, float]] = dict(document["metrics"])
    if is_first_schema(document) and "val" in metrics:
        metrics["test"] = metrics.pop("val")
    return metrics


def intervals_of(document: Mapping[str, Any]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the 95 % intervals of the metrics by part; none of a folder that was written before there were any."""
    return {
        part: {name: (number_of(low), number_of(high)) for name, (low, high) in named.items()}
        for part, named in document.get("intervals", {}).items()
    }


def reference_of(document: Mapping[str, Any]) -> Reference:
    """Return a reference as run.json has it."""
    verdict = PairedVerdict(**{**document["verdict"], "verdict": PairedWord(document["verdict"]["verdict"])})
    ends = {name: number_of(document[name]) for name in ("value", "low", "high")}
    return Reference(model=ReferenceModel(document["model"]), verdict=verdict, seconds=document["seconds"], **ends)


def number_of(value: float | None) -> float:
    """Return a number of run.json, where null stands for what is not finite."""
    return math.nan if value is None else float(value)
