"""network: a fully connected network as a function of one flat vector of weights; it defines what engines compute."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from descend.activations import activation
from descend.arrays import Array
from descend.errors import UsageError
from descend.text import counted

EPS = 1e-5  # added to the variance of a batch, as in torch and in Ioffe and Szegedy 2015
BN_MOMENTUM = 0.1  # the part of the way that running statistics move to those of a batch at each step, as in torch


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Where a layer's numbers lie in the flat vector; None for what it does not have.

    Args:
        fan_in, fan_out: rows and columns of its matrix W.
        W: of the weights, row by row.
        b: of the biases; a layer with batch normalisation has a shift instead.
        scale, shift, mean, variance: of batch normalisation; mean and variance are running statistics.
        skips: whether the layer's input is added to its output.
    """

    fan_in: int
    fan_out: int
    W: slice
    b: slice | None = None
    scale: slice | None = None
    shift: slice | None = None
    mean: slice | None = None
    variance: slice | None = None
    skips: bool = False

    @property
    def last(self) -> int:
        """The end of its numbers."""
        return int(max(s.stop for s in (self.W, self.b, self.variance) if s is not None))


@dataclass(frozen=True)
class Network:
    """The shape of a fully connected network.

    Args:
        sizes: features, hidden widths, outputs; without hidden widths it is a linear model.
        activation: of every hidden layer.
        batch_norm: whether hidden layers normalise their input to the activation over each batch (Ioffe and Szegedy
            2015), with a learned scale and shift.
        residual: whether a hidden layer as wide as its input adds that input to its output (He et al. 2016).
        dropout: the share of hidden outputs that are zero in a training step (Srivastava et al. 2014); the others are
            divided by the share that is kept.

    The weights of one run are one flat vector (params,): layer after layer W (fan_in, fan_out) row by row, then b
    (fan_out,); with batch normalisation, in place of b, scale, shift, and the running mean and variance, which no
    update rule moves. Raises UsageError for a shape that cannot be.

    >>> Network((64, 100, 10)).params
    7510
    """

    sizes: tuple[int, ...]
    activation: str = "relu"
    batch_norm: bool = False
    residual: bool = False
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_hidden(self.sizes[1:-1])
        activation(self.activation)
        check_dropout(self.dropout)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, from the input to the output."""
        found, at = [], 0
        for number, (fan_in, fan_out) in enumerate(zip(self.sizes[:-1], self.sizes[1:], strict=True)):
            hidden = number < len(self.sizes) - 2
            found.append(_layer(at, fan_in, fan_out, self.batch_norm and hidden, self.residual and hidden))
            at = found[-1].last
        return tuple(found)

    @property
    def hidden(self) -> tuple[Layer, ...]:
        """All layers but the last."""
        return self.layers[:-1]

    @property
    def params(self) -> int:
        """The length of the flat vector."""
        return self.layers[-1].last

    @property
    def penalised(self) -> Array:
        """1.0 for the entries of each W, 0.0 for all others (params,)."""
        found = np.zeros(self.params)
        for layer in self.layers:
            found[layer.W] = 1.0
        return found

    @property
    def trained(self) -> Array:
        """False for running statistics, which no rule moves (params,)."""
        found = np.ones(self.params, bool)
        for layer in self.layers:
            for part in (layer.mean, layer.variance):
                if part is not None:
                    found[part] = False
        return found


def _layer(at: int, fan_in: int, fan_out: int, normalised: bool, residual: bool) -> Layer:
    first = at + fan_in * fan_out
    a, b, c, d = (slice(first + k * fan_out, first + (k + 1) * fan_out) for k in range(4))
    W, skips = slice(at, first), residual and fan_in == fan_out
    if normalised:
        return Layer(fan_in=fan_in, fan_out=fan_out, W=W, b=None, scale=a, shift=b, mean=c, variance=d, skips=skips)
    return Layer(fan_in=fan_in, fan_out=fan_out, W=W, b=a, skips=skips)


def check_hidden(widths: Any) -> tuple[int, ...]:
    """Return the widths of hidden layers; raises UsageError unless each is a whole number of at least 1."""
    for width in widths:
        if isinstance(width, bool) or not isinstance(width, (int, np.integer)) or width < 1:
            raise UsageError(
                f"a hidden layer has width {width!r}, it must be a whole number of at least 1",
                fix="give widths such as 64,64, or none for a linear model",
                code="bad-hidden",
            )
    return tuple(int(w) for w in widths)


def check_dropout(share: float) -> None:
    """Raise UsageError unless a share of dropped outputs is at least 0 and below 1."""
    if not 0 <= share < 1:
        raise UsageError(f"dropout is {share:g}, it must be at least 0 and below 1", fix="try 0.2", code="bad-dropout")


def check_memory(network: Network, runs: int, slots: int, itemsize: int, available: int) -> None:
    """Raise UsageError when the weights and memories of so many runs do not fit in the memory that is available.

    Args:
        slots: memories of the rule that keeps the most.
        itemsize, available: bytes of a number, and in all.
    """
    numbers = network.params * runs * (slots + 4)  # weights, gradient, step, the best so far
    if numbers * itemsize > available:
        raise UsageError(
            f"{counted(runs, 'network')} of {network.params:,} parameters {'needs' if runs == 1 else 'need'} "
            f"{numbers * itemsize / 1e9:,.1f} GB with all that training keeps, {available / 1e9:,.1f} GB are free",
            fix="use smaller hidden layers or fewer settings",
            code="too-large",
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class ForwardCache:
    """What a pass forward through one hidden layer leaves for the way back.

    Args:
        h: the layer's input (rows, fan_in).
        hat: normalised input of the activation (rows, fan_out); None without batch normalisation.
        std: root of the variance, EPS included (fan_out,).
        a, slope: value and slope of the activation (rows, fan_out).
        by_batch: whether the statistics are those of the batch; a single row is normalised by the running ones.
        mean, variance: the batch's mean and unbiased variance (fan_out,).
        mask: what outputs are multiplied by, or None.
    """

    h: Array
    hat: Array | None
    std: Array | None
    a: Array
    slope: Array
    by_batch: bool
    mean: Array | None
    variance: Array | None
    mask: Array | None


def scores(network: Network, weights: Array, X: Any) -> Array:
    """Return predictions z (rows, outputs), by running statistics and without dropout, of weights (params,)."""
    return forward(network, weights, X, training=False)[0]


def forward(
    network: Network, weights: Array, X: Any, masks: tuple[Array, ...] | None = None, training: bool = True
) -> tuple[Array, list[ForwardCache], Array]:
    """Pass a batch forward.

    Returns the predictions z (rows, outputs), what each hidden layer leaves, and the last layer's input.

    Args:
        masks: of `dropout_masks`, one a hidden layer; None for no dropout.
        training: whether a batch is normalised by its own statistics; else by the running ones.
    """
    h, caches = X, []
    for number, layer in enumerate(network.hidden):
        caches.append(_hidden(network, layer, weights, h, None if masks is None else masks[number], training))
        out = caches[-1].a if caches[-1].mask is None else caches[-1].a * caches[-1].mask
        h = out + h if layer.skips else out
    last = network.layers[-1]
    return h @ matrix(last, weights) + weights[last.b], caches, h


def _hidden(network: Network, layer: Layer, weights: Array, h: Any, mask: Array | None, training: bool) -> ForwardCache:
    evaluate, z = activation(network.activation).evaluate, h @ matrix(layer, weights)
    if layer.scale is None:
        a, slope = evaluate(z + weights[layer.b])
        return ForwardCache(
            h=h, hat=None, std=None, a=a, slope=slope, by_batch=False, mean=None, variance=None, mask=mask
        )
    mean, variance, by_batch = weights[layer.mean], weights[layer.variance], training and len(z) > 1
    if by_batch:
        mean, variance = z.mean(axis=0), z.var(axis=0)
    std = np.sqrt(variance + np.asarray(EPS, z.dtype))
    hat = (z - mean) / std
    a, slope = evaluate(weights[layer.scale] * hat + weights[layer.shift])
    unbiased = variance * (len(z) / (len(z) - 1)) if by_batch else variance
    return ForwardCache(
        h=h, hat=hat, std=std, a=a, slope=slope, by_batch=by_batch, mean=mean, variance=unbiased, mask=mask
    )


def matrix(layer: Layer, weights: Array) -> Array:
    """Return a layer's part of flat weights (params,) as (fan_in, fan_out)."""
    return weights[layer.W].reshape(layer.fan_in, layer.fan_out)


def backward(
    network: Network, weights: Array, caches: list[ForwardCache], last: Array, slope: Array,
    upstream_gradients: list[Array] | None = None,
) -> Array:  # fmt: skip
    """Return the gradient (params,) of the sum over the rows of a loss whose slope in z is given (rows, outputs).

    Running statistics have gradient 0. Where `upstream_gradients` is given, the gradient in each hidden layer's output
    is appended to it, that of the last layer first.
    """
    g, layer = np.zeros_like(weights), network.layers[-1]
    g[layer.W], g[layer.b] = (last.T @ slope).ravel(), slope.sum(axis=0)
    upstream = slope @ matrix(layer, weights).T
    for layer, cache in zip(network.hidden[::-1], caches[::-1], strict=True):
        if upstream_gradients is not None:
            upstream_gradients.append(upstream)
        inner = (upstream if cache.mask is None else upstream * cache.mask) * cache.slope
        if cache.hat is None:
            g[layer.b] = inner.sum(axis=0)
        else:
            g[layer.scale], g[layer.shift] = (inner * cache.hat).sum(axis=0), inner.sum(axis=0)
            inner = _before_normalisation(inner * weights[layer.scale], cache)
        g[layer.W] = (cache.h.T @ inner).ravel()
        downstream = inner @ matrix(layer, weights).T
        upstream = downstream + upstream if layer.skips else downstream
    return g


def _before_normalisation(inner: Array, cache: ForwardCache) -> Array:
    """The gradient in the input of a normalisation, of that in its output."""
    if cache.by_batch:
        assert cache.hat is not None
        inner = inner - inner.mean(axis=0) - cache.hat * (inner * cache.hat).mean(axis=0)
    return inner / cache.std


def updated_statistics(network: Network, weights: Array, caches: list[ForwardCache]) -> Array:
    """Return weights whose running statistics have moved by BN_MOMENTUM towards those of a batch."""
    weights = weights.copy()
    for layer, cache in zip(network.hidden, caches, strict=True):
        if cache.mean is not None and cache.variance is not None and cache.by_batch:
            weights[layer.mean] = (1 - BN_MOMENTUM) * weights[layer.mean] + BN_MOMENTUM * cache.mean
            weights[layer.variance] = (1 - BN_MOMENTUM) * weights[layer.variance] + BN_MOMENTUM * cache.variance
    return weights


def dropout_masks(
    network: Network, rows: int, seed: int, step: int, dtype: Any = np.float64
) -> tuple[Array, ...] | None:
    """Return what hidden outputs are multiplied by in a step (rows, width): 0, or 1 / (1 - dropout); None without.

    A pure function of seed and step: unit i = row * width + column of hidden layer l is kept when the 53 upper bits
    of splitmix64 (Steele, Lea and Flood 2014) of a counter, as a part of 1, are at least `dropout`.
    """
    if network.dropout == 0:
        return None
    return tuple(_mask(network.dropout, rows * layer.fan_out, seed, step, number).reshape(rows, -1).astype(dtype)
                 for number, layer in enumerate(network.hidden))  # fmt: skip


def _mask(dropout: float, cells: int, seed: int, step: int, layer: int) -> Array:
    with np.errstate(over="ignore"):
        first = np.uint64((seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + layer * 0x94D049BB133111EB) % 2**64)
        h = np.arange(cells, dtype=np.uint64) + first
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        h ^= h >> np.uint64(31)
    return np.where((h >> np.uint64(11)) * 2.0**-53 >= dropout, 1 / (1 - dropout), 0.0)


def layer_vectors(network: Network, vector: Array) -> Iterator[Array]:
    """Yield each layer's part of a flat vector: its numbers that a rule moves."""
    for layer in network.layers:
        parts = [layer.W, *(p for p in (layer.b, layer.scale, layer.shift) if p is not None)]
        yield np.concatenate([vector[p] for p in parts])
