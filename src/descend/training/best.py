"""best: which of the weights that a run went through are kept."""

from dataclasses import dataclass

import numpy as np

from descend.arrays import Array


@dataclass(frozen=True, eq=False)
class Best:
    """The best weights of each run so far, by one score.

    Args:
        score: the lowest so far (runs,); NaN while there is none.
        epoch: when it was reached (runs,).
        weights: the weights whose score it is (runs, params).
        improved: the last epoch at which the score clearly improved (runs,).
        improved_score: the score at that epoch (runs,).
    """

    score: Array
    epoch: Array
    weights: Array
    improved: Array
    improved_score: Array

    @classmethod
    def of(cls, score: Array, weights: Array) -> "Best":
        """Return the best before the first step."""
        zeros = np.zeros(len(score), np.int64)
        return cls(score.copy(), zeros, weights.copy(), zeros.copy(), score.copy())

    def where(self, taken: Array, other: "Best") -> "Best":
        """Return the best of the runs (runs,) that are `taken` from another score, and this one's of the others."""
        mine, theirs = vars(self), vars(other)
        return Best(**{n: np.where(taken[:, None] if mine[n].ndim == 2 else taken, theirs[n], mine[n]) for n in mine})

    def seeing(self, epoch: int, score: Array, weights: Array, needed: Array) -> "Best":
        """Return the best after an epoch; a score (runs,) that is not a number is never best.

        Args:
            needed: by how much a score must fall below `improved_score` to count as an improvement (runs,).
        """
        with np.errstate(invalid="ignore"):
            better, clearly = score < self.score, score < self.improved_score - needed
        if not (better.any() or clearly.any()):
            return self
        return Best(
            np.where(better, score, self.score), np.where(better, epoch, self.epoch),
            np.where(better[:, None], weights, self.weights),
            np.where(clearly, epoch, self.improved), np.where(clearly, score, self.improved_score),
        )  # fmt: skip


def clearly_lower(losses: Array, others: Array, sample_weight: Array | None = None) -> bool:
    """Return whether the mean of losses (rows,) is lower than that of others, on the same rows, by more than chance.

    Chance is one standard error of the mean of their differences, as where Breiman et al. (1984) choose a model.
    """
    rows = len(losses)
    if rows < 2:
        return False
    w = np.ones(rows) if sample_weight is None else sample_weight / sample_weight.mean()
    difference = np.asarray(others - losses, np.float64)
    mean = float((w * difference).mean())
    return mean > float(np.sqrt(np.square(w * (difference - mean)).sum() / (rows - 1) / rows))
