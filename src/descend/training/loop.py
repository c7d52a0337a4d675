"""loop: the one path from a problem and a plan to weights, trace and outcomes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.engines import Engine, State, choose, start
from descend.outcome import Outcome
from descend.plan import Plan
from descend.problem import Problem, losses_and_slopes, scores
from descend.problem.layer_stats import KINDS
from descend.table.data import Data
from descend.training.best import Best, clearly_lower
from descend.training.checkpoint import Arrays, Checkpoint, Checkpoints
from descend.training.closing import closing_phase
from descend.training.stopping import Limits, Stopping
from descend.training.trace import Trace, record_points

CALL_SECONDS = 0.1  # a part of a long epoch returns about so often, so that progress is told and Ctrl-C is heard
CALL_ROWS = 64  # of which such a part has a whole number: loops that take several rows at once have the bits of no cut
CALL_WORK = 5e7  # products of rows and weights of a call of whole epochs: 0.03 to 0.3 s on one core
ROW_WORK = 16  # products that as much time goes into beside the weights, for each row and run
THREAD_WORK = 1e6  # products of a call from which its runs are worth threads: about 1 ms, starting two takes 0.3 ms
CALL_POINTS = 32  # record points of one call at most: what is trained beyond the end of a run is thrown away
SMALL_EPOCH = 1 << 20  # rows times runs of a first call that is not cut: at most about CALL_SECONDS
NEAR_AIM = 10.0  # times the aim's distance to the optimum, up to which a model is at the optimum: as in the diagnosis
TRACE_CELLS = 1 << 24  # weights kept in a trace: 128 MB of float64
TRACE_POINTS = 400  # record points kept in a trace: a curve needs no more
MOVING = (
    "epochs",
    "recent",
    "smoothed",
    "lowered",
    "rate_part",
)  # arrays of `Stopping` that change from point to point


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What `on_event` receives about ten times a second.

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Fit:
    """What training made of each run of a plan.

    Args:
        weights: the weights that are kept (runs, params): of the lowest held-out loss (the optimum, where a run has
            reached it and none are clearly better on held-out rows), or with `Limits.early` off of the lowest training
            objective, then after a closing phase if an l1 penalty was trained by batches.
        epoch: the epoch of those weights (runs,); a closing phase belongs to the last one.
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
        trace: what was recorded along the runs.
        engine: which engine trained them.
        seconds: how long it took, without compilation.
        compiling: seconds of compilation, before the training.
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
    compiling: float = 0.0
    guided: bool = False

    def beside(self, other: "Fit") -> "Fit":
        """Return the runs of both fits of the same problem, in this order."""
        names = ("weights", "epoch", "loss", "held_out", "score", "steps", "epochs")
        joined: dict[str, Any] = {n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names}
        return replace(
            self, **joined, plan=self.plan.beside(other.plan), outcomes=self.outcomes + other.outcomes,
            trace=self.trace.beside(other.trace), state=self.state.beside(other.state),
            seconds=self.seconds + other.seconds, compiling=self.compiling + other.compiling,
            interrupted=self.interrupted or other.interrupted,
        )  # fmt: skip


def train(
    problem: Problem,
    plan: Plan,
    held_out: Data | None = None,
    limits: Limits = Limits(),  # noqa: B008  frozen
    on_event: Callable[[Progress], None] = lambda progress: None,
    threads: int = 1,
    checkpoints: Checkpoints | None = None,
) -> Fit:
    """Train all runs of a plan side by side.

    Every run ends by itself: converged, stopped early, diverged, non-finite, pruned, or out of budget.
    KeyboardInterrupt ends all of them; what they had reached is returned. With `checkpoints` it goes on from where its file
    says that it stood, and ends with the bits of a training that was never interrupted, unless its time limit cuts it.
    """
    from descend.engines.compilation import compilation  # Numba is loaded when the first training begins

    with compilation() as compiled:
        engine = choose(problem, plan, held_out, threads)
        checkpoint = (checkpoints or Checkpoints()).next(plan)
        loop = _Loop(problem, plan, held_out, limits, on_event, engine, threads, checkpoint)
    interrupted = False
    try:
        loop.run()
        checkpoint.offer(loop.standing, ended=True)
    except KeyboardInterrupt:
        interrupted = True
    return replace(loop.result(interrupted), compiling=compiled.seconds)


class _Loop:
    """One training, from call to call of the engine."""

    def __init__(
        self, problem: Problem, plan: Plan, held_out: Data | None, limits: Limits,
        on_event: Callable[[Progress], None], engine: Engine, threads: int, checkpoint: Checkpoint,
    ) -> None:  # fmt: skip
        self.problem, self.plan, self.held_out, self.limits = problem, plan, held_out, limits
        self.on_event, self.engine, self.threads, self.checkpoint = on_event, engine, threads, checkpoint
        self.state = start(problem, plan)
        engine.advance(problem, plan, self.state, np.zeros(1, np.int64), threads)  # compiles, and trains nothing
        self.begun = time.monotonic()
        self.measured = 0.0  # seconds up to the last record point
        begin, everyone = self.state.weights[:, None], np.ones(len(plan), bool)
        self.trace = self._recorded(np.zeros(1, np.int64), begin, self._blank_stats(1), everyone, None)
        loss, held = self.trace.loss[:, 0], self.trace.held_out[:, 0]
        guided = held_out is not None and limits.early
        settled = np.array([s.epochs_of_schedule(problem.data.rows) for s in plan.settings])
        self.stopping = Stopping(plan, limits, guided, loss, held, self.state.weights, settled)
        points = record_points(0, limits.epochs)
        self.points = points[-1:] if limits.ends else points  # the same whatever the speed, and so is what is judged
        self.epoch, self.pace = 0, 0.0  # epochs done; seconds an epoch
        if (found := checkpoint.found()) is not None:
            self._go_on(found)

    def standing(self) -> Arrays:
        """Return all that a call of an engine moves, for going on from there."""
        stopping = self.stopping
        records = {
            "state": self.state, "trace": self.trace, "by_loss": stopping.by_loss, "by_held_out": stopping.by_held_out
        }  # fmt: skip
        arrays = {f"{name}.{part}": array for name, record in records.items() for part, array in vars(record).items()}
        numbers = np.array([self.epoch, stopping.rung, self.pace, self.seconds])
        return arrays | {name: getattr(stopping, name) for name in MOVING} | {"numbers": numbers}

    def _go_on(self, found: Arrays) -> None:
        """Stand where `standing` said."""
        parts = {name: {} for name in ("state", "trace", "by_loss", "by_held_out")}  # type: dict[str, Arrays]
        for name, array in found.items():
            record, _, part = name.partition(".")
            if part:
                parts[record][part] = array
        self.state, self.trace, stopping = State(**parts["state"]), Trace(**parts["trace"]), self.stopping
        stopping.by_loss, stopping.by_held_out = Best(**parts["by_loss"]), Best(**parts["by_held_out"])
        for name in MOVING:
            setattr(stopping, name, found[name])
        epoch, rung, self.pace, seconds = found["numbers"].tolist()
        self.epoch, stopping.rung, self.begun = int(epoch), int(rung), time.monotonic() - seconds
        self.plan = stopping.lowered_plan()
        self.checkpoint.goes_on(seconds)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    @property
    def running(self) -> Array:
        running: Array = self.state.outcome == Outcome.RUNNING
        return running

    def run(self) -> None:
        while self.epoch < self.limits.epochs and self.running.any() and not self._out_of_time():
            points = self._next_points(self.epoch)
            if len(points) == 0:
                points = self.points[self.points > self.epoch][:1]
                if not self._most_of_the_way(self.epoch, int(points[0])):
                    break
            self._advance(self.epoch, points)
            self.epoch = int(points[-1])
            self.checkpoint.offer(self.standing)
        self.state.outcome[self.running] = Outcome.BUDGET

    def _next_points(self, epoch: int) -> Array:
        """The record points of the next call, as many as its work allows; none when not even one is.

        A call is cut by work and not by time: runs that end within it are summed with the others until its end, so that
        where it ends decides about the last bits. A time limit alone may cut it shorter.
        """
        points = self.points[np.searchsorted(self.points, epoch, side="right") :]
        if self.stopping.on_plateau.any():
            points = points[:1]  # a lower lr holds from the very record point at which it is found
        if self.pace == 0.0:
            return points[:1] if self.problem.data.rows * len(self.plan) < SMALL_EPOCH else points[:0]
        ahead = min(CALL_WORK / self._epoch_work(), max(epoch, 1))  # at first as far as all calls before
        if self.limits.seconds is not None:
            ahead = min(ahead, (self.limits.seconds - self.seconds) / self.pace)
        fits = int(np.searchsorted(points, epoch + ahead, side="right"))
        return points[: min(fits, CALL_POINTS, max(1, TRACE_CELLS // (4 * self.state.weights.size)))]

    def _epoch_work(self) -> int:
        """The products of rows and weights of an epoch of the runs that still train."""
        params = int(self.state.weights.shape[1])
        rows = params if self.engine.name == "gram" else self.problem.data.rows  # moments stand for all rows
        return rows * (params + ROW_WORK) * max(1, int(self.running.sum()))

    def _most_of_the_way(self, epoch: int, target: int) -> bool:
        """Train towards a record point in short calls; False when the time is over before it."""
        n, parts = self.problem.data.rows, int(self.pace * (target - epoch) / CALL_SECONDS) + 1 if self.pace else 16
        for part in range(1, parts):
            rows = n * (target - epoch) * part // parts
            rows -= rows % n % CALL_ROWS
            self.state, _ = self.engine.advance(
                self.problem, self.plan, self.state, np.array([epoch * n + rows]), self.threads
            )
            self._report(epoch)
            self.checkpoint.offer(self.standing)
            if self._out_of_time():
                return False
        return True

    def _advance(self, epoch: int, points: Array) -> None:
        """Train to the record points, record them, and judge the runs at each."""
        began, running, n, before = self.seconds, self.running, self.problem.data.rows, self.state
        stats = self._blank_stats(len(points))
        threads = self.threads if (int(points[-1]) - epoch) * self._epoch_work() >= THREAD_WORK else 1
        self.state, path = self.engine.advance(self.problem, self.plan, self.state, points * n, threads, stats)
        recorded = self._timed(self._recorded(points, path, stats, running, self.trace), epoch, running)
        failed = running & (self.state.outcome == Outcome.NONFINITE)
        last_epoch = np.where(failed, self.state.seen // n, -1)
        for k, point in enumerate(points):
            self.stopping.judge(
                int(point), recorded.loss[:, k], recorded.held_out[:, k], path[:, k], self.state.outcome, last_epoch
            )  # fmt: skip
        self._rewind(before, int(points[-1]))
        self.plan = self.stopping.lowered_plan()
        self.trace = self._bounded(self.trace.then(recorded))
        self.pace = (self.seconds - began) / (int(points[-1]) - epoch)
        self._report(int(points[-1]))

    def _rewind(self, before: State, epoch: int) -> None:
        """Bring runs that ended well before the last record point of a call back to it, for going on from there."""
        well = np.isin(self.state.outcome, (Outcome.CONVERGED, Outcome.STOPPED))
        epochs = self.stopping.epochs
        for r in np.flatnonzero(well & (before.outcome == Outcome.RUNNING) & (epochs < epoch)).tolist():
            rows = epochs[r : r + 1] * self.problem.data.rows
            end, _ = self.engine.advance(self.problem, self.plan.take([r]), before.take([r]), rows, self.threads)
            for name in ("weights", "memory", "steps", "seen"):
                getattr(self.state, name)[r] = getattr(end, name)[0]

    def _blank_stats(self, points: int) -> Array:
        """Where an engine writes what the layers of a network show."""
        layers = 0 if self.problem.network is None else len(self.problem.network.layers)
        return np.full((len(self.plan), points, layers, len(KINDS)), np.nan)

    def _recorded(self, points: Array, path: Array, layer_stats: Array, running: Array, before: Trace | None) -> Trace:
        """What the runs came to; those that had ended before stay where they were."""
        runs, count, params = path.shape
        shape = (runs, count)
        values = {"loss": self.engine.objectives, "held_out": self.engine.held_out}
        columns = {
            n: np.empty(shape) if before is None else _repeated(getattr(before, n), count) for n in (*values, "lr")
        }
        for name, measure in values.items():
            columns[name][running] = measure(path[running].reshape(-1, params)).reshape(-1, count)
        columns["lr"][running] = self._rates(points)[running]
        kept = path if self.problem.network is None else path[..., :0]
        epochs = np.broadcast_to(points, shape).copy()
        seconds = np.zeros(shape)
        return Trace(epochs=epochs, weights=kept, layer_stats=layer_stats, seconds=seconds, **columns)

    def _timed(self, recorded: Trace, epoch: int, running: Array) -> Trace:
        """The points of a call with their seconds: it trained from an epoch on, each run in its share of the time."""
        since, self.measured = self.measured, self.seconds
        points = recorded.epochs[0]
        share = (self.measured - since) / running.sum() * (points - epoch) / (points[-1] - epoch)
        return replace(recorded, seconds=self.trace.seconds[:, -1:] + np.outer(running, share))

    def _rates(self, points: Array) -> Array:
        """The learning rate of the last step before each record point (runs, points)."""
        n, settings = self.problem.data.rows, self.plan.settings
        steps = np.array([np.maximum(points * -(-n // s.rows_a_step(n)), 1) for s in settings])
        return np.array(
            [s.lr * s.factors[np.minimum(t, len(s.factors)) - 1] for s, t in zip(settings, steps, strict=True)]
        )

    def _bounded(self, trace: Trace) -> Trace:
        """A trace that does not outgrow memory."""
        cells = trace.weights[:, 0].size + trace.layer_stats[:, 0].size
        most = int(min(TRACE_POINTS, max(8, TRACE_CELLS // max(1, cells))))
        return trace.thinned(most) if trace.epochs.shape[1] > 2 * most else trace

    def _out_of_time(self) -> bool:
        return self.limits.seconds is not None and self.seconds >= self.limits.seconds

    def _report(self, epoch: int) -> None:
        """Report the progress."""
        score = self.stopping.best.score
        r = int(np.nanargmin(score)) if np.isfinite(score).any() else 0
        share = epoch / max(self.limits.epochs, 1)
        if self.limits.seconds:
            share = max(share, min(1.0, self.seconds / self.limits.seconds))
        self.on_event(
            Progress(
                epoch=epoch, epochs=self.limits.epochs, seconds=self.seconds, share=share,
                loss=float(np.nanmin(self.stopping.by_loss.score, initial=np.inf)),
                held_out=float(self.stopping.by_held_out.score[r]), lr=self.plan.settings[r].lr,
                running=int(self.running.sum()), runs=len(self.plan),
            )
        )  # fmt: skip

    def result(self, interrupted: bool) -> Fit:
        """Return what training made of the runs, after it has ended."""
        self.state.outcome[self.running] = Outcome.INTERRUPTED if interrupted else Outcome.BUDGET
        stopping, best = self.stopping, self._kept()
        weights = best.weights if interrupted else self._closed(best.weights)
        held, loss = self.engine.held_out(weights), self.engine.objectives(weights)
        score = np.where(np.isfinite(stopping.smoothed), stopping.smoothed, held) if stopping.guided else loss
        closed = (weights != best.weights).any(axis=1)
        self._name_converged(loss, best.epoch, closed)
        if closed.any():
            self.trace = self.trace.ending(closed, stopping.epochs, weights, loss, held)
        return Fit(
            problem=self.problem, plan=stopping.plan, weights=weights, loss=loss, held_out=held,
            epoch=np.where(closed, stopping.epochs, best.epoch),
            score=score, outcomes=tuple(Outcome(int(o)) for o in self.state.outcome), steps=self.state.steps,
            epochs=stopping.epochs, trace=self.trace.thinned(TRACE_POINTS), state=self.state, engine=self.engine.name,
            seconds=self.seconds, interrupted=interrupted, guided=stopping.guided,
        )  # fmt: skip

    def _kept(self) -> Best:
        """The best weights by what decides; those at the optimum, unless others are clearly better on held-out rows.

        The lowest held-out loss of a run by batches is that of a lucky epoch, far from the optimum. On 96 runs under a
        plateau, from overfitted to well posed, this changed 14, 12 of them for the better on new rows. Runs that end far
        from the optimum, and those on all rows, which have no noise, are stopped early: judged so as well, overfitted
        models lost up to 5 %.
        """
        stopping, best, limits = self.stopping, self.stopping.best, self.limits
        if not stopping.guided or limits.aim is None or limits.optimum is None or self.held_out is None:
            return best
        rows = self.problem.data.rows
        at_optimum = stopping.by_loss.score <= limits.optimum + NEAR_AIM * (limits.aim - limits.optimum)
        at_optimum &= np.array([s.rows_a_step(rows) < rows for s in self.plan.settings])
        for r in np.flatnonzero(at_optimum).tolist():
            lucky, exact = (self._held_out_losses(b.weights[r]) for b in (best, stopping.by_loss))
            at_optimum[r] = not clearly_lower(lucky, exact, self.held_out.sample_weight)
        return best.where(at_optimum, stopping.by_loss)

    def _held_out_losses(self, weights: Array) -> Array:
        """The loss of each held-out row (rows,) under weights (params,)."""
        assert self.held_out is not None
        with np.errstate(over="ignore", invalid="ignore"):
            return losses_and_slopes(self.problem, scores(self.problem, weights, self.held_out.X), self.held_out.y)[0]

    def _closed(self, weights: Array) -> Array:
        """The weights after the closing phase, for runs by batches under an l1 penalty whose objective decides."""
        rows, closed = self.problem.data.rows, weights.copy()
        if self.problem.l1 == 0 or self.problem.network is not None or self.stopping.guided:
            return closed
        for r, setting in enumerate(self.plan.settings):
            ended_well = Outcome(int(self.state.outcome[r])) in (Outcome.CONVERGED, Outcome.STOPPED, Outcome.BUDGET)
            if setting.rows_a_step(rows) < rows and ended_well and not self._out_of_time():
                closed[r] = closing_phase(self.problem, weights[r])
        return closed

    def _name_converged(self, loss: Array, epoch: Array, closed: Array) -> None:
        """Say converged of the weights that are kept, and of no others.

        Args:
            loss: their training objective (runs,).
            epoch: the epoch that they are of (runs,).
            closed: which of them a closing phase has changed (runs,).
        """
        aim, outcome = self.limits.aim, self.state.outcome
        if aim is None:
            return
        earlier = self.stopping.guided & (epoch < self.stopping.epochs) & (loss > aim)
        outcome[earlier & (outcome == Outcome.CONVERGED)] = Outcome.STOPPED
        outcome[closed & (loss <= aim)] = Outcome.CONVERGED


def _repeated(values: Array, points: int) -> Array:
    """The last recorded values, at so many points."""
    return np.repeat(values[:, -1:], points, axis=1)
