"""regression: how good predicted numbers are."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.evaluation.evaluation import Evaluation
from descend.evaluation.influence import of_r2, of_rmse
from descend.evaluation.intervals import Estimate, Scale, delta_interval
from descend.metrics import regression_metrics

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
SCALES = {"rmse": Scale.POSITIVE, "mae": Scale.POSITIVE, "r2": Scale.BELOW_ONE}
WORST = 5  # rows that are shown (arbitrary)


@dataclass(frozen=True)
class WorstRow:
    """A row whose prediction is far off: its index in the data, its target, and what was predicted."""

    row: int
    actual: float
    predicted: float


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RegressionEvaluation(Evaluation):
    """How good predicted numbers are.

    Args:
        predicted: (rows,).
    """

    predicted: Array

    @cached_property
    def residuals(self) -> Array:
        """Target less prediction (rows,)."""
        return self.y - self.predicted

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """RMSE, MAE and R², with their intervals."""
        values = regression_metrics(self.y, self.predicted, self.weight)
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # squares of errors above 1e154 are infinite, their interval not known
            return {
                name: delta_interval(value, self._influence(name, value), self.weight, SCALES[name])
                for name, value in values.items()
            }

    def influence(self, metric: str) -> Array:
        """Return how far each row moves a metric (rows,)."""
        return self._influence(metric, self[metric])

    def _influence(self, metric: str, value: float) -> Array:
        if metric == "rmse":
            return of_rmse(self.residuals, value)
        if metric == "mae":
            return np.abs(self.residuals) - value
        return of_r2(self.y, self.residuals, value, self.weight) if np.isfinite(value) else np.full(len(self.y), np.nan)

    def document(self, rows: bool = True) -> dict[str, Any]:
        """Return the quantiles of the residuals and the worst rows as plain values."""
        quantiles = {f"{q:g}": value for q, value in self.residual_quantiles.items()}
        return {"residual_quantiles": quantiles, **({"worst_rows": [vars(w) for w in self.worst()]} if rows else {})}

    @cached_property
    def residual_quantiles(self) -> dict[float, float]:
        """The residuals below which 0, 5, 25, 50, 75, 95 and 100 % of the rows lie; of rows, whatever their weights."""
        return dict(zip(QUANTILES, np.quantile(self.residuals, QUANTILES).tolist(), strict=True))

    def worst(self, count: int = WORST) -> tuple[WorstRow, ...]:
        """Return the rows with the largest residuals in absolute value, the largest first."""
        order = np.argsort(-np.abs(self.residuals), kind="stable")[:count]
        at = order if self.rows is None else self.rows[order]
        return tuple(
            WorstRow(int(row), float(self.y[k]), float(self.predicted[k])) for row, k in zip(at, order, strict=True)
        )
