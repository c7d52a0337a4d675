"""comparison: the variants, each at its own best rate, over seeds: which differ beyond chance, and what they cost."""

import math
import time
from dataclasses import dataclass
from typing import Any

from descend.errors import UsageError
from descend.options.flags import in_keywords
from descend.plan import THE_EIGHT, Plan
from descend.report.summary import html, text
from descend.run.job import train
from descend.run.record import Run
from descend.run.standing import Standing
from descend.run.summary import comparison_summary
from descend.run.trials import Trial, order
from descend.search.result import SearchResult
from descend.training import Limits
from descend.training import train as train_alone

PACE = 0.1  # seconds of training from which a pace is taken (arbitrary: eight variants take a second)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One variant.

    Args:
        variant, letter, lr, batch: what was trained.
        score, spread, seeds: mean and standard deviation of the metric over so many seeds; None when it failed.
        loss, gap: its training objective, and the gap to the optimum; None where unknown.
        epochs, gradients: epochs trained, and gradients of single rows that they took.
        seconds: what these epochs take when the run is trained alone, by the pace of a short training; None without one.
        standing: how it compares with the best, see `run.standing`.
        result: the same in words, with a code where the run failed or was not finished.
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
    standing: Standing
    result: str

    @property
    def failed(self) -> bool:
        """True when a seed gave no usable model."""
        return self.standing is Standing.FAILED


@dataclass(frozen=True, eq=False, kw_only=True)
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

    def plot(self, kind: str = "loss", ax: Any = None) -> Any:
        """Draw one picture of its run with matplotlib and return its axes; see `Run.plot`."""
        return self.run.plot(kind, ax)


@in_keywords()
def compare(data: Any, target: Any, *, variants: str = "all", **options: Any) -> Comparison:
    """Train variants, each at its own best rate, and say which differ beyond chance.

    Args:
        data, target, options: as `descend.train` takes them; `seeds` seeds of each variant, 3 when not given.
        variants: "all" for the eight of the textbook, or names with commas between.

    Two variants tie where their losses, paired row by row and seed by seed, differ by no more than chance, where both
    are at the exact optimum, or within a thousandth of the score; see `descend.run.standing.ties`.
    """
    if "optimizer" in options:
        raise UsageError(
            f"optimizer is {options['optimizer']!r}, but what is compared are variants",
            fix="name them with variants, such as variants='gd,adam'", code="contradiction",
        )  # fmt: skip
    begun = time.monotonic()
    names = ",".join(THE_EIGHT) if variants in ("all", "auto") else variants
    run = train(data, target, **{**options, "optimizer": names})
    budget = run.options.time_budget
    compiling = 0.0 if run.search_result is None else run.search_result.fit.compiling
    return of_run(run, math.inf if budget is None else begun + budget + compiling)


def of_run(run: Run, deadline: float = math.inf) -> Comparison:
    """Return the comparison that a run of several variants holds; it must have been trained in this process.

    Args:
        deadline: by `time.monotonic`; after it no pace is measured, and rows have no seconds.
    """
    result = run.search_result
    assert result is not None
    ahead = {run.tried[r].variant: r for r in result.best_per_variant}
    rows = tuple(_row(run, result, trial, ahead[trial.variant], deadline) for trial in order(run.trials, run.metric))
    verdict = _verdict(rows, run.metric, run.scored_part)
    return Comparison(rows=rows, verdict=verdict, metric=run.metric, where=run.scored_part, run=run)


def _row(run: Run, result: SearchResult, trial: Trial, r: int, deadline: float) -> Row:
    loss, failed = float(result.fit.loss[r]), trial.standing == Standing.FAILED
    return Row(
        variant=trial.variant,
        letter=trial.letter,
        lr=trial.lr,
        batch=trial.batch,
        score=None if failed else trial.mean,
        spread=trial.spread or 0.0,
        seeds=trial.seeds,
        loss=None if failed else loss,
        gap=None if failed else result.landscape.gap(loss),
        epochs=trial.epochs,
        gradients=trial.epochs * result.fit.problem.data.rows,
        seconds=_seconds(result, r, int(run.env["threads"])) if time.monotonic() < deadline else None,
        standing=Standing(trial.standing or Standing.FAILED),
        result=trial.result,
    )


def _seconds(result: SearchResult, r: int, threads: int) -> float | None:
    fit = result.fit
    setting, epochs = fit.plan.settings[r], int(fit.epochs[r])
    limits = Limits(epochs=epochs, seconds=PACE, patience=epochs + 1, tol=0.0, ends=True)
    alone = train_alone(fit.problem, Plan((setting,)), None, limits, threads=threads)
    done = alone.state.seen[0] / fit.problem.data.rows
    return float(alone.seconds / done * epochs) if done > 0 else None


def _verdict(rows: tuple[Row, ...], metric: str, where: str) -> str:
    good = [row for row in rows if not row.failed]
    failed = [row.variant for row in rows if row.failed]
    failures = f"; {', '.join(failed)} failed" if failed else ""
    if not good:
        return f"no variant trained: {', '.join(failed)} failed"
    best, tied = good[0], [row.variant for row in good[1:] if row.standing is Standing.TIE]
    part = "test" if where == "test" else "training"
    if len(tied) == len(good) - 1 and tied:
        cheapest = min(good, key=lambda row: row.gradients)
        return (f"all {len(good)} variants tie in {part} {metric}; {cheapest.variant} needs the fewest gradients, "
                f"{cheapest.gradients:,}{failures}")  # fmt: skip
    beside = f", tied with {', '.join(tied)}" if tied else ""
    return f"{best.variant} has the best {part} {metric}, {best.score:.4g}{beside}{failures}"
