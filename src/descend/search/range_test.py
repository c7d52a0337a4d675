"""range_test: the learning rate that the curve of a range test suggests, whoever recorded it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.errors import DataError

WIDTH = 1.0  # decades over which a slope is taken
FLAT = 1e-9  # of the largest loss: a slower fall is rounding
FEWEST = 3  # points that a slope is taken over


@dataclass(frozen=True)
class Suggestion:
    """A learning rate read off a curve.

    Args:
        lr: where the loss falls fastest, or None; `reason` says why, always.
        reason: one sentence.
    """

    lr: float | None
    reason: str


def suggest_lr(rates: Sequence[float] | Array, losses: Sequence[float] | Array) -> Suggestion:
    """Return the rate at which the loss of a range test falls fastest for each factor in the rate (Smith 2017).

    Args:
        rates: learning rates, increasing, above 0 (points,).
        losses: the loss at each, not smoothed (points,); from the first that is not finite on they are left out.

    The slope is that of a straight line through the points within half a decade to both sides, against the logarithm of
    the rate: smoothing that looks to both sides has no lag, and the answer hardly depends on the number of points.
    Raises DataError for rates that do not increase, or another number of losses.

    >>> suggest_lr([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10], [2.3, 2.2, 1.5, 0.9, 0.8, 3, np.nan, np.nan]).lr
    0.0001
    """
    r, y = np.asarray(rates, np.float64), np.asarray(losses, np.float64)
    if r.ndim != 1 or r.shape != y.shape or not (r > 0).all() or not (np.diff(r) > 0).all():
        raise DataError(
            f"rates have shape {r.shape} and losses {y.shape}; rates must be above 0 and increase, one loss each",
            fix="pass the rates in increasing order", code="bad-rates",
        )  # fmt: skip
    finite = len(y) if np.isfinite(y).all() else int(np.argmin(np.isfinite(y)))
    if finite < FEWEST:
        return Suggestion(None, f"only {finite} losses before the first that is not finite, {FEWEST} are needed")
    x, y = np.log10(r[:finite]), y[:finite]
    slopes = np.array([_slope(x, y, at) for at in range(finite)])
    at = int(np.argmin(slopes))
    if not -slopes[at] > FLAT * np.abs(y).max():
        return Suggestion(None, "the loss falls at no rate")
    cut = "" if finite == len(r) else f", of {finite} points before the first loss that is not finite"
    return Suggestion(float(r[at]), f"the loss falls fastest there, by {-slopes[at]:.3g} a decade{cut}")


def _slope(x: Array, y: Array, at: int) -> float:
    """The slope of a line through the points about one, as many to each side, the nearest when they are far apart."""
    half = max(FEWEST // 2, int((np.abs(x - x[at]) <= WIDTH / 2).sum()) // 2)
    near = slice(max(0, at - half), at + half + 1)
    if near.stop > len(x) or at - half < 0:
        return 0.0  # at the ends a line would look to one side
    apart = x[near] - x[near].mean()
    return float(apart @ y[near] / (apart @ apart))
