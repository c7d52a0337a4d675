"""layer_stats: what a training step shows of each layer; the evidence of every finding about networks."""

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.problem.network import Network, Passed, norms

KINDS = ("gradient", "weight", "update", "dead", "saturated", "nonfinite")
FLAT = 0.05  # a unit is saturated where its slope is below this part of the largest

# Of a step, by layer, the output layer last:
#   gradient    the norm of the gradient of the mean loss, before penalty and clipping
#   weight      the norm of the weights before the step
#   update      the norm of what the step changed, divided by that of the weights
#   dead        the share of units whose slope was 0 for every row since the last record; 0 for the output layer
#   saturated   the share of slopes of the batch that are flat, of an activation that saturates on both sides
#   nonfinite   the number of coordinates of the gradient that are not finite


def layer_stats(
    network: Network, before: Array, after: Array, g: Array, passed: list[Passed], reach: list[Array]
) -> Array:
    """Return the numbers of one step, float64 (layers, KINDS).

    Args:
        before, after: weights (params,).
        g: the gradient (params,).
        passed: what the pass forward left.
        reach: the largest slope of each unit since the last record, of each hidden layer.
    """
    found = np.zeros((len(network.layers), len(KINDS)))
    with np.errstate(all="ignore"):
        for row, own, w, moved in zip(
            found, norms(network, g), norms(network, before), norms(network, after), strict=True
        ):
            size = length(w)
            row[:3] = length(own), size, length(moved - w) / size if size > 0 else 0.0
            row[5] = np.count_nonzero(~np.isfinite(own))
    peak = activation(network.activation).peak
    for number, (layer, most) in enumerate(zip(passed, reach, strict=True)):
        found[number, 3] = np.mean(most == 0)
        found[number, 4] = np.mean(layer.slope < FLAT * peak) if peak > 0 else 0.0
    return found


def length(v: Array) -> float:
    """Return the Euclidean norm in float64, without overflow.

    >>> length(np.array([3.0, 4.0]))
    5.0
    """
    v = v.astype(np.float64)
    top = float(np.abs(v).max(initial=0.0))
    return top * float(np.sqrt(np.square(v / top).sum())) if 0 < top < np.inf else top
