"""fitted: a module that was trained, and all that is known about how."""

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import Module

from descend import store
from descend.diagnosis import Finding
from descend.diagnosis.verdict import Status, Verdict
from descend.outcome import Outcome
from descend.plan import Setting, letter
from descend.report.numbers import number, rate
from descend.report.summary import Summary, html, text
from descend.run.history import History
from descend.run.trials import Trial
from descend.text import counted
from descend.torch.objective import Objective
from descend.torch.race import Race
from descend.torch.run_folder import Watched, page_of, write
from descend.torch.side_by_side import Way
from descend.torch.training import Training


@dataclass(frozen=True, eq=False)
class Searched:
    """The settings that were tried.

    Args:
        settings: one a run.
        race: how they compared; None of a single one.
        way: whether they were computed side by side.
        curvature: the largest at the initial weights; 0 where it is not known.
    """

    settings: tuple[Setting, ...]
    race: Race | None
    way: Way
    curvature: float

    def in_order(self) -> list[Setting]:
        """Return the settings that did not fail, the best of each rule before those that were given up; all, where all failed."""
        if self.race is None:
            return list(self.settings)
        ran = self.race
        known = [r for r in range(len(self.settings)) if np.isfinite(ran.scores[r]) and not ran.outcomes[r].failed]
        known = known or list(range(len(self.settings)))[-1:]
        ranked = sorted(known, key=lambda r: (ran.outcomes[r] == Outcome.PRUNED, ran.scores[r]))
        return [self.settings[r] for r in ranked]


@dataclass(frozen=True, eq=False, kw_only=True)
class Fitted:
    """A trained module, and all that is known about how it came to be.

    Args:
        module: with the best weights.
        verdict: how training ended.
        findings: what is wrong, as `watch` names it.
        tried: every run of the race; `trials` holds the best of each rule.
        metrics: {"train" | "val": {"loss": value}} of the weights that are kept, and {"start": ...} before the first step.
        chosen: optimizer, lr and batch, and why.
        way: whether the runs of the race were computed side by side, and why not.
        notes: what was done with the data.
        trace: columns epoch, loss and val, the start first.
        path: the trained parameters along the training (points, weights), see `surface`.
        seconds: of the whole job.
        watched: the training as `watch` saw it.
    """

    module: Module
    verdict: Verdict
    findings: tuple[Finding, ...]
    tried: tuple[Trial, ...]
    metrics: dict[str, dict[str, float]]
    chosen: dict[str, Any]
    way: str
    notes: tuple[str, ...]
    trace: dict[str, list[Any]]
    path: Tensor
    seconds: float
    watched: Watched

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The best run of each rule, the best first."""
        leaders = [t for t in self.tried if t.leader]
        return tuple(sorted(leaders, key=lambda t: (not t.best, t.score if t.score is not None else math.inf)))

    @property
    def failed(self) -> bool:
        """True when the training left the finite range."""
        return self.verdict.status in (Status.DIVERGED, Status.NONFINITE)

    @property
    def history(self) -> History:
        """The trace, a dict an epoch; `.to_pandas()`, `.to_polars()` and `.to_arrow()` make a table of it."""
        return History(self.trace)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write a run folder, which `descend doctor` reads; the weights are for torch.save. Raises OutputError."""
        store.check_folder(Path(folder), force=False)
        write(Path(folder), self._watched())

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write the page of the run; raises OutputError."""
        store.atomic_write(Path(path), page_of(Path(path).stem, self._watched()).encode())

    def _watched(self) -> Watched:
        return dataclasses.replace(
            self.watched, ending=self.verdict, tried=self.tried, chosen=self.chosen, metrics=self.metrics, notes=self.notes,
            trace=self.trace, seconds=self.seconds,
        )  # fmt: skip

    def _summary(self) -> Summary:
        mark = "✖" if self.failed else "✔" if self.verdict.status == Status.STOPPED and not self.findings else "●"
        facts = [(part, number(values["loss"])) for part, values in self.metrics.items()]
        return Summary(
            title=f"Fit: {type(self.module).__name__}, {self.way}", verdict=f"{mark} {self.verdict.text}",
            header=("", "optimizer", "lr", "batch", "steps", "loss", "result"),
            rows=tuple(
                (t.letter, t.variant, rate(t.lr), t.batch, f"{t.steps:,}", number(t.score), t.result) for t in self.trials
            ),
            right=(2, 3, 4, 5), facts=tuple(("loss, " + part, value) for part, value in facts),
            findings=tuple(f"{f.code} {f.level}: {f.text}" for f in self.findings),
            more=".trials  .findings  .history  .report(path)  .save(folder)",
        )  # fmt: skip

    def __repr__(self) -> str:
        return text(self._summary())

    def _repr_html_(self) -> str:
        return html(self._summary())


def fitted_of(
    objective: Objective, searched: Searched, training: Training, notes: Sequence[str], seconds: float
) -> Fitted:  # fmt: skip
    """Return the record of a search and of the training that followed."""
    trace, kept = training.trace, training.kept
    metrics = {"start": {"loss": float(trace["loss"][0])}, "train": {"loss": float(trace["loss"][kept])}}
    if "val" in trace:
        metrics["val"] = {"loss": float(trace["val"][kept])}
    findings = training.watched.findings
    source = (
        searched.way.reason
        if searched.race is None
        else f"a race of {len(searched.settings)} runs, {searched.way.reason}"
    )
    chosen = {
        "optimizer": training.setting.label, "lr": training.setting.lr, "batch": training.setting.batch,
        "why": {
            "lr": {
                "source": source,
                "curvature": searched.curvature,
            }
        },
        "loss": objective.name,
    }  # fmt: skip
    return Fitted(
        module=objective.module, verdict=_verdict(training, findings), findings=findings,
        tried=_trials(searched, training, findings), metrics=metrics, chosen=chosen, way=searched.way.reason,
        notes=tuple(notes), trace=trace, path=training.path, seconds=seconds, watched=training.watched,
    )  # fmt: skip


def _verdict(training: Training, findings: tuple[Finding, ...]) -> Verdict:
    epochs, kept = training.epochs, training.kept
    if training.outcome.failed:
        what = findings[0].text if findings else f"the loss {training.outcome.word} by step {training.steps:,}"
        return Verdict(
            Status(training.outcome.word), f"training failed: {what}; the weights of epoch {kept:,} are kept"
        )
    guide = "val" if "val" in training.trace else "loss"
    name = "validation" if guide == "val" else "training"
    losses = f"{name} loss {number(training.trace[guide][0])} → {number(training.trace[guide][kept])}"
    weights = f"the weights of epoch {kept:,} are kept" if kept else "the initial weights are kept"
    if kept == 0:
        return Verdict(
            Status.NOT_CONVERGED, f"no epoch lowered the {name} loss {number(training.trace[guide][0])}; {weights}"
        )
    if training.outcome == Outcome.STOPPED:
        return Verdict(Status.STOPPED, f"stopped early: no improvement after epoch {kept:,}, {weights}; {losses}")
    if training.outcome == Outcome.INTERRUPTED:
        return Verdict(Status.INTERRUPTED, f"interrupted after {counted(epochs, 'epoch')}, {weights}; {losses}")
    return Verdict(Status.BUDGET, f"out of budget after {counted(epochs, 'epoch')}, {weights}; {losses}")


def _trials(searched: Searched, training: Training, findings: tuple[Finding, ...]) -> tuple[Trial, ...]:
    """Every run of the race, with the loss by which they were compared; a single setting with that of its training."""
    ran, rows = searched.race, []
    for r, setting in enumerate(searched.settings):
        best = setting is training.setting
        outcome = training.outcome if ran is None else ran.outcomes[r]
        score, steps = (training.score, training.steps) if ran is None else (float(ran.scores[r]), int(ran.steps[r]))
        result = "given up" if outcome == Outcome.PRUNED else "behind"
        result = f"{outcome.word} by step {steps:,}" if outcome.failed else "best, trained in full" if best else result
        rows.append(Trial(
            variant=setting.label, letter=letter(setting.label), lr=setting.lr, batch=setting.batch, seed=setting.seed,
            epochs=training.epochs if best else 0, steps=steps, status=outcome.word,
            score=score if math.isfinite(score) else None, spread=None, result=result, leader=best, best=best,
            finding=findings[0].code if best and findings else None,
        ))  # fmt: skip
    ahead: dict[str, Setting] = {training.setting.label: training.setting}
    for setting in (*searched.in_order(), *searched.settings):  # of a rule whose rates all failed, the first
        ahead.setdefault(setting.label, setting)
    return tuple(
        dataclasses.replace(t, leader=s is ahead[s.label]) for t, s in zip(rows, searched.settings, strict=True)
    )
