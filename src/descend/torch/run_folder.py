"""run_folder: a watched loop, or a training by `fit`, as a run folder like any other: run.json, trace.jsonl, report.html."""

import json
import math
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from descend import store
from descend.arrays import evenly_spaced
from descend.diagnosis import Finding, Steps
from descend.diagnosis.verdict import Status, Verdict
from descend.plan import letter
from descend.plots import curves
from descend.plots.element import Element, tag
from descend.report.markup import code, figure, section, table, terms
from descend.report.numbers import number, rate
from descend.report.page import page, source_line
from descend.run.trials import Trial
from descend.store.folder import write_folder
from descend.store.plain import plain
from descend.store.reading import DOCUMENT, SCHEMA, TRACE
from descend.table.prepare import Note
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
        ending: how a training by `fit` ended; None for a loop of the user's own, as the fields that follow are empty.
        tried, chosen, metrics, notes, trace: of a training by `fit`, see `Fitted`.
    """

    model: str
    parameters: int
    optimizers: tuple[str, ...]
    losses: tuple[float, ...]
    steps: Steps
    findings: tuple[Finding, ...]
    seconds: float
    ending: Verdict | None = None
    tried: tuple[Trial, ...] = ()
    chosen: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    trace: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether it left the finite range."""
        return self.steps.failure is not None or (
            self.ending is not None and self.ending.status in (Status.DIVERGED, Status.NONFINITE)
        )

    @property
    def verdict(self) -> Verdict:
        """How the loop ended, in one sentence."""
        if self.ending is not None:
            return self.ending
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
        TRACE: store.pack_trace(watched.trace or {"step": steps.tolist(), "loss": list(watched.losses)}),
        "report.html": page_of(folder.name, watched).encode(),
    }
    document = _document(folder, watched, files)
    files[DOCUMENT] = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
    write_folder(folder, files)


def _document(folder: Path, watched: Watched, files: dict[str, bytes]) -> dict[str, Any]:
    failed, optimizer = watched.failed, " + ".join(watched.optimizers) or "by hand"
    chosen = {"optimizer": optimizer, "lr": watched.steps.lr, "batch": None, "why": {}, "gap": None, **watched.chosen}
    metrics = watched.metrics or ({} if failed or not watched.losses else {"train": {"loss": watched.steps.ends[1]}})
    document: dict[str, Any] = plain({
        "schema": SCHEMA, "version": VERSION, "kind": "torch", "command": [], "status": "failed" if failed else "ok",
        "verdict": asdict(watched.verdict),
        "data": {"name": watched.model, "path": None, "target": "", "rows": None, "parameters": watched.parameters},
        "chosen": chosen, "metric": "loss", "metrics": metrics,
        "intervals": {}, "trials": [asdict(trial) for trial in watched.tried],
        "findings": [asdict(finding) for finding in watched.findings],
        "artifacts": {Path(name).stem: str(folder / name) for name in (*files, DOCUMENT)}, "config": {},
        "env": {"python": platform.python_version(), "torch": torch.__version__, "system": sys.platform},
        "seconds": watched.seconds, "notes": [asdict(Note("rows", note)) for note in watched.notes],
    })  # fmt: skip
    return document


def page_of(name: str, watched: Watched) -> str:
    """Return the page; name: of its folder."""
    curve = _epochs(watched) if watched.trace else _losses(watched)
    sections = [_verdict(watched), _findings(watched.findings), curve, _tried(watched), _layers(watched.steps)]
    shown = [one for one in sections if one is not None]
    what = "watched" if watched.ending is None else "trained"
    return page(f"{watched.model}, {what}", source_line(VERSION, date.today().isoformat(), name), shown)


def _verdict(watched: Watched) -> Element:
    failed, verdict = watched.failed, watched.verdict
    numbers = [
        ("steps", f"{len(watched.losses):,}"), ("parameters", f"{watched.parameters:,}"),
        ("optimizer", " + ".join(watched.optimizers) or "by hand"), ("time", f"{watched.seconds:.1f} s"),
    ]  # fmt: skip
    numbers += [(f"loss, {part}", number(values["loss"])) for part, values in watched.metrics.items()]
    ended = "The loop ended" if watched.ending is None else "The training ended"
    title = f"{'✖' if failed else '✔'} {'Training failed' if failed else ended}"
    words = tag("p", verdict.text, class_="verdict")
    notes = [tag("p", f"{note[0].upper()}{note[1:]}.") for note in watched.notes]
    return section("verdict", title, words, terms(numbers, "numbers"), *notes, class_="failed" if failed else "ok")


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


def _epochs(watched: Watched) -> Element | None:
    """The loss after each epoch, with validation dashed."""
    trace = {name: np.array(values, np.float64) for name, values in watched.trace.items()}
    if len(trace["epoch"]) < 2 or not np.isfinite(trace["loss"]).any():
        return None
    label = str(watched.chosen["optimizer"])
    curve = curves.Curve(label, letter(label), trace["epoch"], trace["loss"], trace.get("val"))
    few = evenly_spaced(len(trace["epoch"]), 20)
    cells = [tuple(f"{v[k]:,.0f}" if n == "epoch" else number(v[k]) for n, v in trace.items()) for k in few]
    names = {"epoch": "epoch", "loss": "training loss", "val": "validation loss"}
    numbers = table("Loss after some epochs", [names[n] for n in trace], cells, range(len(trace)))
    caption = f"{label}, solid: training rows." + (" Dashed: validation rows." if "val" in trace else "")
    return section("curves", "The loss", figure(caption, numbers, curves.draw([curve])))


def _tried(watched: Watched) -> Element | None:
    """The settings that were tried, and how each ended."""
    if len(watched.tried) < 2:
        return None
    ordered = sorted(watched.tried, key=lambda t: (not t.best, math.inf if t.score is None else t.score))
    rows = [(f"{t.letter} {t.variant}", rate(t.lr), f"{t.steps:,}", number(t.score), t.result) for t in ordered]
    header = ("optimizer", "learning rate", "steps", "loss", "result")
    source = tag("p", f"{watched.chosen['why']['lr']['source']}.")
    return section(
        "trials", "Which setting", source, table("Settings that were tried, the best first", header, rows, (1, 2, 3))
    )


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
