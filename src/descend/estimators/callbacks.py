"""callbacks: scikit-learn's callback interface, which it has from version 1.9 on; before, a fit calls nobody."""

from collections.abc import Callable
from typing import Any

import sklearn

from descend.errors import UsageError
from descend.training import Progress

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn below 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands for the mixin, and says that it is missing."""

        def set_callbacks(self, *callbacks: object) -> None:
            """Raise UsageError: there are no callbacks."""
            raise UsageError(
                f"scikit-learn {sklearn.__version__} has no callbacks", fix="pip install 'scikit-learn>=1.9'",
                code="old-scikit-learn",
            )  # fmt: skip

    def with_callbacks(method: Any) -> Any:
        """Return a method as it is."""
        return method


TICKS = 100  # subtasks of a fit: a progress bar shows percent

__all__ = ["CallbackSupportMixin", "FitTasks", "with_callbacks"]


class FitTasks:
    """The tasks of one fit as callbacks see them: the fit, and in it a hundredth of the work after the other.

    Each subtask ends with `metadata`: epoch, loss, val and lr of the best run so far. A callback whose `on_fit_task_end` returns
    True, or raises StopIteration, ends the training; the best weights so far are kept, as after Ctrl-C.

    Args:
        estimator: whose fit it is.
        X, y: the training data.
        sample_weight: example weights, or None.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self._estimator, self._ticks, self.stopped = estimator, 0, False
        self._given = {"X": X, "y": y, "metadata": {} if sample_weight is None else {"sample_weight": sample_weight}}
        self._context: Any = (
            estimator._init_callback_context(max_subtasks=TICKS) if callable(_context_of(estimator)) else None
        )
        if self._context is not None:
            self._context.call_on_fit_task_begin(estimator=estimator, **self._given)

    def listener(self, then: Callable[[Progress], None]) -> Callable[[Progress], None]:
        """Return what hears the progress of the training, and passes it on."""

        def on_event(progress: Progress) -> None:
            then(progress)
            if self._context is not None and getattr(self._estimator, "_skl_callbacks", None):
                self._tick(progress)

        return on_event

    def _tick(self, progress: Progress) -> None:
        told = {"epoch": progress.epoch, "loss": progress.loss, "val": progress.held_out, "lr": progress.lr}
        while self._ticks < min(int(progress.share * TICKS), TICKS) and not self.stopped:
            self._ticks += 1
            task = self._context.subcontext(task_name="percent")
            task.call_on_fit_task_begin(estimator=self._estimator)
            try:
                self.stopped = task.call_on_fit_task_end(estimator=self._estimator, metadata=told)
            except StopIteration:
                self.stopped = True
        if self.stopped:
            raise KeyboardInterrupt  # what a training takes for the wish to end with the best so far

    def end(self) -> None:
        """Tell that the fit has ended, with the estimator as it is fitted."""
        if self._context is not None:
            fitted = {name: value for name, value in vars(self._estimator).items() if _is_fitted(name)}
            self._context.call_on_fit_task_end(
                estimator=self._estimator, **self._given, reconstruction_attributes=fitted
            )


def _context_of(estimator: Any) -> Any:
    return getattr(estimator, "_init_callback_context", None)


def _is_fitted(name: str) -> bool:
    """Whether an attribute is one that a fit sets."""
    return name in ("_fitted", "_class_weights", "_target_columns") or (name.endswith("_") and not name.startswith("_"))
