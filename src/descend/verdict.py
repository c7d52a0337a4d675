"""verdict: one sentence on how training ended, and findings with the numbers behind them and a way out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from descend import optimum as exact
from descend.fit import Fit
from descend.landscape import Landscape
from descend.outcome import Outcome
from descend.problem import Problem
from descend.search import Found
from descend.sparse import column_squares
from descend.stagnation import stagnation


@dataclass(frozen=True)
class Verdict:
    """How training ended.

    Args:
        status: converged, stopped, budget, separable, interrupted, diverged or nonfinite.
        text: one sentence.
    """

    status: str
    text: str


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or nearly so.

    Args:
        code: a stable code such as D101.
        level: note, warning or error.
        text: one sentence.
        evidence: the numbers behind it.
        fix: flags to type, the most promising first.
    """

    code: str
    level: str
    text: str
    evidence: dict[str, Any] = field(default_factory=dict)
    fix: tuple[str, ...] = ()


def judge(found: Found) -> tuple[Verdict, tuple[Finding, ...]]:
    """Return the verdict on the run that is kept, and the findings about it."""
    fit, r, landscape = found.fit, found.best, found.landscape
    outcome = fit.outcomes[r]
    gap = landscape.gap(float(fit.loss[r]))
    if outcome.failed:
        finding = diverged(fit, r, landscape)
        return Verdict(outcome.word, f"training failed: {finding.text}"), (finding,)
    if landscape.optimum.reason.startswith("separable"):
        text = "separable: the classes are told apart perfectly and no finite weights are optimal; a penalty makes them unique"
        return Verdict("separable", text), ()
    text = f"{_ending(fit, r, outcome)}; {_distance(landscape, float(fit.loss[r]), gap)}"
    late = outcome in (Outcome.BUDGET, Outcome.STOPPED, Outcome.INTERRUPTED) and gap is not None and gap > 1e-3
    findings: tuple[Finding, ...] = (
        (slow(fit, r, landscape, gap),) if late and gap is not None and found.why["lr"]["rule"] == "typed" else ()
    )
    if outcome == Outcome.BUDGET and not findings:
        findings = (slow(fit, r, landscape, gap),)
    if outcome != Outcome.CONVERGED and fit.problem.dtype == np.float32 and (gap is None or gap > 1e-6):
        findings = stuck(fit, r) + findings
    return Verdict("interrupted" if fit.interrupted else outcome.word, text), findings


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


def percent(share: float) -> str:
    """Return a share in words, such as "0.01 %".

    >>> percent(0.000123), percent(0.0), percent(0.5)
    ('0.012 %', '0 %', '50 %')
    """
    value = 100 * max(share, 0.0)
    return "0 %" if value < 5e-7 else f"{value:.2g} %" if value < 10 else f"{value:.0f} %"


def diverged(fit: Fit, r: int, landscape: Landscape) -> Finding:
    """D101 when the rate is above the stability limit, else D103."""
    setting, steps = fit.plan.settings[r], int(fit.steps[r])
    largest = landscape.curvature.largest
    limit = exact.limit(setting.rule, setting.constants, max(largest, 1e-300))
    evidence: dict[str, Any] = {"lr": setting.lr, "step": steps, "curvature": largest, "limit": limit}
    column, share = steepest(fit.problem)
    evidence |= {"column": column, "share": share}
    if limit is not None and setting.lr > limit:
        text = (
            f"learning rate {setting.lr:.3g} is {_times(setting.lr / limit)} × the stability limit {limit:.3g} "
            f"(curvature {largest:.3g}, {share:.1%} of it from column {column!r}); left the useful range by step {steps:,}"
        )
        return Finding(
            "D101", "error", text, evidence, ("--lr auto",) if fit.problem.scaled else ("--scale", "--lr auto")
        )
    how = "left the finite range" if fit.outcomes[r] == Outcome.NONFINITE else "grew far beyond where it began"
    text = f"the loss {how} by step {steps:,} at learning rate {setting.lr:.3g}"
    fixes: tuple[str, ...] = ("--lr auto", f"--lr {setting.lr / 10:.3g}")
    if not fit.problem.scaled:
        text += f"; {share:.1%} of the curvature comes from column {column!r}"
        fixes = ("--scale", *fixes)
    return Finding("D103", "error", text, evidence, fixes)


def stuck(fit: Fit, r: int) -> tuple[Finding, ...]:
    """D501 when most steps of a run in float32 are below half a unit in the last place of their weights."""
    seen = stagnation(fit, r)
    if not seen.stuck:
        return ()
    text = (
        f"float32 stagnation: the next step leaves {seen.lost} of {seen.moving} weights where they are, it is about "
        f"{seen.step:.2g} and half a unit in their last place {seen.place:.2g}; this is not convergence"
    )
    evidence = {"lost": seen.lost, "moving": seen.moving, "step": seen.step, "half_place": seen.place}
    return (Finding("D501", "warning", text, evidence, ("pass float64 data", "--lr auto")),)


def _times(ratio: float) -> str:
    return f"{ratio:.3g}" if ratio < 1000 else f"{ratio:,.0f}" if ratio < 1e7 else f"{ratio:.1e}"


def steepest(problem: Problem) -> tuple[str, float]:
    """Return the feature with the largest mean square, and its share of the sum of all."""
    squares = column_squares(problem.data.X)
    at = int(np.argmax(squares))
    name = problem.data.names[at] if at < len(problem.data.names) else f"column {at + 1}"
    return name, float(squares[at] / max(squares.sum(), 1e-300))


def slow(fit: Fit, r: int, landscape: Landscape, gap: float | None) -> Finding:
    """D201: out of budget before the optimum, with the rate that the distance asks for where that is the reason."""
    setting, steps = fit.plan.settings[r], max(int(fit.steps[r]), 1)
    evidence: dict[str, Any] = {"gap": gap, "steps": steps, "lr": setting.lr}
    told = "" if gap is None else f" with a gap of {percent(gap)} to the optimum"
    text, fixes = f"not converged in {int(fit.epochs[r]):,} epochs{told}", ["--lr auto", "--optimizer nesterov"]
    limit = exact.limit(setting.rule, setting.constants, max(landscape.curvature.largest, 1e-300))
    if limit is None and landscape.optimum.weights is not None:
        start = fit.plan.start if fit.plan.start is not None else np.zeros(fit.problem.params)
        far = float(np.abs(landscape.optimum.weights - np.broadcast_to(start, fit.weights.shape)[r]).max())
        needed = far / steps
        evidence |= {"farthest": far, "lr_needed": needed, "steps_needed": far / setting.lr}
        if needed > setting.lr / 2:
            text += (
                f": {setting.rule.name} moves a weight by about lr a step, and one has {far:.3g} to go, "
                f"which needs lr {needed:.2g} or {far / setting.lr:,.0f} steps"
            )
            fixes.insert(0, f"--lr {needed:.2g}")
    return Finding("D201", "note", text, evidence, tuple(fixes))
