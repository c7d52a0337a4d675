"""telling: what a report says about a run."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from descend.diagnosis import Finding, explain
from descend.diagnosis.words import percent
from descend.plan import letter
from descend.report.content import ColumnRow, Curve, Note, Scatter, Story, Variant, WeightPath
from descend.table.table import Kind
from descend.version import VERSION

if TYPE_CHECKING:
    from descend.run.record import Run


def tell(run: "Run") -> Story:
    """Return the story of a run that was trained in this process."""
    return Story(
        title=f"{run.model.target} from {run.data['name']}", data_name=run.data["name"], date=date.today().isoformat(),
        version=VERSION, status=run.verdict.status, verdict=run.verdict.text, numbers=_numbers(run),
        findings=tuple(_note(f) for f in run.findings), variants=_variants(run),
        metric=run.metric, curves=_curves(run), weight_paths=_weight_paths(run), scatters=_scatters(run),
        target=run.model.target, data=tuple((n.topic, n.text) for n in run.notes), columns=_columns(run),
        coefficients=tuple((f"{name} → {output}" if len(run.model.classes) > 2 else name, value)
                           for output, name, value in run.model.coefficients()),
        reproduce=(("command", run.command), ("Python", run.code), ("data SHA-256", str(run.data["sha256"])),
                   *((k, str(v)) for k, v in run.env.items())),
    )  # fmt: skip


def _note(finding: Finding) -> Note:
    proof = tuple(f"tried {p.told(_number)}" for p in finding.proof)
    return Note(finding.code, finding.level, finding.text, finding.fix, proof, explain(finding.code).parts)


def _numbers(run: "Run") -> tuple[tuple[str, str], ...]:
    where = run.scored_part
    gap = (
        None
        if run.search_result is None
        else run.search_result.landscape.gap(float(run.search_result.fit.loss[run.search_result.best]))
    )
    return (
        (f"{'test' if where == 'test' else 'training'} {run.metric}", _number(run.metrics[where].get(run.metric))),
        (f"baseline {run.metric}", _number(run.metrics["baseline"].get(run.metric))),
        ("gap to the optimum", "not known" if gap is None else percent(gap)),
        ("time", f"{run.seconds:.1f} s"),
    )


def _number(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _variants(run: "Run") -> tuple[Variant, ...]:
    return tuple(
        Variant(t.variant, t.letter, t.lr, t.batch, t.epochs, t.score, t.spread, t.result, t.best) for t in run.trials
    )


def _curves(run: "Run") -> tuple[Curve, ...]:
    if run.search_result is None:
        return ()
    fit, curves = run.search_result.fit, []
    for r in run.search_result.best_per_variant:
        setting = fit.plan.settings[r]
        own = fit.trace.until(r, int(fit.epochs[r]))
        held = None if np.isnan(own.held_out).all() else own.held_out[0]
        curves.append(Curve(setting.label, letter(setting.label), own.epochs[0], own.loss[0], held))
    return tuple(curves)


def _weight_paths(run: "Run") -> tuple[WeightPath, ...]:
    loss = np.array(run.trace["loss"], np.float64)
    return tuple(
        WeightPath(name[2:], np.array(values, np.float64), loss)
        for name, values in run.trace.items()
        if name.startswith("w:")
    )


def _scatters(run: "Run") -> tuple[Scatter, ...]:
    """Target against each column of numbers or dates, on the training rows."""
    prepared = run.prepared
    if prepared is None:
        return ()
    rows, y = prepared.rows[0], prepared.train.y * prepared.scale.target_width + prepared.scale.target_center
    wanted = [f.column for f in run.model.schema.features if f.kind != Kind.CATEGORY]
    return tuple(Scatter(name, prepared.table[name].values[rows], y, None) for name in wanted)


def _columns(run: "Run") -> tuple[ColumnRow, ...]:
    prepared = run.prepared
    if prepared is None:
        return ()
    schema = run.model.schema
    used = {f.column: ", ".join(f.names[:6]) + (" …" if len(f.names) > 6 else "") for f in schema.features}
    return tuple(
        ColumnRow(
            c.name, c.kind.value, c.missing,
            "target" if c.name == run.model.target else used.get(c.name) or f"left out: {schema.dropped.get(c.name, 'as asked')}",
        )
        for c in prepared.table.columns
    )  # fmt: skip
