"""Trace: what was recorded along the runs."""

from dataclasses import dataclass, field, fields, replace

import numpy as np

from descend.arrays import Array, evenly_spaced
from descend.problem.layer_stats import KINDS


@dataclass(frozen=True, eq=False, kw_only=True)
class Trace:
    """Recorded arrays; a run that ended early repeats its last point, which a closing phase belongs to.

    Args:
        epochs: epochs done at each point, 0 first (runs, points).
        loss: training objective, penalty included, of the weights at that point (runs, points).
        held_out: mean loss on held-out data, without penalty (runs, points); NaN where there is none.
        weights: (runs, points, params); no params of a network, whose weights are too many to keep.
        lr: the learning rate of the last step before each point, at point 0 that of the first (runs, points); NaN where it was
            not recorded.
        seconds: of training up to each point (runs, points): of runs that train side by side, each run's share of the time
            that passed; NaN where it was not recorded.
        layer_stats: what the layers of a network showed, float64 (runs, points, layers, kinds), see `layer_stats.KINDS`;
            no layers of a linear model.
    """

    epochs: Array
    loss: Array
    held_out: Array
    weights: Array
    lr: Array = field(default_factory=lambda: np.zeros(0))
    seconds: Array = field(default_factory=lambda: np.zeros(0))
    layer_stats: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        for name in ("lr", "seconds"):
            if getattr(self, name).ndim != 2:
                object.__setattr__(self, name, np.full(self.epochs.shape, np.nan))
        if self.layer_stats.ndim != 4:
            object.__setattr__(self, "layer_stats", np.zeros((*self.epochs.shape, 0, len(KINDS))))

    def then(self, later: "Trace") -> "Trace":
        """Return this trace with the later one's points appended."""
        return Trace(**{n: np.concatenate([getattr(self, n), getattr(later, n)], axis=1) for n in _NAMES})

    def ending(self, runs: Array, epochs: Array, weights: Array, loss: Array, held_out: Array) -> "Trace":
        """Return this trace with other weights and losses at the last point of some runs.

        Args:
            runs: which (runs,), bool.
            epochs: the last epoch of each run (runs,).
            weights, loss, held_out: those to put there (runs, params), (runs,), (runs,).
        """
        there = runs[:, None] & (self.epochs >= epochs[:, None])
        return replace(
            self, weights=np.where(there[..., None], weights[:, None], self.weights),
            loss=np.where(there, loss[:, None], self.loss), held_out=np.where(there, held_out[:, None], self.held_out),
        )  # fmt: skip

    def beside(self, other: "Trace") -> "Trace":
        """Return the runs of both traces; the shorter one repeats its last point."""
        points = max(self.epochs.shape[1], other.epochs.shape[1])
        return Trace(**{n: np.concatenate([_padded(getattr(t, n), points) for t in (self, other)]) for n in _NAMES})

    def thinned(self, most: int) -> "Trace":
        """Return at most `most` of the points, both ends among them.

        >>> zeros = np.zeros((1, 100))
        >>> trace = Trace(epochs=np.arange(100)[None], loss=zeros, held_out=zeros, weights=np.zeros((1, 100, 2)))
        >>> trace.thinned(4).epochs.tolist()
        [[0, 33, 66, 99]]
        """
        points = self.epochs.shape[1]
        if points <= most:
            return self
        keep = evenly_spaced(points, most)
        return Trace(**{n: getattr(self, n)[:, keep] for n in _NAMES})

    def until(self, run: int, epoch: int) -> "Trace":
        """Return the points of one run up to an epoch."""
        last = int(np.searchsorted(self.epochs[run], epoch, side="right"))
        return Trace(**{n: getattr(self, n)[run : run + 1, :last] for n in _NAMES})


_NAMES = tuple(f.name for f in fields(Trace))


def _padded(values: Array, points: int) -> Array:
    missing = points - values.shape[1]
    return np.concatenate([values, np.repeat(values[:, -1:], missing, axis=1)], axis=1) if missing else values


def record_points(last: int, epochs: int) -> Array:
    """Return the epochs after `last` to record, up to `epochs`: every one at first, then about 3 % apart.

    >>> record_points(0, 5).tolist()
    [1, 2, 3, 4, 5]
    """
    points, at = [], last
    while at < epochs:
        at = min(epochs, at + max(1, at // 32))
        points.append(at)
    return np.array(points, np.int64)
