"""importance: what a model uses: how much worse it predicts without a column, and how its prediction follows one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from descend.arrays import Array, evenly_spaced
from descend.evaluation.usage import Dependence, Importance
from descend.metrics import HIGHER_IS_BETTER, predicted_class
from descend.problem.network import scores as network_scores
from descend.run.model import Model
from descend.run.scoring import metrics_of, targets_of
from descend.table.columns import Feature
from descend.table.data import Data
from descend.table.prepare import Prepared
from descend.table.table import Kind

REPEATS = 5  # permutations of a column, as in scikit-learn
MOST_VISITS = 1 << 19  # rows that are predicted in all: a few hundredths of a second of a linear model
FEWEST_ROWS, MOST_ROWS = 500, 10_000  # that are predicted, where there are so many (arbitrary)
MOST_COLUMNS = 200  # of a wide table, those with the largest weights in the first layer: the others can do little
ROUNDING = 1e-14  # of the metric: a smaller difference is none
GRID = 20  # values of a number at which the prediction is averaged: its quantiles
CURVE_ROWS = 500  # rows over which it is averaged, evenly spaced (arbitrary)


def importances(model: Model, prepared: Prepared, metric: str) -> tuple[Importance, ...]:
    """Return how much each column is used, the most used first, measured on test rows, else on training rows.

    Args:
        model: linear or a network.
        prepared: the data that it was trained on.
        metric: by which, such as "rmse" or "accuracy".

    The cells of a column are permuted among rows, all features of the column together. Of many rows evenly spaced ones are
    taken, and of more than 200 columns those with the largest weights.
    """
    data = prepared.test or prepared.train
    features = _columns(model)
    columns = min(len(features), MOST_COLUMNS)
    rows = evenly_spaced(data.rows, int(np.clip(MOST_VISITS // (columns * REPEATS), FEWEST_ROWS, MOST_ROWS)))
    X, part = _taken(data, rows)
    y = targets_of(prepared, part.y)
    sign, rng = (-1.0 if metric in HIGHER_IS_BETTER else 1.0), np.random.default_rng(0)

    def measure(z: Array) -> float:
        return sign * _metric(model, metric, y, z, part.sample_weight)

    z = _scores(model, X)
    base, found = measure(z), []
    for feature, at in _strongest(model, features):
        worse = [measure(_permuted(model, X, z, at, rng.permutation(len(X)))) - base for _ in range(REPEATS)]
        mean = float(np.mean(worse))
        mean = 0.0 if abs(mean) <= ROUNDING * abs(base) else mean
        found.append(Importance(column=feature.column, mean=mean, std=float(np.std(worse))))
    return tuple(sorted(found, key=lambda one: -one.mean))


def dependence(model: Model, prepared: Prepared, column: str) -> Dependence:
    """Return how the mean prediction follows a column, over the values that it has on test rows, else on training rows."""
    data = prepared.test or prepared.train
    feature, at = next((f, at) for f, at in _columns(model) if f.column == column)
    X, _ = _taken(data, evenly_spaced(data.rows, CURVE_ROWS))
    points, values = _grid(model, feature, at, X)
    mean = []
    for point in points:
        moved = X.copy()
        moved[:, at] = point
        predicted = model.respond(_scores(model, moved), {}, {})
        own = predicted.values.astype(np.float64)[:, None] if not model.classes else _shares(model, predicted)
        mean.append(own.mean(axis=0))
    return Dependence(column=column, values=values, mean=np.array(mean), outputs=model.classes)


def _shares(model: Model, predicted: Any) -> Array:
    """What stands for a class: its probability, else whether it is predicted (rows, classes)."""
    if predicted.probabilities is not None:
        return np.asarray(predicted.probabilities)
    index = predicted_class(predicted.scores, model.cut).astype(np.int64)
    return np.eye(len(model.classes))[index]


def _grid(model: Model, feature: Feature, at: slice, X: Array) -> tuple[Array, Array | tuple[str, ...]]:
    """The scaled features of each point (points, width), and the values that they stand for."""
    center, width = model.scale.center[at], model.scale.width[at]
    if feature.kind == Kind.CATEGORY:
        return (np.eye(len(feature.levels)) - center) / width, feature.levels
    points = np.unique(np.quantile(X[:, at.start], np.linspace(0.0, 1.0, GRID), method="nearest"))
    rest = np.broadcast_to((0.0 - center[1:]) / width[1:], (len(points), len(center) - 1))  # no cell is missing
    return np.column_stack([points, rest]), points * width[0] + center[0]


def _columns(model: Model) -> list[tuple[Feature, slice]]:
    """Each column that is used, with the place of its features."""
    ends = np.cumsum([len(f.names) for f in model.schema.features]).tolist()
    starts = [0, *ends[:-1]]
    return [(f, slice(a, b)) for f, a, b in zip(model.schema.features, starts, ends, strict=True)]


def _strongest(model: Model, columns: Sequence[tuple[Feature, slice]]) -> Sequence[tuple[Feature, slice]]:
    if len(columns) <= MOST_COLUMNS:
        return columns
    first = _first_layer(model)
    return sorted(columns, key=lambda one: -float(np.square(first[one[1]]).sum()))[:MOST_COLUMNS]


def _first_layer(model: Model) -> Array:
    """The weights that read the features (features, units)."""
    if model.network is None:
        return model.W
    features, units = model.network.sizes[:2]
    return model.weights[: features * units].reshape(features, units)


def _taken(data: Data, rows: Array) -> tuple[Array, Data]:
    """Some rows: their scaled features, float64, and their targets and weights."""
    X = np.asarray(data.X[rows], np.float64)
    weight = None if data.sample_weight is None else data.sample_weight[rows]
    return X, Data(X, data.y[rows].astype(np.float64), weight, data.names)


def _scores(model: Model, X: Array) -> Array:
    """Predictions (rows, outputs), before any link, of scaled features."""
    weights = model.weights.astype(np.float64)
    if model.network is not None:
        return network_scores(model.network, weights, X)
    return np.asarray(X @ model.W.astype(np.float64) + model.b)


def _permuted(model: Model, X: Array, z: Array, at: slice, order: Array) -> Array:
    """The predictions when the features of one column are those of other rows; of a linear model they differ by a product."""
    if model.network is None:
        own = X[:, at] @ model.W[at].astype(np.float64)
        return np.asarray(z + (own[order] - own))
    moved = X.copy()
    moved[:, at] = X[order, at]
    return _scores(model, moved)


def _metric(model: Model, metric: str, y: Array, z: Array, weight: Array | None) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        predicted = model.respond(z, {}, {})
        if metric == "accuracy" and predicted.scores is not None:  # without the areas, which take a sort of all rows
            return float(np.average(predicted_class(predicted.scores, model.cut) == y, weights=weight))
        return metrics_of(model, y, predicted, weight)[metric]
