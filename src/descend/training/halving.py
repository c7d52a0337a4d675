"""race: which runs give up early, by successive halving, so that the promising ones get their work."""

from collections.abc import Hashable, Sequence

import numpy as np

from descend.arrays import Array
from descend.plan import Setting

STEPS = 200  # before the first rung, where an epoch is few steps


def first_rung(steps_an_epoch: int) -> int:
    """Return the epochs that every run of a race trains before the first comparison.

    >>> first_rung(1), first_rung(40), first_rung(3000)
    (200, 5, 1)
    """
    return max(1, -(-STEPS // max(steps_an_epoch, 1)))


def bracket(setting: Setting) -> Hashable:
    """Return what the runs that race each other share: all but the learning rate."""
    others = tuple((k, v) for k, v in setting.constants.items() if k != "lr")
    return setting.label, others, setting.batch_size, setting.schedule, setting.seed


def worse_half(score: Array, alive: Array, ended: Array, brackets: Sequence[Hashable]) -> Array:
    """Tell which runs (runs,) give up at a rung: those in the worse half of their bracket, if they still train.

    Args:
        score: the lowest score of each run so far (runs,).
        alive: which still train (runs,).
        ended: which ended well before (runs,): they count, and cannot give up.
        brackets: runs with the same one race each other.

    The next rung comes after as many epochs again, so that every round costs about the same: successive halving
    (Karnin, Koren and Somekh 2013; for learning curves Jamieson and Talwalkar 2016, whose Theorem 1 finds the best
    run once the rounds outlast the gap between their curves). It trusts early scores: that a slow rate would overtake
    later goes unseen, which is why the first rung is not early.

    >>> worse_half(np.array([3.0, 1.0, 2.0, 9.0]), np.ones(4, bool), np.zeros(4, bool), ["a", "a", "a", "b"]).tolist()
    [True, False, False, False]
    """
    out = np.zeros(len(score), bool)
    for one in dict.fromkeys(brackets):
        own = [r for r, other in enumerate(brackets) if other == one and (alive[r] or ended[r])]
        ranked = sorted(own, key=lambda r: (not np.isfinite(score[r]), score[r] if np.isfinite(score[r]) else 0.0, r))
        for r in ranked[-(-len(ranked) // 2) :]:
            out[r] = alive[r]
    return out
