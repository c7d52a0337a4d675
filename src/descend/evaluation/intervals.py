"""intervals: a figure that was estimated from rows, and where it would lie on all rows there are.

Counts have the exact interval of Clopper and Pearson (1934). Every other figure has the delta method: it is nearly a mean
over rows, of its value plus the influence of each row (Hampel 1974), so that its error is that of a mean. The interval is
symmetric on a scale where the figure has no bound: the logarithm of errors, of 1 − R², the logit of shares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from descend.arrays import Array
from descend.scipy_parts import special_functions

FEWEST_FREEDOM = 5.0  # of an error: with fewer, one wrong row among 30 made an accuracy of 0.98 "0.5 to 1"
ALPHA = 0.05  # chance that an interval misses, and that two models of one quality are told apart


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; NaN where it is not known."""

    value: float
    low: float
    high: float

    def __float__(self) -> float:
        return self.value


UNKNOWN = Estimate(np.nan, np.nan, np.nan)


class Scale(Enum):
    """What bounds a figure: nothing below 0, nothing above 1, or both."""

    POSITIVE = "log"
    BELOW_ONE = "log of 1 - value"
    SHARE = "logit"


def clopper_pearson(hits: float, rows: float) -> Estimate:
    """Return the share of hits among rows with its exact interval (Clopper and Pearson 1934); NaN of no rows.

    Args:
        hits, rows: counts; of weighted rows the effective ones, which need not be whole.

    >>> tuple(round(v, 4) for v in vars(clopper_pearson(8, 10)).values())
    (0.8, 0.4439, 0.9748)
    """
    if not rows > 0:
        return UNKNOWN
    hits = min(max(hits, 0.0), rows)
    misses = rows - hits
    betaincinv = special_functions().betaincinv  # the quantiles of the beta distribution
    low = float(betaincinv(hits, misses + 1, ALPHA / 2)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - ALPHA / 2)) if misses > 0 else 1.0
    return Estimate(hits / rows, low, high)


def share(hit: Array, weight: Array | None) -> Estimate:
    """Return the share of rows (rows,) that are hits; weighted rows count as (Σw)² / Σw² of equal weight (Kish 1965)."""
    if weight is None:
        return clopper_pearson(float(np.count_nonzero(hit)), float(len(hit)))
    total = float(weight.sum())
    if not total > 0:
        return UNKNOWN
    return clopper_pearson(float(weight[hit].sum()) / total * effective(weight), effective(weight))


def effective(weight: Array) -> float:
    """Return how many rows of equal weight tell as much as these (Kish 1965)."""
    return float(weight.sum() ** 2 / np.square(weight).sum())


def error_of_mean(centred: Array, weight: Array | None) -> float:
    """Return the standard error of a weighted mean from what is left of its rows (rows,) once it is taken away."""
    rows = len(centred)
    if rows < 2:
        return np.inf
    scaled = centred if weight is None else centred * (weight / weight.mean())
    return float(np.sqrt(np.square(scaled).sum() / (rows - 1) / rows))


def freedom_of_error(centred: Array, weight: Array | None) -> float:
    """Return the degrees of freedom of `error_of_mean`, at most rows - 1.

    The variance of n values of kurtosis κ is known as well as that of 2 n / (κ - 1) normal ones (Satterthwaite 1946): a
    figure that rests on a few large errors, or on a few rows of a rare class, is less certain than its rows say.
    At least 5, where there are so many rows: of a single large value the kurtosis says that nothing is known.
    """
    rows = len(centred)
    scaled = centred if weight is None else centred * (weight / weight.mean())
    squares = np.square(scaled / (np.abs(scaled).max() or 1.0))
    mean = float(squares.mean())
    kurtosis = float(np.square(squares).mean()) / mean**2 if mean > 0 else 1.0
    freedom = 2 * rows / (kurtosis - 1) if kurtosis > 1 else np.inf
    return min(rows - 1.0, max(freedom, FEWEST_FREEDOM))


def delta_interval(value: float, influence: Array, weight: Array | None, scale: Scale, fewest: float = 0.0) -> Estimate:
    """Return a figure with its interval by the delta method.

    Args:
        value: the figure.
        influence: of each row on it (rows,), whose weighted mean is 0.
        scale: where the interval is symmetric.
        fewest: independent rows, or pairs of rows, that the figure certainly rests on. A share of 0 or 1 shows no error
            and has the interval of Clopper and Pearson of so many.
    """
    rows = len(influence)
    if not np.isfinite(value) or rows < 2:
        return Estimate(value, np.nan, np.nan)
    if scale is Scale.SHARE and not 0 < value < 1:
        bounds = clopper_pearson(value * fewest, fewest)
        return Estimate(value, bounds.low, bounds.high)
    to, back, slope = _SCALES[scale]
    if not slope(value) > 0:  # an error of 0, an R² of 1
        return Estimate(value, value, value)
    half = (
        float(special_functions().stdtrit(freedom_of_error(influence, weight), 1 - ALPHA / 2))
        * error_of_mean(influence, weight)
        / slope(value)
    )
    with np.errstate(over="ignore"):
        ends = sorted((float(back(to(value) - half)), float(back(to(value) + half))))
    return Estimate(value, *ends)


_Real = Callable[[float], float]
# A scale, its inverse, and the inverse of its slope in absolute value.
_SCALES: dict[Scale, tuple[_Real, _Real, _Real]] = {
    Scale.POSITIVE: (np.log, np.exp, lambda v: v),
    Scale.BELOW_ONE: (lambda v: float(np.log(1 - v)), lambda t: float(1 - np.exp(t)), lambda v: 1 - v),
    Scale.SHARE: (lambda v: float(np.log(v / (1 - v))), lambda t: float(1 / (1 + np.exp(-t))), lambda v: v * (1 - v)),
}
