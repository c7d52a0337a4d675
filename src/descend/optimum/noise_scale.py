"""noise_scale: how large a batch must be before the gradient's noise no longer hides the gradient."""

from dataclasses import dataclass, replace

import numpy as np

from descend.arrays import Array
from descend.problem import Problem, gradient

BATCHES = 32  # drawn at random (arbitrary)
MAX_ROWS = 1 << 14  # of the data that are used (arbitrary: bounds the work)
MAX_BATCH_SHARE = 64  # a batch is at most 1/64 of those rows, so that both norms differ


@dataclass(frozen=True)
class NoiseScale:
    """The simple noise scale of McCandlish, Kaplan, Amodei and the OpenAI Dota Team 2018.

    Args:
        rows: tr(Σ) / |G|²: below so many rows a step, twice the rows save nearly half the steps; far above, none.
            Infinity where the gradient is 0.
        squared_gradient: |G|², of all rows.
        variance: tr(Σ), of the gradient of one row.
    """

    rows: float
    squared_gradient: float
    variance: float


def noise_scale(problem: Problem, weights: Array, seed: int = 0) -> NoiseScale | None:
    """Return the noise scale at these weights (params,), from batches drawn with a seed; None for too few rows.

    Both parts are estimated without bias from the mean squared gradient of batches of b rows and that of all N:
    E|g_b|² = |G|² + tr(Σ) (1/b - 1/N) (their appendix A.1, here without replacement).
    """
    rng, every = rows_at_random(problem.data.rows, seed)
    b = max(1, len(every) // MAX_BATCH_SHARE)
    if len(every) < 4:
        return None
    data = problem.data
    weight = None if data.sample_weight is None else data.sample_weight[every]
    part = replace(problem, data=replace(data, X=data.X[every], y=data.y[every], sample_weight=weight))
    with np.errstate(over="ignore", invalid="ignore"):
        whole = _square(part, weights, slice(None))
        squares = [_square(part, weights, rng.choice(len(every), b, replace=False)) for _ in range(BATCHES)]
        variance = max(0.0, (float(np.mean(squares)) - whole) / (1 / b - 1 / len(every)))
        signal = max(0.0, whole - variance / len(every))
        return NoiseScale(variance / signal if signal > 0 else np.inf, whole, variance)


def rows_at_random(rows: int, seed: int) -> tuple[np.random.Generator, Array]:
    """Return the rows of so many that are looked at, in random order, and what draws the batches of them."""
    rng = np.random.default_rng(seed)
    return rng, rng.choice(rows, min(rows, MAX_ROWS), replace=False)


def _square(problem: Problem, weights: Array, rows: Array | slice) -> float:
    """The squared norm of the gradient of some rows, without the penalty."""
    g = gradient(problem, weights, rows)[1] - problem.l2 * problem.penalised * weights
    return float(np.square(g, dtype=np.float64).sum())
