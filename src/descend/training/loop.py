"""fit: the one path from a problem and a plan to weights, trace and outcomes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines import Engine, State, choose, start
from descend.outcome import Outcome
from descend.plan import Plan
from descend.problem import Problem, mean_losses, objectives
from descend.problem.layer_stats import KINDS
from descend.table.data import Data
from descend.training.best import Best
from descend.training.halving import bracket, worse_half
from descend.training.trace import Trace, record_points

CALL_SECONDS = 0.1  # a compiled call returns about so often
SHORTEST_CALL = 0.01  # the first calls are shorter, and each as long as all before
CALL_POINTS = 32  # record points of one call at most
TRACE_CELLS = 1 << 24  # weights kept in a trace
TRACE_POINTS = 400  # record points kept in a trace
BLOWN_UP = 1e4  # a loss so many times that of the start, and of the best constant, has diverged
STALLED = 0.01  # a run that nears the optimum by less than this part of its distance has stalled
GRACE = 2.0  # once a run has converged, the others may use this many times its epochs
FEWEST = 100  # epochs that every run may use
STEADY = 5  # record points over which what guides is averaged, before runs are compared
LOWERED = 0.3  # what a plateau multiplies lr by
LOWEST = 1e-3  # part of its lr below which a run that has reached a plateau again is stopped


@dataclass(frozen=True)
class Limits:
    """When training ends.

    Args:
        epochs: most epochs a run.
        seconds: most seconds for all runs together, or None.
        patience: epochs without improvement before a run is stopped; a run that has trained long may take a tenth
            of its epochs instead; where the optimum is known, twenty times as many or a quarter.
        tol: an improvement of the loss by less than this part is none; where the optimum is known, an improvement is
            a hundredth of the distance to it.
        optimum: the lowest possible training objective, or None.
        aim: the training objective at which a run has converged, or None.
        reference: the objective of the best constant prediction, or None.
        early: whether the held-out loss, where there is one, decides when a run stops and which of its weights are
            kept; else the training objective does.
        rung: after how many epochs learning rates of one variant are first compared, and the worse half is given up;
            again after twice as many, and so on, see `race.worse_half`; 0 for never.
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
    ends: bool = False


@dataclass(frozen=True)
class Progress:
    """What a listener hears about ten times a second.

    Args:
        epoch: epochs done by the runs that are still training.
        epochs: most epochs.
        seconds: seconds so far.
        share: how much of the work is done, from 0 to 1, by whichever limit is nearest.
        loss: the best training objective so far.
        held_out: the best held-out loss so far, or NaN.
        lr: the learning rate of the best run.
        running, runs: runs still training, of so many.
    """

    epoch: int
    epochs: int
    seconds: float
    share: float
    loss: float
    held_out: float
    lr: float
    running: int
    runs: int = 1


@dataclass(frozen=True, eq=False)
class Fit:
    """What training made of each run of a plan.

    Args:
        weights: the weights that are kept (runs, params): of the lowest held-out loss, or with `Limits.early` off of
            the lowest training objective.
        epoch: the epoch of those weights (runs,).
        loss: their training objective, evaluated afresh (runs,).
        held_out: their mean loss on held-out data, evaluated afresh, or NaN (runs,).
        score: what runs are compared by (runs,): the training objective; where held-out data guided the training, the
            larger of both losses, as a mean over five record points where that was lowest. Few held-out rows are
            fitted by chance, or by weights far too large, better than what was trained on.
        outcomes: how each run ended.
        steps: steps taken; for a run that left the finite range, the step at which it did (runs,).
        epochs: epochs trained (runs,).
        state: where the runs stand, for going on.
        interrupted: whether the user stopped it.
        guided: whether the held-out loss decided when runs stopped and which weights are kept.
    """

    problem: Problem
    plan: Plan
    weights: Array
    epoch: Array
    loss: Array
    held_out: Array
    score: Array
    outcomes: tuple[Outcome, ...]
    steps: Array
    epochs: Array
    trace: Trace
    state: State
    engine: str
    seconds: float
    interrupted: bool
    guided: bool = False

    def beside(self, other: "Fit") -> "Fit":
        """Return the runs of both fits of the same problem, in this order."""
        names = ("weights", "epoch", "loss", "held_out", "score", "steps", "epochs")
        joined: dict[str, Any] = {n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names}
        return replace(
            self, **joined, plan=self.plan.beside(other.plan), outcomes=self.outcomes + other.outcomes,
            trace=self.trace.beside(other.trace), state=self.state.beside(other.state),
            seconds=self.seconds + other.seconds, interrupted=self.interrupted or other.interrupted,
        )  # fmt: skip


def train(
    problem: Problem,
    plan: Plan,
    held_out: Data | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
    on_event: Callable[[Progress], None] = lambda progress: None,
    threads: int = 1,
) -> Fit:
    """Train all runs of a plan side by side.

    Every run ends by itself: converged, stopped early, diverged, non-finite, or out of budget. KeyboardInterrupt ends
    all of them; what they had reached is returned.
    """
    engine = choose(problem, plan, held_out, threads)
    loop = _Loop(problem, plan, held_out, limits, on_event, engine, threads)
    interrupted = False
    try:
        loop.run()
    except KeyboardInterrupt:
        interrupted = True
    return loop.result(interrupted)


class _Loop:
    """One training, from call to call of the engine."""

    def __init__(
        self, problem: Problem, plan: Plan, held_out: Data | None, limits: Limits,
        on_event: Callable[[Progress], None], engine: Engine, threads: int,
    ) -> None:  # fmt: skip
        self.problem, self.plan, self.held_out, self.limits = problem, plan, held_out, limits
        self.given, self.rung = plan, limits.rung
        self.recent = np.full((STEADY, len(plan)), np.nan)  # what guided at the last record points
        self.steady = np.full(len(plan), np.inf)  # the lowest mean of those so far
        self.lowered = np.zeros(len(plan), np.int64)  # the epoch at which a plateau last lowered lr
        self.part = np.ones(len(plan))  # of the lr that was given, which a plateau has left
        self.on_event, self.engine, self.threads = on_event, engine, threads
        self.state = start(problem, plan)
        engine.advance(problem, plan, self.state, np.zeros(1, np.int64), threads)  # compiles, and trains nothing
        self.begun = time.monotonic()
        begin, everyone = self.state.weights[:, None], np.ones(len(plan), bool)
        blank = np.empty((len(plan), 0))
        nothing = Trace(blank, blank, blank, begin[:, :0])
        self.trace = self._recorded(np.zeros(1, np.int64), begin, self._room(1), everyone, nothing)
        self.by_loss = Best.of(self.trace.loss[:, 0], self.state.weights)
        self.by_held_out = Best.of(self.trace.held_out[:, 0], self.state.weights)
        self.epochs = np.zeros(len(plan), np.int64)
        grid = record_points(0, limits.epochs)
        self.grid = grid[-1:] if limits.ends else grid  # the same whatever the speed, and so is what is judged
        self.pace = 0.0  # seconds an epoch

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def run(self) -> None:
        epoch = 0
        while epoch < self.limits.epochs and self._running().any() and not self._out_of_time():
            marks = self._next_marks(epoch)
            if len(marks) == 0:
                marks = self.grid[self.grid > epoch][:1]
                if not self._most_of_the_way(epoch, int(marks[0])):
                    break
            self._advance(epoch, marks)
            epoch = int(marks[-1])
        self._end(self._running(), Outcome.BUDGET)

    def _next_marks(self, epoch: int) -> Array:
        """The record points of the next call, as many as fit its time; none when not even one does."""
        points = self.grid[np.searchsorted(self.grid, epoch, side="right") :]
        if any(s.schedule == "plateau" for s in self.given.settings):
            points = points[:1]  # a lower lr holds from the very record point at which it is found
        if self.pace == 0.0:
            return points[:1] if self.problem.data.rows * len(self.plan) < 1 << 20 else points[:0]
        call = min(CALL_SECONDS, max(SHORTEST_CALL, self.seconds))  # what is done beyond convergence is thrown away
        fits = int(np.searchsorted(points, epoch + call / self.pace, side="right"))
        return points[: min(fits, CALL_POINTS, max(1, TRACE_CELLS // (4 * self.state.weights.size)))]

    def _most_of_the_way(self, epoch: int, target: int) -> bool:
        """Train towards a record point in short calls; False when the time is over before it."""
        n, parts = self.problem.data.rows, int(self.pace * (target - epoch) / CALL_SECONDS) + 1 if self.pace else 16
        for part in range(1, parts):
            marks = np.array([epoch * n + n * (target - epoch) * part // parts])
            self.state, _ = self.engine.advance(self.problem, self.plan, self.state, marks, self.threads)
            self._tell(epoch)
            if self._out_of_time():
                return False
        return True

    def _advance(self, epoch: int, marks: Array) -> None:
        began, running = self.seconds, self._running()
        room, rows = self._room(len(marks)), marks * self.problem.data.rows
        more = {} if self.problem.network is None else {"layer_stats": room}
        self.state, path = self.engine.advance(self.problem, self.plan, self.state, rows, self.threads, **more)
        points = self._recorded(marks, path, room, running, self.trace)
        self._judge(points, path, running)
        self.trace = self._kept(self.trace.then(points))
        self.pace = (self.seconds - began) / (int(marks[-1]) - epoch)
        self._tell(int(marks[-1]))

    def _room(self, points: int) -> Array:
        """Where an engine writes what the layers of a network show."""
        layers = 0 if self.problem.network is None else len(self.problem.network.layers)
        return np.full((len(self.plan), points, layers, len(KINDS)), np.nan)

    def _recorded(self, epochs: Array, path: Array, layer_stats: Array, running: Array, before: Trace) -> Trace:
        """What the runs came to; those that had ended before stay where they were."""
        runs, points, params = path.shape
        flat = path[running].reshape(-1, params)
        loss, held_out = (np.repeat(v[:, -1:], points, axis=1) if v.size else np.empty((runs, points))
                          for v in (before.loss, before.held_out))  # fmt: skip
        for values, measure in ((loss, self.engine.objectives), (held_out, self.engine.held_out)):
            values[running] = measure(flat).reshape(-1, points)
        kept = path if self.problem.network is None else path[..., :0]
        return Trace(np.broadcast_to(epochs, (runs, points)).copy(), loss, held_out, kept, layer_stats)

    def _judge(self, points: Trace, path: Array, running: Array) -> None:
        """Decide, point by point, which runs have ended and which weights are the best so far."""
        failed = running & (self.state.outcome == Outcome.NONFINITE)
        for k in range(points.loss.shape[1]):
            epoch, loss, weights = int(points.epochs[0, k]), points.loss[:, k], path[:, k]
            finite = np.isfinite(loss) & np.isfinite(weights).all(axis=1)
            alive = self._running() | (failed & (epoch * self.problem.data.rows <= self.state.seen))
            seen = alive & finite
            self.by_loss = self.by_loss.seeing(epoch, np.where(seen, loss, np.nan), weights, self._needed())
            held_out = np.where(seen, points.held_out[:, k], np.nan)
            self.by_held_out = self.by_held_out.seeing(epoch, held_out, weights, self.limits.tol * np.abs(held_out))
            self.epochs[alive] = epoch
            self._compare(np.maximum(held_out, loss), seen)
            self._end(self._running() & ~finite, Outcome.NONFINITE)
            self._end(self._running() & (loss > self._ceiling()), Outcome.DIVERGED)
            if self.limits.aim is not None:
                self._end(self._running() & (loss <= self.limits.aim), Outcome.CONVERGED)
            self._wait(epoch)
            converged = self.state.outcome == Outcome.CONVERGED
            if converged.any() and epoch >= GRACE * max(FEWEST, int(self.epochs[converged].min())):
                self._end(self._running(), Outcome.BUDGET)

            if self.rung and epoch >= self.rung:
                self._race()

    def _compare(self, guide: Array, seen: Array) -> None:
        """Average what guides over the last record points: one lucky epoch of a restless run is no reason to keep it."""
        if self._guided:
            self.recent[:, seen] = np.roll(self.recent[:, seen], 1, axis=0)
            self.recent[0, seen] = guide[seen]
            self.steady[seen] = np.minimum(self.steady[seen], np.nanmean(self.recent[:, seen], axis=0))

    def _wait(self, epoch: int) -> None:
        """Stop the runs that no longer improve; those whose schedule is "plateau" go on at a lower lr first."""
        waited = epoch - np.maximum(self._guide().improved, self.lowered)
        still = self._running() & (waited >= self._patience(epoch))
        lower = still & (self.part > LOWEST) & [s.schedule == "plateau" for s in self.given.settings]
        self._end(still & ~lower, Outcome.STOPPED)
        if lower.any():
            self.part[lower] *= LOWERED
            self.lowered[lower] = epoch
            lowered = (s.at(lr=s.lr * p) for s, p in zip(self.given.settings, self.part, strict=True))
            self.plan = replace(self.plan, settings=tuple(lowered))

    def _race(self) -> None:
        """Give up the worse half of each variant's learning rates."""
        ended = np.isin(self.state.outcome, (Outcome.CONVERGED, Outcome.STOPPED))
        brackets = [bracket(s) for s in self.given.settings]
        self._end(
            worse_half(self.steady if self._guided else self.by_loss.score, self._running(), ended, brackets),
            Outcome.DROPPED,
        )
        self.rung *= 2

    def _patience(self, epoch: int) -> int:
        """Epochs without improvement that are too many; a rule with memory swings about a known optimum for long."""
        if self._guide() is self.by_loss and self.limits.optimum is not None:
            return max(20 * self.limits.patience, epoch // 4)
        return max(self.limits.patience, epoch // 10)

    def _needed(self) -> Array:
        """By how much the training objective must fall to have improved (runs,)."""
        if self.limits.optimum is not None:
            return STALLED * np.maximum(self.by_loss.mark - self.limits.optimum, 0.0)
        return self.limits.tol * np.abs(self.by_loss.mark)

    def _guide(self) -> Best:
        """What decides when a run stops and which weights are kept."""
        return self.by_held_out if self._guided else self.by_loss

    @property
    def _guided(self) -> bool:
        return self.held_out is not None and self.limits.early

    def _ceiling(self) -> Array:
        return BLOWN_UP * np.maximum(np.abs(self.trace.loss[:, 0]), abs(self.limits.reference or 0.0)) + 1e-300

    def _kept(self, trace: Trace) -> Trace:
        cells = trace.weights[:, 0].size + trace.layer_stats[:, 0].size
        most = int(min(TRACE_POINTS, max(8, TRACE_CELLS // max(1, cells))))
        return trace.thinned(most) if trace.epochs.shape[1] > 2 * most else trace

    def _running(self) -> Array:
        running: Array = self.state.outcome == Outcome.RUNNING
        return running

    def _end(self, runs: Array, outcome: Outcome) -> None:
        self.state.outcome[runs] = outcome

    def _out_of_time(self) -> bool:
        return self.limits.seconds is not None and self.seconds >= self.limits.seconds

    def _tell(self, epoch: int) -> None:
        score = self._guide().score
        r = int(np.nanargmin(score)) if np.isfinite(score).any() else 0
        share = epoch / max(self.limits.epochs, 1)
        if self.limits.seconds:
            share = max(share, min(1.0, self.seconds / self.limits.seconds))
        self.on_event(
            Progress(
                epoch, self.limits.epochs, self.seconds, share, float(np.nanmin(self.by_loss.score, initial=np.inf)),
                float(self.by_held_out.score[r]), self.plan.settings[r].lr, int(self._running().sum()), len(self.plan),
            )
        )  # fmt: skip

    def result(self, interrupted: bool) -> Fit:
        self._end(self._running(), Outcome.INTERRUPTED if interrupted else Outcome.BUDGET)
        best = self._guide()
        held, loss = np.full(len(self.plan), np.nan), objectives(self.problem, best.weights)
        if self.held_out is not None:
            held = mean_losses(self.problem, best.weights, self.held_out)
        score = np.where(np.isfinite(self.steady), self.steady, held) if self._guided else loss
        return Fit(
            self.problem, self.given, best.weights, best.epoch, loss, held, score,
            tuple(Outcome(int(o)) for o in self.state.outcome), self.state.steps, self.epochs,
            self.trace.thinned(TRACE_POINTS), self.state, self.engine.name, self.seconds, interrupted, self._guided,
        )  # fmt: skip
