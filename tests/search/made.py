"""made: problems that are searched: small networks, and so many rows that a search takes a sample, see `small_samples`."""

import numpy as np

from descend.losses import loss
from descend.options import read_options
from descend.problem import Problem
from descend.problem.network import Network
from descend.search.search import search
from descend.table.data import Data

RNG = np.random.default_rng(0)
ROWS = 8000
X = RNG.standard_normal((ROWS, 4))
Z = X @ np.array([1.0, -1.0, 0.5, 0.0])


def problem(name="squared", **shape):
    """Squares, or two classes, of the same rows."""
    y = Z + RNG.standard_normal(ROWS) if name == "squared" else (RNG.random(ROWS) < 1 / (1 + np.exp(-Z))).astype(float)
    return Problem(Data(X, y), loss(name), l2=1e-3, **shape)


def unlimited(**given):
    """Options of a search without a limit of time."""
    return read_options({"seeds": 1, "time_budget": None, "max_epochs": 200, **given})


def options(**given):
    """Options of a search on one thread."""
    return read_options({**given, "threads": 1})


def found(problem, held_out=None, **given):
    """What a search finds with these options."""
    return search(problem, held_out, options(**given))


def network_problem(rows=160):
    """A small network."""
    X = np.random.default_rng(0).normal(size=(rows, 3))
    y = np.sin(2 * X[:, 0]) + 0.1 * np.random.default_rng(1).normal(size=rows)
    return Problem(Data(X, y), loss("squared"), network=Network((3, 8, 1)))


def seeds_of_variants(result):
    """The seeds of each variant's best setting."""
    return {
        result.fit.plan.settings[r].label: [result.fit.plan.settings[k].seed for k in result.seeds_of(r)]
        for r in result.best_per_variant
    }
