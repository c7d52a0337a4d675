"""training: the loop around an engine: when a run ends, which weights are kept, and what is recorded."""

from descend.training.loop import Fit, Limits, Progress, train

__all__ = ["Fit", "Limits", "Progress", "train"]
