"""training: the loop around an engine: when a run ends, which weights are kept, and what is recorded."""

from descend.training.loop import Fit, Progress, train
from descend.training.stopping import Limits

__all__ = ["Fit", "Limits", "Progress", "train"]
