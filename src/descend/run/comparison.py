"""comparison: the variants, each at its own best rate, over seeds: what differs beyond chance, and what it costs."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.metrics import HIGHER_IS_BETTER
from descend.options.flags import in_keywords
from descend.outcome import Outcome
from descend.plan import THE_EIGHT, Plan, letter
from descend.report.summary import html, text
from descend.run.job import train
from descend.run.record import Run
from descend.run.summary import comparison_summary
from descend.training import Limits
from descend.training import train as train_alone

TIE = 2.0  # standard errors of the difference of two means: closer ones tie
PACE = 0.1  # seconds of training that a pace is taken from
LEAST = 1e-3  # part of the score: a smaller difference is a tie whatever its error


@dataclass(frozen=True)
class Row:
    """One variant.

    Args:
        variant, letter, lr, batch: what was trained.
        score, spread, seeds: mean and standard deviation of the metric over so many seeds; None when it failed.
        loss, gap: its training objective, and what is missing to the optimum, as a part; None where unknown.
        epochs, gradients: epochs trained, and gradients of single rows that they took.
        seconds: what these epochs take when the run is trained alone, by the pace of a short training; None without one.
        result: "best", "tie with best", "behind", or a code and why it failed.
    """

    variant: str
    letter: str
    lr: float
    batch: str
    score: float | None
    spread: float
    seeds: int
    loss: float | None
    gap: float | None
    epochs: int
    gradients: int
    seconds: float | None
    result: str

    @property
    def failed(self) -> bool:
        """True when no seed gave a usable model."""
        return self.score is None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Variants compared on the same data, from the same start, over the same seeds.

    Args:
        rows: best first, failed ones last.
        verdict: one sentence.
        metric, where: what `score` is, and on which part of the rows: "test" or "train".
        run: the training it is made of, with the best model.
    """

    rows: tuple[Row, ...]
    verdict: str
    metric: str
    where: str
    run: Run

    def __repr__(self) -> str:
        return text(comparison_summary(self))

    def _repr_html_(self) -> str:
        return html(comparison_summary(self))


@in_keywords()
def compare(data: Any, target: Any, *, variants: str = "all", **options: Any) -> Comparison:
    """Train variants, each at its own best rate, and say which differ beyond chance.

    Args:
        data, target, options: as `descend.train` takes them; `seeds` seeds a variant, 3 when not given.
        variants: "all" for the eight of the textbook, or names with commas between.

    Two variants tie when their mean scores are within two standard errors of their difference (Welch 1947), the
    spread of one that takes all rows a step being zero, or within a thousandth of the score.
    """
    names = ",".join(THE_EIGHT) if variants in ("all", "auto") else variants
    run = train(data, target, **{**options, "optimizer": names})
    return of_run(run)


def of_run(run: Run) -> Comparison:
    """Return the comparison that a run of several variants holds; it must have been trained in this process."""
    assert run.search_result is not None
    where, metric = run.scored_part, run.metric
    rows = [_row(run, r) for r in run.search_result.best_per_variant]
    sign = -1.0 if metric in HIGHER_IS_BETTER else 1.0
    rows.sort(key=lambda row: math.inf if row.score is None else sign * row.score)
    judged = tuple(_judged(row, rows[0]) for row in rows)
    return Comparison(judged, _verdict(judged, metric, where), metric, where, run)


def _row(run: Run, leader: int) -> Row:
    fit, landscape = run.search_result.fit, run.search_result.landscape  # type: ignore[union-attr]
    own = fit.plan.settings[leader]
    by_seed = {s.seed: r for r, s in enumerate(fit.plan.settings) if s.alike(own)}
    scores = [s for r in by_seed.values() if (s := run.tried[r].score) is not None]
    epochs, loss = int(fit.epochs[leader]), float(fit.loss[leader])
    failed = fit.outcomes[leader].failed or not scores
    code = (
        f"{run.tried[leader].result}"
        if failed
        else "D201 not converged in budget"
        if fit.outcomes[leader] == Outcome.BUDGET
        else ""
    )
    return Row(
        own.label, letter(own.label), own.lr, own.batch,
        None if failed else float(np.mean(scores)), float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0,
        max(len(scores), 1), None if failed else loss, None if failed else landscape.gap(loss), epochs,
        epochs * fit.problem.data.rows, _seconds(run, leader), code,
    )  # fmt: skip


def _seconds(run: Run, leader: int) -> float | None:
    fit = run.search_result.fit  # type: ignore[union-attr]
    own, epochs = fit.plan.settings[leader], int(fit.epochs[leader])
    limits = Limits(epochs, PACE, patience=epochs + 1, tol=0.0, ends=True)
    alone = train_alone(fit.problem, Plan((own,)), None, limits, threads=int(run.env["threads"]))
    done = alone.state.seen[0] / fit.problem.data.rows
    return float(alone.seconds / done * epochs) if done > 0 else None


def ties(a: Row, b: Row) -> bool:
    """Tell whether two variants differ by no more than chance."""
    if a.score is None or b.score is None:
        return False
    apart = abs(a.score - b.score)
    error = math.sqrt(a.spread**2 / a.seeds + b.spread**2 / b.seeds)
    return apart <= max(TIE * error, LEAST * max(abs(a.score), abs(b.score)))


def _judged(row: Row, best: Row) -> Row:
    if row.failed:
        return row
    word = "best" if row is best else "tie with best" if ties(row, best) else "behind"
    return replace(row, result=f"{word}; {row.result}" if row.result else word)


def _verdict(rows: tuple[Row, ...], metric: str, where: str) -> str:
    good = [row for row in rows if not row.failed]
    failed = [row.variant for row in rows if row.failed]
    lost = f"; {', '.join(failed)} failed" if failed else ""
    if not good:
        return f"no variant trained: {', '.join(failed)} failed"
    best, tied = good[0], [row.variant for row in good[1:] if "tie" in row.result]
    part = "test" if where == "test" else "training"
    if len(tied) == len(good) - 1 and tied:
        cheapest = min(good, key=lambda row: row.gradients)
        return (f"all {len(good)} variants tie in {part} {metric}; {cheapest.variant} needs the fewest gradients, "
                f"{cheapest.gradients:,}{lost}")  # fmt: skip
    beside = f", tied with {', '.join(tied)}" if tied else ""
    return f"{best.variant} has the best {part} {metric}, {best.score:.4g}{beside}{lost}"
