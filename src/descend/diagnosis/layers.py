"""layers: a batch passed through a network once more, with every layer's signal written down."""

from dataclasses import dataclass

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.problem import Problem, flat, losses_and_slopes
from descend.problem.layer_stats import FLAT, length
from descend.problem.network import backward, forward, layer_vectors, matrix


@dataclass(frozen=True, eq=False)
class Replay:
    """What each hidden layer showed, the first layer first.

    Args:
        signal: root mean square of the outputs (layers,).
        pull: root mean square of the loss's slope in the outputs (layers,).
        gradient: norm of the gradient of its weights (layers,), the output layer's appended.
        dead: units that are flat for every row (layers,).
        saturated: share of units, over the rows, near one of both ends (layers,).
        alike: whether all units of the layer have the same weights (layers,).
        where: the first place with a value that is not finite, such as "layer 3"; empty for none.
    """

    signal: Array
    pull: Array
    gradient: Array
    dead: Array
    saturated: Array
    alike: Array
    where: str

    @property
    def growth(self) -> float:
        """The factor a layer by which signals grow forward, or slopes on their way back, whichever is larger."""
        return max(_factor(self.signal), _factor(self.pull[::-1]))

    @property
    def decay(self) -> float:
        """The factor a layer by which the gradient changes on its way back, below 1 where it vanishes."""
        return _factor(self.gradient[:-1][::-1])


def replay(problem: Problem, weights: Array, rows: Array) -> Replay:
    """Pass these rows through the network of a problem, forward and back, at these weights (params,)."""
    network = problem.network
    assert network is not None
    X, y = problem.data.X[rows], problem.data.y[rows]
    pulls: list[Array] = []
    with np.errstate(all="ignore"):
        z, passed, last = forward(network, weights, X)
        slope = losses_and_slopes(problem, flat(problem, z), y)[1].reshape(z.shape)
        g = backward(network, weights, passed, last, slope, pulls) / len(y)
        signal = np.array([_size(p.a) for p in passed])
        pull = np.array([_size(p) for p in pulls[::-1]])
        gradient = np.array([length(own) for own in layer_vectors(network, g)])
        peak = activation(network.activation).peak
        matrices = [matrix(layer, weights) for layer in network.hidden]
    return Replay(
        signal, pull, gradient,
        np.array([int((np.abs(p.slope).max(axis=0) == 0).sum()) for p in passed]),
        np.array([float((p.slope < FLAT * peak).mean()) if peak > 0 else 0.0 for p in passed]),
        np.array([bool((W[:, :1] == W).all()) and W.shape[1] > 1 for W in matrices]), _where(signal, z, gradient),
    )  # fmt: skip


def _where(signal: Array, z: Array, gradient: Array) -> str:
    """The first place with a value that is not finite, on the way forward, then back."""
    for number, value in enumerate(signal):
        if not np.isfinite(value):
            return f"the output of layer {number + 1}"
    if not np.isfinite(z).all():
        return "the prediction"
    for number in range(len(gradient) - 1, -1, -1):
        if not np.isfinite(gradient[number]):
            return f"the gradient of layer {number + 1}"
    return ""


def _size(values: Array) -> float:
    return length(values.ravel()) / float(np.sqrt(max(values.size, 1)))


def _factor(path: Array) -> float:
    """The mean factor from one to the next; 1 for too few to tell."""
    if len(path) < 3 or not path[0] > 0:
        return 1.0
    if not np.isfinite(path).all():
        return float("inf")
    return float((max(path[-1], 1e-300) / path[0]) ** (1 / (len(path) - 1)))
