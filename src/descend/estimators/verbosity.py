"""verbosity: what the parameter verbose says, through the logger "descend"."""

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator

from descend.training import Progress

LOGGER = logging.getLogger("descend")
SECONDS = 1.0  # between two lines of verbose=1 (arbitrary: what people can read)


@contextlib.contextmanager
def speaking(verbose: int) -> Iterator[None]:
    """Let the logger "descend" pass INFO while a verbose estimator trains; to standard error where logging is not set up.

    A level or a handler that the user has set is left as it is.
    """
    if not verbose:
        yield
        return
    level, handler = LOGGER.level, None if LOGGER.hasHandlers() else logging.StreamHandler(sys.stderr)
    if level == logging.NOTSET:
        LOGGER.setLevel(logging.INFO)
    if handler is not None:
        LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.setLevel(level)
        if handler is not None:
            LOGGER.removeHandler(handler)


def progress_log(verbose: int) -> Callable[[Progress], None]:
    """Return what logs the progress of a training: nothing for 0, a line a second for 1, every event for more."""
    last = -float("inf")

    def log(event: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if verbose and (verbose > 1 or now - last >= SECONDS):
            last = now
            held_out = "" if event.held_out != event.held_out else f", validation loss {event.held_out:.6g}"
            LOGGER.info(
                "epoch %s: loss %.6g%s, lr %.4g, %d of %d runs training",
                f"{event.epoch:,}", event.loss, held_out, event.lr, event.running, event.runs,
            )  # fmt: skip

    return log
