"""Compiled passes of a batch through a network, forward and backward, in buffers that are made once.

A layer is a row of numbers: FAN_IN, FAN_OUT, then where in the flat vector its parts begin (-1 for what it has not),
whether it skips, and where in the buffers its own part begins. The functions are of the module, not closures: a closure
in a closure would never be found in the disk cache.
"""

import math
from typing import Any

import numpy as np
from numba.extending import register_jitable

from descend.arrays import Array
from descend.problem.layer_stats import FLAT
from descend.problem.network import EPS, MOVED, Network

FAN_IN, FAN_OUT, W, B, SCALE, SHIFT, MEAN, VARIANCE, SKIPS, UNITS = range(10)


def plan_of(network: Network) -> Array:
    """Return the layers as rows of numbers, int64 (layers, 10); UNITS counts the hidden units before a layer."""
    rows, units = [], 0
    for layer in network.layers:
        parts = (layer.W, layer.b, layer.scale, layer.shift, layer.mean, layer.variance)
        begins = [-1 if part is None else part.start for part in parts]
        rows.append([layer.fan_in, layer.fan_out, *begins, int(layer.skips), units])
        units += layer.fan_out
    return np.array(rows, np.int64)


@register_jitable
def table(buffer: Any, first: int, rows: int, columns: int) -> Any:
    """A part of a flat buffer as a table."""
    return buffer[first : first + rows * columns].reshape((rows, columns))


@register_jitable
def forward(
    act: Any, layers: Any, w: Any, x: Any, hats: Any, slopes: Any, outs: Any, z: Any, root: Any, batch: Any,
    rows: int, begin: int, drop: float, seed: int, t: int, reach: Any, peak: float, found: Any, whole: int,
) -> None:  # fmt: skip
    """Pass a batch forward.

    Args:
        act: the activation, of flat arrays.
        x: the batch (rows, features).
        hats, slopes, outs: buffers (rows * units) of normalised inputs, slopes and outputs of the hidden layers.
        z: receives the predictions (rows, outputs).
        root, batch: receive the root of each unit's variance (units,), and its mean and unbiased variance (2, units).
        begin: the number of the first of these rows in its batch.
        drop: the share of outputs that are dropped, in step t of this seed.
        reach: the largest slope of each unit so far (units,), updated.
        peak: the largest slope of an activation that saturates, else 0.
        found: receives the shares of dead and of saturated units (layers, kinds), of all `whole` rows of the batch.
    """
    h, last = x, layers.shape[0] - 1
    for l in range(last):  # noqa: E741  a layer's number
        k, u = layers[l, FAN_OUT], layers[l, UNITS]
        out, slope = table(outs, rows * u, rows, k), table(slopes, rows * u, rows, k)
        np.dot(h, table(w, layers[l, W], layers[l, FAN_IN], k), out)
        if layers[l, SCALE] >= 0:
            _normalise(layers[l], w, out, table(hats, rows * u, rows, k), root[u : u + k], batch[:, u : u + k])
        else:
            b = w[layers[l, B] : layers[l, B] + k]
            for i in range(rows):
                for j in range(k):
                    out[i, j] += b[j]
        act(outs[rows * u : rows * (u + k)], slopes[rows * u : rows * (u + k)])
        most = reach[u : u + k]
        for i in range(rows):
            for j in range(k):
                most[j] = max(most[j], abs(slope[i, j]))
        _observe(slopes[rows * u : rows * (u + k)], most, peak, found[l], whole)
        if drop > 0:
            _drop(out, slope, begin, drop, seed, t, l)
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
def _observe(slopes: Any, most: Any, peak: float, found: Any, whole: int) -> None:
    """Put the share of dead units of a layer into `found`, and add that of saturated ones."""
    dead = flat = 0
    for j in range(most.size):
        dead += most[j] == 0
    if peak > 0:
        for at in range(slopes.size):
            flat += slopes[at] < FLAT * peak
    found[3] = dead / most.size
    found[4] += flat / (most.size * whole)


@register_jitable
def _normalise(layer: Any, w: Any, out: Any, hat: Any, root: Any, batch: Any) -> None:
    """Replace a layer's inputs by scaled and shifted normalised ones; a batch of one takes the running statistics."""
    rows, k = out.shape
    mean, variance = batch[0], batch[1]
    if rows > 1:
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
            root[j] = math.sqrt(variance[j] / rows + EPS)
            variance[j] /= rows - 1
    else:
        for j in range(k):
            mean[j], variance[j] = w[layer[MEAN] + j], w[layer[VARIANCE] + j]
            root[j] = math.sqrt(variance[j] + EPS)
    scale, shift = w[layer[SCALE] : layer[SCALE] + k], w[layer[SHIFT] : layer[SHIFT] + k]
    for i in range(rows):
        for j in range(k):
            hat[i, j] = (out[i, j] - mean[j]) / root[j]
            out[i, j] = scale[j] * hat[i, j] + shift[j]


@register_jitable
def _drop(out: Any, slope: Any, begin: int, drop: float, seed: int, t: int, layer: int) -> None:
    """Multiply outputs and slopes by the mask that network.dropout_masks defines."""
    rows, k = out.shape
    first = (
        np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        + np.uint64(t) * np.uint64(0xBF58476D1CE4E5B9)
        + np.uint64(layer) * np.uint64(0x94D049BB133111EB)
    )
    kept = out.dtype.type(1 / (1 - drop))
    for i in range(rows):
        for j in range(k):
            a = first + np.uint64((begin + i) * k + j)
            a = (a ^ (a >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            a = (a ^ (a >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            a ^= a >> np.uint64(31)
            by = kept if np.float64(a >> np.uint64(11)) * 2.0**-53 >= drop else out.dtype.type(0)
            out[i, j] *= by
            slope[i, j] *= by


@register_jitable
def backward(
    layers: Any, w: Any, x: Any, hats: Any, slopes: Any, outs: Any, pull: Any, root: Any, rows: int,
    pulls: Any, g: Any,
) -> None:  # fmt: skip
    """Put the gradient of the sum over a batch into g (params,).

    Args:
        pull: slopes of the loss in the predictions (rows, outputs).
        pulls: two buffers (2, rows * widest).
    """
    last = layers.shape[0] - 1
    g[:] = 0
    _into(layers[last], w, g, _input(layers, last, x, outs, rows), pull)
    side, now = 0, table(pulls[0], 0, rows, layers[last, FAN_IN])
    if last > 0:
        np.dot(pull, table(w, layers[last, W], layers[last, FAN_IN], layers[last, FAN_OUT]).T, now)
    for l in range(last - 1, -1, -1):  # noqa: E741
        k, u = layers[l, FAN_OUT], layers[l, UNITS]
        own = table(slopes, rows * u, rows, k)  # the slopes make way for the gradient of the layer's input
        for i in range(rows):
            for j in range(k):
                own[i, j] *= now[i, j]
        if layers[l, SCALE] >= 0:
            _through_statistics(layers[l], w, g, own, table(hats, rows * u, rows, k), root[u : u + k])
        _into(layers[l], w, g, _input(layers, l, x, outs, rows), own)
        if l > 0:
            back = table(pulls[1 - side], 0, rows, layers[l, FAN_IN])
            np.dot(own, table(w, layers[l, W], layers[l, FAN_IN], k).T, back)
            if layers[l, SKIPS] > 0:
                for i in range(rows):
                    for j in range(k):
                        back[i, j] += now[i, j]
            now, side = back, 1 - side


@register_jitable
def _input(layers: Any, l: int, x: Any, outs: Any, rows: int) -> Any:  # noqa: E741
    """What a layer received."""
    return x if l == 0 else table(outs, rows * layers[l - 1, UNITS], rows, layers[l, FAN_IN])


@register_jitable
def _into(layer: Any, w: Any, g: Any, h: Any, own: Any) -> None:
    """Put the gradient of W, and of the bias, into g."""
    rows, k = own.shape
    np.dot(h.T, own, table(g, layer[W], layer[FAN_IN], k))
    if layer[B] >= 0:
        b = g[layer[B] : layer[B] + k]
        for i in range(rows):
            for j in range(k):
                b[j] += own[i, j]


@register_jitable
def _through_statistics(layer: Any, w: Any, g: Any, own: Any, hat: Any, root: Any) -> None:
    """Turn slopes behind the normalisation into those before it, and put those of scale and shift into g."""
    rows, k = own.shape
    of_scale, of_shift = g[layer[SCALE] : layer[SCALE] + k], g[layer[SHIFT] : layer[SHIFT] + k]
    scale = w[layer[SCALE] : layer[SCALE] + k]
    for i in range(rows):
        for j in range(k):
            of_scale[j] += own[i, j] * hat[i, j]
            of_shift[j] += own[i, j]
    part = own.dtype.type(1 / rows if rows > 1 else 0)  # the statistics of one row are not its own
    for i in range(rows):
        for j in range(k):
            mean = part * (of_shift[j] + hat[i, j] * of_scale[j])
            own[i, j] = scale[j] * (own[i, j] - mean) / root[j]


@register_jitable
def move_statistics(layers: Any, before: Any, w: Any, batch: Any, rows: int) -> None:
    """Set running statistics a part of the way from what they were to those of the batch."""
    for l in range(layers.shape[0] - 1):  # noqa: E741
        if layers[l, SCALE] >= 0:
            k, u, moved = layers[l, FAN_OUT], layers[l, UNITS], MOVED if rows > 1 else 0.0
            for j in range(k):
                for s, at in ((0, layers[l, MEAN] + j), (1, layers[l, VARIANCE] + j)):
                    w[at] = (1 - moved) * before[at] + moved * batch[s, u + j]


@register_jitable
def measure(layers: Any, before: Any, w: Any, g: Any, found: Any) -> None:
    """Put norms of gradient, weights and update, and the number of non-finite coordinates, into `found`."""
    for l in range(layers.shape[0]):  # noqa: E741
        k, begin = layers[l, FAN_OUT], layers[l, W]
        end = begin + layers[l, FAN_IN] * k + (k if layers[l, B] >= 0 else 2 * k)
        bad = 0
        for at in range(begin, end):
            bad += not abs(g[at]) < np.inf
        size = _length(before, w, begin, end, False)
        found[l, 0], found[l, 1], found[l, 5] = _length(g, g, begin, end, False), size, bad
        found[l, 2] = _length(before, w, begin, end, True) / size if size > 0 else 0.0
    found[layers.shape[0] - 1, 3] = 0.0


@register_jitable
def _length(a: Any, b: Any, begin: int, end: int, apart: bool) -> float:
    """The length of a part of a, or of b - a, in float64 and without overflow."""
    top = 0.0
    for at in range(begin, end):
        value = abs(float(b[at]) - float(a[at])) if apart else abs(float(a[at]))
        top = value if not value <= top else top
    if not 0 < top < np.inf:
        return top
    total = 0.0
    for at in range(begin, end):
        value = (float(b[at]) - float(a[at])) if apart else float(a[at])
        total += (value / top) ** 2
    return top * math.sqrt(total)


@register_jitable
def clip_layers(layers: Any, g: Any, norm: float) -> None:
    """Hold each layer's part of the gradient to a largest norm."""
    for l in range(layers.shape[0]):  # noqa: E741
        begin, end = layers[l, W], layers[l + 1, W] if l + 1 < layers.shape[0] else g.size
        length = _length(g, g, begin, end, False)
        if length > norm:
            for at in range(begin, end):
                g[at] *= norm / length
