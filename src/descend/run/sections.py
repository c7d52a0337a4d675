"""sections: the parts of a run's record that are plain values: what was chosen, the data, the machine, the trace."""

import os
import platform
from dataclasses import asdict
from typing import Any

import numpy as np

from descend.optimum import OptimumStatus
from descend.optimum.landscape import Landscape
from descend.options import Options
from descend.problem.layer_stats import KINDS
from descend.search.result import SearchResult
from descend.table.prepare import Prepared
from descend.training import Fit
from descend.training.trace import Trace

Columns = dict[str, list[Any]]


def chosen_section(result: SearchResult) -> dict[str, Any]:
    """Return optimizer, lr and batch of the run that is kept, with the reason of each and the gap to the optimum."""
    setting = result.fit.plan.settings[result.best]
    return {
        "optimizer": setting.label, "lr": setting.lr, "batch": setting.batch_size or "full",
        "constants": setting.constants, "engine": result.fit.engine, "why": result.why,
        "gap": result.landscape.gap(float(result.fit.loss[result.best])),
        "network": None if result.fit.problem.network is None else asdict(result.fit.problem.network),
    }  # fmt: skip


def data_section(prepared: Prepared, data: Any, fit: Fit) -> dict[str, Any]:
    """Return what was read, and what became of its columns and rows."""
    source, table = prepared.table.source, prepared.table
    training, validation = fit.problem.data.rows, prepared.validation
    return {
        "name": source.name, "path": _path(data), "rows": table.rows, "columns": len(table.columns), "sha256": source.sha256,
        "format": source.format, "delimiter": source.delimiter, "encoding": source.encoding, "header": source.header,
        "target": prepared.target.name, "features": list(prepared.schema.names), "dropped": prepared.schema.dropped,
        "imputed": prepared.filled, "train_rows": training,
        "validation_rows": prepared.train.rows - training if validation is None else validation.rows,
        "test_rows": 0 if prepared.test is None else prepared.test.rows,
    }  # fmt: skip


def _path(data: Any) -> str | None:
    return os.path.abspath(data) if isinstance(data, (str, os.PathLike)) and data != "-" else None


def environment_section(options: Options, threads: int) -> dict[str, Any]:
    """Return versions and machine."""
    return {
        "python": platform.python_version(), "numpy": np.__version__, "cpu": platform.processor() or platform.machine(),
        "system": platform.system(), "threads": threads, "seed": options.random_state,
    }  # fmt: skip


def trace_section(result: SearchResult, prepared: Prepared) -> Columns:
    """Return the trace of the run that is kept, column by column: of a linear model each weight, else each layer."""
    fit, problem = result.fit, result.fit.problem
    trace = fit.trace.until(result.best, int(fit.epochs[result.best]))
    columns: Columns = {"epoch": trace.epochs[0].tolist(), "loss": trace.loss[0].tolist()}
    if not np.isnan(trace.held_out).all():
        columns["val" if fit.guided else "test"] = trace.held_out[0].tolist()
    columns |= {"lr": trace.lr[0].tolist(), "seconds": trace.seconds[0].tolist()}
    return columns | (
        _layer_columns(trace) if problem.network is not None else _weight_columns(trace, result, prepared)
    )


def _weight_columns(trace: Trace, result: SearchResult, prepared: Prepared) -> Columns:
    problem = result.fit.problem
    outputs = prepared.target.classes if problem.outputs > 1 else ("",)
    suffix = [f" [{o}]" if o else "" for o in outputs]
    names = [n + s for n in problem.data.names for s in suffix] + ["intercept" + s for s in suffix]
    return {f"w:{n}": trace.weights[0, :, j].tolist() for j, n in enumerate(names)}


def _layer_columns(trace: Trace) -> Columns:
    """What each layer showed, the first layer as layer 1."""
    return {
        f"{kind}:{layer + 1}": trace.layer_stats[0, :, layer, k].tolist()
        for k, kind in enumerate(KINDS) for layer in range(trace.layer_stats.shape[2])
    }  # fmt: skip


def curvature_note(landscape: Landscape) -> str:
    """Return what the curvature says about learning rates."""
    largest = landscape.curvature.largest
    if not np.isfinite(largest):
        return "the curvature at the start is beyond the finite range"
    if landscape.optimum.status is OptimumStatus.NOT_CONVEX:
        return f"λmax {largest:.3g} at the start → plain gradient descent begins well below lr {2 / max(largest, 1e-300):.3g}"
    if not largest > 0:
        return "flat: no column has any slope"
    return f"λmax {largest:.3g} → plain gradient descent is stable below lr {2 / largest:.3g}"
