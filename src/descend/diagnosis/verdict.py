"""verdict: one sentence on how training ended, and the findings about it."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from descend.diagnosis import Evidence, Finding, diagnose
from descend.diagnosis.formatting import percent
from descend.diagnosis.slow import far_from_optimum
from descend.optimum import OptimumStatus
from descend.options import Options, read_options
from descend.outcome import Outcome
from descend.search.result import SearchResult
from descend.table.prepare import Prepared
from descend.text import counted

ROUNDING = 1e-6  # relative difference between an objective in training and evaluated again, in float32
NO_SKILL = ("D305", "D210")  # findings of a model that a constant prediction equals or beats


class Status(StrEnum):
    """How training ended, in the word that JSON and tables use."""

    CONVERGED = "converged"
    STOPPED = "stopped"
    NOT_CONVERGED = "not_converged"
    NO_BETTER_THAN_CONSTANT = "no_better_than_constant"
    BUDGET = "budget"
    SEPARABLE = "separable"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"
    NONFINITE = "nonfinite"
    UNTRAINED = "untrained"  # there was no time for an epoch


@dataclass(frozen=True)
class Verdict:
    """How training ended.

    Args:
        status: a word of Status; only converged, stopped (early, as asked) and separable are good endings.
        text: one sentence.
    """

    status: str
    text: str


def judge(
    result: SearchResult, prepared: Prepared | None = None, options: Options | None = None
) -> tuple[Verdict, tuple[Finding, ...]]:
    """Return the verdict on the run that is kept, and the findings about it.

    Args:
        prepared: the table that it was trained on, if any.
        options: the value of every option; the defaults when None.
    """
    e = evidence_of(result, prepared, options or read_options({}))
    findings = diagnose(e)
    if e.outcome.failed:
        return Verdict(Status(e.outcome.word), f"training failed: {findings[0].text}"), findings
    if e.landscape.optimum.status is OptimumStatus.SEPARABLE:
        findings = tuple(f for f in findings if f.code != "D201")
    no_skill = e.learned_nothing or any(f.code in NO_SKILL for f in findings)
    status = _status(e, result.fit.interrupted, no_skill)
    prefix = "no better than a constant prediction: " if no_skill else ""
    ending = _ending(e, status)
    text = ending if status is Status.SEPARABLE else f"{prefix}{ending}; {_distance(e)}"
    return Verdict(status, text), findings


def _status(e: Evidence, interrupted: bool, no_skill: bool) -> Status:
    if interrupted:
        return Status.INTERRUPTED
    if no_skill and e.outcome != Outcome.BUDGET:
        return Status.NO_BETTER_THAN_CONSTANT
    if e.landscape.optimum.status is OptimumStatus.SEPARABLE:
        return Status.SEPARABLE
    if e.outcome == Outcome.CONVERGED and not _within_tol(e):
        return Status.STOPPED
    return Status.NOT_CONVERGED if far_from_optimum(e) else Status(e.outcome.word)


def _within_tol(e: Evidence) -> bool:
    """Whether the weights that are kept, not only some weights of the run, are at the optimum."""
    aim = e.landscape.aim(e.options.tol)
    return aim is None or e.loss <= aim + ROUNDING * abs(aim)


def evidence_of(result: SearchResult, prepared: Prepared | None, options: Options, run: int | None = None) -> Evidence:
    """Return the evidence about a run of a search: the one that is kept when `run` is None."""
    fit, r = result.fit, result.best if run is None else run
    setting = fit.plan.settings[r]
    restarts = {fit.plan.settings[k].seed: float(fit.score[k]) for k in fit.plan.alike[r]}
    return Evidence(
        problem=fit.problem,
        landscape=result.landscape,
        setting=setting,
        outcome=fit.outcomes[r],
        steps=int(fit.steps[r]),
        epochs=int(fit.epochs[r]),
        weights=fit.weights[r],
        loss=float(fit.loss[r]),
        trace=fit.trace.until(r, int(fit.epochs[r])),
        kept_epoch=int(fit.epoch[r]),
        guided=fit.guided,
        state=fit.state.take([r]),
        prepared=prepared,
        options=options,
        restarts=tuple(restarts[seed] for seed in sorted(restarts)),
        cut=result.out_of_time and fit.outcomes[r] == Outcome.BUDGET and int(fit.epochs[r]) != options.max_epochs,
        left_out=bool(result.skipped),
        places=result.places,
    )


def _ending(e: Evidence, status: Status) -> str:
    """How the run ended, and which weights are kept."""
    kept = f"the weights of epoch {e.kept_epoch:,} are kept"
    if status is Status.SEPARABLE:
        return (
            "separable: a linear model classifies every training row correctly, so no finite weights are optimal; a "
            f"penalty makes the optimum unique; {kept}"
        )
    if e.outcome == Outcome.CONVERGED:
        reached = f"converged in {counted(e.epochs, 'epoch')}"
        if _within_tol(e):
            return reached if e.kept_epoch == e.epochs else f"{reached}, {kept}"
        return f"stopped early: {kept}, where the validation loss is lowest, and not those of the optimum, epoch {e.epochs:,}"
    if e.outcome == Outcome.STOPPED:
        what = "not converged" if e.premature else "stopped early"
        return f"{what}: no improvement after epoch {e.kept_epoch:,}, {kept}"
    if e.outcome == Outcome.INTERRUPTED:
        return f"interrupted after {counted(e.epochs, 'epoch')}, {kept}"
    return f"not converged: out of budget after {counted(e.epochs, 'epoch')}, {kept}"


def _distance(e: Evidence) -> str:
    """The gap to the optimum, in words."""
    if e.gap is None:
        return f"the optimum is not known ({e.landscape.optimum.reason})"
    if not np.isfinite(e.gap):
        return "the optimum is the constant prediction"
    return f"the gap to the exact optimum is {percent(e.gap)}"
