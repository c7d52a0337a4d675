"""verdict: one sentence on how training ended, and findings with the numbers behind them and a way out."""

from dataclasses import dataclass

from descend.diagnosis import Evidence, Finding, diagnose
from descend.diagnosis.formatting import percent
from descend.optimum import OptimumStatus
from descend.optimum.landscape import Landscape
from descend.outcome import Outcome
from descend.search.search import SearchResult
from descend.table.prepare import Prepared
from descend.training import Fit


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
    found: SearchResult, prepared: Prepared | None = None, user_set: frozenset[str] = frozenset()
) -> tuple[Verdict, tuple[Finding, ...]]:
    """Return the verdict on the run that is kept, and the findings about it.

    Args:
        prepared: the table that it was trained on, if any.
        user_set: the options that the user gave.
    """
    fit, r, landscape = found.fit, found.best, found.landscape
    outcome = fit.outcomes[r]
    findings = diagnose(evidence_of(found, prepared, user_set))
    if outcome.failed:
        return Verdict(outcome.word, f"training failed: {findings[0].text}"), findings
    if landscape.optimum.status is OptimumStatus.SEPARABLE:
        text = "separable: the classes are told apart perfectly and no finite weights are optimal; a penalty makes them unique"
        return Verdict("separable", text), tuple(f for f in findings if f.code != "D201")
    text = f"{_ending(fit, r, outcome)}; {_distance(landscape, float(fit.loss[r]), landscape.gap(float(fit.loss[r])))}"
    return Verdict("interrupted" if fit.interrupted else outcome.word, text), findings


def evidence_of(found: SearchResult, prepared: Prepared | None, user_set: frozenset[str]) -> Evidence:
    """Return the evidence about the run that is kept."""
    fit, r = found.fit, found.best
    others = {s.seed: float(fit.score[k]) for k, s in enumerate(fit.plan.settings) if s.alike(fit.plan.settings[r])}
    return Evidence(
        fit.problem, found.landscape, fit.plan.settings[r], fit.outcomes[r], int(fit.steps[r]), int(fit.epochs[r]),
        fit.weights[r], float(fit.loss[r]), float(fit.held_out[r]), fit.trace.until(r, int(fit.epochs[r])),
        fit.state.take([r]), prepared, user_set, tuple(others[seed] for seed in sorted(others)),
    )  # fmt: skip


def _ending(fit: Fit, r: int, outcome: Outcome) -> str:
    kept = f"the weights of epoch {int(fit.epoch[r]):,} are kept"
    return {
        Outcome.CONVERGED: f"converged in {int(fit.epochs[r]):,} epochs",
        Outcome.STOPPED: f"stopped early: no improvement after epoch {int(fit.epoch[r]):,}, {kept}",
        Outcome.BUDGET: f"not converged: out of budget after {int(fit.epochs[r]):,} epochs, {kept}",
        Outcome.INTERRUPTED: f"interrupted after {int(fit.epochs[r]):,} epochs, {kept}",
    }[outcome]


def _distance(landscape: Landscape, objective: float, gap: float | None) -> str:
    """How far the training loss is from the best possible, in words."""
    if gap is None:
        return f"the best possible is not known ({landscape.optimum.reason})"
    best = landscape.optimum.objective
    if best > 1e-6 * max(landscape.baseline, 1e-300):
        return f"{percent((objective - best) / best)} above the exact optimum"
    return f"{percent(gap)} of the way from the exact optimum, which fits exactly, to the baseline"
