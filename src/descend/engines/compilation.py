"""compilation: the seconds in which Numba makes machine code: where a rule, a loss or an engine is used for the first time.

They depend on what this machine has compiled before, so no budget of a training should be charged with them.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from numba.core.event import Event, Listener, install_listener


class Compilation(Listener):  # type: ignore[misc]  # Numba has no types
    """Adds up the seconds of all compilations; what is found in the cache is not compiled, and one within another counts once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock, self.seconds = clock, 0.0
        self._depth, self._begun = 0, 0.0

    def on_start(self, event: Event) -> None:
        """Note when the outermost compilation begins."""
        if self._depth == 0:
            self._begun = self.clock()
        self._depth += 1

    def on_end(self, event: Event) -> None:
        """Add what the outermost compilation took."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += self.clock() - self._begun


@contextlib.contextmanager
def compilation(clock: Callable[[], float] = time.monotonic) -> Iterator[Compilation]:
    """Yield what counts the seconds of compilation in this block."""
    listener = Compilation(clock)
    with install_listener("numba:compile", listener):
        yield listener
