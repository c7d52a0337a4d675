"""oracles: the objective, written from docs/formulas.md alone, and its minimum by NumPy, SciPy and scikit-learn.

Nothing here imports the product. A minimiser only has to bring weights: their objective bounds the minimum from above, so a
solver that ends too early can hide a fault but never make one up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import linprog, minimize
from scipy.special import expit, logsumexp, xlogy

from benchmarks.answers.data import Rows

CONSTANTS = {"huber": 1.0, "quantile": 0.5}
SCALES_TARGET = ("squared", "huber", "quantile")
SMOOTHEST = 1e-10  # the last rounding of a kink
SMOOTHINGS = 41  # roundings that lead there, each about half the one before; arbitrary
MOST_NEWTON_STEPS = 100  # of one rounding; arbitrary, a handful is usual


@dataclass(frozen=True, eq=False, kw_only=True)
class Objective:
    """Weighted mean loss + l2/2 |w|^2 + l1 |w|, in standardised columns, float64.

    Args:
        X: standardised features (rows, features).
        y: standardised target, or class indices, (rows, targets).
        share: example weights that sum to 1 (rows,).
        center, width, target_center, target_width: of the standardisation.
        outputs: columns of the prediction.
    """

    X: np.ndarray
    y: np.ndarray
    share: np.ndarray
    loss: str
    constant: float
    l2: float
    l1: float
    intercept: bool
    outputs: int
    center: np.ndarray
    width: np.ndarray
    target_center: np.ndarray
    target_width: np.ndarray

    @classmethod
    def of(
        cls,
        rows: Rows,
        *,
        l2: float,
        l1: float,
        scale: bool = True,
        intercept: bool = True,
        constant: float | None = None,
        sparse: bool = False,
    ) -> "Objective":
        """Standardise: weighted mean and population standard deviation of the rows of weight above 0; a constant has width 1.

        Of sparse rows, a column is centred where more than half of these rows are not zero.
        """
        there = slice(None) if rows.weight is None else rows.weight > 0
        X, y = rows.X[there].astype(np.float64), rows.y[there].astype(np.float64)
        y = y.reshape(len(y), -1)
        weight = np.ones(len(X)) if rows.weight is None else rows.weight[there].astype(np.float64)
        share = weight / weight.max()
        share = share / share.sum()
        center, width = _moments(X, share) if scale else (np.zeros(X.shape[1]), np.ones(X.shape[1]))
        if not intercept:
            center = np.zeros_like(center)
        if sparse:
            center = np.where((X != 0).mean(axis=0) > 0.5, center, 0.0)
        target = scale and intercept and rows.loss in SCALES_TARGET
        target_center, target_width = _moments(y, share) if target else (np.zeros(y.shape[1]), np.ones(y.shape[1]))
        outputs = int(y.max()) + 1 if rows.loss == "softmax" else y.shape[1]
        return cls(
            X=(X - center) / width,
            y=(y - target_center) / target_width,
            share=share,
            loss=rows.loss,
            constant=CONSTANTS.get(rows.loss, 0.0) if constant is None else constant,
            l2=l2,
            l1=l1,
            intercept=intercept,
            outputs=outputs,
            center=center,
            width=width,
            target_center=target_center,
            target_width=target_width,
        )

    def standard(self, coef: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (features, outputs) and biases (outputs,) in standardised units, of those in the units of the file."""
        coef = np.atleast_2d(coef).T.astype(np.float64)
        tw, tc = (self.target_width, self.target_center) if self.loss != "softmax" else (1.0, 0.0)
        return coef * self.width[:, None] / tw, (np.atleast_1d(bias) + self.center @ coef - tc) / tw

    def value(self, W: np.ndarray, b: np.ndarray) -> float:
        """The objective at W (features, outputs) and b (outputs,)."""
        loss = self.share @ self.losses(self.X @ W + b)
        return float(loss + self.l2 / 2 * np.square(W).sum() + self.l1 * np.abs(W).sum())

    def losses(self, z: np.ndarray) -> np.ndarray:
        """The loss of each row (rows,), of predictions (rows, outputs); the mean over several targets."""
        y = self.y
        with np.errstate(over="ignore", invalid="ignore"):
            if self.loss == "squared":
                return np.square(z - y).mean(axis=1)
            if self.loss == "huber":
                e, d = np.abs(z - y), self.constant
                return np.where(e <= d, e**2 / 2, d * (e - d / 2)).mean(axis=1)
            if self.loss == "quantile":
                e = y - z
                return np.maximum(self.constant * e, (self.constant - 1) * e).mean(axis=1)
            if self.loss == "poisson":
                return (np.exp(z) - y * z).mean(axis=1)
            if self.loss == "logistic":
                return (np.logaddexp(0, z) - y * z)[:, 0]
            if self.loss == "hinge":
                return np.maximum(0, 1 - (2 * y - 1) * z)[:, 0]
            return logsumexp(z, axis=1) - z[np.arange(len(z)), y[:, 0].astype(int)]

    def slopes(self, z: np.ndarray) -> np.ndarray:
        """The derivative of each row's loss in its predictions (rows, outputs)."""
        y = self.y
        with np.errstate(over="ignore", invalid="ignore"):
            if self.loss == "squared":
                return 2 * (z - y) / y.shape[1]
            if self.loss == "huber":
                return np.clip(z - y, -self.constant, self.constant) / y.shape[1]
            if self.loss == "quantile":
                return np.where(y > z, -self.constant, np.where(y < z, 1 - self.constant, 0.0)) / y.shape[1]
            if self.loss == "poisson":
                return (np.exp(z) - y) / y.shape[1]
            if self.loss == "logistic":
                return expit(z) - y
            if self.loss == "hinge":
                signed = 2 * y - 1
                return np.where(signed * z < 1, -signed, 0.0)
            p = np.exp(z - logsumexp(z, axis=1, keepdims=True))
            p[np.arange(len(z)), y[:, 0].astype(int)] -= 1
            return p

    def gradient(self, W: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the smooth part, without l1."""
        g = self.share[:, None] * self.slopes(self.X @ W + b)
        return self.X.T @ g + self.l2 * W, g.sum(axis=0) * self.intercept

    def constant_value(self) -> float:
        """The objective of the best constant prediction; of 0 where there is no bias."""
        nothing = np.zeros((self.X.shape[1], self.outputs))
        if not self.intercept:
            return self.value(nothing, np.zeros(self.outputs))
        y, s = self.y, self.share
        if self.loss in ("squared",):
            b = s @ y
        elif self.loss == "poisson":
            b = np.log(s @ y)
        elif self.loss == "logistic":
            b = np.log(s @ y / (1 - s @ y))
        elif self.loss == "softmax":
            p = np.bincount(y[:, 0].astype(int), s, self.outputs)
            return float(-xlogy(p, p).sum())
        elif self.loss == "hinge":
            return min(self.value(nothing, np.array([c])) for c in (-1.0, 1.0))
        elif self.loss == "quantile":
            order = [np.argsort(c) for c in y.T]
            b = np.array(
                [
                    c[o][min(np.searchsorted(s[o].cumsum(), self.constant), len(c) - 1)]
                    for c, o in zip(y.T, order, strict=True)
                ]
            )
        else:
            return float(minimize(lambda b: self.value(nothing, b), s @ y, method="Nelder-Mead").fun)
        return self.value(nothing, b)

    def minimum(self) -> float:
        """The least objective that independent solvers reach."""
        if self.loss == "squared" and self.l1 == 0:
            return self.value(*self._least_squares())
        if self.loss in ("quantile", "hinge"):
            return self._kinked()
        return self._descended()

    def _least_squares(self) -> tuple[np.ndarray, np.ndarray]:
        d, T = self.X.shape[1], self.outputs
        root = np.sqrt(self.share)[:, None]
        A = np.column_stack([self.X, np.full((len(self.X), int(self.intercept)), 1.0)]) * root
        ridge = np.sqrt(self.l2 * T / 2) * np.eye(d, A.shape[1])
        v = np.linalg.lstsq(np.vstack([A, ridge]), np.vstack([self.y * root, np.zeros((d, T))]), rcond=None)[0]
        return v[:d], v[d] if self.intercept else np.zeros(T)

    def _descended(self) -> float:
        """By L-BFGS-B; with l1, on the positive and negative parts of the weights."""
        d, T, split = self.X.shape[1], self.outputs, self.l1 > 0
        size = d * T

        def unpacked(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            W = v[:size] - v[size : 2 * size] if split else v[:size]
            return W.reshape(d, T), v[-T:] * self.intercept

        def both(v: np.ndarray) -> tuple[float, np.ndarray]:
            W, b = unpacked(v)
            gW, gb = self.gradient(W, b)
            smooth = self.value(W, b) - self.l1 * np.abs(W).sum()
            if not np.isfinite(smooth):
                return 1e300, np.zeros(len(v))
            if not split:
                return smooth, np.concatenate([gW.ravel(), gb])
            return smooth + self.l1 * v[: 2 * size].sum(), np.concatenate(
                [gW.ravel() + self.l1, self.l1 - gW.ravel(), gb]
            )

        start = np.zeros(size * (1 + split) + T)
        bounds = [(0, None)] * (2 * size) + [(None, None)] * T if split else None
        options = {"maxiter": 3000, "maxfun": 6000, "ftol": 1e-15, "gtol": 1e-9, "maxcor": 30}
        found = minimize(both, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        return self.value(*unpacked(found.x))

    def _kinked(self) -> float:
        """By a linear program; with l2, by Newton's method on smoothed losses."""
        return self._program() if self.l2 == 0 else self._smoothed()

    def _program(self) -> float:
        n, d = self.X.shape
        s, y = self.share, self.y[:, 0]
        A = np.column_stack([self.X, np.full(n, float(self.intercept))])
        free = [(None, None)] * (d + 1)
        if self.loss == "hinge":
            signed = 2 * y - 1
            cost = np.concatenate([np.zeros(d + 1), s])
            left = np.column_stack([-signed[:, None] * A, -np.eye(n)])
            right, tie, bounds = -np.ones(n), None, free + [(0, None)] * n
        else:
            cost = np.concatenate([np.zeros(d + 1), self.constant * s, (1 - self.constant) * s])
            tie, left, right = np.column_stack([A, np.eye(n), -np.eye(n)]), None, None
            bounds = free + [(0, None)] * (2 * n)
        if self.l1:
            wide = np.column_stack([np.eye(d), np.zeros((d, len(cost) - d))])
            cost = np.concatenate([cost, np.full(d, self.l1)])
            bounds += [(0, None)] * d
            left = np.vstack(
                [
                    *([] if left is None else [np.column_stack([left, np.zeros((n, d))])]),
                    np.column_stack([wide, -np.eye(d)]),
                    np.column_stack([-wide, -np.eye(d)]),
                ]
            )
            right = np.concatenate([*([] if right is None else [right]), np.zeros(2 * d)])
            tie = None if tie is None else np.column_stack([tie, np.zeros((n, d))])
        v = linprog(cost, A_ub=left, b_ub=right, A_eq=tie, b_eq=None if tie is None else y, bounds=bounds).x
        return self.value(v[:d, None], v[d : d + 1] * self.intercept)

    def _smoothed(self) -> float:
        """Round the kink of each row, max(e, 0), to t log(1 + exp(e / t)), and let t fall.

        The rounded objective lies at most t log 2 above the true one, so that the last t bounds the error. Residuals are
        counted in mean sizes of the target, and the weights along the singular vectors of the features, whose spreads
        may differ by many powers of ten.
        """
        y, one = self.y[:, 0], int(self.intercept)
        root = np.sqrt(self.share)[:, None]
        U, spread, Vt = np.linalg.svd(self.X * root, full_matrices=False)
        there = spread > 1e-15 * spread.max(initial=0.0)
        U, spread, Vt = U[:, there], spread[there], Vt[there]
        A = np.column_stack([U / root, np.ones((len(y), one))])
        unit = float(self.share @ np.abs(y)) or 1.0
        offset, sign, up, down = y / unit, np.ones(len(y)), self.constant, 1 - self.constant
        if self.loss == "hinge":
            unit, offset, sign, up, down = 1.0, np.ones(len(y)), 2 * y - 1, 1.0, 0.0
        penalty = np.append(self.l2 * unit / spread**2, np.zeros(one))

        def rounded(v: np.ndarray, t: float) -> tuple[float, np.ndarray, np.ndarray]:
            e = offset - sign * (A @ v)
            p = expit(e / t)
            value = self.share @ ((up + down) * t * np.logaddexp(0, e / t) - down * e) + penalty @ v**2 / 2
            g = penalty * v - A.T @ (self.share * sign * ((up + down) * p - down))
            H = A.T @ (A * (self.share * (up + down) * p * (1 - p) / t)[:, None]) + np.diag(penalty)
            return float(value), g, H

        v = np.zeros(A.shape[1])
        with np.errstate(over="ignore", invalid="ignore"):
            for t in np.geomspace(1.0, SMOOTHEST, SMOOTHINGS):
                v = _newton(partial(rounded, t=t), v)
        W = Vt.T @ (v[: len(spread)] * unit / spread)
        return self.value(W[:, None], v[len(spread) :] * unit if one else np.zeros(1))


def _newton(function: Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]], v: np.ndarray) -> np.ndarray:
    """The minimum of a smooth convex function, which gives value, gradient and Hessian, by damped Newton steps."""
    value, g, H = function(v)
    for _ in range(MOST_NEWTON_STEPS):
        size = np.sqrt(np.maximum(H.diagonal(), 1e-300))
        scaled = H / size / size[:, None]
        try:
            step = cho_solve(cho_factor(scaled), g / size) / size
        except np.linalg.LinAlgError:
            step = np.linalg.lstsq(scaled, g / size, rcond=1e-15)[0] / size
        for part in 0.5 ** np.arange(40):
            lower = function(v - part * step)
            if lower[0] < value - 1e-4 * part * (step @ g):
                break
        else:
            return v  # as low as its digits go
        v = v - part * step
        value, g, H = lower
    return v


def _moments(X: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and population standard deviation of each column; what is constant up to rounding has width 1."""
    mean = share @ X
    mean = mean + share @ (X - mean)
    width = np.sqrt(share @ np.square(X - mean))
    return mean, np.where(width <= 1e-13 * np.abs(mean), 1.0, width)
