"""trials: each run of a search as a row of a table."""

import dataclasses
from dataclasses import dataclass

from descend.diagnosis.finding import Finding
from descend.diagnosis.outcome_code import code_of_outcome
from descend.diagnosis.verdict import evidence_of
from descend.metrics import HIGHER_IS_BETTER
from descend.options import Options
from descend.outcome import Outcome
from descend.plan import letter
from descend.run.scoring import run_scores, score
from descend.run.standing import Contestant, Standing, contestants, standings
from descend.search.rationale import criterion
from descend.search.result import SearchResult
from descend.search.selection import usable
from descend.table.prepare import Prepared


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run of the search.

    Args:
        variant: such as "adam"; `letter` stands for it where there is no colour.
        lr, batch, seed: how it was trained; batch is "full" or a number.
        epochs, steps: epochs trained, and steps taken.
        status: how it ended, a word of Outcome.
        score: its metric on the test rows, else on the training rows, in the units of the file; None when it failed, and
            for a setting that competed on a sample of a large table and lost.
        mean, spread, seeds: of the best setting of a variant, mean and standard deviation of the score over so many
            seeds; no mean where a seed failed, and no spread of one seed.
        result: what a table says of it.
        leader: whether it is the first seed of the best setting of its variant.
        best: whether it is the one that is kept.
        standing: of a leader, how it compares with the best mean score, see `run.standing`.
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
    mean: float | None = None
    seeds: int = 1
    standing: str | None = None

    @property
    def shown(self) -> float | None:
        """The score that a table of variants shows: the mean over the seeds, where it is known."""
        return self.score if self.mean is None else self.mean


def trials(
    prepared: Prepared, result: SearchResult, findings: tuple[Finding, ...], metric: str, options: Options
) -> tuple[Trial, ...]:
    """Return every run of a search; scores are of the test rows, or of the training rows where there are none."""
    fit, data = result.fit, prepared.test or prepared.train
    made = {c.run: c for c in contestants(prepared, result, metric)}
    places = standings(tuple(made.values()), metric, data.sample_weight)
    scored: dict[int, float | None] = {r: known for r, c in made.items() if (known := _score_of(c, result)) is not None}
    others = [
        r
        for r in range(len(fit.plan))
        if usable(fit, r) and r not in scored and (r in made or result.sample_rows is None)
    ]
    z = run_scores(fit.problem, fit.weights[others], data)
    for r, own in zip(others, z, strict=True):
        scored[r] = score(prepared, fit.problem, fit.weights[r], data, own).get(metric)
    rows: list[Trial] = []
    for r, setting in enumerate(fit.plan.settings):
        leader, best = made.get(r), r == result.best
        one = Trial(
            variant=setting.label,
            letter=letter(setting.label),
            lr=setting.lr,
            batch=setting.batch,
            seed=setting.seed,
            epochs=int(fit.epochs[r]),
            steps=int(fit.steps[r]),
            status=fit.outcomes[r].word,
            score=scored.get(r),
            spread=None if leader is None else leader.spread,
            result=fit.outcomes[r].word,
            leader=leader is not None,
            best=best,
            finding=findings[0].code if best and findings else None,
        )
        rows.append(one if leader is None else _leader(one, leader, places[r], result, options))
    return tuple(rows)


def _score_of(leader: Contestant, result: SearchResult) -> float | None:
    """The score of the run of a leader itself, where it is one of those that it is compared by."""
    runs = result.seeds_of(leader.run) or (leader.run,)
    return (
        float(leader.scores[runs.index(leader.run)]) if len(leader.scores) == len(runs) and leader.run in runs else None
    )


def _leader(trial: Trial, leader: Contestant, standing: Standing, result: SearchResult, options: Options) -> Trial:
    """The row of the best setting of a variant, with what the table says of it."""
    code = code_of_outcome(evidence_of(result, None, options, leader.run))
    return dataclasses.replace(
        trial,
        finding=trial.finding or code,
        mean=leader.score,
        seeds=max(len(leader.scores), 1),
        standing=standing.value,
        result=_words(trial, leader, standing, result, code),
    )


def _words(trial: Trial, leader: Contestant, standing: Standing, result: SearchResult, code: str | None) -> str:
    outcome = result.fit.outcomes[leader.run]
    if outcome.failed:
        return " ".join(filter(None, (code, f"{outcome.word} by step {trial.steps:,}")))
    if standing is Standing.FAILED:
        return "failed with another seed"
    if outcome == Outcome.PRUNED and result.sample_rows is not None:
        return "behind on a sample"
    words = [standing.value]
    if trial.best and standing is not Standing.BEST:
        words.append(f"kept for its {criterion(result.fit)}")
    if outcome == Outcome.BUDGET:
        words.append(" ".join(filter(None, (code, "not converged in budget"))))
    elif outcome == Outcome.PRUNED:
        words.append("pruned")
    return "; ".join(words)


def order(trials: tuple[Trial, ...], metric: str) -> tuple[Trial, ...]:
    """Return trials in the order of a table: by the score that is shown, the best first, failed ones last."""
    sign = -1.0 if metric in HIGHER_IS_BETTER else 1.0

    def key(trial: Trial) -> tuple[bool, float]:
        known = trial.shown is not None and trial.shown == trial.shown
        return not known, sign * trial.shown if known and trial.shown is not None else 0.0

    return tuple(sorted(trials, key=key))
