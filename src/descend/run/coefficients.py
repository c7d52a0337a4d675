"""coefficients: those of a linear model, in the units of the file and standardised, with their intervals."""

import numpy as np

from descend.arrays import Array
from descend.evaluation.usage import Coefficient
from descend.optimum.covariance import covariance
from descend.run.model import Model
from descend.search.result import SearchResult

NEAR = 1e-3  # gap to the optimum, as a part, up to which intervals are given: they hold at the optimum (arbitrary)


def coefficients(model: Model, result: SearchResult | None = None) -> tuple[Coefficient, ...]:
    """Return the coefficients, the largest standardised one first and the intercepts last; none of a network.

    Args:
        model: a linear model, else there are none.
        result: the search that it comes from; without it, and away from the optimum, there are no intervals.
    """
    values = model.coefficients()
    if not values:
        return ()
    standardised = model.W.T.ravel().tolist() + [None] * len(model.b)
    several = len(model.b) > 1
    margins = _margins(model, result)
    rows = [
        Coefficient(
            feature=feature, output=output if several else "", value=value, standardised=size,
            low=None if margin is None else value - margin, high=None if margin is None else value + margin,
        )
        for (output, feature, value), size, margin in zip(values, standardised, margins, strict=True)
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: np.inf if row.standardised is None else -abs(row.standardised)))


def _margins(model: Model, result: SearchResult | None) -> list[float | None]:
    """Half the widths of the intervals, in the order of `Model.coefficients`."""
    unknown: list[float | None] = [None] * model.weights.size
    if result is None:
        return unknown
    gap = result.landscape.gap(float(result.fit.loss[result.best]))
    if gap is None or gap > NEAR:
        return unknown
    known = covariance(result.fit.problem, model.weights)
    return unknown if known is None else known.margin(_in_file_units(model)).tolist()


def _in_file_units(model: Model) -> Array:
    """What each coefficient of the file is a sum of (coefficients, params); constants do not matter."""
    features, k, scale = len(model.schema.names), len(model.b), model.scale
    across = np.zeros((model.weights.size, model.weights.size))
    target = np.broadcast_to(scale.target_width, (k,))
    for output in range(k):
        own = np.arange(features) * k + output
        across[output * features + np.arange(features), own] = target[output] / scale.width
        across[features * k + output, own] = -scale.center / scale.width * target[output]
        across[features * k + output, features * k + output] = target[output]
    return across
