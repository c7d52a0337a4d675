"""record: a trained model, and all that is known about how it came to be."""

import json
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from descend import store
from descend.blas import one_blas_thread
from descend.diagnosis.finding import Finding
from descend.diagnosis.verdict import Status, Verdict
from descend.errors import ModelError, UsageError, nearest
from descend.evaluation import Evaluation
from descend.evaluation.reference import Reference
from descend.evaluation.usage import Coefficient, Dependence, Importance
from descend.options import OPTIONS, Options, flags_of_options
from descend.options.flags import in_keywords
from descend.outcome import Outcome
from descend.run.attempt import attempt
from descend.run.history import History
from descend.run.importance import dependence
from descend.run.model import Model, Prediction
from descend.run.scoring import evaluation_of, score
from descend.run.trials import Trial
from descend.search.result import SearchResult
from descend.store.plain import plain
from descend.store.reading import SCHEMA
from descend.table.prepare import Note, Prepared, present_rows
from descend.table.prepare import load as load_table
from descend.table.target import match_classes, read_target
from descend.version import VERSION


@dataclass(frozen=True, eq=False, kw_only=True)
class Run:
    """A trained model, and all that is known about how it came to be.

    Args:
        model: predicts from tables.
        verdict: how training ended.
        findings: what is wrong, with fixes.
        tried: every run of the search; `trials` holds the best of each variant.
        metrics: {"train" | "val" | "test" | "cv" | "baseline" | "optimum": {metric: value}}, in the units of the file;
            baseline and optimum are measured on the test rows, or on the training rows where there are none.
        metric: the one that tables show.
        chosen: optimizer, lr and batch, and why.
        data: what was read and what became of it.
        options: the value of every option.
        env: versions and machine.
        seconds: of the whole job.
        trace: columns epoch, loss, val or test, lr, and each weight or layer, of the run that is kept.
        notes: what was done with the data, in order.
        intervals: {"test": {metric: (low, high)}}, at 95 %; empty where there are no test rows.
        held_out: the evaluation on the test rows; None where there are none, and of a run that was loaded from a folder.
        importances: how much each column is used, the most used first; empty of a run that failed.
        coefficients: of a linear model, the largest standardised one first; empty of a network.
        references: other models on the test rows, the best first; empty where there are none.
        search_result: the search itself; None when the run was loaded from a folder.
        prepared: the data as they were trained on; None when the run was loaded from a folder.
        folder: where the run was loaded from.
    """

    model: Model
    verdict: Verdict
    findings: tuple[Finding, ...]
    tried: tuple[Trial, ...]
    metrics: dict[str, dict[str, float]]
    metric: str
    chosen: dict[str, Any]
    data: dict[str, Any]
    options: Options
    env: dict[str, Any]
    seconds: float
    trace: dict[str, list[Any]]
    notes: tuple[Note, ...] = ()
    intervals: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    held_out: Evaluation | None = None
    importances: tuple[Importance, ...] = ()
    coefficients: tuple[Coefficient, ...] = ()
    references: tuple[Reference, ...] = ()
    search_result: SearchResult | None = None
    prepared: Prepared | None = None
    folder: Path | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The value of every option, by its name."""
        return {o.name: getattr(self.options, o.name) for o in OPTIONS}

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The best run of each variant."""
        return tuple(t for t in self.tried if t.leader)

    @property
    def failed(self) -> bool:
        """True when no usable model came out."""
        return self.verdict.status in (Outcome.DIVERGED.word, Outcome.NONFINITE.word, Status.UNTRAINED)

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
        """Excess training loss over the optimum, as a part of the way from the baseline; None where it is not known."""
        gap: float | None = self.chosen.get("gap")
        return gap

    @property
    def scored_part(self) -> str:
        """The rows whose metrics count: "test", or "train" where there are no test rows."""
        return "test" if "test" in self.metrics else "train"

    def baseline_on(self, part: str, metric: str) -> float:
        """Return a metric of the best constant prediction on a part, "train" or "test"; infinity where it is not known."""
        if part == self.scored_part or self.search_result is None or self.prepared is None:
            return self.metrics.get("baseline", {}).get(metric, np.inf)
        problem, weights = self.search_result.fit.problem, self.search_result.landscape.baseline_weights
        return score(self.prepared, problem, weights, problem.data).get(metric, np.inf)

    @property
    def interrupted(self) -> bool:
        """True when the user stopped the training."""
        return self.verdict.status == Outcome.INTERRUPTED.word

    @property
    def history(self) -> History:
        """The trace, a dict a record point; `.to_pandas()`, `.to_polars()` and `.to_arrow()` make a table of it."""
        return History(self.trace)

    @property
    def command(self) -> str:
        """The equivalent command line."""
        return shlex.join(
            ["descend", "train", str(self.data["name"]), "--target", self.model.target, *flags_of_options(self.options)]
        )

    @property
    def code(self) -> str:
        """The equivalent Python."""
        arguments = "".join(f", {k}={v!r}" for k, v in self.config.items() if k in self.options.user_set)
        return f"import descend as ds\n\nrun = ds.train({self.data['name']!r}, {self.model.target!r}{arguments})"

    @in_keywords()
    @one_blas_thread()
    def predict(self, data: Any) -> Prediction:
        """Predict each row of a path, frame or array; raises ModelError when the data do not fit the model."""
        return self.model.predict(load_table(data, self.options, self.model.readings))

    @in_keywords()
    @one_blas_thread()
    def evaluate(self, data: Any) -> Evaluation:
        """Return how good the model is on data that hold the target, a mapping of metrics; rows without it are left out."""
        return self.evaluation(data)[0]

    def evaluation(self, data: Any) -> tuple[Evaluation, Prediction]:
        """Return what `evaluate` returns, and the predictions of the rows that hold the target."""
        table = load_table(data, self.options, self.model.readings)
        if self.model.target not in table.names:
            raise ModelError(
                f"the data have no column {self.model.target!r}, which is the target of this model",
                fix="pass data with that column, or use predict",
                code="missing-columns",
            )
        task = "classification" if self.model.classes else "regression"
        target = read_target(table[self.model.target], task, evaluating=True)
        if self.model.classes:
            target = match_classes(target, self.model.classes, "the data have", ModelError)
        rows, y, weight = present_rows(table, target, self.options)
        prediction = self.model.predict(table.take(rows))
        return evaluation_of(self.model, y, prediction, weight, rows), prediction

    @in_keywords()
    def dependence(self, column: str) -> Dependence:
        """Return how the mean prediction follows a column that the model uses (partial dependence, Friedman 2001).

        Raises UsageError for a column that it does not use, and of a run that failed or was loaded from a folder.
        """
        used = [feature.column for feature in self.model.schema.features]
        if column not in used:
            close = nearest(column, used) or used[:1]
            raise UsageError(
                f"the model does not use a column {column!r}", fix=f"try {close[0]!r}", code="unknown-column"
            )
        if self.prepared is None or self.failed:
            why = "training failed" if self.failed else "the run was loaded, and its folder holds no rows"
            raise UsageError(f"nothing can be predicted: {why}", fix="train it again", code="no-rows")
        return dependence(self.model, self.prepared, column)

    def document(self, command: list[str] | None = None, artifacts: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return run.json: plain values only, NaN and infinity as null."""
        document: dict[str, Any] = plain({
            "schema": SCHEMA, "version": VERSION, "command": command or shlex.split(self.command)[1:],
            "status": "failed" if self.failed else "ok", "verdict": asdict(self.verdict), "data": self.data,
            "chosen": self.chosen, "metric": self.metric, "metrics": self.metrics,
            "intervals": self.intervals, "trials": [asdict(t) for t in self.tried],
            "findings": [asdict(f) for f in self.findings], "artifacts": dict(artifacts or {}),
            "config": self.config, "env": self.env, "seconds": self.seconds, "notes": [asdict(n) for n in self.notes],
            "importances": [asdict(i) for i in self.importances], "coefficients": [asdict(c) for c in self.coefficients],
            "references": [asdict(r) for r in self.references],
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

        A report that fails is left out, with a note in run.json.

        Raises OutputError when the folder holds something already and `force` is not set, or cannot be written.
        """
        folder = Path(folder)
        files = {"trace.jsonl": store.pack_trace(self.trace)}
        if not self.failed:
            files["model.safetensors"] = store.pack_model(self.model.tensors(), plain(self.model.document()))
        notes: list[Note] = []
        page = attempt("report", self.report, None, notes.append) if report and self.search_result is not None else None
        if page is not None:
            files["report.html"] = page.encode()
        artifacts = {Path(name).stem: str(folder / name) for name in (*files, "run.json")}
        document = replace(self, notes=(*self.notes, *notes)).document(command, artifacts)
        files["run.json"] = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()
        store.write_folder(folder, files, force=force)
        return artifacts

    def __repr__(self) -> str:
        from descend.report.summary import text
        from descend.run.summary import run_summary

        return text(run_summary(self))

    def _repr_html_(self) -> str:
        from descend.report.summary import html
        from descend.run.summary import run_summary

        return html(run_summary(self))

    @in_keywords()
    @one_blas_thread()
    def export(
        self, path: str | os.PathLike[str], to: str, *, table: str | None = None, ids: Sequence[str] = (), force: bool = False
    ) -> None:  # fmt: skip
        """Write the model as a file that another runtime predicts with, or the run to a tracker; see `docs/export.md`.

        Args:
            path: of the file; it is written whole or not at all. Of "mlflow" a tracking URI or a folder, of "tensorboard"
                a folder.
            to: "onnx", "torch" (a program of torch.export), "sklearn" (a skops file), "json" or "sql"; or "mlflow" or
                "tensorboard".
            table: that the SQL reads; "data" when None.
            ids: columns that the SQL carries along.
            force: whether a file of that name is replaced.

        Raises UsageError for a format that there is not, that needs a package, or that has no such model, and OutputError
        where the file cannot be written.
        """
        from descend.export.formats import TRACKERS, check_format
        from descend.run.export import write_export

        query = {**({} if table is None else {"table": table}), **({"ids": tuple(ids)} if ids else {})}
        check_format(to, query)
        if to in TRACKERS:
            from descend.run.tracking import files_of, record_of, write_tracked

            name = str(self.data["name"]) if self.folder is None else self.folder.name
            record = record_of(name, self.document(), self.trace, self.options)
            write_tracked(
                replace(record, ended=time.time(), files=files_of(self.folder)), to, os.fspath(path), force=force
            )
            return
        source = None if self.folder is None else self.folder / "model.safetensors"
        write_export(self.model, Path(path), to, null=self.options.null, query=query, source=source, force=force)

    @in_keywords()
    def plot(self, kind: str = "loss", ax: Any = None) -> Any:
        """Draw one picture of the run with matplotlib and return its axes; see `descend.run.plot.KINDS`.

        Args:
            kind: "loss", "weights", "lr", "actual", "residuals", "distribution", "confusion", "roc",
                "precision_recall" or "calibration".
            ax: axes to draw on; those of a new figure when None.

        Raises UsageError for a kind that there is not, or that does not apply, and where matplotlib is missing.
        """
        from descend.run.plot import draw

        return draw(self, kind, ax)

    @one_blas_thread()
    def report(self, *, markdown: bool = False) -> str:
        """Return the report as one HTML page, or as Markdown."""
        from descend.report import html
        from descend.report import markdown as short
        from descend.run.report_data import report_data

        return short.render(report_data(self)) if markdown else html.render(report_data(self))
