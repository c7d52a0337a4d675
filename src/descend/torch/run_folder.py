"""run_folder: a watched loop as a run folder like any other: run.json, trace.jsonl, report.html."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from descend import store
from descend.arrays import evenly_spaced
from descend.diagnosis import Finding, Steps
from descend.diagnosis.verdict import Status, Verdict
from descend.plots import curves
from descend.plots.element import Element, tag
from descend.report.markup import code, figure, section, table, terms
from descend.report.numbers import number
from descend.report.page import page, source_line
from descend.store.folder import write_folder
from descend.store.plain import plain
from descend.store.reading import DOCUMENT, SCHEMA, TRACE
from descend.text import counted
from descend.version import VERSION

MOST_POINTS = 2000  # of the loss curve on the page; run folders hold all


@dataclass(frozen=True, eq=False, kw_only=True)
class Watched:
    """A loop that was watched to its end.

    Args:
        model: the name of its class.
        parameters: how many numbers it has.
        optimizers: the names of their classes.
        losses: of every step.
        steps: what was recorded.
        findings: the most severe first.
        seconds: of the loop.
    """

    model: str
    parameters: int
    optimizers: tuple[str, ...]
    losses: tuple[float, ...]
    steps: Steps
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """How the loop ended, in one sentence."""
        if self.steps.failure is not None:
            return Verdict(Status.NONFINITE, f"training failed: {self.findings[0].text}")
        if not self.losses:
            return Verdict(Status.UNTRAINED, "the loop took no step")
        before, after = self.steps.ends
        ending = f"the loop ended after {counted(len(self.losses), 'step')}: loss {before:.4g} → {after:.4g}"
        return Verdict(
            Status.BUDGET, f"{ending}; {self.findings[0].text}" if self.findings else f"{ending}; no findings"
        )


def write(folder: Path, watched: Watched) -> None:
    """Write the run folder, whole or not at all; raises OutputError where that cannot be."""
    steps = np.arange(1, len(watched.losses) + 1)
    files = {
        TRACE: store.pack_trace({"step": steps.tolist(), "loss": list(watched.losses)}),
        "report.html": _page(folder.name, watched).encode(),
    }
    document = _document(folder, watched, files)
    files[DOCUMENT] = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
    write_folder(folder, files)


def _document(folder: Path, watched: Watched, files: dict[str, bytes]) -> dict[str, Any]:
    failed = watched.steps.failure is not None
    optimizer = " + ".join(watched.optimizers) or "by hand"
    document: dict[str, Any] = plain({
        "schema": SCHEMA, "version": VERSION, "kind": "torch", "command": [], "status": "failed" if failed else "ok",
        "verdict": asdict(watched.verdict),
        "data": {"name": watched.model, "path": None, "target": "", "rows": None, "parameters": watched.parameters},
        "chosen": {"optimizer": optimizer, "lr": watched.steps.lr, "batch": None, "why": {}, "gap": None},
        "metric": "loss", "metrics": {} if failed or not watched.losses else {"train": {"loss": watched.steps.ends[1]}},
        "intervals": {}, "trials": [], "findings": [asdict(finding) for finding in watched.findings],
        "artifacts": {Path(name).stem: str(folder / name) for name in (*files, DOCUMENT)}, "config": {},
        "env": {"python": platform.python_version(), "torch": torch.__version__, "system": sys.platform},
        "seconds": watched.seconds, "notes": [],
    })  # fmt: skip
    return document


def _page(name: str, watched: Watched) -> str:
    sections = [_verdict(watched), _findings(watched.findings), _losses(watched), _layers(watched.steps)]
    shown = [one for one in sections if one is not None]
    return page(f"{watched.model}, watched", source_line(VERSION, date.today().isoformat(), name), shown)


def _verdict(watched: Watched) -> Element:
    failed, verdict = watched.steps.failure is not None, watched.verdict
    numbers = [
        ("steps", f"{len(watched.losses):,}"), ("parameters", f"{watched.parameters:,}"),
        ("optimizer", " + ".join(watched.optimizers) or "by hand"), ("time", f"{watched.seconds:.1f} s"),
    ]  # fmt: skip
    title = f"{'✖' if failed else '✔'} {'Training failed' if failed else 'The loop ended'}"
    words = tag("p", verdict.text, class_="verdict")
    return section("verdict", title, words, terms(numbers, "numbers"), class_="failed" if failed else "ok")


def _findings(findings: Sequence[Finding]) -> Element:
    if not findings:
        return section("next", "What to do next", tag("p", "Nothing to mend was seen."))
    return section("next", "What to do next", tag("ul", *map(_item, findings), class_="findings"))


def _item(finding: Finding) -> Element:
    head = tag("p", tag("strong", f"{finding.code}, {finding.level.value}: "), finding.text)
    return tag("li", head, *map(code, finding.fix), tag("p", f"descend explain {finding.code} says more."))


def _losses(watched: Watched) -> Element | None:
    losses = np.array(watched.losses)
    keep = evenly_spaced(len(losses), MOST_POINTS)
    if len(keep) < 2:
        return None
    curve = curves.Curve("loss", "L", keep + 1, losses[keep], None)
    few = keep[evenly_spaced(len(keep), 20)]
    numbers = table("Loss at some steps", ("step", "loss"), [(f"{k + 1:,}", number(losses[k])) for k in few], (0, 1))
    return section("curves", "The loss", figure("The loss of each batch.", numbers, curves.draw([curve])))


def _layers(steps: Steps) -> Element | None:
    if not steps.layers or not len(steps.signal) or not len(steps.gradient):
        return None
    rows = [
        (name, number(steps.signal[0, k]), number(steps.signal[-1, k]), number(steps.gradient[0, k]),
         number(steps.gradient[-1, k]))
        for k, name in enumerate(steps.layers)
    ]  # fmt: skip
    header = ("layer", "signal, first", "signal, last", "gradient, first", "gradient, last")
    caption = "Root mean square of outputs, and norm of the gradient of the weights, in the first and last sampled step"
    return section("layers", "Inside the training", table(caption, header, rows, range(1, 5)))
