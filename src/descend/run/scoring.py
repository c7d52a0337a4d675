"""scoring: metrics of weights, in the units of the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.errors import UsageError
from descend.evaluation import ClassificationEvaluation, Evaluation, RegressionEvaluation
from descend.losses import Loss
from descend.metrics import RegressionSums, blocks_of, classification_metrics, predicted_class, regression_metrics
from descend.problem import Problem
from descend.problem.network import scores as network_scores
from descend.problem.response import decision, has_probabilities
from descend.run.model import Model, Prediction
from descend.run.threshold import EVEN, best_threshold
from descend.search.result import SearchResult
from descend.table.data import Data
from descend.table.prepare import Prepared
from descend.table.streamed.rows import ScaledStream, products


def model_of(prepared: Prepared, problem: Problem, weights: Array, threshold: float = EVEN) -> Model:
    """Return the model of one run's weights (params,)."""
    return Model(
        prepared.schema, prepared.scale, weights, prepared.loss, prepared.constants,
        prepared.target.name, prepared.target.classes, problem.network, prepared.target.labels, prepared.target.reading,
        threshold,
    )  # fmt: skip


def metrics_of(model: Model, y: Array, prediction: Prediction, weight: Array | None) -> dict[str, float]:
    """Return every metric of predictions for targets y in the units of the file."""
    if prediction.scores is None:
        return regression_metrics(y, prediction.values, weight)
    return classification_metrics(y, prediction.scores, prediction.probabilities, weight, model.cut)


def evaluation_of(
    model: Model, y: Array, prediction: Prediction, weight: Array | None, rows: Array | None = None
) -> Evaluation:
    """Return the evaluation of predictions for targets y in the units of the file; `rows` are their places in the data."""
    if prediction.scores is None:
        return RegressionEvaluation(y=y, predicted=prediction.values, weight=weight, rows=rows)
    return ClassificationEvaluation(
        y=y, score=prediction.scores, probabilities=prediction.probabilities, predicted=predicted_class(prediction.scores, model.cut),
        classes=model.classes, weight=weight, rows=rows,
    )  # fmt: skip


def held_out(model: Model, prepared: Prepared, part: "Scored | None", rows: Array) -> Evaluation | None:
    """Return the evaluation of a model on the test rows; None where there are none, and of scores that are not finite.

    Args:
        rows: places of the test rows in the table, where they are of it.
    """
    if part is None or part.z is None or not np.isfinite(part.z).all():
        return None
    data = part.data
    places = rows if len(rows) == data.rows else None
    return evaluation_of(model, targets_of(prepared, data.y), model.respond(part.z, {}, {}), data.sample_weight, places)


def metric_of(loss: Loss, metric: str, balanced: bool = False) -> str:
    """Return the metric that tables show of a model of this loss; raise UsageError for one that does not apply to it.

    Args:
        loss: that was trained on.
        metric: as typed; "auto" is the root of the mean squared error, or the accuracy.
        balanced: whether all classes were asked to matter alike: then "auto" is the balanced accuracy, since the accuracy
            of such a model may be below that of a constant prediction.

    >>> from descend.losses import LOSSES
    >>> metric_of(LOSSES["squared"], "auto"), metric_of(LOSSES["logistic"], "auto", balanced=True)
    ('rmse', 'balanced_accuracy')
    """
    known: tuple[str, ...] = ("rmse", "mae", "r2")
    if loss.task == "classification":
        known = ("accuracy", "balanced_accuracy", "auc", *(("logloss",) if has_probabilities(loss) else ()))
    if metric == "auto":
        return known[1] if balanced and loss.task == "classification" else known[0]
    if metric not in known:
        raise UsageError(
            f"metric is {metric!r}, which does not apply to {loss.task} with the loss {loss.name}; it has {', '.join(known)}",
            fix=f"use --metric {known[0]}",
            code="bad-metric",
        )
    return metric


def run_scores(problem: Problem, weights: Array, data: Data) -> Array:
    """Return the scores of runs' weights (runs, params) on scaled data (runs, rows, outputs), float64, in one pass."""
    weights = weights.astype(np.float64)
    if problem.network is not None:
        return np.array([network_scores(problem.network, w, data.X) for w in weights])
    W, b = problem.split(weights)
    if not W.any():  # constant predictions
        return np.repeat(b[:, None], data.rows, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        z = data.X @ W.transpose(1, 0, 2).reshape(data.features, -1)
        return np.asarray(z.reshape(data.rows, *b.shape).transpose(1, 0, 2) + b[:, None])


def score(
    prepared: Prepared, problem: Problem, weights: Array, data: Data, z: Array | None = None, threshold: float = EVEN
) -> dict[str, float]:
    """Return every metric of one run's weights (params,) on scaled data, of scores z (rows, outputs) if they are known."""
    model = model_of(prepared, problem, weights.astype(np.float64), threshold)
    z = run_scores(problem, weights[None], data)[0] if z is None else z
    with np.errstate(over="ignore", invalid="ignore"):
        if model.classes:
            return metrics_of(model, data.y, model.respond(z, {}, {}), data.sample_weight)
        sums = _empty_sums(prepared, data)
        for rows in blocks_of(data.rows):
            own = None if data.sample_weight is None else data.sample_weight[rows]
            sums.add(targets_of(prepared, data.y[rows]), model.respond(z[rows], {}, {}).values, own)
        return sums.metrics()


@dataclass(frozen=True, eq=False)
class Scored:
    """Weights (params,) on one part of the rows, and their scores (rows, outputs).

    Of a streamed table the metrics, which were added up while it was read; its scores are then kept of test rows alone.
    """

    weights: Array
    data: Data
    z: Array | None
    metrics: dict[str, float] | None = None


def on_rows_at_hand(result: SearchResult, prepared: Prepared) -> SearchResult:
    """Return a search on a streamed table as one whose training rows are those that are at hand, with the moments of all."""
    return result if prepared.sample is None else result.on_some(prepared.sample.train)


def scored_parts(prepared: Prepared, result: SearchResult) -> dict[str, Scored]:
    """Return the kept weights on each part of the rows, and baseline and optimum beside them.

    Baseline and optimum are measured on the test rows, or on the training rows where there are none.
    """
    fit, landscape = result.fit, result.landscape
    kept, where = fit.weights[result.best], prepared.test or prepared.train
    sought: dict[str, tuple[Any, Data | None]] = {
        "train": (kept, fit.problem.data), "val": (kept, result.validation), "test": (kept, prepared.test),
        "baseline": (landscape.baseline_weights, where), "optimum": (landscape.optimum.weights, where),
    }  # fmt: skip
    there = {name: (w, data) for name, (w, data) in sought.items() if w is not None and data is not None}
    parts = list({id(data): data for _, data in there.values()}.values())  # the rows of each part are read once
    numbers = prepared.loss.task == "regression"  # whose metrics are sums
    if numbers and all(isinstance(part.X, ScaledStream) and not part.X.mapped for part in parts):
        return _streamed_parts(prepared, fit.problem, there, parts)
    found: dict[str, Scored] = {}
    for part in parts:
        names = [name for name, (_, data) in there.items() if data is part]
        z = run_scores(fit.problem, np.stack([there[name][0] for name in names]), part)
        found |= {name: Scored(there[name][0], part, z[k]) for k, name in enumerate(names)}
    return {name: found[name] for name in there}


def _streamed_parts(
    prepared: Prepared, problem: Problem, there: Mapping[str, tuple[Array, Data]], parts: Sequence[Data]
) -> dict[str, Scored]:
    """What `scored_parts` returns of parts of one streamed table, in one reading; only test rows keep their scores."""
    named = [[name for name, (_, data) in there.items() if data is part] for part in parts]
    split = [problem.split(np.stack([there[name][0] for name in names]).astype(np.float64)) for names in named]
    weights = [(part.X, W[:, :, 0].T) for part, (W, _) in zip(parts, split, strict=True)]
    model = model_of(prepared, problem, there["train"][0])
    sums = {name: _empty_sums(prepared, data) for name, (_, data) in there.items()}
    z = {name: np.empty((data.rows, 1)) for name, (_, data) in there.items() if name == "test"}
    for k, rows, found in products(weights):
        y, weight = targets_of(prepared, parts[k].y[rows]), parts[k].sample_weight
        for name, own in zip(named[k], (found + split[k][1][:, 0]).T, strict=True):
            sums[name].add(y, model.respond(own[:, None], {}, {}).values, None if weight is None else weight[rows])
            if name in z:
                z[name][rows, 0] = own
    assert prepared.sample is not None
    let_go = prepared.sample.train  # whoever asks for metrics needs no more than these
    return {
        name: Scored(w, data if name in z else let_go, z.get(name), sums[name].metrics())
        for name, (w, data) in there.items()
    }


def _empty_sums(prepared: Prepared, data: Data) -> RegressionSums:
    return RegressionSums(float(targets_of(prepared, np.average(data.y, weights=data.sample_weight))))


def scores(
    prepared: Prepared, problem: Problem, parts: Mapping[str, Scored], threshold: float = EVEN
) -> dict[str, dict[str, float]]:
    """Return the metrics of each part; the constant prediction is of the more frequent class, whatever the threshold."""
    return {
        name: p.metrics or score(prepared, problem, p.weights, p.data, p.z, EVEN if name == "baseline" else threshold)
        for name, p in parts.items()
    }


def threshold_of(given: float | str | None, part: Scored) -> float:
    """Return the threshold that was given, 0.5 for none, and for "auto" that of the largest balanced accuracy on a part."""
    if given is None or part.z is None or not np.isfinite(part.z).all():
        return EVEN
    if given != "auto":
        return float(given)
    return best_threshold(part.data.y == 1, decision(part.z), part.data.sample_weight)


def targets_of(prepared: Prepared, y: Array) -> Array:
    """Return scaled targets in the units of the file again."""
    return y * prepared.scale.target_width + prepared.scale.target_center if prepared.loss.scales_target else y
