"""drift: whether residuals, or targets, follow the time."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array
from descend.diagnosis.formatting import percent
from descend.metrics import correlation

AUTOCORRELATED = 0.3  # correlation of successive residuals (arbitrary)
STANDARD_ERRORS = 3.0  # 1 / root of the number of times, above which a correlation is no chance: 1 in 700
STRETCHES = 10  # of time, between which a drift is looked for (arbitrary: it sees what lasts for a tenth of the time)
STRETCHED = (
    4.5  # standard deviations of chi square of 9, above which a share between stretches is no chance: 1 in 1,000
)
DRIFTING = 0.1  # share of the variance of residuals between stretches (arbitrary: less hardly changes a score)
MIN_TIMES = 20  # different times (arbitrary)


@dataclass(frozen=True)
class Drift:
    """How residuals follow the time.

    Args:
        correlation: of those of a time with those of the time before.
        share: of their variance, that lies between stretches of time, corrected for the number of stretches.
    """

    correlation: float
    share: float

    @property
    def text(self) -> str:
        """What the residuals do, in words."""
        if self.correlation > AUTOCORRELATED:
            return f"successive residuals have a correlation of {self.correlation:.2f}"
        return f"residuals drift: {percent(self.share)} of their variance lies between stretches of time"


def drift(time: Array, residuals: Array) -> Drift | None:
    """Return how residuals (rows, outputs) follow the time (rows,); None where they do not, or may do so by chance.

    Rows without a time are left out. Two looks: the correlation of the mean residuals of successive times, which sees what lasts for
    a few times; and the share of variance between STRETCHES stretches with equally many rows, which sees a slow drift under noise.
    """
    known = ~np.isnan(time)
    times, at = np.unique(time[known], return_inverse=True)
    if len(times) < MIN_TIMES:
        return None
    own = residuals[known]
    sums = np.zeros((len(times), own.shape[1]))
    np.add.at(sums, at, own)
    means = sums / np.bincount(at)[:, None]
    means -= means.mean(axis=0)
    r = correlation(means[1:].ravel(), means[:-1].ravel())
    r = r if r > STANDARD_ERRORS / np.sqrt(len(times)) else 0.0
    share = _between_stretches(at, own, len(times))
    return Drift(r, share) if r > AUTOCORRELATED or share > DRIFTING else None


def _between_stretches(at: Array, residuals: Array, times: int) -> float:
    """The share of the variance of residuals between stretches of time, 0 where chance gives as much in one case of a thousand."""
    stretch = at * STRETCHES // times
    rows, k = len(at), STRETCHES
    if rows < 5 * k:
        return 0.0
    count = np.maximum(np.bincount(stretch, minlength=k), 1)[:, None]
    sums = np.zeros((k, residuals.shape[1]))
    np.add.at(sums, stretch, residuals)
    total = float(np.square(residuals - residuals.mean(axis=0)).sum())
    between = float((count * np.square(sums / count - residuals.mean(axis=0))).sum())
    if not total > 0:
        return 0.0
    share = 1 - ((total - between) / (rows - k)) / (total / (rows - 1))
    chance = STRETCHED * np.sqrt(2 * (k - 1)) / rows  # the spread of chi square over its rows
    return share if share > chance else 0.0
