"""The covariance of weights: against the textbook sandwich, a bootstrap, and how often its intervals hold the truth."""

import dataclasses

import numpy as np
import pytest

from descend import optimum as exact
from descend.losses import loss
from descend.optimum.covariance import MOST_CELLS, MOST_PARAMS, covariance
from descend.problem import Problem
from descend.table.data import Data

SIMULATIONS = 300


def problem_of(X, y, name="squared", outputs=1, weight=None, **options):
    return Problem(Data(X, np.asarray(y, np.float64), weight), loss(name), loss(name).constants, outputs, **options)


def by_hand(X, y):
    """White's covariance with HC3 of ordinary least squares: (A'A)^-1 A' diag(e / (1 - h))^2 A (A'A)^-1."""
    A = np.c_[X, np.ones(len(X))]
    inverse = np.linalg.inv(A.T @ A)
    w = inverse @ A.T @ y
    h = np.einsum("ij,jk,ik->i", A, inverse, A)
    e = (y - A @ w) / (1 - h)
    return w, inverse @ (A.T * e**2) @ A @ inverse


@pytest.fixture
def squares():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)) * [1.0, 2.0, 0.5]
    return X, X @ [1.0, -2.0, 0.5] + 3 + rng.normal(size=80) * (1 + np.abs(X[:, 0]))


def test_least_squares_has_the_sandwich_of_the_textbook(squares):
    w, expected = by_hand(*squares)
    found = covariance(problem_of(*squares), w)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-10)
    assert found.freedom == 76


def test_a_row_of_weight_two_has_the_gradient_of_two_and_moves_alone(squares):
    X, y = squares
    weight = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    weight /= weight.mean()
    A, root = np.c_[X, np.ones(len(y))], np.sqrt(weight)
    w, expected = by_hand_weighted(A, y, weight)
    assert root.shape == y.shape
    np.testing.assert_allclose(covariance(problem_of(X, y, weight=weight), w).matrix, expected, rtol=1e-10)


def by_hand_weighted(A, y, weight):
    inverse = np.linalg.inv((A.T * weight) @ A)
    w = inverse @ (A.T * weight) @ y
    h = weight * np.einsum("ij,jk,ik->i", A, inverse, A)
    e = weight * (y - A @ w) / (1 - h)
    return w, inverse @ (A.T * e**2) @ A @ inverse


@pytest.mark.parametrize(("name", "outputs"), [("logistic", 1), ("poisson", 1), ("huber", 1), ("softmax", 3)])
def test_standard_errors_are_those_of_a_bootstrap(small, name, outputs):
    problem = small(name, rows=400, outputs=outputs, l2=1e-3)
    w = exact.optimum(problem).weights
    rng, data, draws = np.random.default_rng(2), problem.data, []
    for _ in range(60):
        rows = np.sort(rng.integers(0, data.rows, data.rows))
        again = dataclasses.replace(problem, data=Data(data.X[rows], data.y[rows], None, data.names))
        draws.append(exact.optimum(again).weights - w)

    found = np.sqrt(np.diagonal(covariance(problem, w).matrix))

    ratio = found / np.std(draws, axis=0)
    assert 0.8 < np.median(ratio) < 1.25  # sixty draws know a standard deviation to a tenth
    assert ((ratio > 0.6) & (ratio < 1.7)).all()


@pytest.mark.parametrize("name", ["squared", "logistic"])
def test_nineteen_of_twenty_intervals_hold_the_truth(name):
    rng, truth, held = np.random.default_rng(3), np.array([0.8, -0.5, 0.3]), []
    for _ in range(SIMULATIONS):
        X = rng.normal(size=(120, 2))
        z = X @ truth[:2] + truth[2]
        y = (
            z + rng.normal(size=120) * (0.5 + X[:, 0] ** 2)
            if name == "squared"
            else rng.random(120) < 1 / (1 + np.exp(-z))
        )
        problem = problem_of(X, y, name)
        w = exact.optimum(problem).weights
        margin = covariance(problem, w).margin(np.eye(3))
        held.append(np.abs(w - truth) <= margin)
    assert 0.93 <= np.mean(held) <= 0.97


def test_noise_that_is_taken_to_be_the_same_everywhere_would_be_seen():
    """The control: the usual standard errors are too small where the noise grows with a feature."""
    rng, held = np.random.default_rng(3), []
    for _ in range(SIMULATIONS):
        X = rng.normal(size=(120, 1))
        y = X[:, 0] + rng.normal(size=120) * (0.5 + X[:, 0] ** 2)
        A = np.c_[X, np.ones(120)]
        w, *_ = np.linalg.lstsq(A, y, rcond=None)
        variance = np.sum((y - A @ w) ** 2) / 118 * np.linalg.inv(A.T @ A)[0, 0]
        held.append(abs(w[0] - 1) <= 1.98 * np.sqrt(variance))
    assert np.mean(held) < 0.93


def test_of_many_rows_evenly_spaced_ones_stand_for_all():
    rng = np.random.default_rng(4)
    rows = 3 * MOST_CELLS // 4
    X = rng.normal(size=(rows, 4)).astype(np.float32)
    y = X @ np.array([1.0, 0.0, -1.0, 2.0]) + rng.normal(size=rows)
    found = covariance(problem_of(X, y), np.array([1.0, 0.0, -1.0, 2.0, 0.0]))
    np.testing.assert_allclose(np.sqrt(np.diagonal(found.matrix)), 1 / np.sqrt(rows), rtol=0.02)
    assert found.freedom == rows - 5


def test_columns_that_add_up_to_one_leave_the_other_standard_errors_as_they_are(squares):
    X, y = squares
    halves = np.eye(2)[np.arange(len(y)) % 2]
    both = problem_of(np.c_[X, halves], y, l2=1e-8)
    one = problem_of(np.c_[X, halves[:, :1]], y, l2=1e-8)
    errors = [np.sqrt(np.diagonal(covariance(p, exact.optimum(p).weights).matrix))[:3] for p in (both, one)]
    np.testing.assert_allclose(errors[0], errors[1], rtol=1e-4)


@pytest.mark.parametrize(
    "change",
    [{"l1": 0.1}, {"loss": loss("hinge")}, {"loss": loss("quantile"), "constants": {"quantile": 0.5}}],
    ids=["l1", "hinge", "quantile"],
)
def test_there_is_none_where_it_is_not_known(small, change):
    problem = dataclasses.replace(small("squared"), **change)
    assert covariance(problem, np.zeros(problem.params)) is None


def test_there_is_none_of_fewer_rows_than_weights_or_too_many_weights():
    rng = np.random.default_rng(5)
    few, wide = rng.normal(size=(4, 6)), rng.normal(size=(MOST_PARAMS + 50, MOST_PARAMS + 1))
    assert covariance(problem_of(few, few[:, 0]), np.zeros(7)) is None
    assert covariance(problem_of(wide, wide[:, 0]), np.zeros(MOST_PARAMS + 2)) is None
