import tracemalloc
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from descend.losses import loss
from descend.plan import Plan, setting
from descend.problem import Problem, gradient
from descend.problem import moments as gramian
from descend.problem import objectives as direct_objectives
from descend.problem.moments import accumulate, curvatures, fits, gram, growth, hessian, objectives, safe
from descend.table.data import Data


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def squared(X, y, weight=None, **shape):
    return Problem(Data(X, y, weight), loss("squared"), outputs=1 if y.ndim == 1 else y.shape[1], **shape)


def same_bits(a, b):
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 256 rows, the least there is."""
    monkeypatch.setattr(gramian, "BLOCK_CELLS", 1)


def test_moments_are_the_weighted_covariances():
    X, y, weight = random(500, 3) + 5, random(500, 2, seed=1) - 7, np.random.default_rng(2).uniform(0, 2, 500)
    moments = accumulate([Data(X, y, weight)])
    covariance = np.cov(np.c_[X, y].T, aweights=weight, bias=True) * weight.mean()
    np.testing.assert_allclose(moments.G, covariance[:3, :3], rtol=1e-12)
    np.testing.assert_allclose(moments.c, covariance[:3, 3:], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(moments.yy, np.diagonal(covariance)[3:], rtol=1e-12)
    np.testing.assert_allclose(moments.mean, np.average(X, axis=0, weights=weight), rtol=1e-12)
    assert (moments.rows, moments.mass) == (500, pytest.approx(weight.mean()))
    assert np.array_equal(moments.G, moments.G.T)


def test_the_number_of_threads_changes_no_bit(small_blocks):
    data = Data(random(3000, 4), random(3000, seed=1))
    one = accumulate([data], threads=1)
    assert same_bits(one, accumulate([data], threads=2))
    assert same_bits(one, accumulate([data], threads=3))
    assert not same_bits(one, accumulate([data.take(np.arange(3000)[::-1])]))  # another order of summing shows


@pytest.mark.parametrize("cuts", [[1, 2, 255, 256, 257, 2000], [1500], list(range(0, 3000, 100))])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_stream_of_pieces_has_the_bits_of_the_whole(small_blocks, cuts, weighted):
    X, y, weight = random(3000, 4), random(3000, seed=1), np.random.default_rng(2).uniform(0, 2, 3000)
    parts = zip(np.split(X, cuts), np.split(y, cuts), np.split(weight, cuts), strict=True)
    pieces = (Data(a, b, c if weighted else None) for a, b, c in parts)
    assert same_bits(accumulate(pieces, threads=2), accumulate([Data(X, y, weight if weighted else None)]))


def test_weights_stand_for_repeated_rows(small_blocks):
    X, y, times = random(400, 3), random(400, seed=1), np.random.default_rng(2).integers(0, 4, 400)
    repeated = accumulate([Data(np.repeat(X, times, axis=0), np.repeat(y, times))])
    weighted = accumulate([Data(X, y, times / times.mean())])
    for name in ("G", "c", "yy", "mean", "target"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-12, atol=1e-15)


def test_a_block_of_zero_weights_adds_nothing(small_blocks):
    X, y, weight = random(768, 2), random(768, seed=1), np.repeat([1.5, 0.0, 1.5], 256)
    kept = weight > 0
    moments, expected = accumulate([Data(X, y, weight)]), accumulate([Data(X[kept], y[kept])])
    np.testing.assert_allclose(moments.G, expected.G, rtol=1e-13)
    np.testing.assert_allclose(moments.mean, expected.mean, rtol=1e-13)


def test_a_huge_mean_costs_no_digits_of_the_variance(small_blocks):
    column = 1e9 + random(1000)
    exact = [Fraction(x) for x in column]
    mean = sum(exact) / 1000
    variance = float(sum((x - mean) ** 2 for x in exact) / 1000)
    assert accumulate([Data(column[:, None], column)]).G.item() == pytest.approx(variance, rel=1e-12)
    assert (column @ column / 1000 - column.mean() ** 2) != pytest.approx(variance, rel=1e-3)  # raw moments lose it


def test_float32_is_summed_in_float64_without_a_copy():
    X, y = random(100_000, 20).astype(np.float32), random(100_000, seed=1).astype(np.float32)
    assert same_bits(accumulate([Data(X, y)]), accumulate([Data(X.astype(np.float64), y.astype(np.float64))]))
    tracemalloc.start()
    accumulate([Data(X, y)], threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("targets", [(), (3,)])
def test_objectives_are_those_of_a_pass_over_the_data(targets, intercept):
    X, y, weight = random(300, 4) + 3, random(300, *targets, seed=1), np.random.default_rng(2).uniform(0, 2, 300)
    problem = squared(X, y, weight / weight.mean(), intercept=intercept, l2=0.1, l1=0.05)
    weights = random(6, problem.params, seed=3)
    got = objectives(gram(problem), problem, weights)
    np.testing.assert_allclose(got, direct_objectives(problem, weights), rtol=1e-12)


@pytest.mark.parametrize("residual", [1e-8, 1e-6, 1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_a_loss_that_has_cancelled_is_not_given(residual, mean):
    X, w = random(400, 3), np.array([1.0, -2.0, 0.5])
    problem = squared(X + mean, X @ w + residual * random(400, seed=1))
    weights = np.append(w, -mean * w.sum())[None]
    got, true = objectives(gram(problem), problem, weights)[0], direct_objectives(problem, weights)[0]
    assert np.isnan(got) or got == pytest.approx(true, rel=1e-9)
    assert np.isnan(got) == (residual < (1e-3 if mean == 0 else 1.0))


def test_what_has_cancelled_would_have_been_wrong(monkeypatch):
    X, w = random(400, 3), np.array([1.0, -2.0, 0.5])
    problem = squared(X, X @ w + 1e-8 * random(400, seed=1), intercept=False)
    monkeypatch.setattr(gramian, "CANCELLED", 0.0)
    got, true = objectives(gram(problem), problem, w[None])[0], direct_objectives(problem, w[None])[0]
    assert np.isnan(got) or abs(got - true) > 0.1 * true


@pytest.mark.parametrize("intercept", [True, False])
def test_the_hessian_is_the_slope_of_the_gradient(intercept):
    problem = squared(random(50, 3) + 2, random(50, seed=1), intercept=intercept, l2=0.3)
    zero = gradient(problem, np.zeros(problem.params))[1]
    columns = [gradient(problem, e)[1] - zero for e in np.eye(problem.params)]
    np.testing.assert_allclose(hessian(gram(problem), problem), np.transpose(columns), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(curvatures(problem, gram(problem)), np.linalg.eigvalsh(columns), rtol=1e-12)


def test_the_curvature_of_a_column_given_twice_is_zero():
    problem = squared(random(50, 1) @ np.ones((1, 2)), random(50, seed=1))
    assert curvatures(problem, gram(problem))[0] == 0


@pytest.mark.parametrize(
    ("name", "limit"), [("sgd", 2.0), ("momentum", 3.8), ("momentum_keras", 3.8), ("nesterov", 3.8 / 2.8)]
)
def test_a_rule_grows_beyond_its_stability_limit_alone(name, limit):
    values = np.array([0.25, 1.0])
    assert growth(setting(name, lr=0.999 * limit), values) < 1
    assert growth(setting(name, lr=1.001 * limit), values) > 1
    assert np.isnan(growth(setting("adam", lr=1.0), values))


def ill(kappa, rows=200, columns=6):
    U, V = np.linalg.qr(random(rows, columns))[0], np.linalg.qr(random(columns, columns, seed=1))[0]
    X = np.sqrt(rows) * (U * np.geomspace(1, 1 / kappa, columns)) @ V.T
    return squared(X, X @ random(columns, seed=2) + random(rows, seed=3))


@pytest.mark.parametrize(
    ("name", "kappa", "steps", "expected"),
    [
        ("sgd", 10, 1000, True), ("sgd", 1e10, 10_000, True), ("sgd", 1e10, 10**9, False), ("sgd", 10, 10**9, True),
        ("momentum", 10, 10**6, True), ("momentum", 1e6, 100, True), ("momentum", 1e6, 10_000, False),
        ("nesterov", 1e6, 10_000, False), ("adam", 1e10, 10_000, True),
    ],
)  # fmt: skip
def test_safe_follows_the_bound(name, kappa, steps, expected):
    problem = ill(kappa)
    assert safe(problem, Plan((setting(name, lr=0.1),)), gram(problem), steps).tolist() == [expected]


def test_what_cannot_be_trained_from_moments_is_not_safe():
    plan = Plan((setting("sgd", lr=0.1), setting("sgd", lr=0.1, batch_size=10), setting("sgd", lr=10.0)))
    problem = ill(10)
    assert safe(problem, plan, gram(problem), 10).tolist() == [True, False, False]
    one = Plan(plan.settings[:1])
    assert not safe(replace(problem, loss=loss("huber")), one, gram(problem), 10).any()
    short = squared(random(9, 4), random(9))
    assert not fits(short, plan.settings[0])
    huge = squared(1e200 * random(50, 2), random(50))
    assert not safe(huge, one, gram(huge), 10).any()
