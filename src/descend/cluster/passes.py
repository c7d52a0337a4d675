"""passes: sums of losses and gradients over blocks of rows, which rank 0 announces and each rank takes a part of.

Rank 0 gets the sums of every block and adds them up as one process does, so the bits are those of one process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from descend.arrays import Array
from descend.cluster.group import PASS, Group
from descend.cluster.moments import part
from descend.engines.full_pass import PASSES, BlockPass, on_threads
from descend.problem import Problem


@dataclass(frozen=True, eq=False)
class SharedPasses:
    """The other ranks, as rank 0 sees them, for the rows at a place among those that all ranks hold.

    Args:
        group: the ranks.
        place: of the rows in the problems that `served` is given.
    """

    group: Group
    place: int

    def fill(self, kind: int, weights: Array, blocks: Array, own: Callable[[int, int], None]) -> None:
        """Fill the blocks of a pass, see `table.data.Team`; alone, where the others do not wait for it, or no more."""
        if not self.group.serving.is_set():
            return own(0, len(blocks))
        with self.group.lock:
            try:
                for told in (np.array([PASS]), np.array([self.place, kind]), weights):
                    self.group.broadcast(told, 0)
                return _exchanged(self.group, blocks, own)
            except (
                BaseException
            ):  # Ctrl-C in the middle of it: the best so far is measured and saved without the others
                self.group.serving.clear()
                raise


def served(group: Group, problems: list[Problem], threads: int) -> Callable[[], None]:
    """Return what takes this rank's part of a pass that rank 0 has announced.

    Args:
        group: the ranks.
        problems: those that rank 0 may take passes of, by their place.
        threads: threads at most; they do not change the bits.
    """
    rooms: dict[tuple[int, int], tuple[BlockPass, Array]] = {}

    def serve() -> None:
        place, kind = group.broadcast(np.zeros(2, np.int64), 0).tolist()
        problem = problems[place]
        if (place, kind) not in rooms:
            rooms[place, kind] = PASSES[kind](problem)
        job, blocks = rooms[place, kind]
        weights = group.broadcast(np.empty(problem.params, problem.dtype), 0)
        _exchanged(group, blocks, partial(on_threads, partial(job, weights, blocks), threads))

    return serve


def _exchanged(group: Group, blocks: Array, own: Callable[[int, int], None]) -> None:
    """Fill the blocks of this rank, and give each rank those of the others."""
    parts = [part(len(blocks), rank, group.world) for rank in range(group.world)]
    own(parts[group.rank].start, parts[group.rank].stop)
    for root in range(1, group.world):  # rank 0, which needs them all, sends none
        rows = slice(parts[root].start, parts[root].stop)
        blocks[rows] = group.broadcast(blocks[rows], root)
