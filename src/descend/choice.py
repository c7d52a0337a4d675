"""choice: which of several runs is the best, and which lead their variants."""

import numpy as np

from descend.data import Data
from descend.fit import Fit
from descend.outcome import Outcome
from descend.plan import FULL


def choose(fit: Fit, held_out: Data | None) -> int:
    """Return the run to keep.

    Runs that converged have the same weights to within the tolerance; they come before all others, and those that
    take all rows a step come first, so that the choice does not depend on the order of the rows. Among equals the
    lowest held-out loss decides, and without held-out data the lowest training objective.
    """
    good = np.array([not o.failed for o in fit.outcomes]) & np.isfinite(fit.loss)
    loss = fit.loss if held_out is None else fit.held_out
    score = np.where(good, loss, np.inf) if good.any() else np.where(np.isfinite(fit.loss), fit.loss, np.inf)

    def rank(r: int) -> tuple[bool, bool, float, int]:
        converged = fit.outcomes[r] == Outcome.CONVERGED
        full = fit.plan.settings[r].batch_size == FULL
        return not converged, converged and not full, float(score[r]), -int(fit.epochs[r])

    return min(range(len(score)), key=rank)


def leaders(fit: Fit) -> tuple[int, ...]:
    """Return the best run of each variant."""
    found: list[int] = []
    for label in dict.fromkeys(s.label for s in fit.plan.settings):
        own = [r for r, s in enumerate(fit.plan.settings) if s.label == label]
        found.append(min(own, key=lambda r: _rank(fit, r)))
    return tuple(found)


def score(fit: Fit, r: int) -> float:
    """Return a run's held-out loss, or without held-out data its objective; infinity when it is not finite."""
    value = fit.loss[r] if np.isnan(fit.held_out[r]) else fit.held_out[r]
    return float(value) if np.isfinite(value) else np.inf


def _rank(fit: Fit, r: int) -> tuple[bool, bool, float, int]:
    return fit.outcomes[r].failed, fit.outcomes[r] != Outcome.CONVERGED, score(fit, r), -int(fit.epochs[r])
