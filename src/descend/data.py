"""Data: what a model is trained on, as arrays."""

from dataclasses import dataclass, replace

import numpy as np

from descend.arrays import Array


@dataclass(frozen=True, eq=False)
class Data:
    """Features, target and example weights, ready for an engine.

    Args:
        X: features (rows, features), float32 or float64, C order, finite.
        y: target (rows,) of the same dtype; class indices for softmax; (rows, targets) for several targets.
        weight: example weights (rows,), with mean 1, or None when all count alike.
        names: a name a feature.
    """

    X: Array
    y: Array
    weight: Array | None = None
    names: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """The number of examples."""
        return int(self.X.shape[0])

    @property
    def features(self) -> int:
        """The number of columns of X."""
        return int(self.X.shape[1])

    def take(self, rows: Array) -> "Data":
        """Return the examples at these indices; their weights are brought back to mean 1."""
        weight = None if self.weight is None else self.weight[rows] / max(self.weight[rows].mean(), 1e-300)
        return replace(self, X=np.ascontiguousarray(self.X[rows]), y=np.ascontiguousarray(self.y[rows]), weight=weight)
