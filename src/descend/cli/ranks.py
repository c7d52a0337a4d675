"""ranks: a training that torchrun starts as several processes, of which rank 0 alone talks and writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STARTED = "TORCHELASTIC_RUN_ID"  # which torchrun sets, beside the number of each process and how many there are
TOLD = ("internal", "rank-lost", "rank-silent")  # errors that another rank tells: rank 0 does not know them, or is gone


def rank() -> int:
    """Return the number of this process among those that torchrun started; 0 where it started none."""
    return int(os.environ.get("RANK", "0")) if _world() > 1 else 0


def is_told(code: str) -> bool:
    """Tell whether this process is the one to tell an error."""
    return rank() == 0 or code in TOLD


@contextmanager
def connected(limit: float | None) -> Iterator[dict[str, Any]]:
    """Connect the processes that torchrun started while the context lasts, and yield what `train` must know of them.

    Args:
        limit: seconds that a process waits for another; None where nothing is to be shared.
    """
    if _world() == 1 or limit is None:
        yield {}
        return
    from descend.cluster.group import started

    with started(rank(), _world(), limit, os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")):
        yield {"rank_timeout": limit}


def follow(source: str, target: str, options: dict[str, Any], limit: float) -> int:
    """Share the work of rank 0, in silence, and return the exit code."""
    from descend.run import job as library

    with connected(limit) as known:
        library.train(source, target, on_event=lambda event: None, **known, **options)
    return 0


def _world() -> int:
    return int(os.environ.get("WORLD_SIZE", "1")) if STARTED in os.environ else 1
