"""classifier: DescentClassifier."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.errors import UsageError
from descend.estimators.base import Descent, loss_of_task
from descend.estimators.fitted import Fitted
from descend.estimators.verbosity import speaking
from descend.losses import Loss
from descend.options.flags import in_keywords
from descend.problem.response import class_indices, decision, has_probabilities, probabilities
from descend.table.class_weights import check_class_weight, weights_of_classes
from descend.table.data import Data

ONE_CLASS_ROWS = 5  # rows of a chunk that are hardly all of one class by chance (arbitrary)


def _gives_probabilities(model: "DescentClassifier") -> bool:
    """Whether the loss has probabilities; the loss of the fitted model, else that of the parameters."""
    if "_fitted" not in vars(model) and model.loss == "auto":
        return True
    loss = model._loss()[0]
    if not has_probabilities(loss):
        raise AttributeError(f"the loss {loss.name} has scores and no probabilities; use decision_function")
    return True


class DescentClassifier(ClassifierMixin, Descent):  # type: ignore[misc]
    """Classification by gradient descent, linear or by a network: logistic loss for two classes, softmax for more.

    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> DescentClassifier().fit(X, ["no", "no", "yes", "yes"]).predict([[2.5]])
    array(['yes'], dtype='<U3')
    """

    _classifies = True

    def partial_fit(  # type: ignore[override]
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train one more epoch on these rows, as `DescentRegressor.partial_fit` does.

        Args:
            classes: all labels; needed at the first call of a stream whose first chunk does not hold all of them.
        """
        with in_keywords(), one_blas_thread(), speaking(self.verbose):
            if "_fitted" not in vars(self) and isinstance(self.class_weight, str):
                raise UsageError(
                    f"class_weight is {self.class_weight!r}, which needs the rows of every class at once, and a stream "
                    "brings them in chunks",
                    fix="use a dict from class to weight, such as {'rare': 9}", code="bad-class-weight",
                )  # fmt: skip
            return self._partial_fit(X, y, sample_weight, None if classes is None else np.unique(classes))

    @one_blas_thread()
    def decision_function(self, X: Any) -> Array:
        """Return a score (rows,) for two classes, above 0 for the second of them; else scores (rows, classes)."""
        return decision(self._scores(X))

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    @one_blas_thread()
    def predict_proba(self, X: Any) -> Array:
        """Return the classes' probabilities (rows, classes); the hinge loss has none."""
        z = self._scores(X)
        return probabilities(self._fitted.model.loss, z)

    @one_blas_thread()
    def predict(self, X: Any) -> Array:
        """Return the most probable class (rows,)."""
        at = class_indices(self._scores(X))
        labels: Array = self.classes_[at]
        return labels

    def _loss_of_parameters(self) -> tuple[Loss, dict[str, float]]:
        classes = getattr(self, "classes_", ())
        several = len(classes) > 2
        loss, constants = loss_of_task(
            ("softmax" if several else "logistic") if self.loss == "auto" else self.loss, "classification"
        )
        if several and loss.outputs != "classes":
            raise UsageError(
                f"the loss {loss.name} takes two classes, y has {len(classes)}",
                fix="use loss='softmax'",
                code="bad-loss",
            )
        return loss, constants

    def _read_target(self, y: Array, weight: Array | None, classes: Array | None) -> tuple[Array, Array | None]:
        check_classification_targets(y)
        further = "_fitted" in vars(self)
        if not further:
            self.classes_ = np.unique(y) if classes is None else classes
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[:1].tolist()[0]!r}; training needs at least two classes")
        at = np.searchsorted(self.classes_, y).clip(max=len(self.classes_) - 1)
        known = self.classes_[at] == y
        if not known.all():
            raise ValueError(
                f"y has the class {y[~known].tolist()[0]!r}, which was not among the classes of the first call"
            )
        if not further:
            check_class_weight(self.class_weight, self.classes_)
            self._class_weights = weights_of_classes(self.class_weight, self.classes_, at, weight)
        return at.astype(np.float64), None if self._class_weights is None else self._class_weights[at]

    def _remarks(self, before: Fitted, data: Data) -> dict[str, str]:
        remarks = super()._remarks(before, data)
        if data.rows >= ONE_CLASS_ROWS and (data.y == data.y[0]).all():
            label = self.classes_[int(data.y[0])].item()
            remarks["class"] = (
                f"all {data.rows:,} rows of this chunk are of the class {label!r}; a stream that is sorted by class is "
                "learned and forgotten class by class: shuffle the rows"
            )
        return remarks
