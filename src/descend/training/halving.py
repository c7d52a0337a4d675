"""halving: which runs are pruned early, by successive halving, so that the promising ones get their work."""

from collections.abc import Hashable, Sequence

import numpy as np

from descend.arrays import Array
from descend.plan import Setting

FIRST_RUNG_STEPS = 200  # steps before the first rung, where an epoch is few steps; arbitrary


def first_rung(steps_an_epoch: int) -> int:
    """Return the epochs that every run trains before the first comparison.

    >>> first_rung(1), first_rung(40), first_rung(3000)
    (200, 5, 1)
    """
    return max(1, -(-FIRST_RUNG_STEPS // max(steps_an_epoch, 1)))


def competition(setting: Setting) -> Hashable:
    """Return what the runs that are compared with each other share: all but the learning rate."""
    others = tuple((k, v) for k, v in setting.constants.items() if k != "lr")
    return setting.label, others, setting.batch_size, setting.schedule, setting.seed


def worse_half(score: Array, running: Array, ended: Array, competitions: Sequence[Hashable]) -> Array:
    """Tell which runs (runs,) are pruned at a rung: those in the worse half of their competition that still train.

    Args:
        score: the lowest score of each run so far (runs,).
        running: which still train (runs,).
        ended: which ended well before (runs,): they count, and cannot be pruned.
        competitions: runs with the same one are compared with each other.

    The next rung comes after as many epochs again, so that every round costs about the same: successive halving
    (Karnin, Koren and Somekh 2013; for learning curves Jamieson and Talwalkar 2016, whose Theorem 1 finds the best
    run once the rounds outlast the gap between their curves). It trusts early scores: that a slow rate would overtake
    later goes unseen, which is why the first rung is not early.

    >>> worse_half(np.array([3.0, 1.0, 2.0, 9.0]), np.ones(4, bool), np.zeros(4, bool), ["a", "a", "a", "b"]).tolist()
    [True, False, False, False]
    """
    pruned = np.zeros(len(score), bool)
    for one in dict.fromkeys(competitions):
        runs = [r for r, other in enumerate(competitions) if other == one and (running[r] or ended[r])]
        ranked = sorted(runs, key=lambda r: (not np.isfinite(score[r]), score[r] if np.isfinite(score[r]) else 0.0, r))
        for r in ranked[-(-len(ranked) // 2) :]:
            pruned[r] = running[r]
    return pruned
