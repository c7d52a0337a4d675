"""layer_stats: what a training step shows of each layer; the evidence of every finding about networks."""

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.problem.network import ForwardCache, Network, layer_vectors

KINDS = ("gradient", "weight", "update", "dead", "saturated", "nonfinite")
GRADIENT, WEIGHT, UPDATE, DEAD, SATURATED, NONFINITE = range(len(KINDS))  # columns of what `layer_stats` returns
FLAT = 0.05  # a unit is saturated where its slope is below this part of the largest; tanh(2.2) has this slope

# Of a step, by layer, the output layer last:
#   gradient    the norm of the gradient of the mean loss, before penalty and clipping
#   weight      the norm of the weights before the step
#   update      the norm of what the step changed, divided by that of the weights
#   dead        the share of units whose slope was 0 for every row since the last record; 0 for the output layer
#   saturated   the share of slopes of the batch that are flat, of an activation that saturates on both sides
#   nonfinite   the number of coordinates of the gradient that are not finite


def layer_stats(
    network: Network, before: Array, after: Array, g: Array, caches: list[ForwardCache], reach: list[Array]
) -> Array:
    """Return the numbers of one step, float64 (layers, kinds).

    Args:
        before, after: weights (params,).
        g: the gradient (params,).
        caches: what the pass forward left.
        reach: the largest slope of each unit since the last record, of each hidden layer.
    """
    stats = np.zeros((len(network.layers), len(KINDS)))
    vectors = (layer_vectors(network, v) for v in (g, before, after))
    with np.errstate(all="ignore"):
        for row, gradient, weight, moved in zip(stats, *vectors, strict=True):
            size = length(weight)
            row[GRADIENT], row[WEIGHT] = length(gradient), size
            row[UPDATE] = length(moved - weight) / size if size > 0 else 0.0
            row[NONFINITE] = np.count_nonzero(~np.isfinite(gradient))
    peak = activation(network.activation).peak
    for row, cache, largest in zip(stats[:-1], caches, reach, strict=True):
        row[DEAD] = np.mean(largest == 0)
        row[SATURATED] = np.mean(cache.slope < FLAT * peak) if peak > 0 else 0.0
    return stats


def length(v: Array) -> float:
    """Return the Euclidean norm in float64, without overflow.

    >>> length(np.array([3.0, 4.0]))
    5.0
    """
    v = v.astype(np.float64)
    top = float(np.abs(v).max(initial=0.0))
    return top * float(np.sqrt(np.square(v / top).sum())) if 0 < top < np.inf else top
