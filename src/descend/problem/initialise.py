"""initialise: where the weights of a network start."""

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.initialisers import check_init, spread_of, weight_variance
from descend.problem.network import Layer, Network


def initial(network: Network, how: str, seed: int) -> Array:
    """Return start weights (params,), float64.

    Args:
        how: he (He et al. 2015), xavier (Glorot and Bengio 2010) or lecun (LeCun et al. 1998), each drawn from a normal
            distribution or, with _uniform, from a uniform one of the same variance; orthogonal (Saxe, McClelland and
            Ganguli 2014); normal:STD; zeros; auto takes what suits the activation, and xavier for the last layer.
        seed: the generator is Philox (Salmon et al. 2011), keyed by the seed, apart from that of the row order.

    Biases, shifts and running means start at 0, scales and running variances at 1.
    """
    how, weights = check_init(how), np.zeros(network.params)
    generator = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, 0]))
    for number, layer in enumerate(network.layers):
        hidden = number < len(network.hidden)
        own = (activation(network.activation).init if hidden else "xavier") if how == "auto" else how
        weights[layer.W] = _drawn(generator, layer, own, 2.0 if hidden and _rectifies(network) else 1.0).ravel()
        for part in (layer.scale, layer.variance):
            if part is not None:
                weights[part] = 1.0
    return weights


def _rectifies(network: Network) -> bool:
    return activation(network.activation).init == "he"


def _drawn(generator: np.random.Generator, layer: Layer, how: str, gain: float) -> Array:
    """W (fan_in, fan_out); gain is the variance by which an orthogonal matrix makes up for the activation."""
    shape = layer.fan_in, layer.fan_out
    if how == "zeros":
        return np.zeros(shape)
    if how.startswith("normal:"):
        return np.asarray(generator.standard_normal(shape) * spread_of(how))
    if how == "orthogonal":
        return np.asarray(_orthogonal(generator, shape) * np.sqrt(gain))
    form, _, uniform = how.partition("_")
    variance = weight_variance(form, layer.fan_in, layer.fan_out)
    if uniform:
        return np.asarray(generator.uniform(-1, 1, shape) * np.sqrt(3 * variance))
    return np.asarray(generator.standard_normal(shape) * np.sqrt(variance))


def _orthogonal(generator: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Orthonormal rows or columns, whichever are fewer, uniformly among all."""
    tall = generator.standard_normal((max(shape), min(shape)))
    Q, R = np.linalg.qr(tall)
    Q = Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
    return Q if shape[0] >= shape[1] else Q.T
