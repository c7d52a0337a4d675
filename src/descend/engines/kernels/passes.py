"""Compiled passes of a batch through a network, forward and backward, in buffers that are made once.

A layer is a row of numbers: FAN_IN, FAN_OUT, then where in the flat vector its parts begin (-1 for what it has not),
whether it skips, and where in the buffers its own part begins. The functions are of the module, not closures: a closure
in a closure would never be found in the disk cache.
"""

import math
from collections.abc import Callable

import numpy as np
from numba.extending import register_jitable

from descend.arrays import Array
from descend.engines.kernels.records import NetworkSettings, PassBuffers, PassRows
from descend.engines.kernels.step import length
from descend.problem.layer_stats import DEAD, FLAT, GRADIENT, NONFINITE, SATURATED, UPDATE, WEIGHT
from descend.problem.network import BN_MOMENTUM, EPS, Network

FAN_IN, FAN_OUT, W, B, SCALE, SHIFT, MEAN, VARIANCE, SKIPS, UNITS = range(10)


def layer_table(network: Network) -> Array:
    """Return the layers as rows of numbers, int64 (layers, 10); UNITS counts the hidden units before a layer."""
    rows, units = [], 0
    for layer in network.layers:
        parts = (layer.W, layer.b, layer.scale, layer.shift, layer.mean, layer.variance)
        begins = [-1 if part is None else part.start for part in parts]
        rows.append([layer.fan_in, layer.fan_out, *begins, int(layer.skips), units])
        units += layer.fan_out
    return np.array(rows, np.int64)


@register_jitable
def table(buffer: Array, first: int, rows: int, columns: int) -> Array:
    """A part of a flat buffer as a table."""
    return buffer[first : first + rows * columns].reshape((rows, columns))


@register_jitable
def forward(
    act: Callable[[Array, Array], None], network: NetworkSettings, w: Array, x: Array, z: Array, buffers: PassBuffers,
    part: PassRows,
) -> None:  # fmt: skip
    """Pass some rows of a batch forward.

    Args:
        act: the activation, of flat arrays: values in place, and their slopes.
        x: the rows (rows, features).
        z: receives the predictions (rows, outputs).
        buffers: receive what the way back needs; `reach` and `flat` are updated.
    """
    layers, rows = network.layers, part.rows
    hats, slopes, outs, std, batch_moments, reach, flat, upstream = buffers
    h, last = x, layers.shape[0] - 1
    for l in range(last):  # noqa: E741  a layer's number
        k, u = layers[l, FAN_OUT], layers[l, UNITS]
        out, slope = table(outs, rows * u, rows, k), table(slopes, rows * u, rows, k)
        np.dot(h, table(w, layers[l, W], layers[l, FAN_IN], k), out)
        if layers[l, SCALE] >= 0:
            hat = table(hats, rows * u, rows, k)
            _normalise(layers[l], w, out, hat, std[u : u + k], batch_moments[:, u : u + k], part.step > 0)
        else:
            b = w[layers[l, B] : layers[l, B] + k]
            for i in range(rows):
                for j in range(k):
                    out[i, j] += b[j]
        act(outs[rows * u : rows * (u + k)], slopes[rows * u : rows * (u + k)])
        if part.step > 0:
            largest = reach[u : u + k]
            for i in range(rows):
                for j in range(k):
                    largest[j] = max(largest[j], abs(slope[i, j]))
        if part.step > 0 and network.peak > 0:
            flat[l] += _flat(slopes[rows * u : rows * (u + k)], network.peak)
        if part.step > 0 and network.dropout > 0:
            _drop(out, slope, part.begin, network.dropout, network.seed, part.step, l)
        if layers[l, SKIPS] > 0:
            for i in range(rows):
                for j in range(k):
                    out[i, j] += h[i, j]
        h = out
    k, b = layers[last, FAN_OUT], w[layers[last, B] : layers[last, B] + layers[last, FAN_OUT]]
    np.dot(h, table(w, layers[last, W], layers[last, FAN_IN], k), z)
    for i in range(rows):
        for j in range(k):
            z[i, j] += b[j]


@register_jitable
def _flat(slopes: Array, peak: float) -> int:
    """Count the slopes of an activation that are nearly zero."""
    flat = 0
    for at in range(slopes.size):
        flat += slopes[at] < FLAT * peak
    return flat


@register_jitable
def observe(layers: Array, reach: Array, flat: Array, batch: int, stats: Array) -> None:
    """Put the shares of dead and of saturated units into stats (layers, kinds), of what each thread saw of a batch.

    Args:
        reach, flat: see `PassBuffers`, of each thread (threads, units) and (threads, layers).
    """
    for l in range(layers.shape[0] - 1):  # noqa: E741
        k, u = layers[l, FAN_OUT], layers[l, UNITS]
        dead = 0
        for j in range(u, u + k):
            dead += reach[:, j].max() == 0
        stats[l, DEAD], stats[l, SATURATED] = dead / k, flat[:, l].sum() / (k * batch)


@register_jitable
def _normalise(
    layer: Array, w: Array, out: Array, hat: Array, std: Array, batch_moments: Array, training: bool
) -> None:  # fmt: skip
    """Replace a layer's inputs by scaled and shifted normalised ones; a batch of one takes the running statistics, and
    so does a prediction."""
    rows, k = out.shape
    mean, variance = batch_moments[0], batch_moments[1]
    if training and rows > 1:
        mean[:] = 0
        for i in range(rows):
            for j in range(k):
                mean[j] += out[i, j]
        for j in range(k):
            mean[j] /= rows
        variance[:] = 0
        for i in range(rows):
            for j in range(k):
                variance[j] += (out[i, j] - mean[j]) * (out[i, j] - mean[j])
        for j in range(k):
            std[j] = math.sqrt(variance[j] / rows + EPS)
            variance[j] /= rows - 1
    else:
        for j in range(k):
            mean[j], variance[j] = w[layer[MEAN] + j], w[layer[VARIANCE] + j]
            std[j] = math.sqrt(variance[j] + EPS)
    scale, shift = w[layer[SCALE] : layer[SCALE] + k], w[layer[SHIFT] : layer[SHIFT] + k]
    for i in range(rows):
        for j in range(k):
            hat[i, j] = (out[i, j] - mean[j]) / std[j]
            out[i, j] = scale[j] * hat[i, j] + shift[j]


@register_jitable
def _drop(out: Array, slope: Array, begin: int, drop: float, seed: int, t: int, layer: int) -> None:
    """Multiply outputs and slopes by the mask that network.dropout_masks defines."""
    rows, k = out.shape
    first = (
        np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        + np.uint64(t) * np.uint64(0xBF58476D1CE4E5B9)
        + np.uint64(layer) * np.uint64(0x94D049BB133111EB)
    )
    scale = out.dtype.type(1 / (1 - drop))
    for i in range(rows):
        for j in range(k):
            a = first + np.uint64((begin + i) * k + j)
            a = (a ^ (a >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            a = (a ^ (a >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            a ^= a >> np.uint64(31)
            by = scale if np.float64(a >> np.uint64(11)) * 2.0**-53 >= drop else out.dtype.type(0)
            out[i, j] *= by
            slope[i, j] *= by


@register_jitable
def backward(network: NetworkSettings, w: Array, x: Array, z: Array, buffers: PassBuffers, rows: int, g: Array) -> None:
    """Put the gradient of the sum over some rows into g (params,); z: slopes of the loss (rows, outputs)."""
    layers = network.layers
    hats, slopes, outs, std, batch_moments, reach, flat, upstream = buffers
    last = layers.shape[0] - 1
    g[:] = 0
    _layer_gradient(layers[last], w, g, _input(layers, last, x, outs, rows), z)
    side, above = 0, table(upstream[0], 0, rows, layers[last, FAN_IN])
    if last > 0:
        np.dot(z, table(w, layers[last, W], layers[last, FAN_IN], layers[last, FAN_OUT]).T, above)
    for l in range(last - 1, -1, -1):  # noqa: E741
        k, u = layers[l, FAN_OUT], layers[l, UNITS]
        inner = table(slopes, rows * u, rows, k)  # the slopes make way for the gradient of the activation's input
        for i in range(rows):
            for j in range(k):
                inner[i, j] *= above[i, j]
        if layers[l, SCALE] >= 0:
            _before_normalisation(layers[l], w, g, inner, table(hats, rows * u, rows, k), std[u : u + k])
        _layer_gradient(layers[l], w, g, _input(layers, l, x, outs, rows), inner)
        if l > 0:
            below = table(upstream[1 - side], 0, rows, layers[l, FAN_IN])
            np.dot(inner, table(w, layers[l, W], layers[l, FAN_IN], k).T, below)
            if layers[l, SKIPS] > 0:
                for i in range(rows):
                    for j in range(k):
                        below[i, j] += above[i, j]
            above, side = below, 1 - side


@register_jitable
def _input(layers: Array, l: int, x: Array, outs: Array, rows: int) -> Array:  # noqa: E741
    """What a layer received."""
    return x if l == 0 else table(outs, rows * layers[l - 1, UNITS], rows, layers[l, FAN_IN])


@register_jitable
def _layer_gradient(layer: Array, w: Array, g: Array, h: Array, inner: Array) -> None:
    """Put the gradient of W, and of the bias, into g."""
    rows, k = inner.shape
    np.dot(h.T, inner, table(g, layer[W], layer[FAN_IN], k))
    if layer[B] >= 0:
        b = g[layer[B] : layer[B] + k]
        for i in range(rows):
            for j in range(k):
                b[j] += inner[i, j]


@register_jitable
def _before_normalisation(layer: Array, w: Array, g: Array, inner: Array, hat: Array, std: Array) -> None:
    """Turn gradients behind the normalisation into those before it, and put those of scale and shift into g."""
    rows, k = inner.shape
    of_scale, of_shift = g[layer[SCALE] : layer[SCALE] + k], g[layer[SHIFT] : layer[SHIFT] + k]
    scale = w[layer[SCALE] : layer[SCALE] + k]
    for i in range(rows):
        for j in range(k):
            of_scale[j] += inner[i, j] * hat[i, j]
            of_shift[j] += inner[i, j]
    part = inner.dtype.type(1 / rows if rows > 1 else 0)  # the statistics of one row are the running ones, and constant
    for i in range(rows):
        for j in range(k):
            mean = part * (of_shift[j] + hat[i, j] * of_scale[j])
            inner[i, j] = scale[j] * (inner[i, j] - mean) / std[j]


@register_jitable
def move_statistics(layers: Array, before: Array, w: Array, batch_moments: Array, rows: int) -> None:
    """Set running statistics a part of the way from what they were to those of the batch."""
    for l in range(layers.shape[0] - 1):  # noqa: E741
        if layers[l, SCALE] >= 0:
            k, u, momentum = layers[l, FAN_OUT], layers[l, UNITS], BN_MOMENTUM if rows > 1 else 0.0
            for j in range(k):
                for s, at in ((0, layers[l, MEAN] + j), (1, layers[l, VARIANCE] + j)):
                    w[at] = (1 - momentum) * before[at] + momentum * batch_moments[s, u + j]


@register_jitable
def measure(layers: Array, before: Array, w: Array, g: Array, stats: Array) -> None:
    """Put norms of gradient, weights and update, and the number of non-finite coordinates, into stats (layers, kinds)."""
    for l in range(layers.shape[0]):  # noqa: E741
        k, begin = layers[l, FAN_OUT], layers[l, W]
        end = begin + layers[l, FAN_IN] * k + (k if layers[l, B] >= 0 else 2 * k)
        bad = 0
        for at in range(begin, end):
            bad += not abs(g[at]) < np.inf
        size = length(before, w, begin, end, False)
        stats[l, GRADIENT], stats[l, WEIGHT], stats[l, NONFINITE] = length(g, g, begin, end, False), size, bad
        stats[l, UPDATE] = length(before, w, begin, end, True) / size if size > 0 else 0.0
    stats[layers.shape[0] - 1, DEAD] = stats[layers.shape[0] - 1, SATURATED] = 0.0
