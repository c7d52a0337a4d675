"""Shared by all tests: a hypothesis that repeats itself, and a small problem for every loss."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from descend.losses import loss
from descend.problem import Problem
from descend.table.data import Data

settings.register_profile("descend", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("descend")

TRUTH = np.array([[0.5, -0.3, 0.1], [-0.4, 0.2, 0.6], [0.3, 0.4, -0.5]])


def small_problem(name, *, rows=23, outputs=1, weighted=False, dtype=np.float64, seed=0, **options):
    """A problem of three features whose target follows them, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    z = X @ TRUTH[:, :outputs] + 0.25 + 0.3 * rng.normal(size=(rows, outputs))
    y = {
        "logistic": z[:, 0] > 0, "hinge": z[:, 0] > 0, "poisson": rng.poisson(np.exp(z[:, 0])), "softmax": z.argmax(axis=1),
    }.get(name, z if outputs > 1 else z[:, 0])  # fmt: skip
    weight = rng.uniform(0.2, 2, rows) if weighted else None
    weight = weight if weight is None else (weight / weight.mean()).astype(dtype)
    data = Data(X.astype(dtype), np.ascontiguousarray(y, dtype), weight, ("a", "b", "c"))
    return Problem(data, loss(name), loss(name).constants, outputs, **options)


@pytest.fixture
def small():
    """Returns a function that makes a small problem of the loss of that name."""
    return small_problem


@pytest.fixture
def penguins():
    """The tidy table of penguins that ships with the project."""
    return Path(__file__).parent.parent / "examples" / "data" / "penguins.csv"


@pytest.fixture
def penguins_raw():
    """The raw table: quotes, dates, comments and NA."""
    return Path(__file__).parent.parent / "examples" / "data" / "penguins_raw.csv"
