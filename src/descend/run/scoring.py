"""scoring: metrics of weights, in the units of the file."""

from typing import Any

import numpy as np

from descend.arrays import Array
from descend.metrics import classification_metrics, regression_metrics
from descend.problem import Problem
from descend.run.model import Model, Prediction
from descend.search.search import SearchResult
from descend.table.data import Data
from descend.table.prepare import Prepared


def model_of(prepared: Prepared, problem: Problem, weights: Array) -> Model:
    """Return the model of one run's weights (params,)."""
    return Model(
        prepared.schema, prepared.scale, weights, prepared.loss, prepared.constants,
        prepared.target.name, prepared.target.classes, problem.network, prepared.target.labels, prepared.target.reading,
    )  # fmt: skip


def metrics_of(model: Model, y: Array, prediction: Prediction, weight: Array | None) -> dict[str, float]:
    """Return every metric of predictions for targets y in the units of the file."""
    if prediction.probabilities is None:
        return regression_metrics(y, prediction.values, weight)
    return classification_metrics(y, prediction.probabilities, weight)


def score(prepared: Prepared, problem: Problem, weights: Array, data: Data) -> dict[str, float]:
    """Return every metric of one run's weights (params,) on scaled data."""
    model = model_of(prepared, problem, weights.astype(np.float64))
    with np.errstate(over="ignore", invalid="ignore"):
        values, probabilities = model.respond(model.scores_of(data.X))
        prediction = Prediction(values, probabilities, model.classes, {}, {})
        return metrics_of(model, _targets(prepared, data.y), prediction, data.sample_weight)


def scores(prepared: Prepared, result: SearchResult) -> dict[str, dict[str, float]]:
    """Return the metrics of the kept weights on each part of the rows, and of baseline and optimum beside them.

    Baseline and optimum are measured on the test rows, or on the training rows where there are none.
    """
    fit, landscape = result.fit, result.landscape
    kept, where = fit.weights[result.best], prepared.test or prepared.train
    named: dict[str, tuple[Any, Data | None]] = {
        "train": (kept, fit.problem.data), "val": (kept, result.validation), "test": (kept, prepared.test),
        "baseline": (landscape.baseline_weights, where), "optimum": (landscape.optimum.weights, where),
    }  # fmt: skip
    there = {name: (w, data) for name, (w, data) in named.items() if w is not None and data is not None}
    return {name: score(prepared, fit.problem, w, data) for name, (w, data) in there.items()}


def _targets(prepared: Prepared, y: Array) -> Array:
    """Scaled targets in the units of the file again."""
    return y * prepared.scale.target_width + prepared.scale.target_center if prepared.loss.scales_target else y
