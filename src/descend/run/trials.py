"""trials: each run of a search as a row of a table."""

from dataclasses import dataclass

import numpy as np

from descend.diagnosis.finding import Finding
from descend.outcome import Outcome
from descend.plan import letter
from descend.run.scoring import score
from descend.search.search import SearchResult
from descend.table.prepare import Prepared


@dataclass(frozen=True)
class Trial:
    """One run of the search.

    Args:
        variant: such as "adam"; `letter` stands for it where there is no colour.
        lr, batch, seed: how it was trained; batch is "full" or a number.
        epochs: epochs trained.
        status: how it ended, a word of Outcome.
        score: its metric on the test rows, else on the training rows, in the units of the file; None when it failed.
        spread: of a leader, the standard deviation of the score over seeds; None when there was one seed.
        result: what a table says of it.
        leader: whether it is the best of its variant.
        best: whether it is the one that is kept.
        finding: a code, or None.
    """

    variant: str
    letter: str
    lr: float
    batch: str
    seed: int
    epochs: int
    steps: int
    status: str
    score: float | None
    spread: float | None
    result: str
    leader: bool
    best: bool
    finding: str | None


def trials(prepared: Prepared, found: SearchResult, findings: tuple[Finding, ...], metric: str) -> tuple[Trial, ...]:
    """Return every run of a search; scores are of the test rows, or of the training rows where there are none."""
    fit, where = found.fit, prepared.test or prepared.train
    scores = [
        None if fit.outcomes[r].failed else score(prepared, fit.problem, fit.weights[r], where).get(metric)
        for r in range(len(fit.plan))
    ]
    return tuple(_trial(found, findings, scores, r) for r in range(len(fit.plan)))


def _spread(found: SearchResult, scores: list[float | None], r: int) -> float | None:
    """The standard deviation of a leader's score over the runs that differ from it by their seed alone."""
    settings, own = found.fit.plan.settings, found.fit.plan.settings[r]
    known = [s for s, other in zip(scores, settings, strict=True) if other.alike(own) and s is not None]
    return float(np.std(known, ddof=1)) if r in found.best_per_variant and len(known) > 1 else None


def _trial(found: SearchResult, findings: tuple[Finding, ...], scores: list[float | None], r: int) -> Trial:
    fit, setting, outcome = found.fit, found.fit.plan.settings[r], found.fit.outcomes[r]
    best = r == found.best
    code = "D101" if outcome.failed else "D201" if outcome == Outcome.BUDGET else None
    return Trial(
        setting.label, letter(setting.label), setting.lr, setting.batch, setting.seed,
        int(fit.epochs[r]), int(fit.steps[r]), outcome.word, scores[r], _spread(found, scores, r), _result(found, r),
        r in found.best_per_variant, best, findings[0].code if best and findings else code,
    )  # fmt: skip


def _result(found: SearchResult, r: int) -> str:
    fit, outcome = found.fit, found.fit.outcomes[r]
    if outcome.failed:
        return f"D101 {outcome.word} by step {int(fit.steps[r]):,}"
    if r == found.best:
        return "best"
    own, best = fit.held_out[r], fit.held_out[found.best]
    if np.isfinite(own) and own <= best + 1e-3 * abs(best):
        return "tie with best"
    if outcome == Outcome.PRUNED:
        return "behind another rate"
    return "D201 not converged in budget" if outcome == Outcome.BUDGET else outcome.word
