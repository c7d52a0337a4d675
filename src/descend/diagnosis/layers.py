"""layers: one batch passed through a network again, recording the signal and gradient of every layer."""

from dataclasses import dataclass

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.problem import Problem, flat, losses_and_slopes
from descend.problem.layer_stats import FLAT, length
from descend.problem.network import backward, forward, layer_vectors, matrix


@dataclass(frozen=True, eq=False, kw_only=True)
class Replay:
    """What each hidden layer showed, the first layer first.

    Args:
        signal: root mean square of the outputs (layers,).
        upstream_gradient: root mean square of the derivative of the loss in the outputs (layers,).
        gradient: norm of the gradient of its weights (layers + 1,), that of the output layer last.
        dead: number of units with slope 0 for every row (layers,).
        saturated: share of outputs where the slope is below FLAT of its peak (layers,).
        symmetric: whether all units of the layer have equal weights (layers,).
        nonfinite_place: the first place with NaN or inf, such as "the output of layer 3"; empty for none.
    """

    signal: Array
    upstream_gradient: Array
    gradient: Array
    dead: Array
    saturated: Array
    symmetric: Array
    nonfinite_place: str

    @property
    def growth(self) -> float:
        """The factor per layer by which signals grow forward, or gradients backward, whichever is larger."""
        return max(mean_factor(self.signal), mean_factor(self.upstream_gradient[::-1]))

    @property
    def decay(self) -> float:
        """The factor per layer by which the gradient changes backward, below 1 where it vanishes."""
        return mean_factor(self.gradient[:-1][::-1])


def replay(problem: Problem, weights: Array, rows: Array) -> Replay:
    """Pass these rows through the network of a problem, forward and backward, at these weights (params,)."""
    network = problem.network
    assert network is not None
    X, y = problem.data.X[rows], problem.data.y[rows]
    upstream: list[Array] = []  # the last layer first
    with np.errstate(all="ignore"):
        z, passed, last = forward(network, weights, X)
        slope = losses_and_slopes(problem, flat(problem, z), y)[1].reshape(z.shape)
        g = backward(network, weights, passed, last, slope, upstream) / len(y)
        signal = np.array([_root_mean_square(p.a) for p in passed])
        gradient = np.array([length(vector) for vector in layer_vectors(network, g)])
        peak = activation(network.activation).peak
        matrices = [matrix(layer, weights) for layer in network.hidden]
        return Replay(
            signal=signal,
            upstream_gradient=np.array([_root_mean_square(u) for u in upstream[::-1]]),
            gradient=gradient,
            dead=np.array([int((np.abs(p.slope).max(axis=0) == 0).sum()) for p in passed]),
            saturated=np.array([float((p.slope < FLAT * peak).mean()) if peak > 0 else 0.0 for p in passed]),
            symmetric=np.array([bool((W[:, :1] == W).all()) and W.shape[1] > 1 for W in matrices]),
            nonfinite_place=_nonfinite_place(signal, z, gradient),
        )


def _nonfinite_place(signal: Array, z: Array, gradient: Array) -> str:
    """The first place with NaN or inf, forward, then backward."""
    for number, value in enumerate(signal):
        if not np.isfinite(value):
            return f"the output of layer {number + 1}"
    if not np.isfinite(z).all():
        return "the prediction"
    for number in range(len(gradient) - 1, -1, -1):
        if not np.isfinite(gradient[number]):
            return f"the gradient of layer {number + 1}"
    return ""


def _root_mean_square(values: Array) -> float:
    return length(values.ravel()) / float(np.sqrt(max(values.size, 1)))


def mean_factor(sizes: Array) -> float:
    """Return the geometric mean of the factors between neighbours; 1 for fewer than three values."""
    if len(sizes) < 3 or not sizes[0] > 0:
        return 1.0
    if not np.isfinite(sizes).all():
        return float("inf")
    return float((max(sizes[-1], 1e-300) / sizes[0]) ** (1 / (len(sizes) - 1)))
