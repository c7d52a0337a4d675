"""early_stopping: end a fit that improves no more, or is good enough."""

import math
from dataclasses import dataclass

from descend.callbacks.listening import Begun, Callback, Row
from descend.errors import UsageError
from descend.options.readers import either, number, whole, word

MONITORS = ("val", "loss")
READ_PATIENCE = either(None, whole(1, "a whole number of at least 1, or None", "try 10"))
READ_DELTA = number(0, math.inf, "a finite number of at least 0", "try 0.001")
READ_TARGET = either(None, number(-math.inf, math.inf, "a finite number, or None", "try None"))


@dataclass
class _Best:
    """The best value so far, when it was told, and when the last one was."""

    value: float = math.inf
    since: float = 0.0
    last: float = -1.0


class EarlyStopping(Callback[_Best]):
    """Ends a fit whose loss improves no more, or has reached a target; the best weights so far are kept.

    Args:
        monitor: "val", the mean loss of validation rows, or "loss", the training objective.
        patience: epochs without improvement that end the fit; None for no end but the target's. A fit tells its numbers about
            ten times a second, and at most a hundred times, so that it may train some epochs more. Where a search begins
            another training, and the epochs begin again, so does the patience.
        min_delta: an improvement is one by more than this.
        target: a loss that is low enough, in the units of `loss_curve_` and `val_curve_`; None for none.

    Raises UsageError for a bad argument; a fit that tells no such loss raises it too, at its first row.

    >>> EarlyStopping("accuracy")
    Traceback (most recent call last):
    descend.errors.UsageError: monitor is 'accuracy', it must be one of val, loss; try 'val'
    """

    def __init__(
        self, monitor: str = "val", *, patience: int | None = 10, min_delta: float = 0.0, target: float | None = None
    ) -> None:
        super().__init__()
        self.monitor = word(*MONITORS)("monitor", monitor)
        self.patience = READ_PATIENCE("patience", patience)
        self.min_delta = READ_DELTA("min_delta", min_delta)
        self.target = READ_TARGET("target", target)

    def _open(self, begun: Begun) -> _Best:
        return _Best()

    def _hear(self, kept: _Best, row: Row) -> bool:
        now, value = row.get("epoch", row.get("step", 0)), row.get(self.monitor, math.nan)
        if math.isnan(value) and kept.last < 0:
            raise UsageError(
                f"EarlyStopping watches {self.monitor}, which this fit does not tell",
                fix="set early_stopping=True on the estimator, for validation rows, or monitor='loss'"
                if self.monitor == "val" else "monitor what it tells", code="no-monitor",
            )  # fmt: skip
        if now < kept.last:
            kept.value, kept.since = math.inf, now
        if value < kept.value - self.min_delta:
            kept.value, kept.since = value, now
        kept.last = now
        tired = self.patience is not None and now - kept.since >= self.patience
        return tired or (self.target is not None and value <= self.target)
