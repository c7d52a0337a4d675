"""Compiled passes over all rows against NumPy's, for any number of threads."""

import numpy as np
import pytest

from descend.engines import full_pass
from descend.engines.full_pass import full_gradient, full_objectives, measures
from descend.losses import loss
from descend.problem import Problem, gradient, objectives
from descend.table.data import Data
from descend.table.scaled_rows import ScaledRows

RNG = np.random.default_rng(0)
ROWS = 10_000  # three blocks, the last one short
X = RNG.standard_normal((ROWS, 5))
TARGETS = {
    "squared": X @ np.arange(5) + RNG.standard_normal(ROWS), "logistic": (X[:, 0] > 0).astype(float),
    "poisson": RNG.poisson(2.0, ROWS).astype(float), "huber": X[:, 1], "softmax": RNG.integers(0, 3, ROWS).astype(float),
}  # fmt: skip
WEIGHT = RNG.uniform(0, 2, ROWS)


def problem(name, dtype=np.float64, weight=None, **shape):
    outputs = 3 if name == "softmax" else 1
    constants = {"delta": 1.0} if name == "huber" else {}
    rows = ScaledRows(X, np.zeros(5), np.ones(5), dtype)
    return Problem(Data(rows, TARGETS[name], weight), loss(name), constants, outputs, l2=0.1, **shape)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("weight", [None, WEIGHT / WEIGHT.mean()])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gradients_and_losses_are_those_of_numpy(name, weight, intercept, dtype):
    one, wide = (problem(name, d, weight, intercept=intercept) for d in (dtype, np.float64))
    w = (0.3 * RNG.standard_normal((2, one.params))).astype(dtype)
    rtol = 1e-10 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(
        full_gradient(one)(w[0]), gradient(wide, w[0].astype(float))[1], rtol=rtol, atol=rtol / 10
    )
    if one.outputs == 1:
        np.testing.assert_allclose(full_objectives(one)(w), objectives(wide, w.astype(float)), rtol=rtol / 10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_change_no_bit(dtype):
    one = problem("logistic", dtype)
    w = RNG.standard_normal((3, one.params)).astype(dtype)
    for threads in (2, 3):
        assert np.array_equal(full_gradient(one)(w[0]), full_gradient(one, threads)(w[0]))
        assert np.array_equal(full_objectives(one)(w), full_objectives(one, threads)(w))


def test_weights_that_have_overflowed_have_no_finite_loss():
    assert not np.isfinite(full_objectives(problem("squared"))(np.full((1, 6), 1e300))).any()


def test_many_dense_rows_of_one_output_are_measured_so(monkeypatch):
    assert not measures(problem("logistic"))
    monkeypatch.setattr(full_pass, "LARGE_CELLS", 1)
    assert measures(problem("logistic"))
    assert not measures(problem("softmax"))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("threads", [1, 2])
def test_squares_of_rows_are_those_of_the_scaled_copy(dtype, threads):
    center, width = np.array([1e3, 0, -2, 0, 0]), np.array([1, 2, 1e-3, 1, 5])
    rows = ScaledRows((X * width + center).astype(dtype), center, width, dtype)
    expected = np.square(rows[:].astype(np.float64)).sum(axis=1)
    np.testing.assert_allclose(
        full_pass.row_squares(rows, threads), expected, rtol=1e-6 if dtype == np.float32 else 1e-12
    )
