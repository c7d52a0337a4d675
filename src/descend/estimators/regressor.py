"""regressor: DescentRegressor."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from descend.arrays import Array
from descend.blas import one_blas_thread
from descend.estimators.base import Descent, loss_of_task
from descend.losses import Loss
from descend.sparse import dense


class DescentRegressor(RegressorMixin, Descent):  # type: ignore[misc]
    """Regression by gradient descent, linear or by a network: squared, huber, poisson or quantile loss.

    A target of several columns has weights for each, `coef_` (targets, features); the loss is their mean. A constant of
    the loss stands behind its name, as in loss="quantile:0.9".

    >>> import numpy as np
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = DescentRegressor(l2=0).fit(X, 2 * X[:, 0] + 1)
    >>> model.predict([[10.0]]).round(2)
    array([21.])
    """

    @one_blas_thread()
    def predict(self, X: Any) -> Array:
        """Return the expected target (rows,), or (rows, targets), of X (rows, features), float64."""
        z, model = self._scores(X), self._fitted.model
        mean: Array = np.asarray(model.loss.mean(z if model.columns else z[:, 0]))
        return mean

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _loss_of_parameters(self) -> tuple[Loss, dict[str, float]]:
        return loss_of_task("squared" if self.loss == "auto" else self.loss, "regression")

    def _read_target(self, y: Array, weight: Array | None, classes: Array | None) -> tuple[Array, Array | None]:
        y = dense(y).astype(np.float64)
        self._target_columns = y.shape[1] if y.ndim == 2 else 0
        return y[:, 0] if self._target_columns == 1 else y, None
