"""choice: which of several runs is the best, and which lead their variants."""

import numpy as np

from descend.outcome import Outcome
from descend.plan import FULL
from descend.training import Fit


def choose(fit: Fit) -> int:
    """Return the run to keep.

    Runs that converged have the same weights to within the tolerance; they come before all others, and those that
    take all rows a step come first, so that the choice does not depend on the order of the rows. Among equals the
    lowest score decides.
    """
    good = np.array([not o.failed for o in fit.outcomes]) & np.isfinite(fit.loss)
    score = np.where(good, fit.score, np.inf) if good.any() else np.where(np.isfinite(fit.loss), fit.loss, np.inf)

    def rank(r: int) -> tuple[bool, bool, float, int]:
        converged = fit.outcomes[r] == Outcome.CONVERGED
        full = fit.plan.settings[r].batch_size == FULL
        return not converged, converged and not full, float(score[r]), -int(fit.epochs[r])

    return min(range(len(score)), key=rank)


def best_per_variant(fit: Fit) -> tuple[int, ...]:
    """Return the best run of each variant."""
    found: list[int] = []
    for label in dict.fromkeys(s.label for s in fit.plan.settings):
        own = [r for r, s in enumerate(fit.plan.settings) if s.label == label]
        found.append(min(own, key=lambda r: _rank(fit, r)))
    return tuple(found)


def score(fit: Fit, r: int) -> float:
    """Return what a run is chosen by, see `fit.Fit`; infinity when it is not finite."""
    return float(fit.score[r]) if np.isfinite(fit.score[r]) else np.inf


def _rank(fit: Fit, r: int) -> tuple[bool, bool, float, int]:
    return fit.outcomes[r].failed, fit.outcomes[r] != Outcome.CONVERGED, score(fit, r), -int(fit.epochs[r])
