"""The same seed gives the same weights, bit for bit: for any number of threads, again, and in a new process."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

from descend.engines import linear
from descend.engines.shared_runs import Part
from descend.losses import LOSSES, loss
from descend.plan import FULL, Plan, setting
from descend.problem import Problem
from descend.table.data import Data
from descend.training import Limits, train

BATCHES = (1, 7, 64, FULL)
DTYPES = ("float32", "float64")
SMALL, LARGE = (600, 5), (40_000, 64)  # rows and columns; of the large one, threads share the rows of a step
CASES = tuple((name, batch, dtype, SMALL) for name in LOSSES for batch in BATCHES for dtype in DTYPES)
LARGE_CASES = tuple(
    (name, batch, "float32", LARGE) for name in ("squared", "logistic", "softmax") for batch in (64, FULL)
)
RUNS = (("momentum", 0.01, 0), ("momentum", 0.003, 1), ("adam", 0.01, 0), ("adam", 0.01, 1))


def drawn(name, dtype, shape):
    """A weighted problem with both penalties; its target follows the features, with noise."""
    rng = np.random.default_rng(7)
    X = rng.standard_normal(shape)
    z = X[:, :3] @ [[0.5, -0.3, 0.1], [-0.4, 0.2, 0.6], [0.3, 0.4, -0.5]] + 0.3 * rng.standard_normal((shape[0], 3))
    y = {
        "logistic": z[:, 0] > 0, "hinge": z[:, 0] > 0, "poisson": rng.poisson(np.exp(z[:, 0])), "softmax": z.argmax(axis=1),
    }.get(name, z[:, 0])  # fmt: skip
    weight = rng.uniform(0.2, 2, shape[0])
    data = Data(X.astype(dtype), y.astype(dtype), (weight / weight.mean()).astype(dtype))
    outputs = 3 if name == "softmax" else 1
    return Problem(data, loss(name), loss(name).constants, outputs, l2=0.01, l1=0.001)


def trained(case, threads, seed=0):
    """The fit of one case: several runs side by side, but one alone on the large data, so that it shares its rows."""
    name, batch, dtype, shape = case
    runs, epochs = (RUNS, 4) if shape == SMALL else (RUNS[2:3], 2)
    settings = (setting(rule, lr=lr, batch_size=batch, seed=s + seed) for rule, lr, s in runs)
    plan = Plan(tuple(settings), shuffle="auto" if shape == SMALL else "blocks")
    return train(drawn(name, dtype, shape), plan, limits=Limits(epochs=epochs), threads=threads)


def digest(case, threads, seed=0):
    """Stands for the bits of the weights that are kept."""
    return hashlib.sha256(trained(case, threads, seed).weights.tobytes()).hexdigest()[:16]


def digests(threads):
    return [digest(case, threads) for case in CASES + LARGE_CASES]


@pytest.fixture(scope="module")
def one_thread():
    return digests(threads=1)


@pytest.mark.parametrize("threads", [2, 3])
def test_more_threads_give_the_bits_of_one(one_thread, threads):
    assert digests(threads) == one_thread


def test_a_second_training_gives_the_bits_of_the_first(one_thread):
    assert digests(threads=1) == one_thread


def test_a_new_process_gives_the_same_bits(one_thread):
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == one_thread


def test_the_comparison_can_fail(one_thread):
    for case, bits in zip(CASES, one_thread, strict=False):
        assert (digest(case, threads=1, seed=1) == bits) == (case[1] == FULL), case


def test_the_large_data_are_shared_among_threads_and_squares_go_by_moments():
    engines = {}
    for case in LARGE_CASES:
        fit = trained(case, threads=2)
        engines[case[:2]] = fit.engine
        if case[1] == FULL and fit.engine == "linear":
            assert linear._shared_by_step(fit.problem, fit.plan, [Part([0])], 2) == ([0], [])
    assert engines["squared", FULL] == "gram"
    assert engines["logistic", FULL] == engines["softmax", FULL] == engines["squared", 64] == "linear"


if __name__ == "__main__":
    json.dump(digests(threads=2), sys.stdout)
