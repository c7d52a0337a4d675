"""A problem from arrays, for the tests of the optimum."""

import numpy as np
import pytest

from descend.losses import loss
from descend.problem import Problem
from descend.table.data import Data


def of_arrays(X, y, name="squared", weight=None, constants=None, **options):
    X, form = np.ascontiguousarray(X), loss(name)
    X = X if X.dtype == np.float32 else X.astype(np.float64)
    data = Data(X, np.asarray(y, X.dtype), weight)
    return Problem(data, form, form.constants if constants is None else constants, **options)


@pytest.fixture
def make():
    """Returns a function that makes a problem of features, target and the name of a loss."""
    return of_arrays


TARGETS = {
    "squared": lambda z, rng: z + rng.standard_normal(len(z)),
    "huber": lambda z, rng: z + rng.standard_t(2, len(z)),
    "logistic": lambda z, rng: (z + rng.logistic(size=len(z)) > 0) * 1.0,
    "poisson": lambda z, rng: rng.poisson(np.exp(z / 2)) * 1.0,
    "softmax": lambda z, rng: rng.integers(0, 3, len(z)) * (z > -1) * 1.0,
}


@pytest.fixture
def conditioned():
    """Returns a function of a loss, a seed and the condition of the features: orthonormal columns, X and y."""

    def draw(name, seed, condition, rows=120):
        rng = np.random.default_rng(seed)
        q = np.linalg.qr(rng.standard_normal((rows, 5)))[0]
        q = np.linalg.qr(q[:, :4] - q[:, :4].mean(axis=0))[0] * np.sqrt(rows)
        turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
        X = q * np.geomspace(1, 1 / condition, 4) @ turn
        z = q @ rng.standard_normal(4) + 0.3
        return q, X, TARGETS[name](z, rng)

    return draw
