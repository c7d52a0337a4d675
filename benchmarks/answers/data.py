"""data: random arrays and tables, small and awkward: scales, offsets, collinear and constant columns, weights with zeros."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

REGRESSION = ("squared", "huber", "poisson", "quantile")
CLASSIFICATION = ("logistic", "softmax", "hinge")
MOST_CELLS = 20_000  # rows x columns of a case, so that a case takes about a second


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """One random problem.

    Args:
        X: features (rows, features).
        y: target (rows,), or (rows, targets); class indices for a classification.
        weight: example weights (rows,), some of them 0, or None.
        loss: the name of the loss that the target was drawn for.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None
    loss: str

    @property
    def classifies(self) -> bool:
        return self.loss in CLASSIFICATION

    @property
    def shape(self) -> str:
        weighted = "" if self.weight is None else ", weighted"
        return f"{self.loss}, {self.X.shape[0]} x {self.X.shape[1]} {self.X.dtype}{weighted}"

    def take(self, rows: Any) -> "Rows":
        weight = None if self.weight is None else self.weight[rows]
        return replace(self, X=self.X[rows], y=self.y[rows], weight=weight)


def pick(rng: np.random.Generator, *values: Any) -> Any:
    """One of the values; values of any types."""
    return values[int(rng.integers(len(values)))]


def rows(
    rng: np.random.Generator,
    loss: str,
    *,
    most: int = 5000,
    wild: bool = True,
    weighted: bool | None = None,
    fewest: int = 6,
) -> Rows:
    """Return a random problem of a loss.

    Args:
        most, fewest: bounds of the number of rows, drawn uniformly in the logarithm.
        wild: whether scales, offsets, collinear and constant columns, integers and float32 may occur.
        weighted: whether there are example weights; by chance when None.
    """
    columns = int(rng.integers(1, 9)) if rng.random() < 0.9 else int(rng.integers(9, 60))
    n = int(np.exp(rng.uniform(np.log(fewest), np.log(max(min(most, MOST_CELLS // columns), fewest + 1)))))
    X = rng.normal(size=(n, columns))
    if rng.random() < 0.2:
        X = X * (rng.random(X.shape) < 0.3)
    z = X @ rng.normal(size=columns) + rng.normal() + pick(rng, 0.0, 0.1, 1.0, 5.0) * rng.normal(size=n)
    y = _target(rng, loss, X, z)
    if wild:
        X = _awkward(rng, X)
        if loss in ("squared", "huber", "quantile") and rng.random() < 0.3:
            y = y * 10.0 ** rng.uniform(-9, 9) + pick(rng, 0.0, 1e3, -1e6) * (rng.random() < 0.5)
    return Rows(X=X, y=y, weight=_weights(rng, n, weighted), loss=loss)


def _target(rng: np.random.Generator, loss: str, X: np.ndarray, z: np.ndarray) -> np.ndarray:
    n = len(z)
    if loss in ("logistic", "hinge"):
        y = (z + 0.5 * rng.logistic(size=n) > np.median(z)).astype(np.int64)
        y[:2] = (0, 1)
        return y
    if loss == "softmax":
        k = int(rng.integers(2, 6))
        y = (X @ rng.normal(size=(X.shape[1], k)) + rng.gumbel(size=(n, k))).argmax(axis=1)
        y[:k] = np.arange(k)
        return y
    if loss == "poisson":
        return rng.poisson(np.exp(np.clip(0.5 * z, -4, 3))).astype(np.float64) + (np.arange(n) == 0)
    if rng.random() < 0.2:
        z = z + 100 * rng.standard_t(1.5, size=n) * (rng.random(n) < 0.02)
    return np.round(z, 1) if rng.random() < 0.15 else z


def _awkward(rng: np.random.Generator, X: np.ndarray) -> np.ndarray:
    """The same columns in other units, from other zeros, with copies and constants among them."""
    if rng.random() < 0.3:
        X = X * 10.0 ** rng.uniform(-12, 12, X.shape[1])
    elif rng.random() < 0.03:
        X = X * 10.0 ** rng.uniform(-140, 140, X.shape[1])
    if rng.random() < 0.3:
        X = X + X.std(axis=0) * np.array([pick(rng, 0.0, 1.0, -1e3, 1e5) for _ in range(X.shape[1])])
    extra = []
    if rng.random() < 0.15:
        extra.append(np.full(len(X), pick(rng, 0.0, 1.0, 0.1, -1e9)))
    if rng.random() < 0.15:
        extra.append(X[:, 0] * pick(rng, 1.0, -2.0, 1e-3))
    if rng.random() < 0.1 and X.shape[1] > 1:
        extra.append(X[:, 0] + X[:, 1])
    if extra:
        X = np.column_stack([X, *extra])[:, rng.permutation(X.shape[1] + len(extra))]
    kind = rng.random()
    if kind < 0.2 and np.abs(X).max() < 1e30 and X.std(axis=0).min() > 1e-30:
        return X.astype(np.float32)
    return np.round(X).astype(np.int64) if kind < 0.3 and np.abs(X).max() < 2**53 else X


def _weights(rng: np.random.Generator, n: int, weighted: bool | None) -> np.ndarray | None:
    if weighted is False or (weighted is None and rng.random() < 0.6):
        return None
    weight = pick(rng, rng.uniform(0.1, 3, n), rng.integers(1, 4, n).astype(float), 10.0 ** rng.uniform(-3, 3, n))
    if rng.random() < 0.5:
        weight[5:] *= rng.random(n - 5) < 0.8
    return weight * pick(rng, 1.0, 1.0, 1e-6, 1e6)
