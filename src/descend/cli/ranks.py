"""ranks: a training that torchrun starts as several processes, of which rank 0 alone talks and writes."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from descend.errors import ClusterError

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

    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    with started(rank(), _world(), limit, attempt):
        yield {"rank_timeout": limit, **({"resume": True} if attempt != "0" else {})}


def follow(source: str, target: str, options: dict[str, Any], limit: float) -> int:
    """Share the work of rank 0, in silence, and return the exit code."""
    from descend.run import job as library

    with connected(limit) as known:
        library.train(source, target, on_event=lambda event: None, **known, **options)
    return 0


def interruption(number: int) -> BaseException:
    """Return what a signal raises: an interruption, which saves the best model so far.

    SIGTERM is how torchrun ends the processes when one of them has died, to start all again: of several, an error ends them,
    and the checkpoint stays.
    """
    if number != signal.SIGTERM or _world() == 1:
        return KeyboardInterrupt()
    return ClusterError(
        f"rank {rank()} of {_world()} was ended by SIGTERM",
        fix="see which process ended first; --resume goes on from the last checkpoint", code="rank-ended",
    )  # fmt: skip


def _world() -> int:
    return int(os.environ.get("WORLD_SIZE", "1")) if STARTED in os.environ else 1
