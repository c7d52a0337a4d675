"""job: the main job, from data to a trained model with a verdict."""

import inspect
import json
import math
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from descend import optimum as exact
from descend import store
from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.cluster.agreement import facts
from descend.cluster.group import LIMIT, Group, joined, rank_here
from descend.cluster.in_parts import Given
from descend.cluster.passes import TRAIN, Served
from descend.cluster.prepare import prepare_together, problem_at
from descend.diagnosis.finding import Finding, Level
from descend.diagnosis.proof import prove_within
from descend.diagnosis.verdict import Status, Verdict, judge
from descend.errors import ClusterError
from descend.optimum import by_sample
from descend.optimum.landscape import Landscape
from descend.optimum.noise_scale import rows_at_random
from descend.optimum.status import SolverResult
from descend.options import OPTIONS, Options, read_options
from descend.options.flags import in_keywords
from descend.outcome import Outcome
from descend.plan.rule import rule
from descend.problem import Problem
from descend.problem.build import build_problem, initial_weights
from descend.run import together
from descend.run.attempt import attempt
from descend.run.call import call_of, pack, refuse_other
from descend.run.coefficients import coefficients
from descend.run.importance import importances
from descend.run.record import Run
from descend.run.references import references
from descend.run.saving import save_somewhere
from descend.run.scoring import (
    Scored,
    held_out,
    metric_of,
    model_of,
    on_rows_at_hand,
    scored_parts,
    scores,
    threshold_of,
)
from descend.run.sections import chosen_section, curvature_note, data_section, environment_section, trace_section
from descend.run.threshold import EVEN, check_threshold
from descend.run.trials import trials
from descend.search.candidates import ENDLESS_SCHEDULES, too_slow
from descend.search.result import SearchResult
from descend.search.sample import rows_of_sample
from descend.search.search import search
from descend.search.task import validation_decides
from descend.table.cross_validation import Folds, cross_validated, folds
from descend.table.data import Data, drawn_places
from descend.table.prepare import Note, Prepared, how_to_read, labelled, prepare, validation_split
from descend.table.streamed.opening import opened
from descend.table.streamed.prepare import prepare_streamed
from descend.table.streamed.scratch import Scratch
from descend.table.table import Table
from descend.table.target_loss import shown
from descend.training.checkpoint import CALL, SUFFIX, Checkpoints

SAVING = 0.6  # seconds kept for scores, report and files (measured on the example tables: 0.1 to 0.5)
TRAINING_SHARE = 0.1  # of the time, which training gets whatever was spent on reading and preparing
OPTIMUM_SHARE = 0.3  # of the time that reading has left, for the exact optimum (arbitrary)
OPTIMUM_COST = 10  # times the seconds of the curvature, which builds and factorises one Hessian: Newton's steps
COMPILING_SAID = 1.0  # seconds of compilation from which they are said (arbitrary: fewer are not noticed)
PROOF_SECONDS = 5.0  # for the proofs of a failed run, where the time is over: one or two short trainings

OnEvent = Callable[[Any], None]


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature with every option of the table in place of **options."""
    own = [p for p in inspect.signature(function).parameters.values() if p.kind != inspect.Parameter.VAR_KEYWORD]
    listed = [inspect.Parameter(o.name, inspect.Parameter.KEYWORD_ONLY, default=o.default) for o in OPTIONS]
    return inspect.Signature([*own, *listed])


@in_keywords()
@one_blas_thread()
def train(
    data: Any, target: Any, *, on_event: OnEvent | None = None, progress: Any = "auto",
    run_dir: str | os.PathLike[str] | None = None, begun: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None, resume: bool = False, rank_timeout: float = LIMIT, **options: Any,
) -> Run:  # fmt: skip
    """Train a model of `target` from `data` by gradient descent.

    Args:
        data: a path, "-" for standard input, a data frame (pandas, polars, Arrow), or an array (rows, features).
        target: a column's name, or an array (rows,).
        on_event: receives every Note and every training.Progress.
        progress: "auto" draws on a terminal only; True; False; ignored when `on_event` is given.
        run_dir: where to save the run, if anywhere; a temporary folder, with a warning, where that cannot be written.
        checkpoint: a folder for where the search stands, written every five seconds and removed at the end; beside
            `run_dir` when None.
        resume: whether to go on from what a training of the same data and options, which was killed, has left there.
        begun: since when `time_budget` counts, in seconds of `time.monotonic`; since the call, when None.
        rank_timeout: in a process group of torch.distributed, the seconds that a rank waits for another.
        options: see `descend.options.OPTIONS`: optimizer="auto", lr="auto", batch_size="auto", time_budget=30, ...

    Raises UsageError for a bad option, DataError for bad data, and ResumeError where `resume` meets a checkpoint of other data
    or options. A training that diverges is no error: the run says so in its verdict.

    Where torch.distributed has a process group, its ranks share the work, see `cluster`: all must call this function with
    the same arguments, rank 0 alone reports and saves, and the others get the run as `load` returns it.
    """
    follows = rank_here() > 0
    if on_event is None and progress in ("auto", True) and not follows:
        from descend.display import default_display

        with default_display(force=progress is True) as display:
            known: dict[str, Any] = {
                "run_dir": run_dir, "begun": begun, "checkpoint": checkpoint, "resume": resume, "rank_timeout": rank_timeout
            }  # fmt: skip
            return train(data, target, on_event=display, progress=False, **known, **options)
    values = read_options(options)
    if run_dir is not None and not follows:
        store.check_folder(Path(run_dir), force=False)
    begun = time.monotonic() if begun is None else begun
    place = checkpoint if checkpoint is not None or run_dir is None else f"{os.fspath(run_dir)}{SUFFIX}"
    scratch_beside = None if place is None or follows else os.fspath(place).removesuffix(SUFFIX)
    with joined(rank_timeout) as group, Scratch(scratch_beside) as scratch:
        job = _Job(data, target, values, (None if follows else on_event) or (lambda event: None), begun, scratch)
        prepared = None if group is None else job.prepare(group)
        if group is not None and prepared is not None and follows:
            return together.take(group, job.served(group, prepared))
        checkpoints = Checkpoints(None if place is None else Path(place), resume, begun)
        # A table that is streamed is let go in `run`, so nothing here holds it.
        room = 0 if group is None or prepared is None else problem_at(prepared, values, TRAIN).params
        run = _shared(group, room, lambda: job.complete(job.run(prepared or job.prepare(), checkpoints)))
        checkpoints.remove()  # where an error ends the training, or another process is lost, they stay
    if run_dir is not None:
        saved = save_somewhere(run, run_dir)
        if saved.problem:
            warnings.warn(saved.problem, stacklevel=2)
    return run


def _shared(group: Group | None, room: int, work: Callable[[], Run]) -> Run:
    """Return the run that rank 0 finds while the others serve it, and give it to them; room: weights of the model."""
    if group is None:
        return work()
    found: list[Run] = []
    try:
        with group.at_work(room):
            found.append(work())
        together.give(group, found[0])
    except ClusterError:
        if not found or not found[0].interrupted:  # what interrupts rank 0 ends the others too
            raise
    return found[0]


train.__signature__ = _signature(train)  # type: ignore[attr-defined]


@one_blas_thread()
def retrain(table: Table, target: Any, options: Options, on_event: OnEvent) -> Run:
    """Train on a table that was read before, emitting nothing but progress, and proving nothing."""

    def without_notes(event: Any) -> None:
        if not isinstance(event, Note):
            on_event(event)

    job = _Job(table, target, options, without_notes, time.monotonic())
    return job.run(job.prepare())


@dataclass(frozen=True)
class _Task:
    """What a search is given: what to minimise, what is known of it, and the rows to measure beside it."""

    problem: Problem
    landscape: Landscape
    held_out: Data | None


class _Job:
    """One call of `train`: its data, its options, and its notes so far."""

    def __init__(
        self, data: Any, target: Any, options: Options, on_event: OnEvent, begun: float, scratch: Scratch | None = None
    ) -> None:  # fmt: skip
        self.data, self.target, self.options, self.begun = data, target, options, begun
        self.scratch = scratch or Scratch()
        self.on_event = on_event
        self.threads = options.threads or os.cpu_count() or 1
        self.notes: list[Note] = []
        self.optimum_fits = True  # whether there is time for the exact optimum
        self.compiling = 0.0  # seconds of compilation, which no budget is charged with
        self.parts: Mapping[str, Scored] = {}  # what is known of models beside the one that is kept

    def note(self, topic: str, text: str) -> None:
        """Record a note, and pass it on."""
        self._pass_on(Note(topic, text))

    def _pass_on(self, note: Note) -> None:
        self.notes.append(note)
        self.on_event(note)

    def prepare(self, group: Group | None = None) -> Prepared:
        """Read and prepare: in a group with its other ranks; else whole, or streamed where memory is not enough for that."""
        options = self.options.replace(threads=self.threads)
        if group is not None:
            given = Given(
                data=self.data, target=self.target, options=options, scratch=self.scratch, looked_at=self._looked_at_by_ranks,
            )  # fmt: skip
            return prepare_together(group, given, self._pass_on)
        if isinstance(self.data, (str, os.PathLike)) and str(self.data) != "-":
            found = opened(Path(self.data), how_to_read(options), options.memory, self.threads, self.scratch)
            if found is not None:
                return prepare_streamed(*found, self.target, options, self._pass_on, self.scratch, self._looked_at)
        return prepare(self.data, self.target, options, self._pass_on)

    def served(self, group: Group, prepared: Prepared) -> Served:
        """Return what takes this rank's part of the work of rank 0."""
        optimizer = self.options.optimizer
        rules = {} if isinstance(optimizer, str) else {rule(optimizer).name: rule(optimizer)}
        return Served(group, partial(problem_at, prepared, self.options), self.threads, rules)

    def run(self, prepared: Prepared, checkpoints: Checkpoints | None = None) -> Run:
        """Search, score and judge."""
        options, checkpoints = self.options, checkpoints or Checkpoints()
        self._identify(checkpoints, prepared.table)
        balanced = options.class_weight == "balanced" or options.threshold == "auto"
        metric = metric_of(prepared.loss, options.metric, balanced)
        check_threshold(options.threshold, prepared.loss, len(prepared.target.classes))
        cuts = folds(prepared, self.target, options) if options.cv else None
        from descend.engines.compilation import compilation  # Numba is loaded when the data are ready

        with compilation() as compiled:
            task = self._task(prepared)
        self.compiling += compiled.seconds
        self.note("curve", curvature_note(task.landscape))
        preparing = time.monotonic() - self.begun
        limited = options.replace(threads=self.threads, time_budget=self._training_time())
        result = search(task.problem, task.held_out, limited, task.landscape, self.on_event, checkpoints=checkpoints)
        if checkpoints.resumed:
            self.note("resume", f"went on from a checkpoint: {checkpoints.resumed:.1f} s of training were not repeated")
        self.compiling += result.fit.compiling
        self._note_budget(result)
        left_out = too_slow(task.problem) if options.optimizer == "auto" else ()
        if left_out:
            self.note("search", f"{', '.join(left_out)}: not tried, a step for each row is slow; --optimizer trains it")
        if result.sample_rows is not None:
            rows = f"{result.sample_rows:,} of {result.fit.problem.data.rows:,} training rows"
            if result.chosen_on_all:
                self.note("search", f"variants by batches competed on {rows}; all others were trained on all of them")
            else:
                self.note("search", f"settings competed on {rows}; the best was trained on all of them")
        self._note_schedule(result)
        parts, data = scored_parts(prepared, result), data_section(prepared, self.data, result.fit)
        self.parts = {name: parts[name] for name in ("baseline", "optimum") if name in parts}
        test_rows = prepared.rows[1]
        # All rows of a streamed table are let go.
        result, prepared = on_rows_at_hand(result, prepared), prepared.at_hand
        del task
        problem = result.fit.problem
        verdict, findings = self._judged(result, prepared, preparing)
        threshold = self._threshold(prepared, parts)
        model = model_of(prepared, problem, result.fit.weights[result.best], threshold)
        evaluation = held_out(model, prepared, parts.get("test"), test_rows)
        run = Run(
            model=model, verdict=verdict, findings=findings, tried=trials(prepared, result, findings, metric, options),
            metrics=scores(prepared, problem, parts, threshold), metric=metric, chosen=chosen_section(result),
            data=data, options=options,
            env=environment_section(options, self.threads), seconds=time.monotonic() - self.begun,
            trace=trace_section(result, prepared), notes=tuple(self.notes), search_result=result, prepared=prepared,
            intervals={} if evaluation is None else {"test": evaluation.intervals}, held_out=evaluation,
        )  # fmt: skip
        return run if cuts is None or run.failed else self.attempt("folds", run, lambda: self._with_folds(run, cuts))

    def _identify(self, checkpoints: Checkpoints, table: Table) -> None:
        """Tell the checkpoints what tells this training from others: its data, options and versions.

        Raises ResumeError where it is to go on from those of another one.
        """

        def known() -> dict[str, str]:
            named, name = labelled(table, self.target)
            return facts(table, named[name], self.options)

        checkpoints.identify = lambda: json.dumps(known())
        checkpoints.describe = lambda: pack(
            call_of(self.data, self.target, self.options, json.loads(checkpoints.identity))
        )
        if checkpoints.resume and checkpoints.folder is not None and (checkpoints.folder / CALL).is_file():
            refuse_other(checkpoints.folder, json.loads(checkpoints.identity))

    def complete(self, run: Run) -> Run:
        """Return a run with what its model uses and other models beside it, or, where it failed, with its fixes tried."""
        if not run.failed:
            run = self.attempt("uses", run, lambda: _with_uses(run))
            return self.attempt("references", run, lambda: self.with_references(run))
        return (
            run if run.verdict.status == Status.UNTRAINED else self.attempt("proof", run, lambda: self.with_proof(run))
        )

    def _looked_at(self, rows: int, features: int) -> tuple[Array, ...]:
        """The places among so many rows that a search will look at: those on which settings compete, and those of the noise."""
        seed = self.options.random_state
        competing = drawn_places(rows, rows_of_sample(features + 1), seed)
        return () if len(competing) == rows else (competing, rows_at_random(rows, seed)[1])

    def _looked_at_by_ranks(self, rows: int, features: int) -> tuple[Array, ...]:
        """Beside these, the places of the rows whose optimum leads to that of all, which one process has at hand."""
        count = by_sample.sample_rows(rows, features + 1)
        return (*self._looked_at(rows, features), *([drawn_places(rows, count, by_sample.SEED)] if count else []))

    def _threshold(self, prepared: Prepared, parts: Mapping[str, Scored]) -> float:
        """The threshold of the model, chosen on validation rows where there are some, else on training rows."""
        given, part = self.options.threshold, "val" if "val" in parts else "train"
        threshold = threshold_of(given, parts[part])
        if given == "auto":
            name, rows = prepared.target.classes[1], "validation" if part == "val" else "training"
            self.note(
                "threshold",
                f"{shown(name)} is predicted above a probability of {threshold:.3g}, which has the largest balanced accuracy on "
                f"{rows} rows; variants are compared at {EVEN:g}",
            )
        return threshold

    def attempt(self, topic: str, run: Run, step: Callable[[], Run]) -> Run:
        """Return what a step makes of a finished run; the run as it is, and a note, where the step fails."""
        done = attempt(topic, step, run, self._pass_on)
        return replace(done, notes=tuple(self.notes), seconds=time.monotonic() - self.begun)

    def with_proof(self, run: Run) -> Run:
        """Return a run that failed, with its fixes tried in the time that is left, PROOF_SECONDS at least."""
        assert run.prepared is not None
        table, name = labelled(run.prepared.table, self.target)
        deadline = time.monotonic() + max(self._left(), PROOF_SECONDS)

        def again(changed: Options) -> Run:
            return retrain(table, name, changed, self.on_event)

        findings, _ = prove_within(run.findings, self.options, run, again, deadline)
        verdict = replace(run.verdict, text=f"training failed: {findings[0].text}")
        return replace(run, findings=findings, verdict=verdict)

    def with_references(self, run: Run) -> Run:
        """Return a run with other models beside it, on the test rows; as it is where there are none."""
        if run.held_out is None or run.prepared is None or run.search_result is None:
            return run
        trees = self.options.trees
        found = references(
            run.prepared,
            run.search_result,
            run.held_out,
            run.metric,
            trees=trees,
            threads=self.threads,
            known=self.parts,
        )
        return replace(run, references=found)

    def _judged(
        self, result: SearchResult, prepared: Prepared, preparing: float
    ) -> tuple[Verdict, tuple[Finding, ...]]:
        """The verdict and the findings; of a model for which there was no time, that alone."""
        verdict, findings = judge(result, prepared, self.options)
        fit, best = result.fit, result.best
        untrained = (
            fit.epochs[best] == 0
            and result.sample_rows is None
            and fit.outcomes[best] == Outcome.BUDGET
            and self.options.max_epochs != 0
        )
        if not untrained or fit.interrupted:
            return verdict, findings
        budget = self.options.time_budget or 0.0
        text = f"no epoch was trained: {preparing:.1f} of {budget:g} seconds went to reading, preparing and the optimum"
        enough = f"--time {max(2 * preparing + 2, 3 * budget):.0f}s"
        finding = Finding(
            code="D201", level=Level.ERROR, text=text, evidence={"seconds": preparing, "budget": budget}, fix=(enough,)
        )
        return Verdict(Status.UNTRAINED, f"training failed: {text}"), (finding,)

    def _note_budget(self, result: SearchResult) -> None:
        """Say which variants were left out, and that the time ended a run on which the choice may depend."""
        budget, fit = self.options.time_budget, result.fit
        if budget is None or fit.interrupted:
            return
        if self.compiling > COMPILING_SAID:
            self.note(
                "kernels",
                f"{self.compiling:.0f} s went to compiling what later runs find in the cache; --time does not count them",
            )
        if result.skipped:
            self.note("budget", f"{', '.join(result.skipped)} left out: {budget:g} s were not enough")
        if result.out_of_time:
            visits = int(fit.epochs.sum()) * fit.problem.data.rows
            self.note(
                "budget",
                f"the time ended the search after {visits:,} visits of rows; more --time may change the choice",
            )

    def _note_schedule(self, result: SearchResult) -> None:
        """Say that the run that is kept ended before its schedule did, unless it had converged."""
        fit, best = result.fit, result.best
        setting, epochs, rows = fit.plan.settings[best], int(fit.epochs[best]), fit.problem.data.rows
        length = setting.epochs_of_schedule(rows)
        if epochs < length and fit.outcomes[best] in (Outcome.BUDGET, Outcome.INTERRUPTED, Outcome.PRUNED):
            name = "the warm-up" if setting.schedule in ENDLESS_SCHEDULES else f"the schedule {setting.schedule}"
            rate = fit.trace.until(best, epochs).lr[0, -1]
            self.note(
                "schedule", f"{name} was cut at epoch {epochs:,} of {length:,}, at rate {rate:.3g} of {setting.lr:.3g}"
            )

    def _task(self, prepared: Prepared) -> _Task:
        """Build the problem; where the training objective cannot decide when to stop, take validation rows for that.

        Otherwise the test rows are measured beside the training, and decide nothing.
        """
        options = self.options
        problem = self._problem(prepared, prepared.train)
        landscape = self._landscape(problem)
        if not validation_decides(landscape, options):
            if landscape.optimum.weights is None:
                self.note("split", "no validation rows: the training loss decides when to stop and what to keep")
            test = prepared.test
            return _Task(problem, landscape, None if test is None else prepared.as_trained(test))
        parts = validation_split(prepared, options)
        if parts is None:
            return _Task(problem, landscape, None)
        train_part, validation = parts
        if train_part is prepared.train:
            return _Task(problem, landscape, validation)
        self.note(
            "split",
            f"{validation.rows:,} of the training rows are validation rows: they decide when to stop and what to keep",
        )
        team = prepared.train.team
        part = self._problem(prepared, train_part if team is None else train_part.with_team(team.of_fitted()))
        if not self.optimum_fits:
            weights, objective = exact.baseline(part)
            return _Task(part, replace(landscape, baseline_weights=weights, baseline=objective), validation)
        return _Task(part, self._landscape(part), validation)

    def _problem(self, prepared: Prepared, data: Data) -> Problem:
        return build_problem(data, prepared.loss, prepared.constants, prepared.outputs, self.options)

    def _landscape(self, problem: Problem) -> Landscape:
        """What is known before training; without the optimum, where the curvature says that the time is not enough."""
        if problem.network is not None or self.options.time_budget is None:
            return Landscape.of(problem, initial_weights(problem, self.options), self.threads)
        began, left = time.monotonic(), self._left()
        weights, objective = exact.baseline(problem)
        curvature = exact.curvature(problem)
        seconds = OPTIMUM_SHARE * left
        self.optimum_fits = OPTIMUM_COST * (time.monotonic() - began) <= seconds
        if self.optimum_fits:
            return Landscape(lambda: curvature, exact.optimum(problem, self.threads), weights, objective)
        reason = f"not computed: {max(seconds, 0.0):.1f} s were not enough"
        self.note("curve", f"optimum {reason}")
        unknown = exact.Optimum.unknown(SolverResult(exact.OptimumStatus.NOT_SOLVED, reason))
        return Landscape(lambda: curvature, unknown, weights, objective)

    def _left(self) -> float:
        """Seconds of the time that are left."""
        budget = self.options.time_budget
        return math.inf if budget is None else budget - (time.monotonic() - self.begun - self.compiling)

    def _training_time(self) -> float | None:
        """Seconds for the search: what reading has left and saving will not need; each fold gets as much."""
        if self.options.time_budget is None:
            return None
        total = self.options.time_budget / (1 + (self.options.cv or 0))
        spent = self.options.time_budget - self._left()
        return max(total - spent - min(SAVING, 0.1 * total), TRAINING_SHARE * total)

    def _with_folds(self, run: Run, cuts: Folds) -> Run:
        """The run with the metrics of a cross-validation, whose folds share the time that is left."""
        options, left_out, waiting = self.options, 0, len(cuts.cuts)

        def fold(table: Table, name: str, changed: Options) -> Run:
            nonlocal left_out, waiting
            known = {str(v) for v in table[name].values}
            test = changed.test
            if run.model.classes:
                rows = [k for k, v in enumerate(test[name].values) if str(v) in known]
                left_out += test.rows - len(rows)
                test = test.take(np.array(rows, np.int64))
            budget = None if options.time_budget is None else max(self._left() - SAVING, 0.1) / waiting
            waiting -= 1
            return retrain(table, name, changed.replace(test=test, time_budget=budget), self.on_event)

        metrics = cross_validated(cuts, options, fold)
        if left_out:
            self.note("folds", f"{left_out:,} rows are not scored: their class has no other row to train on")
        for metric in ("rmse", "accuracy"):
            if metric in metrics.get("cv", {}):
                mean, spread = (metrics[part][metric] for part in ("cv", "cv_std"))
                self.note("folds", f"{metric} {mean:.4g} ± {spread:.2g} over {options.cv} folds")
        return replace(run, metrics=run.metrics | metrics)


def _with_uses(run: Run) -> Run:
    """The run with what its model uses."""
    assert run.prepared is not None
    return replace(
        run, importances=importances(run.model, run.prepared, run.metric),
        coefficients=coefficients(run.model, run.search_result),
    )  # fmt: skip
