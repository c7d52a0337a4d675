"""selection: which run of a search is the best, and which is the best of each variant.

A setting is judged by the mean of its score over the seeds it was trained with, and a seed that failed counts as a
failure of the setting: neither the first seed nor the seeds that survived decide.
"""

import numpy as np

from descend.outcome import Outcome
from descend.plan import FULL
from descend.training import Fit


def choose(fit: Fit) -> int:
    """Return the run to keep: the first seed of the best setting.

    Settings that converged have the same weights to within the tolerance; they come before all others, and those that
    take all rows a step come first, so that the choice does not depend on the order of the rows. Among equals the
    lowest mean score decides.
    """
    return min(best_per_variant(fit), key=lambda r: _rank(fit, r))


def best_per_variant(fit: Fit) -> tuple[int, ...]:
    """Return the first seed of the best setting of each variant, in the order of the plan."""
    labels = dict.fromkeys(s.label for s in fit.plan.settings)
    runs = {label: [r for r, s in enumerate(fit.plan.settings) if s.label == label] for label in labels}
    return tuple(
        min((repeats(fit, r)[0] for r in own), key=lambda r: _rank_in_variant(fit, r)) for own in runs.values()
    )


def repeats(fit: Fit, r: int) -> tuple[int, ...]:
    """Return the runs that differ from a run by their seed at most, by seed; of a setting trained twice the last."""
    by_seed = {fit.plan.settings[k].seed: k for k in fit.plan.alike[r]}
    return tuple(by_seed[seed] for seed in sorted(by_seed))


def has_chance(fit: Fit, r: int) -> bool:
    """Return whether the outcome of a run depends on its seed: on the order of rows, or on initial weights."""
    return fit.plan.settings[r].batch_size != FULL or fit.problem.network is not None


def score(fit: Fit, r: int) -> float:
    """Return what a run is chosen by, see `training.Fit`; infinity when it is not finite."""
    return float(fit.score[r]) if np.isfinite(fit.score[r]) else np.inf


def mean_score(fit: Fit, r: int) -> float:
    """Return the mean of `score` over the seeds of a run's setting; infinity where a seed failed."""
    runs = repeats(fit, r)
    return np.inf if any(not usable(fit, k) for k in runs) else float(np.mean([score(fit, k) for k in runs]))


def usable(fit: Fit, r: int) -> bool:
    """Return whether a run has finite weights that it was trained to."""
    return not fit.outcomes[r].failed and bool(np.isfinite(fit.loss[r]))


Rank = tuple[bool | float, ...]


def _rank(fit: Fit, r: int) -> Rank:
    """The order among settings, the best first."""
    runs = repeats(fit, r)
    failed, untrained = any(not usable(fit, k) for k in runs), all(fit.epochs[k] == 0 for k in runs)
    converged = all(fit.outcomes[k] == Outcome.CONVERGED for k in runs)
    full_batch = fit.plan.settings[r].batch_size == FULL
    fallback = min(float(fit.loss[k]) if np.isfinite(fit.loss[k]) else np.inf for k in runs)
    mean = fallback if failed else mean_score(fit, r)
    return failed, untrained, not converged, converged and not full_batch, mean, -int(fit.epochs[r])


def _rank_in_variant(fit: Fit, r: int) -> Rank:
    """The order among the settings of a variant: of those without a failure, the ones repeated over seeds first."""
    failed, untrained, *rest = _rank(fit, r)
    pruned = fit.outcomes[r] == Outcome.PRUNED
    return failed, untrained, pruned, -len(repeats(fit, r)) if has_chance(fit, r) else 0, *rest
