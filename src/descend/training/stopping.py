"""stopping: when a run ends, and which of its weights are kept, judged record point by record point."""

from dataclasses import dataclass, replace

import numpy as np

from descend.arrays import Array
from descend.outcome import Outcome
from descend.plan import Plan
from descend.training.best import Best
from descend.training.halving import competition, worse_half

DIVERGED_FACTOR = 1e4  # a loss so many times that of the start, and of the best constant, has diverged; arbitrary
STALLED_PART = 0.01  # a run that nears the optimum by less than this part of its distance does not improve; arbitrary
GRACE_FACTOR = 2.0  # once a run has converged, the others may use this many times its epochs; arbitrary
GRACE_EPOCHS = 100  # epochs that count at least as those of the run that converged; arbitrary
SMOOTHED_POINTS = 5  # record points over which the guiding loss is averaged before runs are compared
PLATEAU_FACTOR = 0.3  # what a plateau multiplies lr by: about half a decade
PLATEAU_LOWEST = (
    1e-3  # part of its lr below which a run that has reached a plateau again is stopped, as one that decays
)
KNOWN_OPTIMUM_PATIENCE = 20  # times the patience, where the optimum is known: momentum oscillates for long on the way
RUNNING, CONVERGED = int(Outcome.RUNNING), int(Outcome.CONVERGED)  # NumPy compares with a plain int five times as fast


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When training ends.

    Args:
        epochs: most epochs a run.
        seconds: most seconds for all runs together, or None.
        patience: epochs without improvement before a run is stopped, counted from the last change of the rate by its
            schedule; a run that has trained long may take a tenth of its epochs instead; where the optimum is known,
            twenty times as many or a quarter. A plateau cuts the rate after half of it.
        tol: an improvement of the loss by less than this part is none; where the optimum is known, an improvement is
            a hundredth of the distance to it.
        optimum: the lowest possible training objective, or None.
        aim: the training objective at which a run has converged, or None.
        reference: the objective of the best constant prediction, or None.
        early: whether the held-out loss, where there is one, decides when a run stops and which of its weights are
            kept; else the training objective does.
        rung: after how many epochs learning rates of one variant are first compared, and the worse half is pruned;
            again after twice as many, and so on, see `halving.worse_half`; 0 for never.
        grace: epochs that count at least as those of the run that converged first.
        others: how many times as many the other runs get.
        ends: whether only the first and the last epoch are recorded and judged.
    """

    epochs: int = 1000
    seconds: float | None = None
    patience: int = 10
    tol: float = 1e-4
    optimum: float | None = None
    aim: float | None = None
    reference: float | None = None
    early: bool = True
    rung: int = 0
    grace: int = GRACE_EPOCHS
    others: float = GRACE_FACTOR
    ends: bool = False


class Stopping:
    """Ends runs, keeps their best weights and lowers their rates; every run of a plan is judged at each record point.

    Args:
        plan: as it was given.
        limits: when training ends.
        guided: whether the held-out loss decides; else the training objective does.
        loss, held_out: before the first step (runs,).
        weights: there (runs, params).
        settled: the epoch after which the schedule of each run leaves its rate as it is (runs,).
    """

    def __init__(
        self, plan: Plan, limits: Limits, guided: bool, loss: Array, held_out: Array, weights: Array, settled: Array
    ) -> None:  # fmt: skip
        runs = len(plan)
        self.plan, self.limits, self.guided, self.rung = plan, limits, guided, limits.rung
        self.by_loss, self.by_held_out = Best.of(loss, weights), Best.of(held_out, weights)
        self.ceiling = DIVERGED_FACTOR * np.maximum(np.abs(loss), abs(limits.reference or 0.0)) + 1e-300
        self.epochs = np.zeros(runs, np.int64)  # epochs trained
        self.recent = np.full((SMOOTHED_POINTS, runs), np.nan)  # the guiding loss at the last record points
        self.smoothed = np.full(runs, np.inf)  # the lowest mean of those so far
        self.on_plateau = np.array([s.schedule == "plateau" for s in plan.settings])
        self.lowered = settled.astype(np.int64)  # the epoch at which the schedule, or a plateau, last changes lr
        self.rate_part = np.ones(runs)  # what plateaus have left of the lr that was given

    @property
    def best(self) -> Best:
        """The best weights so far by what decides."""
        return self.by_held_out if self.guided else self.by_loss

    def lowered_plan(self) -> Plan:
        """Return the plan with the rates that plateaus have left."""
        if not self.on_plateau.any():
            return self.plan
        settings = (s.at(lr=s.lr * part) for s, part in zip(self.plan.settings, self.rate_part, strict=True))
        return replace(self.plan, settings=tuple(settings))

    def judge(
        self, epoch: int, loss: Array, held_out: Array, weights: Array, outcome: Array, last_epoch: Array
    ) -> None:  # fmt: skip
        """Judge all runs at a record point.

        Args:
            epoch: of the record point.
            loss, held_out: there (runs,).
            weights: there (runs, params).
            outcome: of each run (runs,); changed in place for those that end.
            last_epoch: for runs that failed in the engine, the last epoch that they finished; -1 for others (runs,).
        """
        finite = np.isfinite(loss) & np.isfinite(weights).all(axis=1)
        reached = (outcome == RUNNING) | (epoch <= last_epoch)
        seen = reached & finite
        self.by_loss = self.by_loss.seeing(epoch, np.where(seen, loss, np.nan), weights, self._needed())
        held_out = np.where(seen, held_out, np.nan)
        self.by_held_out = self.by_held_out.seeing(epoch, held_out, weights, self.limits.tol * np.abs(held_out))
        self.epochs[reached] = epoch
        self._smooth(np.maximum(held_out, loss), seen)
        _end(outcome, ~finite, Outcome.NONFINITE)
        _end(outcome, loss > self.ceiling, Outcome.DIVERGED)
        if self.limits.aim is not None:
            _end(outcome, loss <= self.limits.aim, Outcome.CONVERGED)
        self._stop_stalled(epoch, outcome)
        converged = outcome == CONVERGED
        if converged.any() and epoch >= self.limits.others * max(self.limits.grace, int(self.epochs[converged].min())):
            _end(outcome, np.ones_like(converged), Outcome.BUDGET)
        if self.rung and epoch >= self.rung:
            self._prune(outcome)

    def _smooth(self, guide: Array, seen: Array) -> None:
        """Average the guiding loss over the last points: one lucky epoch of a noisy run is no reason to prefer it."""
        if self.guided:
            self.recent[:, seen] = np.roll(self.recent[:, seen], 1, axis=0)
            self.recent[0, seen] = guide[seen]
            self.smoothed[seen] = np.minimum(self.smoothed[seen], np.nanmean(self.recent[:, seen], axis=0))

    def _stop_stalled(self, epoch: int, outcome: Array) -> None:
        """Stop the runs that no longer improve; those whose schedule is "plateau" go on at a lower lr first."""
        stalled = epoch - np.maximum(self.best.improved, self.lowered) >= self._patience(epoch)
        _end(outcome, stalled & ~self.on_plateau, Outcome.STOPPED)
        if self.on_plateau.any():
            self._lower(epoch, stalled, outcome)

    def _lower(self, epoch: int, stalled: Array, outcome: Array) -> None:
        """Lower the rate of runs on a plateau, and stop those that are there at the lowest rate.

        A plateau is half the patience without a new lowest loss: steady progress, however slow, is none.
        """
        waited = epoch - np.maximum(self.best.epoch, self.lowered)
        there = (outcome == Outcome.RUNNING) & self.on_plateau
        there &= stalled | (waited >= -(-max(self.limits.patience, epoch // 10) // 2))
        _end(outcome, there & (self.rate_part <= PLATEAU_LOWEST), Outcome.STOPPED)
        there &= self.rate_part > PLATEAU_LOWEST
        self.rate_part[there] *= PLATEAU_FACTOR
        self.lowered[there] = epoch

    def _prune(self, outcome: Array) -> None:
        """Prune the worse half of each variant's learning rates."""
        ended = np.isin(outcome, (Outcome.CONVERGED, Outcome.STOPPED))
        score = self.smoothed if self.guided else self.by_loss.score
        groups = [competition(s) for s in self.plan.settings]
        _end(outcome, worse_half(score, outcome == Outcome.RUNNING, ended, groups), Outcome.PRUNED)
        self.rung *= 2

    def _patience(self, epoch: int) -> int:
        """Epochs without improvement that are too many."""
        if not self.guided and self.limits.optimum is not None:
            return max(KNOWN_OPTIMUM_PATIENCE * self.limits.patience, epoch // 4)
        return max(self.limits.patience, epoch // 10)

    def _needed(self) -> Array:
        """By how much the training objective must fall to have improved (runs,)."""
        if self.limits.optimum is not None:
            return STALLED_PART * np.maximum(self.by_loss.improved_score - self.limits.optimum, 0.0)
        with np.errstate(invalid="ignore"):  # no score yet is infinite, and a tol of 0 asks for nothing
            return self.limits.tol * np.abs(self.by_loss.improved_score)


def _end(outcome: Array, runs: Array, how: Outcome) -> None:
    """End those of the runs that are still training, in place."""
    if runs.any():
        outcome[runs & (outcome == RUNNING)] = how
