"""verdict: one sentence on how training ended, and the findings about it."""

from dataclasses import dataclass

import numpy as np

from descend.diagnosis import Evidence, Finding, diagnose
from descend.diagnosis.formatting import percent
from descend.optimum import OptimumStatus
from descend.optimum.landscape import Landscape
from descend.outcome import Outcome
from descend.search.search import SearchResult
from descend.table.prepare import Prepared
from descend.training import Fit

SEPARABLE = "separable"


@dataclass(frozen=True)
class Verdict:
    """How training ended.

    Args:
        status: converged, stopped, budget, separable, interrupted, diverged or nonfinite.
        text: one sentence.
    """

    status: str
    text: str


def judge(
    result: SearchResult, prepared: Prepared | None = None, user_set: frozenset[str] = frozenset()
) -> tuple[Verdict, tuple[Finding, ...]]:
    """Return the verdict on the run that is kept, and the findings about it.

    Args:
        prepared: the table that it was trained on, if any.
        user_set: the options that the user gave.
    """
    fit, r, landscape = result.fit, result.best, result.landscape
    outcome = fit.outcomes[r]
    findings = diagnose(evidence_of(result, prepared, user_set))
    if outcome.failed:
        return Verdict(outcome.word, f"training failed: {findings[0].text}"), findings
    if landscape.optimum.status is OptimumStatus.SEPARABLE:
        text = (
            "separable: a linear model classifies every training row correctly, so no finite weights are optimal; a "
            "penalty makes the optimum unique"
        )
        return Verdict(SEPARABLE, text), tuple(f for f in findings if f.code != "D201")
    text = f"{_ending(fit, r, outcome)}; {_distance(landscape, float(fit.loss[r]))}"
    return Verdict(Outcome.INTERRUPTED.word if fit.interrupted else outcome.word, text), findings


def evidence_of(result: SearchResult, prepared: Prepared | None, user_set: frozenset[str]) -> Evidence:
    """Return the evidence about the run that is kept."""
    fit, r = result.fit, result.best
    setting = fit.plan.settings[r]
    restarts = {s.seed: float(fit.score[k]) for k, s in enumerate(fit.plan.settings) if s.alike(setting)}
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
        state=fit.state.take([r]),
        prepared=prepared,
        user_set=user_set,
        restarts=tuple(restarts[seed] for seed in sorted(restarts)),
    )


def _ending(fit: Fit, r: int, outcome: Outcome) -> str:
    best = f"the weights of epoch {int(fit.epoch[r]):,} are kept"
    return {
        Outcome.CONVERGED: f"converged in {int(fit.epochs[r]):,} epochs",
        Outcome.STOPPED: f"stopped early: no improvement after epoch {int(fit.epoch[r]):,}, {best}",
        Outcome.BUDGET: f"not converged: out of budget after {int(fit.epochs[r]):,} epochs, {best}",
        Outcome.INTERRUPTED: f"interrupted after {int(fit.epochs[r]):,} epochs, {best}",
    }[outcome]


def _distance(landscape: Landscape, objective: float) -> str:
    """The gap to the optimum, in words."""
    gap = landscape.gap(objective)
    if gap is None:
        return f"the optimum is not known ({landscape.optimum.reason})"
    if not np.isfinite(gap):
        return "the optimum is the constant prediction"
    return f"the gap to the exact optimum is {percent(gap)}"
