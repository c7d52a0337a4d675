"""paired: two models on the same rows: how far apart they are, row by row, and whether that is more than chance."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from descend.arrays import Array
from descend.evaluation.intervals import ALPHA, error_of_mean
from descend.scipy_parts import special_functions

LEAST = 1e-3  # of the score: a smaller difference is a tie whatever its error, since nobody would act on it (arbitrary)


class Verdict(StrEnum):
    """How one model compares with another."""

    BETTER = "better"
    TIE = "tie"
    WORSE = "worse"


@dataclass(frozen=True)
class PairedDifference:
    """By how much the loss of one model is above that of another.

    Args:
        mean: of the differences, over rows and seeds.
        error: the standard error of the mean.
        freedom: degrees of freedom of the error; 0 where nothing is known of it.
    """

    mean: float
    error: float
    freedom: float

    def margin(self, alpha: float) -> float:
        """Return half the width of the interval that misses the true difference with this chance."""
        return (
            float(self.error * special_functions().stdtrit(self.freedom, 1 - alpha / 2)) if self.freedom > 0 else np.inf
        )


@dataclass(frozen=True)
class PairedVerdict:
    """One model beside another.

    Args:
        metric: what was compared.
        verdict: of the first model.
        difference: of the metric, the first model's less the second's.
        low, high: its 95 % interval.
    """

    metric: str
    verdict: Verdict
    difference: float
    low: float
    high: float


def paired_difference(one: Array, other: Array, weight: Array | None = None) -> PairedDifference:
    """Return the difference of the losses of two models (seeds, rows), row by row and seed by seed.

    The mean d of the paired differences has the standard error s, where s² = s_rows² / rows + s_seeds² / seeds: the rows
    are a sample, and so are the seeds. d / s has a t distribution whose degrees of freedom follow from both parts (Welch
    1947, Satterthwaite 1946). A model with one seed is paired with each seed of the other.
    """
    difference = _paired(one, other)
    seeds, rows = difference.shape
    w = np.ones(rows) if weight is None else weight / weight.mean()
    by_row, by_seed = difference.mean(axis=0), (difference * w).mean(axis=1)
    mean = float(by_seed.mean())
    if rows < 2:
        return PairedDifference(mean, np.inf, 0.0)
    parts = [(error_of_mean(by_row - mean, weight) ** 2, rows - 1)]
    parts += [(float(by_seed.var(ddof=1)) / seeds, seeds - 1)] if seeds > 1 else []
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / df for part, df in parts) if variance > 0 else float(rows - 1)
    return PairedDifference(mean, float(np.sqrt(variance)), freedom)


def _paired(a: Array, b: Array) -> Array:
    seeds = min(len(a), len(b)) if min(len(a), len(b)) > 1 else max(len(a), len(b))
    return a[:seeds] - b[:seeds]


def within_least(a: float, b: float) -> bool:
    """Return whether two scores differ by no more than a thousandth.

    >>> within_least(100.0, 100.05), within_least(100.0, 101.0)
    (True, False)
    """
    return abs(a - b) <= LEAST * max(abs(a), abs(b))


def verdict_of(difference: PairedDifference, scores: tuple[float, float], higher_is_better: bool) -> Verdict:
    """Return how the first of two scores compares with the second, given their paired difference."""
    if within_least(*scores) or not abs(difference.mean) > difference.margin(ALPHA):
        return Verdict.TIE
    return Verdict.BETTER if (difference.mean > 0) == higher_is_better else Verdict.WORSE
