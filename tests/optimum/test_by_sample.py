"""The optimum from a sample's Hessian against Newton's method on all rows."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from descend.losses import loss
from descend.optimum import by_sample, optimum
from descend.optimum.solve import _solved_sample
from descend.problem import Problem
from descend.table.data import Data

RNG = np.random.default_rng(0)
ROWS = 6000


@pytest.fixture
def small(monkeypatch):
    """What is large, and how large a sample is, for a test."""
    for name, value in (("LARGE_CELLS", 1), ("FEWEST_ROWS", 1000), ("ROWS_A_WEIGHT", 100)):
        monkeypatch.setattr(by_sample, name, value)


def problem(name, *, scales=1.0, dtype=np.float64, l2=1e-3):
    X = RNG.standard_normal((ROWS, 4)) * scales
    z = X / scales @ np.array([1.0, -1.0, 0.5, 0.0])
    y = {
        "logistic": RNG.random(ROWS) < 1 / (1 + np.exp(-z)), "poisson": RNG.poisson(np.exp(0.5 * z)),
        "softmax": np.digitize(z + RNG.logistic(size=ROWS), [-1, 1]),
    }[name]  # fmt: skip
    outputs = 3 if name == "softmax" else 1
    return Problem(Data(X.astype(dtype), y.astype(float)), loss(name), {}, outputs, l2=l2)


@pytest.mark.parametrize("name", ["logistic", "poisson", "softmax"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scales", [1.0, np.array([1.0, 30.0, 0.1, 1.0])])
def test_it_is_the_optimum_of_all_rows(request, name, dtype, scales):
    given = problem(name, dtype=dtype, scales=scales)
    exact = optimum(given)
    request.getfixturevalue("small")
    fast = optimum(given, threads=2)
    assert (exact.method, fast.method) == ("newton", "newton on a sample, then gradients of all rows")
    assert 0 <= fast.objective - exact.objective + 1e-15 < (1e-10 if dtype == np.float64 else 1e-9)
    np.testing.assert_allclose(fast.weights, exact.weights, atol=1e-5 * np.abs(exact.weights).max())


def test_the_sample_alone_is_not_the_optimum(small):
    given = problem("logistic")
    sample = Problem(given.data.drawn(1000, 0), given.loss, l2=given.l2)
    assert np.abs(_solved_sample(sample) - optimum(given).weights).max() > 0.01


def test_a_sample_that_does_not_know_the_hessian_leads_nowhere(small):
    given = problem("logistic")
    assert by_sample.newton_by_sample(given, lambda sample: np.full(5, 20.0)) is None
    assert by_sample.newton_by_sample(given, lambda sample: None) is None


@pytest.mark.parametrize("change", ["l1", "sparse", "short", "hinge"])
def test_other_problems_are_solved_as_before(small, change):
    given = problem("logistic")
    X, y = given.data.X, given.data.y
    if change == "l1":
        given = Problem(given.data, given.loss, l1=0.01)
    elif change == "sparse":
        given = Problem(Data(csr_array(X), y), given.loss)
    elif change == "short":
        given = Problem(given.data.take(np.arange(2000)), given.loss)
    else:
        given = Problem(given.data, loss("hinge"))
    assert not by_sample.fits(given)


def test_classes_that_one_line_separates_have_no_optimum_here_either(small):
    X = RNG.standard_normal((ROWS, 2))
    separable = Problem(Data(X, (X[:, 0] > 0).astype(float)), loss("logistic"))
    assert optimum(separable).status.value == "separable"
