"""run: the main job, from data to a trained model with a verdict, and the folder that keeps it."""

import contextlib
import inspect
import json
import os
import platform
import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from descend import store
from descend.arrays import Array
from descend.diagnosis.finding import Finding, Proof
from descend.diagnosis.proof import proved
from descend.diagnosis.verdict import Verdict, judge
from descend.errors import ModelError
from descend.optimum.landscape import NOT_CONVEX, Landscape
from descend.options import BY_NAME, OPTIONS, flags_of_options, read_options
from descend.outcome import Outcome
from descend.problem import Problem
from descend.problem.initialise import initial
from descend.problem.layer_stats import KINDS
from descend.problem.network import Network, check_memory, free_memory
from descend.run.model import Model, Prediction
from descend.run.scoring import metrics_of, model_of, score, scores
from descend.run.trials import Trial, trials
from descend.search.candidates import user_set
from descend.search.search import SearchResult, search
from descend.table.cross_validation import Folds, cross_validated, folds
from descend.table.data import Data
from descend.table.prepare import Note, Prepared, labelled, prepare, set_aside
from descend.table.prepare import load as load_table
from descend.table.table import Table
from descend.table.target import read_target
from descend.training import Fit
from descend.training.checkpoint import save as save_checkpoint
from descend.training.trace import Trace
from descend.version import VERSION

SCHEMA = "descend.run/1"
LONG = 5.0  # seconds before a search is worth a checkpoint
SAVING = 0.6  # seconds kept for scores, report and files


@dataclass(frozen=True, eq=False)
class Run:
    """A trained model, and all that is known about how it came to be.

    Args:
        model: predicts from tables.
        verdict: how training ended.
        findings: what is wrong, with fixes.
        trials: the best run of each variant; `tried` holds all of them.
        metrics: {"train" | "val" | "baseline" | "optimum": {metric: value}}, in the units of the file.
        metric: the one that tables show.
        chosen: optimizer, lr and batch, and why.
        data: what was read and what became of it.
        config: the value of every option.
        env: versions and machine.
        trace: columns epoch, loss, held_out and each weight, of the run that is kept.
        search_result: the search itself; None when the run was loaded from a folder.
    """

    model: Model
    verdict: Verdict
    findings: tuple[Finding, ...]
    tried: tuple[Trial, ...]
    metrics: dict[str, dict[str, float]]
    metric: str
    chosen: dict[str, Any]
    data: dict[str, Any]
    config: dict[str, Any]
    env: dict[str, Any]
    seconds: float
    trace: dict[str, list[Any]]
    notes: tuple[Note, ...] = ()
    search_result: SearchResult | None = None
    prepared: Prepared | None = None
    folder: Path | None = None

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The best run of each variant."""
        return tuple(t for t in self.tried if t.leader)

    @property
    def failed(self) -> bool:
        """True when no usable model came out."""
        return self.verdict.status in (Outcome.DIVERGED.word, Outcome.NONFINITE.word)

    @property
    def model_is_classifier(self) -> bool:
        """True when the target has classes."""
        return bool(self.model.classes)

    @property
    def epochs(self) -> int:
        """Epochs of the run that is kept."""
        return next((t.epochs for t in self.tried if t.best), 0)

    @property
    def gap(self) -> float | None:
        """What is missing to the exact optimum, as a part of the way from the baseline; None where it is not known."""
        found: float | None = self.chosen.get("gap")
        return found

    def baseline_on(self, part: str, metric: str) -> float:
        """Return a metric of the best constant prediction on a part, "train" or "val"; infinity where it is not known."""
        if part == "val" or self.search_result is None or self.prepared is None:
            return self.metrics.get("baseline", {}).get(metric, np.inf)
        found, problem = self.search_result, self.search_result.fit.problem
        return score(self.prepared, problem, found.landscape.baseline_weights, problem.data).get(metric, np.inf)

    @property
    def interrupted(self) -> bool:
        """True when the user stopped the training."""
        return self.verdict.status == Outcome.INTERRUPTED.word

    @property
    def history(self) -> list[dict[str, Any]]:
        """The trace, a dict a record point."""
        return [dict(zip(self.trace, row, strict=True)) for row in zip(*self.trace.values(), strict=True)]

    @property
    def command(self) -> str:
        """The equivalent command line."""
        return shlex.join(
            ["descend", "train", str(self.data["name"]), "--target", self.model.target, *flags_of_options(self.config)]
        )

    @property
    def code(self) -> str:
        """The equivalent Python."""
        typed = "".join(f", {k}={v!r}" for k, v in self.config.items() if v != BY_NAME[k].default)
        return f"import descend as ds\n\nrun = ds.train({self.data['name']!r}, {self.model.target!r}{typed})"

    def predict(self, data: Any) -> Prediction:
        """Predict each row of a path, frame or array; raises ModelError when the data do not fit the model."""
        return self.model.predict(load_table(data, self.config))

    def evaluate(self, data: Any) -> dict[str, float]:
        """Return every metric on data that hold the target; rows without it are left out."""
        table = load_table(data, self.config)
        if self.model.target not in table.names:
            raise ModelError(
                f"the data have no column {self.model.target!r}, which is the target of this model",
                fix="pass data with that column, or use predict",
                code="missing-columns",
            )
        task = "classification" if self.model.classes else "regression"
        found = read_target(table[self.model.target], task, evaluating=True)
        prediction = self.model.predict(table.take(np.flatnonzero(found.kept)))
        y = found.y
        if self.model.classes:
            y = _known_classes(found.classes, self.model.classes, y)
        return metrics_of(self.model, y, prediction, None)

    def document(self, command: list[str] | None = None, artifacts: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return run.json: plain values only, NaN and infinity as null."""
        document: dict[str, Any] = plain({
            "schema": SCHEMA, "version": VERSION, "command": command or shlex.split(self.command)[1:],
            "status": "failed" if self.failed else "ok", "verdict": asdict(self.verdict), "data": self.data,
            "chosen": self.chosen, "metric": self.metric, "metrics": self.metrics, "trials": [asdict(t) for t in self.tried],
            "findings": [asdict(f) for f in self.findings], "artifacts": dict(artifacts or {}),
            "config": self.config, "env": self.env, "seconds": self.seconds, "notes": [asdict(n) for n in self.notes],
        })  # fmt: skip
        return document

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        force: bool = False,
        report: bool = True,
        command: list[str] | None = None,
    ) -> dict[str, str]:
        """Write the run folder, whole or not at all, and return the paths of its files.

        Raises OutputError when the folder holds something already and `force` is not set, or cannot be written.
        """
        folder = Path(folder)
        files = {"trace.jsonl": store.pack_trace(self.trace)}
        if not self.failed:
            files["model.safetensors"] = store.pack_model(self.model.tensors(), plain(self.model.document()))
        if report and self.search_result is not None:
            files["report.html"] = self.report().encode()
        artifacts = {Path(name).stem: str(folder / name) for name in (*files, "run.json")}
        document = self.document(command, artifacts)
        files["run.json"] = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
        store.write_folder(folder, files, force=force)
        return artifacts

    def report(self, *, markdown: bool = False) -> str:
        """Return the report as one HTML page, or as Markdown."""
        from descend.report import html
        from descend.report import markdown as short
        from descend.run.report_data import tell

        return short.render(tell(self)) if markdown else html.render(tell(self))


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """The signature with every option of the table in place of **options."""
    own = [p for p in inspect.signature(function).parameters.values() if p.kind != inspect.Parameter.VAR_KEYWORD]
    listed = [inspect.Parameter(o.name, inspect.Parameter.KEYWORD_ONLY, default=o.default) for o in OPTIONS]
    return inspect.Signature([*own, *listed])


def train(
    data: Any, target: Any, *, on_event: Callable[[Any], None] | None = None, progress: Any = "auto",
    run_dir: str | os.PathLike[str] | None = None, begun: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None, **options: Any,
) -> Run:  # fmt: skip
    """Train a model of `target` from `data` by gradient descent.

    Args:
        data: a path, "-" for standard input, a data frame (pandas, polars, Arrow), or an array (rows, features).
        target: a column's name, or an array (rows,).
        on_event: hears every Note and every fit.Progress.
        progress: "auto" draws on a terminal only; True; False; ignored when `on_event` is given.
        run_dir: where to save the run, if anywhere.
        checkpoint: a file for the state of the search, written after each group of runs once it has taken five seconds,
            and removed at the end; beside `run_dir` when None.
        begun: since when `time_budget` counts, as `time.monotonic` tells it; since the call, when None.
        options: see `descend.options.OPTIONS`: optimizer="auto", lr="auto", batch_size="auto", time_budget=30, ...

    Raises UsageError for a bad option and DataError for bad data. A training that diverges is no error: the run says
    so in its verdict.
    """
    if on_event is None and progress in ("auto", True):
        from descend.display import listening

        with listening(force=progress is True) as heard:
            known: dict[str, Any] = {"run_dir": run_dir, "begun": begun, "checkpoint": checkpoint}
            return train(data, target, on_event=heard, progress=False, **known, **options)
    values = read_options(options)
    if run_dir is not None:
        store.check_folder(Path(run_dir), force=False)
    begun = time.monotonic() if begun is None else begun
    place = checkpoint if checkpoint is not None or run_dir is None else f"{os.fspath(run_dir)}.search"
    with _kept(place, begun) as keep:
        run = _run(data, target, values, on_event or (lambda event: None), begun, keep=keep)
    if run_dir is not None:
        run.save(run_dir)
    return run


def retrain(table: Table, target: Any, values: dict[str, Any], on_event: Callable[[Any], None]) -> Run:
    """Train on a table that was read before, saying nothing but progress, and proving nothing."""
    return _run(
        table,
        target,
        values,
        lambda heard: None if isinstance(heard, Note) else on_event(heard),
        time.monotonic(),
        False,
    )


train.__signature__ = _signature(train)  # type: ignore[attr-defined]


def _run(
    data: Any, target: Any, values: dict[str, Any], on_event: Callable[[Any], None], begun: float, proving: bool = True,
    keep: Callable[[Fit], None] = lambda fit: None,
) -> Run:  # fmt: skip
    heard: list[Note] = []

    def hear(note: Note) -> None:
        heard.append(note)
        on_event(note)

    prepared = prepare(data, target, values, hear)
    made = folds(prepared, target, values) if values["cv"] else None
    problem, landscape, watched = _task(prepared, values, hear)
    hear(Note("curve", curve(landscape)))
    threads = values["threads"] or os.cpu_count() or 1
    options = {**values, "threads": threads, **_time_left(values, begun)}
    found = search(problem, watched, options, landscape, on_event, keep=keep)
    verdict, findings = judge(found, prepared, frozenset(name for name in BY_NAME if user_set(values, name)))
    model = model_of(prepared, problem, found.fit.weights[found.best])
    metric = values["metric"]
    if metric == "auto":
        metric = "accuracy" if model.classes else "rmse"
    run = Run(
        model, verdict, findings, trials(prepared, found, findings, metric),
        {**scores(prepared, problem, found), **(_folded(made, values, hear, on_event) if made else {})}, metric,
        _chosen(found), _data(prepared, data), {k: v for k, v in values.items() if BY_NAME[k].read is not None},
        _env(values, threads), time.monotonic() - begun, _trace(found, prepared), tuple(heard), found, prepared,
    )  # fmt: skip
    return _with_proof(run, values, prepared, target, on_event) if run.failed and proving else run


def _with_proof(
    run: Run, values: dict[str, Any], prepared: Prepared, target: Any, on_event: Callable[[Any], None]
) -> Run:
    """A run that failed, with its cures tried; the time for this is beside that of training."""
    table, name = labelled(prepared.table, target)
    findings = proved(run.findings, values, run, lambda options: retrain(table, name, options, on_event))
    verdict = replace(run.verdict, text=f"training failed: {findings[0].text}")
    return replace(run, findings=findings, verdict=verdict)


def _folded(
    made: Folds, values: dict[str, Any], hear: Callable[[Note], None], on_event: Callable[[Any], None]
) -> dict[str, dict[str, float]]:
    """The metrics of a cross-validation, whose folds get as much time each as the training itself."""

    def fold(table: Table, name: str, options: dict[str, Any]) -> Run:
        return retrain(table, name, {**options, **share}, on_event)

    share = {} if values["time_budget"] is None else {"time_budget": values["time_budget"] / (1 + values["cv"])}
    found = cross_validated(made, values, fold)
    for metric in ("rmse", "accuracy"):
        if metric in found.get("cv", {}):
            mean, spread = (found[k][metric] for k in ("cv", "cv_std"))
            hear(Note("folds", f"{metric} {mean:.4g} ± {spread:.2g} over {values['cv']} folds"))
    return found


@contextlib.contextmanager
def _kept(place: str | os.PathLike[str] | None, begun: float) -> Iterator[Callable[[Fit], None]]:
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


def _task(
    prepared: Prepared, values: Mapping[str, Any], hear: Callable[[Note], None]
) -> tuple[Problem, Landscape, Data | None]:
    """What to minimise, what is known of it, and the data to watch beside it.

    Where something other than the training objective has to decide when to stop, training rows are set aside for it:
    the held-out rows decide nothing.
    """
    problem = problem_of(prepared, values)
    landscape = Landscape.of(problem, start_of(problem, values))
    guided = landscape.optimum.weights is None or user_set(values, "patience")
    if not guided or prepared.held_out is None or (parts := set_aside(prepared, values)) is None:
        return problem, landscape, None if guided else prepared.held_out
    hear(Note("split", f"{parts[1].rows:,} of the training rows set aside, to decide when to stop and what to keep"))
    problem = replace(problem, data=parts[0])
    return problem, Landscape.of(problem, start_of(problem, values)), parts[1]


def _time_left(values: Mapping[str, Any], begun: float) -> dict[str, float]:
    """What reading has left of the time for training, and saving will not need; folds get as much each."""
    if values["time_budget"] is None:
        return {}
    total = values["time_budget"] / (1 + (values["cv"] or 0))
    return {"time_budget": max(total - (time.monotonic() - begun) - min(SAVING, 0.1 * total), 1e-3)}


def problem_of(prepared: Prepared, values: Mapping[str, Any]) -> Problem:
    """Return the problem that the options make of prepared data: a linear model, or a network."""
    hidden, network = values["hidden_layer_sizes"], None
    if hidden:
        sizes = (prepared.train.features, *hidden, prepared.outputs)
        network = Network(sizes, values["activation"], values["batch_norm"], values["residual"], values["dropout"])
        check_memory(network, 1, 2, 8, free_memory())
    return Problem(
        prepared.train, prepared.loss, prepared.constants, prepared.outputs, True, values["l2"], values["l1"], network
    )


def start_of(problem: Problem, values: Mapping[str, Any]) -> Array | None:
    """Return where the first run of a network starts (params,)."""
    return None if problem.network is None else initial(problem.network, values["init"], values["random_state"])


def curve(landscape: Landscape) -> str:
    """Return what the curvature says about learning rates."""
    largest = landscape.curvature.largest
    if not np.isfinite(largest):
        return "the curvature at the start is beyond the finite range"
    if landscape.optimum.reason == NOT_CONVEX:
        return f"λmax {largest:.3g} at the start → plain gradient descent begins well below lr {2 / max(largest, 1e-300):.3g}"
    if not largest > 0:
        return "flat: no column has any slope"
    return f"λmax {largest:.3g} → plain gradient descent is stable below lr {2 / largest:.3g}"


def load(folder: str | os.PathLike[str]) -> Run:
    """Return the run of a folder; raises ModelError when it is not one, or is damaged."""
    folder = Path(folder)
    document = store.read_document(folder)
    try:
        model = Model.of(*store.read_model(folder))
        trace = store.read_trace(folder)
        return Run(
            model, Verdict(**document["verdict"]), tuple(finding_of(f) for f in document["findings"]),
            tuple(Trial(**t) for t in document["trials"]), document["metrics"], document["metric"], document["chosen"],
            document["data"], read_options({k: v for k, v in document["config"].items() if v is not None}),
            document["env"], document["seconds"], trace, tuple(Note(**n) for n in document["notes"]), folder=folder,
        )  # fmt: skip
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise incomplete(folder, error) from error


def incomplete(folder: str | os.PathLike[str], error: Exception) -> ModelError:
    """Return the error for a run folder whose document lacks something."""
    return ModelError(
        f"the run folder {os.fspath(folder)!r} is incomplete: {type(error).__name__} {error}",
        fix="train again",
        code="damaged-run",
    )


def finding_of(document: Mapping[str, Any]) -> Finding:
    """Return a finding as run.json has it."""
    proof = tuple(Proof(**p) for p in document.get("proof", ()))
    return Finding(**{**document, "fix": tuple(document["fix"]), "proof": proof})


def _chosen(found: SearchResult) -> dict[str, Any]:
    setting = found.fit.plan.settings[found.best]
    return {
        "optimizer": setting.label, "lr": setting.lr, "batch": setting.batch_size or "full",
        "constants": setting.constants, "engine": found.fit.engine, "why": found.why,
        "gap": found.landscape.gap(float(found.fit.loss[found.best])),
        "network": None if found.fit.problem.network is None else asdict(found.fit.problem.network),
    }  # fmt: skip


def _data(prepared: Prepared, data: Any) -> dict[str, Any]:
    source, table = prepared.table.source, prepared.table
    return {
        "name": source.name, "path": _path(data), "rows": table.rows, "columns": len(table.columns), "sha256": source.sha256,
        "format": source.format, "delimiter": source.delimiter, "encoding": source.encoding, "header": source.header,
        "target": prepared.target.name, "features": list(prepared.schema.names), "dropped": prepared.schema.dropped,
        "imputed": {k: v for k, v in prepared.encoded.filled.items() if v},
        "train_rows": prepared.train.rows, "held_out_rows": 0 if prepared.held_out is None else prepared.held_out.rows,
    }  # fmt: skip


def _path(data: Any) -> str | None:
    return os.path.abspath(data) if isinstance(data, (str, os.PathLike)) and data != "-" else None


def _env(values: Mapping[str, Any], threads: int) -> dict[str, Any]:
    return {
        "python": platform.python_version(), "numpy": np.__version__, "cpu": platform.processor() or platform.machine(),
        "system": platform.system(), "threads": threads, "seed": values["random_state"],
    }  # fmt: skip


def _trace(found: SearchResult, prepared: Prepared) -> dict[str, list[Any]]:
    problem = found.fit.problem
    trace = found.fit.trace.until(found.best, int(found.fit.epochs[found.best]))
    if problem.network is not None:
        return _columns(trace) | _health(trace)
    outputs = prepared.target.classes if problem.outputs > 1 else ("",)
    suffix = [f" [{o}]" if o else "" for o in outputs]
    names = [n + s for n in problem.data.names for s in suffix] + ["intercept" + s for s in suffix]
    weights = {f"w:{n}": trace.weights[0, :, j].tolist() for j, n in enumerate(names)}
    return _columns(trace) | weights


def _columns(trace: Trace) -> dict[str, list[Any]]:
    return {"epoch": trace.epochs[0].tolist(), "loss": trace.loss[0].tolist(), "held_out": trace.held_out[0].tolist()}


def _health(trace: Trace) -> dict[str, list[Any]]:
    """What each layer showed, the first layer as layer 1."""
    return {
        f"{kind}:{layer + 1}": trace.layer_stats[0, :, layer, k].tolist()
        for k, kind in enumerate(KINDS) for layer in range(trace.layer_stats.shape[2])
    }  # fmt: skip


def _known_classes(theirs: tuple[str, ...], ours: tuple[str, ...], y: Array) -> Array:
    unknown = sorted(set(theirs) - set(ours))
    if unknown:
        raise ModelError(
            f"the data have the class {unknown[0]!r}, the model knows {', '.join(map(repr, ours[:10]))}",
            fix="leave these rows out, or train on rows of every class",
            code="unseen-class",
        )
    return np.array([ours.index(c) for c in theirs])[y.astype(np.int64)]


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: NumPy scalars as Python's, functions by name, non-finite numbers as None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, (str, int, bool)):
        return value
    return getattr(value, "__name__", str(value))
