"""report_data: what a report shows of a run, as plain values."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import numpy as np

from descend.diagnosis import Finding, explain
from descend.diagnosis.formatting import percent
from descend.diagnosis.order import grouped
from descend.diagnosis.verdict import Verdict
from descend.evaluation import Evaluation
from descend.evaluation.reference import Reference
from descend.evaluation.usage import Coefficient, Dependence, Importance
from descend.metrics import HIGHER_IS_BETTER
from descend.optimum import stability_limit
from descend.options import Options
from descend.outcome import Outcome
from descend.plan import Setting, letter
from descend.plots.curves import Curve
from descend.plots.layers import LayerSeries
from descend.plots.rates import RateCurve
from descend.plots.scatter import Scatter
from descend.plots.weight_paths import WeightPath
from descend.report.content import ColumnRow, FindingRow, Mark, ReportData, VariantRow
from descend.report.evaluation_tables import metric_name
from descend.report.markup import csv_text
from descend.report.numbers import number
from descend.run.coefficients import coefficients
from descend.run.importance import dependence
from descend.run.model import Model
from descend.run.trials import Trial
from descend.search.result import SearchResult
from descend.table.prepare import Note, Prepared
from descend.table.table import Kind
from descend.version import VERSION

FEWEST_RATES = 2  # points of a line
MOST_HISTORY = 40  # columns of the trace on the page, about 100 kB; trace.jsonl has all
ROUNDING = 1e-9  # part of a learning rate by which one that stays may differ
LAYER_FIGURES = {
    "gradient": ("gradient norm", False), "update": ("update / weights", False), "dead": ("share of dead units", True),
    "saturated": ("share of flat slopes", True),
}  # fmt: skip
MOST_DEPENDENCES = 3  # columns whose partial dependence is drawn: one row of charts
SERIOUS = ("error", "warning")


class ReportedRun(Protocol):
    """What a report reads of a run; `descend.run.Run` has it all."""

    @property
    def model(self) -> Model:
        """The trained model."""
        ...

    @property
    def verdict(self) -> Verdict:
        """How training ended."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, the most severe first."""
        ...

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The best trial of each variant."""
        ...

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """Metrics by part of the data: train, val, test, baseline, optimum."""
        ...

    @property
    def scored_part(self) -> str:
        """The part whose metrics count: "test", or "train"."""
        ...

    @property
    def metric(self) -> str:
        """The metric that tables show."""
        ...

    @property
    def data(self) -> Mapping[str, Any]:
        """What was read: name, sha256, rows, ..."""
        ...

    @property
    def options(self) -> Options:
        """The value of every option."""
        ...

    @property
    def env(self) -> Mapping[str, Any]:
        """Versions and machine."""
        ...

    @property
    def gap(self) -> float | None:
        """Excess training loss over the optimum, as a part; None where it is not known."""
        ...

    @property
    def seconds(self) -> float:
        """Seconds of the whole run."""
        ...

    @property
    def trace(self) -> Mapping[str, Sequence[float]]:
        """Columns of record points: epoch, loss, and "w:NAME" for each weight of a linear model."""
        ...

    @property
    def held_out(self) -> Evaluation | None:
        """How good the model is on the test rows; None where there are none, and of a run that was loaded."""
        ...

    @property
    def importances(self) -> tuple[Importance, ...]:
        """How much each column is used, the most used first."""
        ...

    @property
    def coefficients(self) -> tuple[Coefficient, ...]:
        """Those of a linear model, the largest standardised one first."""
        ...

    @property
    def references(self) -> tuple[Reference, ...]:
        """Other models on the test rows, the best first."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was reported while reading and preparing."""
        ...

    @property
    def search_result(self) -> SearchResult | None:
        """The search; None of a run that was loaded."""
        ...

    @property
    def prepared(self) -> Prepared | None:
        """The data; None of a run that was loaded."""
        ...

    @property
    def failed(self) -> bool:
        """Whether there is no usable model."""
        ...

    @property
    def command(self) -> str:
        """The equivalent command line."""
        ...

    @property
    def code(self) -> str:
        """The equivalent Python."""
        ...


def report_data(run: ReportedRun) -> ReportData:
    """Return the contents of the report; of a run that was loaded from a folder, only what its folder holds."""
    return ReportData(
        title=f"{run.model.target} from {run.data['name']}", data_name=run.data["name"], date=date.today().isoformat(),
        version=VERSION, mark=mark_of(run), status=run.verdict.status, verdict=run.verdict.text, numbers=numbers(run),
        findings=tuple(_finding(f, consequences) for f, consequences in grouped(run.findings)), variants=variant_rows(run),
        metric=run.metric, measured=run.prepared is not None and not run.failed,
        single_rows=run.options.rows,
        held_out=None if run.failed else run.held_out, curves=curves(run), curve_rows=curve_rows(run),
        train_rows=int(run.data["train_rows"]), history=_history(run.trace), rates=_rates(run),
        schedule=_schedule(run), layers=_layers(run),
        weight_paths=weight_paths(run),
        scatters=_scatters(run),
        target=run.model.target, data=tuple((n.topic, n.text) for n in run.notes), columns=_columns(run),
        model=_model(run), coefficients=() if run.failed else _coefficients(run),
        importances=run.importances, dependences=_dependences(run), references=run.references,
        reproduce=(("command", run.command), ("Python", run.code), *_hash(run),
                   *((k, str(v)) for k, v in run.env.items())),
    )  # fmt: skip


def _hash(run: ReportedRun) -> tuple[tuple[str, str], ...]:
    """The checksum of a file; none of a table that was in memory."""
    return (("data SHA-256", str(run.data["sha256"])),) if run.data["sha256"] else ()


def mark_of(run: ReportedRun) -> Mark:
    """Return the sign before the verdict; never ✔ over a model that a constant prediction beats."""
    if run.failed:
        return Mark.FAILED
    converged = run.verdict.status == Outcome.CONVERGED.word
    serious = any(f.level in SERIOUS for f in run.findings)
    return Mark.OK if converged and not serious and _beats_baseline(run) else Mark.NEUTRAL


def _beats_baseline(run: ReportedRun) -> bool:
    """Whether the model predicts better than a constant; True where that is not known."""
    value, baseline = (run.metrics.get(part, {}).get(run.metric) for part in (run.scored_part, "baseline"))
    if value is None or baseline is None:
        return True
    return value > baseline if run.metric in HIGHER_IS_BETTER else value < baseline


def _finding(finding: Finding, consequences: tuple[Finding, ...]) -> FindingRow:
    return FindingRow(
        code=finding.code, level=finding.level, text=finding.text, fixes=finding.fix,
        proof=tuple(f"tried {p.describe(number)}" for p in finding.proof), meaning=explain(finding.code).parts,
        consequences=tuple(f"{f.code} {f.level}: {f.text}" for f in consequences),
    )  # fmt: skip


def numbers(run: ReportedRun) -> tuple[tuple[str, str], ...]:
    """Return four (label, value) pairs: score, baseline, gap to the optimum and time."""
    part = run.scored_part
    score = None if run.failed else run.metrics[part].get(run.metric)
    gap = None if run.failed else run.gap
    return (
        (f"{'test' if part == 'test' else 'training'} {metric_name(run.metric)}", number(score)),
        (f"baseline {metric_name(run.metric)}", number(run.metrics["baseline"].get(run.metric))),
        ("gap to the optimum", "not known" if gap is None else percent(gap)),
        ("time", f"{run.seconds:.1f} s"),
    )


def variant_rows(run: ReportedRun) -> tuple[VariantRow, ...]:
    """Return the rows of the table of variants."""
    return tuple(
        VariantRow(
            name=t.variant, letter=t.letter, lr=t.lr, batch=t.batch, epochs=t.epochs, metric=t.shown, spread=t.spread,
            result=t.result, best=t.best and not run.failed,
        )
        for t in run.trials
    )  # fmt: skip


def curves(run: ReportedRun) -> tuple[Curve, ...]:
    """Return the losses of the best setting of each variant; of a run that was loaded, those of the one that was kept."""
    if run.search_result is None:
        return _recorded_curve(run)
    fit, curves = run.search_result.fit, []
    for r in run.search_result.best_per_variant:
        label = fit.plan.settings[r].label
        trace = fit.trace.until(r, int(fit.epochs[r]))
        held_out = None if np.isnan(trace.held_out).all() else trace.held_out[0]
        seconds = None if np.isnan(trace.seconds).any() else trace.seconds[0]
        curves.append(Curve(label, letter(label), trace.epochs[0], trace.loss[0], held_out, seconds))
    return tuple(curves)


def _recorded_curve(run: ReportedRun) -> tuple[Curve, ...]:
    """The one curve that a run folder holds: of the run that was kept."""
    best = next((t for t in run.trials if t.best), None)
    if best is None:
        return ()
    epochs, loss = (np.array(run.trace[name], np.float64) for name in ("epoch", "loss"))
    held_out = next((np.array(run.trace[name], np.float64) for name in ("val", "test") if name in run.trace), None)
    seconds = np.array(run.trace["seconds"], np.float64) if "seconds" in run.trace else None
    return (Curve(best.variant, best.letter, epochs, loss, held_out, seconds),)


def curve_rows(run: ReportedRun) -> str:
    """Return what the second loss of a curve is of: "validation" or "test" rows."""
    return "validation" if "val" in run.trace else "test"


def _history(trace: Mapping[str, Sequence[float]]) -> str:
    """The trace as CSV; of many weights the first ones, so that the page stays small."""
    names = list(trace)[:MOST_HISTORY]
    return csv_text([names, *zip(*(trace[name] for name in names), strict=True)])


def _rates(run: ReportedRun) -> tuple[RateCurve, ...]:
    """The rates of each variant that were tried with its first seed, where there are several."""
    result = run.search_result
    if result is None:
        return ()
    fit, curves = result.fit, []
    rows = fit.problem.data.rows
    for r in result.best_per_variant:
        own = fit.plan.settings[r]
        tried = {
            s.lr: float(fit.loss[k]) for k, s in enumerate(fit.plan.settings)
            if s.label == own.label and s.seed == own.seed and s.schedule == own.schedule and _same_constants(s, own)
        }  # fmt: skip
        if len(tried) < FEWEST_RATES:
            continue
        rates = np.array(sorted(tried))
        limit = stability_limit(own.rule, own.constants, result.landscape.curvature, own.batch_size or rows, rows)
        curves.append(
            RateCurve(
                variant=own.label, rates=rates, losses=np.array([tried[rate] for rate in rates]), start=result.landscape.baseline,
                chosen=own.lr, limit=limit,
            )
        )  # fmt: skip
    return tuple(curves)


def _same_constants(one: Setting, other: Setting) -> bool:
    """Whether two settings differ in the rate at most."""
    return {**one.constants, "lr": 0.0} == {**other.constants, "lr": 0.0}


def _schedule(run: ReportedRun) -> LayerSeries | None:
    """The learning rate along the run, where it changed."""
    if "lr" not in run.trace:
        return None
    lr = np.array(run.trace["lr"], np.float64)
    there = np.isfinite(lr)
    if not there.any() or np.ptp(lr[there]) <= ROUNDING * np.abs(lr[there]).max():
        return None
    epochs = np.array(run.trace["epoch"], np.float64)
    return LayerSeries(title="learning rate", epochs=epochs[there], values=lr[there][None])


def _layers(run: ReportedRun) -> tuple[LayerSeries, ...]:
    """What the layers of a network showed after the start, figure by figure; one that stays 0 in all of them is left out."""
    found = []
    for kind, (title, share) in LAYER_FIGURES.items():
        names = [name for name in run.trace if name.startswith(f"{kind}:")]
        values = np.array([run.trace[name] for name in names], np.float64)
        if len(names) and values.shape[1] > FEWEST_RATES and np.nanmax(np.abs(values[:, 1:])) > 0:
            epochs = np.array(run.trace["epoch"], np.float64)
            found.append(LayerSeries(title=title, epochs=epochs[1:], values=values[:, 1:], share=share))
    return tuple(found)


def weight_paths(run: ReportedRun) -> tuple[WeightPath, ...]:
    """Return each weight along the run that is kept; none of a network."""
    loss = np.array(run.trace["loss"], np.float64)
    return tuple(
        WeightPath(name[2:], np.array(values, np.float64), loss)
        for name, values in run.trace.items()
        if name.startswith("w:")
    )


def _scatters(run: ReportedRun) -> tuple[Scatter, ...]:
    """Target against each column of numbers or dates, on the training rows."""
    prepared = run.prepared
    if prepared is None or not run.options.rows:
        return ()
    rows, y = prepared.rows[0], prepared.train.y * prepared.scale.target_width + prepared.scale.target_center
    names = [f.column for f in run.model.schema.features if f.kind != Kind.CATEGORY]
    return tuple(Scatter(name, prepared.table[name].values[rows], y, classes=run.model.classes) for name in names)


def _columns(run: ReportedRun) -> tuple[ColumnRow, ...]:
    prepared = run.prepared
    if prepared is None:
        return ()
    uses = {**run.model.schema.uses, run.model.target: "target"}
    return tuple(
        ColumnRow(c.name, c.kind.value, c.missing, uses.get(c.name, "left out: as asked"))
        for c in prepared.table.columns
    )


def _model(run: ReportedRun) -> str:
    model = run.model
    if run.failed:
        return "There is no usable model, since training failed."
    if model.network is not None:
        sizes = " → ".join(f"{size:,}" for size in model.network.sizes)
        return f"A network of {sizes} units with {model.network.activation}: {len(model.weights):,} weights and biases."
    outputs = f" for each of {len(model.b):,} classes" if len(model.b) > 1 else ""
    return f"A linear model of {model.W.shape[0]:,} features{outputs}."


def _coefficients(run: ReportedRun) -> tuple[Coefficient, ...]:
    """Those of the record; of a folder that was written before it had them, those of its model."""
    return run.coefficients or coefficients(run.model)


def _dependences(run: ReportedRun) -> tuple[Dependence, ...]:
    """Of the columns that are used most, where the rows are at hand."""
    if run.prepared is None or run.failed:
        return ()
    return tuple(dependence(run.model, run.prepared, one.column) for one in run.importances[:MOST_DEPENDENCES])
