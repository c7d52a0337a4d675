"""ranks: a training that torchrun starts as several processes, of which rank 0 alone talks and writes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from descend.errors import ClusterError, DescendError

STARTED = "TORCHELASTIC_RUN_ID"  # which torchrun sets, beside the number of each process and how many there are


def rank() -> int:
    """Return the number of this process among those that torchrun started; 0 where it started none."""
    return int(os.environ.get("RANK", "0")) if _world() > 1 else 0


@contextmanager
def connected(limit: float) -> Iterator[None]:
    """Connect the processes that torchrun started while the context lasts; do nothing where there is one."""
    if _world() == 1:
        yield
        return
    from descend.cluster.group import started

    with started(rank(), _world(), limit):
        yield


def follow(source: str, target: str, options: dict[str, Any], limit: float) -> int:
    """Share the work of rank 0, in silence, and return the exit code; only what rank 0 cannot say is raised."""
    from descend.run import job as library

    try:
        with connected(limit):
            library.train(source, target, on_event=lambda event: None, rank_timeout=limit, **options)
    except ClusterError as error:
        if error.code == "rank-failed":
            return error.exit_code
        raise
    except DescendError as error:
        return error.exit_code
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None
    return 0


def _world() -> int:
    return int(os.environ.get("WORLD_SIZE", "1")) if STARTED in os.environ else 1
