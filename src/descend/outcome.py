"""How a run ended, as a value."""

from enum import IntEnum


class Outcome(IntEnum):
    """The state of one run; an engine or the training loop sets it once and never takes it back."""

    RUNNING = 0
    CONVERGED = 1  # the gap to the optimum, or the gradient, fell below its tolerance
    STOPPED = 2  # the held-out loss, or the training loss, stopped improving: early stopping
    BUDGET = 3  # out of epochs or out of time, still improving
    INTERRUPTED = 4  # Ctrl-C
    DIVERGED = 5  # the loss grew far beyond where it started
    NONFINITE = 6  # a loss, gradient or weight left the finite range
    PRUNED = 7  # behind other learning rates of the same variant, by successive halving

    @property
    def failed(self) -> bool:
        """True when the run ended outside the useful range."""
        return self in (Outcome.DIVERGED, Outcome.NONFINITE)

    @property
    def word(self) -> str:
        """The word that tables and JSON use, such as "converged"."""
        return self.name.lower()
