"""job: the main job, from data to a trained model with a verdict."""

import contextlib
import inspect
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from descend import store
from descend.blas import one_blas_thread
from descend.diagnosis.proof import prove_all
from descend.diagnosis.verdict import judge
from descend.optimum.landscape import Landscape
from descend.options import OPTIONS, Options, read_options
from descend.options.flags import in_keywords
from descend.problem import Problem
from descend.problem.build import build_problem, initial_weights
from descend.run.attempt import attempt
from descend.run.record import Run
from descend.run.scoring import metric_of, model_of, scores
from descend.run.sections import chosen_section, curvature_note, data_section, environment_section, trace_section
from descend.run.trials import trials
from descend.search.search import search, validation_decides
from descend.table.cross_validation import Folds, cross_validated, folds
from descend.table.data import Data
from descend.table.prepare import Note, Prepared, labelled, prepare, validation_split
from descend.table.table import Table
from descend.training import Fit
from descend.training.checkpoint import save as save_checkpoint

LONG = 5.0  # seconds before a search is worth a checkpoint (arbitrary: what people lose without a sigh)
SAVING = 0.6  # seconds kept for scores, report and files (measured on the example tables: 0.1 to 0.5)

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
    checkpoint: str | os.PathLike[str] | None = None, **options: Any,
) -> Run:  # fmt: skip
    """Train a model of `target` from `data` by gradient descent.

    Args:
        data: a path, "-" for standard input, a data frame (pandas, polars, Arrow), or an array (rows, features).
        target: a column's name, or an array (rows,).
        on_event: receives every Note and every training.Progress.
        progress: "auto" draws on a terminal only; True; False; ignored when `on_event` is given.
        run_dir: where to save the run, if anywhere.
        checkpoint: a file for the state of the search, written after each group of runs once it has taken five seconds,
            and removed at the end; beside `run_dir` when None.
        begun: since when `time_budget` counts, in seconds of `time.monotonic`; since the call, when None.
        options: see `descend.options.OPTIONS`: optimizer="auto", lr="auto", batch_size="auto", time_budget=30, ...

    Raises UsageError for a bad option and DataError for bad data. A training that diverges is no error: the run says
    so in its verdict.
    """
    if on_event is None and progress in ("auto", True):
        from descend.display import default_display

        with default_display(force=progress is True) as display:
            known: dict[str, Any] = {"run_dir": run_dir, "begun": begun, "checkpoint": checkpoint}
            return train(data, target, on_event=display, progress=False, **known, **options)
    values = read_options(options)
    if run_dir is not None:
        store.check_folder(Path(run_dir), force=False)
    begun = time.monotonic() if begun is None else begun
    place = checkpoint if checkpoint is not None or run_dir is None else f"{os.fspath(run_dir)}.search"
    with _checkpoints(place, begun) as keep:
        job = _Job(data, target, values, on_event or (lambda event: None), begun)
        run = job.run(keep)
        if run.failed:
            run = attempt("proof", lambda: job.with_proof(run), run, job.note)
            run = replace(run, notes=tuple(job.notes))
    if run_dir is not None:
        run.save(run_dir)
    return run


train.__signature__ = _signature(train)  # type: ignore[attr-defined]


@one_blas_thread()
def retrain(table: Table, target: Any, options: Options, on_event: OnEvent) -> Run:
    """Train on a table that was read before, emitting nothing but progress, and proving nothing."""

    def without_notes(event: Any) -> None:
        if not isinstance(event, Note):
            on_event(event)

    return _Job(table, target, options, without_notes, time.monotonic()).run()


@dataclass(frozen=True)
class _Task:
    """What a search is given: what to minimise, what is known of it, and the rows to measure beside it."""

    problem: Problem
    landscape: Landscape
    held_out: Data | None


class _Job:
    """One call of `train`: its data, its options, and what it has said so far."""

    def __init__(self, data: Any, target: Any, options: Options, on_event: OnEvent, begun: float) -> None:
        self.data, self.target, self.options, self.begun = data, target, options, begun
        self.on_event = on_event
        self.notes: list[Note] = []

    def note(self, note: Note) -> None:
        """Record a note, and pass it on."""
        self.notes.append(note)
        self.on_event(note)

    def run(self, keep: Callable[[Fit], None] = lambda fit: None) -> Run:
        """Read, search, score and judge."""
        options = self.options
        prepared = prepare(self.data, self.target, options, self.note)
        metric = metric_of(prepared.loss, options.metric)
        cuts = folds(prepared, self.target, options) if options.cv else None
        task = self._task(prepared)
        self.note(Note("curve", curvature_note(task.landscape)))
        threads = options.threads or os.cpu_count() or 1
        limited = options.replace(threads=threads, time_budget=self._time_left())
        result = search(task.problem, task.held_out, limited, task.landscape, self.on_event, keep=keep)
        verdict, findings = judge(result, prepared, options)
        model = model_of(prepared, task.problem, result.fit.weights[result.best])
        metrics = scores(prepared, result)
        if cuts is not None:
            no_folds: dict[str, dict[str, float]] = {}
            metrics |= attempt("folds", lambda: self._cross_validated(cuts), no_folds, self.note)
        return Run(
            model=model, verdict=verdict, findings=findings, tried=trials(prepared, result, findings, metric),
            metrics=metrics, metric=metric, chosen=chosen_section(result),
            data=data_section(prepared, self.data, result.fit), options=options,
            env=environment_section(options, threads), seconds=time.monotonic() - self.begun,
            trace=trace_section(result, prepared), notes=tuple(self.notes), search_result=result, prepared=prepared,
        )  # fmt: skip

    def with_proof(self, run: Run) -> Run:
        """Return a run that failed, with its cures tried; the time for this is beside that of training."""
        assert run.prepared is not None
        table, name = labelled(run.prepared.table, self.target)
        findings = prove_all(
            run.findings, self.options, run, lambda changed: retrain(table, name, changed, self.on_event)
        )
        verdict = replace(run.verdict, text=f"training failed: {findings[0].text}")
        return replace(run, findings=findings, verdict=verdict)

    def _task(self, prepared: Prepared) -> _Task:
        """Build the problem; where the training objective cannot decide when to stop, take validation rows for that.

        Otherwise the test rows are measured beside the training, and decide nothing.
        """

        def built(data: Data) -> tuple[Problem, Landscape]:
            problem = build_problem(data, prepared.loss, prepared.constants, prepared.outputs, self.options)
            return problem, Landscape.of(problem, initial_weights(problem, self.options))

        problem, landscape = built(prepared.train)
        if not validation_decides(landscape, self.options):
            return _Task(problem, landscape, prepared.test)
        parts = validation_split(prepared, self.options)
        if parts is None:
            return _Task(problem, landscape, None)
        train_part, validation = parts
        if train_part is prepared.train:
            return _Task(problem, landscape, validation)
        text = (
            f"{validation.rows:,} of the training rows are validation rows: they decide when to stop and what to keep"
        )
        self.note(Note("split", text))
        return _Task(*built(train_part), validation)

    def _time_left(self) -> float | None:
        """What reading has left of the time for training, and saving will not need; folds get as much each."""
        if self.options.time_budget is None:
            return None
        total = self.options.time_budget / (1 + (self.options.cv or 0))
        return max(total - (time.monotonic() - self.begun) - min(SAVING, 0.1 * total), 1e-3)

    def _cross_validated(self, cuts: Folds) -> dict[str, dict[str, float]]:
        """The metrics of a cross-validation, whose folds get as much time each as the training itself."""
        options = self.options
        budget = None if options.time_budget is None else options.time_budget / (1 + (options.cv or 0))

        def fold(table: Table, name: str, changed: Options) -> Run:
            return retrain(table, name, changed.replace(time_budget=budget), self.on_event)

        metrics = cross_validated(cuts, options, fold)
        for metric in ("rmse", "accuracy"):
            if metric in metrics.get("cv", {}):
                mean, spread = (metrics[part][metric] for part in ("cv", "cv_std"))
                self.note(Note("folds", f"{metric} {mean:.4g} ± {spread:.2g} over {options.cv} folds"))
        return metrics


@contextlib.contextmanager
def _checkpoints(place: str | os.PathLike[str] | None, begun: float) -> Iterator[Callable[[Fit], None]]:
    """Yield what writes checkpoints; the file is gone once training has come to an end of any kind."""
    written, file = False, None if place is None else Path(place)

    def keep(fit: Fit) -> None:
        nonlocal written
        if file is not None and time.monotonic() - begun > LONG:
            written = True
            file.parent.mkdir(parents=True, exist_ok=True)
            save_checkpoint(fit, file)

    try:
        yield keep
    finally:
        if written and file is not None:
            file.unlink(missing_ok=True)
