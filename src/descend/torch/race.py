"""race: settings trained on the same batches for so many steps; successive halving keeps the promising ones."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.outcome import Outcome
from descend.torch.batches import Batch, Source
from descend.torch.side_by_side import Runs
from descend.training.halving import FIRST_RUNG_STEPS, competition, worse_half

LAST = 0.25  # of the steps, over which the loss is averaged: single batches are noisy


def endless(source: Source, seed: int) -> Iterator[Batch]:
    """Yield the batches of epoch after epoch."""
    return itertools.chain.from_iterable(source.epoch(seed + epoch) for epoch in itertools.count())


def advance(runs: Runs, batches: Iterator[Batch], steps: int, deadline: float) -> Array:
    """Train the runs that have not ended for so many steps; return their losses (taken, runs), NaN where a run had ended.

    Fewer steps are taken where the time is over (deadline: of time.monotonic), one at least.
    """
    taken: list[Array] = []
    for batch in itertools.islice(batches, steps):
        if not runs.running or (taken and time.monotonic() > deadline):
            break
        taken.append(runs.step(batch))
    return np.array(taken).reshape(len(taken), len(runs.settings))


def late(losses: Array) -> Array:
    """Return the mean over the last quarter of the steps (runs,); infinity where a run had ended."""
    tail = losses[-max(1, round(LAST * len(losses))) :]
    means = tail.mean(axis=0) if len(tail) else np.full(losses.shape[1], np.nan)
    return np.where(np.isfinite(means), means, np.inf)


@dataclass(frozen=True, eq=False)
class Race:
    """What came of a race.

    Args:
        scores: by which runs were compared last (runs,): the larger of training and validation loss; infinity where a run
            failed.
        steps: of each run (runs,).
        outcomes: how each ended; the ones that were ahead are out of budget.
        best: the best run; None where all failed.
    """

    scores: Array
    steps: Array
    outcomes: tuple[Outcome, ...]
    best: int | None


def race(runs: Runs, source: Source, validation: Source | None, seed: int, most_steps: int, deadline: float) -> Race:
    """Train all runs; after 200 steps, 400, 800 the worse half of each rule's rates is given up.

    Args:
        runs: not yet trained.
        source: what they are trained on; seed: of its order.
        validation: rows that decide; None where the training loss does.
        most_steps: of a run.
        deadline: of time.monotonic.
    """
    batches, rung, done = endless(source, seed), FIRST_RUNG_STEPS, 0
    groups = [competition(s) for s in runs.settings]
    scores, losses = np.full(len(groups), np.inf), np.zeros((0, len(groups)))
    while runs.running and done < most_steps:
        new = advance(runs, batches, min(rung, most_steps) - done, deadline)
        losses = np.concatenate([losses, new])
        done, score = len(losses), late(losses)
        if validation is not None:
            score = np.maximum(score, runs.losses(validation.epoch(seed)))  # NaN of runs that have ended
        running = runs.outcomes == Outcome.RUNNING
        scores[running] = np.where(np.isfinite(score), score, np.inf)[running]
        scores[_failed(runs)] = np.inf
        over = done < min(rung, most_steps) or time.monotonic() > deadline
        pruned = worse_half(scores, running, np.zeros(len(groups), bool), groups)
        if over or done >= most_steps or not pruned.any():
            break
        runs.outcomes[pruned] = Outcome.PRUNED
        left = [groups[r] for r in runs.running]
        if len(left) == len(set(left)):  # one rate of each rule
            break
        rung *= 2
    ahead = runs.outcomes == Outcome.RUNNING
    runs.outcomes[ahead] = Outcome.BUDGET
    best = int(np.argmin(np.where(ahead, scores, np.inf))) if ahead.any() and np.isfinite(scores[ahead]).any() else None
    return Race(scores, runs.steps.copy(), tuple(Outcome(o) for o in runs.outcomes), best)


def _failed(runs: Runs) -> Array:
    return np.isin(runs.outcomes, (Outcome.DIVERGED, Outcome.NONFINITE))
