"""The optimum where it is hard: bad conditioning, no finite minimum, l1, many weights, odd shapes."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import expit
from sklearn import linear_model as theirs

from descend.optimum import OptimumStatus, baseline, bound, optimum
from descend.problem import gradient, objectives


def outputs(name):
    return {"outputs": 3} if name == "softmax" else {}


def searched(p):
    """What BFGS finds."""
    w = baseline(p)[0]
    for _ in range(5):
        w = minimize(
            lambda w: float(objectives(p, w[None])[0]), w, jac=lambda w: gradient(p, w)[1], method="BFGS",
            options={"gtol": 1e-12, "maxiter": 5000},
        ).x  # fmt: skip
    return float(objectives(p, w[None])[0])


@pytest.mark.parametrize("condition", [1, 1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("name", ["squared", "huber", "logistic", "poisson", "softmax"])
def test_badly_conditioned_features_reach_what_bfgs_reaches_on_good_ones(make, conditioned, name, condition):
    good, bad, y = conditioned(name, int(condition), condition)
    found, other = optimum(make(bad, y, name, **outputs(name))), make(good, y, name, **outputs(name))
    assert abs(found.objective - searched(other)) <= 1e-6 * (baseline(other)[1] - found.objective)


def test_bfgs_on_the_bad_features_would_fail_that(make, conditioned):
    good, bad, y = conditioned("logistic", 1, 1e8)
    missing = searched(make(bad, y, "logistic")) - searched(make(good, y, "logistic"))
    assert missing > 1e-6 * (baseline(make(good, y, "logistic"))[1] - searched(make(good, y, "logistic")))


@pytest.mark.parametrize("name", ["huber", "logistic", "poisson", "softmax"])
@pytest.mark.parametrize("factor", [1e-12, 1e12, 1e200])
def test_a_column_far_larger_than_another(make, conditioned, name, factor):
    X, _, y = conditioned(name, 0, 1)
    plain, scaled = (optimum(make(X * [f, 1, 1, 1], y, name, **outputs(name))) for f in (1, factor))
    assert scaled.objective == pytest.approx(plain.objective, rel=1e-9)


@pytest.mark.parametrize("name", ["squared", "huber", "logistic", "poisson", "softmax", "quantile", "hinge"])
def test_collinear_and_constant_columns_change_nothing(small, make, name):
    p = small(name, rows=200, **outputs(name))
    y = np.where(np.arange(200) % 7 == 0, 1, p.data.y) if name in ("logistic", "hinge") else p.data.y
    y = np.where(np.arange(200) % 5 == 0, np.arange(200) % 3, y) if name == "softmax" else y
    X = p.data.X
    more = np.column_stack([X, X @ [1, 2, 3], np.full(200, 7.0)])
    once, twice = (optimum(make(Z, y, name, **outputs(name))) for Z in (X, more))
    assert twice.objective == pytest.approx(once.objective, rel=1e-9)
    assert np.abs(twice.weights).max() < 100


@pytest.mark.parametrize("name", ["squared", "huber", "quantile"])
def test_one_row_is_fitted(make, name):
    assert optimum(make([[1.0, 2.0]], [3.0], name)).objective == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", ["squared", "huber", "logistic", "poisson", "quantile", "hinge", "softmax"])
def test_no_columns_leave_the_baseline(small, make, name):
    p = small(name, rows=60, **outputs(name))
    empty = make(np.zeros((60, 0)), p.data.y, name, **outputs(name))
    assert optimum(empty).objective == pytest.approx(baseline(empty)[1], abs=1e-9)
    assert optimum(make(np.zeros((60, 0)), p.data.y, name, intercept=False, **outputs(name))).weights.shape == (0,)


def test_float32_is_solved_in_float64(make, conditioned):
    X, _, y = conditioned("logistic", 0, 1)
    X = (X + 1000).astype(np.float32)
    narrow, wide = optimum(make(X, y, "logistic")), optimum(make(X.astype(np.float64), y, "logistic"))
    np.testing.assert_array_equal(narrow.weights, wide.weights)


def test_a_large_mean_costs_no_digits(make, conditioned):
    X, _, y = conditioned("squared", 0, 1)
    for name in ("squared", "huber"):
        moved, still = optimum(make(X + 1e6, y, name)), optimum(make(X, y, name))
        assert moved.objective == pytest.approx(still.objective, rel=1e-9)


SEPARABLE = "separable: no finite optimum"
PARTLY = "no finite optimum: some predictions keep improving as the weights grow"
NO_CLASS = "no finite optimum: a class has no example"
STATUS = {"": OptimumStatus.FOUND, SEPARABLE: OptimumStatus.SEPARABLE}


def test_no_finite_optimum_is_told_from_one(make):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2))
    mixed = (X[:, 0] + rng.logistic(size=60) > 0) * 1.0
    first = np.arange(60) < 3
    marked, three = np.column_stack([X, first]), np.where(first, 0, np.arange(60) % 3)
    cases = [
        (make(X, X[:, 0] > 0, "logistic"), SEPARABLE),
        (make(X, 1 + (X[:, 0] > 0) - (X[:, 0] < -1), "softmax", outputs=3), SEPARABLE),
        (make(X, np.arange(60) % 3, "softmax", outputs=3), ""),
        (make(X, mixed, "logistic"), ""),
        (make(marked, np.where(first, 1, mixed), "logistic"), PARTLY),
        (make(marked, np.where(first, 1, mixed), "logistic", l2=1e-6), ""),
        (make(marked, three, "softmax", outputs=3), PARTLY),
        (make(marked, np.where(first, 0, np.arange(60) % 4), "poisson"), PARTLY),
        (make(X, np.zeros(60), "poisson", l2=1.0), "no finite optimum: every count is 0"),
        (make(X, np.ones(60), "logistic"), SEPARABLE),
        (make(X, np.ones(60), "logistic", l2=0.1), NO_CLASS),
        (make(X, np.ones(60), "logistic", intercept=False), ""),
        (make(X, three % 2, "softmax", outputs=3, l2=0.1), NO_CLASS),
    ]
    for p, reason in cases:
        found = optimum(p)
        assert found.reason == reason
        assert found.status is STATUS.get(reason, OptimumStatus.UNBOUNDED)
        assert (found.weights is None) == bool(reason)
        assert np.isfinite(found.objective) != bool(reason)


@pytest.mark.parametrize("penalty", [{"l1": 0.02}, {"l1": 0.02, "l2": 0.05}])
@pytest.mark.parametrize("name", ["squared", "huber", "logistic", "poisson", "softmax"])
def test_an_absolute_penalty_is_solved_and_proven(small, name, penalty):
    p = small(name, rows=80, weighted=True, **penalty, **outputs(name))
    found = optimum(p)
    assert found.method == "proximal newton"
    assert found.gradient_norm < 1e-10
    assert bound(p, found.weights) < 1e-12


def test_elastic_net_and_lasso_for_classes_are_scikit_learns(small):
    p = small("squared", rows=80, l1=0.1, l2=0.2)
    model = theirs.ElasticNet(alpha=0.15, l1_ratio=1 / 3, tol=1e-14).fit(p.data.X, p.data.y)
    np.testing.assert_allclose(optimum(p).weights, [*model.coef_, model.intercept_], atol=1e-8)


def test_poisson_with_a_penalty_is_scikit_learns(small):
    p = small("poisson", rows=80, l2=0.2)
    model = theirs.PoissonRegressor(alpha=0.2, tol=1e-12, max_iter=1000).fit(p.data.X, p.data.y)
    np.testing.assert_allclose(optimum(p).weights, [*model.coef_, model.intercept_], atol=1e-7)


@pytest.mark.parametrize("name", ["huber", "quantile", "squared"])
def test_several_targets_are_the_mean_of_each(small, make, name):
    p = small(name, rows=60, outputs=3, **({} if name == "quantile" else {"l2": 0.1}), l1=0.01)
    parts = [optimum(make(p.data.X, y, name, l2=3 * p.l2, l1=0.03)).objective for y in p.data.y.T]
    assert optimum(p).objective == pytest.approx(np.mean(parts), rel=1e-9)


def test_weights_of_zero_leave_a_row_out(make, conditioned):
    X, _, y = conditioned("logistic", 0, 1)
    weight = np.where(np.arange(120) < 60, 2.0, 0.0)
    y[60:] = 1 - y[60:]
    half, whole = optimum(make(X[:60], y[:60], "logistic", l2=0.1)), optimum(make(X, y, "logistic", weight, l2=0.1))
    np.testing.assert_allclose(whole.weights, half.weights, rtol=1e-8)


def test_where_all_weights_are_best_at_zero_the_baseline_is_the_optimum(small):
    p = small("logistic", rows=60, l1=10.0)
    found = optimum(p)
    assert found.weights[:3].tolist() == [0, 0, 0]
    assert found.objective == pytest.approx(baseline(p)[1], rel=1e-14)


@pytest.mark.parametrize("name", ["squared", "huber", "logistic", "poisson", "softmax"])
@pytest.mark.parametrize("factor", [1e-3, 10, 1e3])
def test_a_penalty_is_shared_by_collinear_columns_as_their_scales_ask(small, make, name, factor):
    p = small(name, rows=60, **outputs(name))
    both = np.column_stack([p.data.X, factor * p.data.X])
    found = optimum(make(both, p.data.y, name, l2=0.1, **outputs(name)))
    alone = make(p.data.X, p.data.y, name, l2=0.1 / (1 + factor**2), **outputs(name))  # w = (a, factor a)
    assert found.objective == pytest.approx(optimum(alone).objective, rel=1e-9)
    own = found.weights[: 6 * p.outputs].reshape(2, -1)
    np.testing.assert_allclose(own[1], factor * own[0], rtol=1e-5, atol=1e-8)


def test_more_columns_than_rows_of_other_scales_with_a_penalty(make):
    x = np.geomspace(1e-3, 1e3, 7)
    found = optimum(make(x[None], [1.0], "logistic", l2=0.5, intercept=False))
    size = float(x @ x)
    t = brentq(lambda t: 0.5 * t - expit(-t * size), 0, 2, xtol=1e-15, rtol=1e-13)  # the weights are t x
    np.testing.assert_allclose(found.weights, t * x, rtol=1e-9)


@pytest.mark.parametrize("name", ["squared", "huber", "logistic", "softmax"])
def test_collinear_columns_far_from_zero_are_still_seen_as_collinear(small, make, name):
    p = small(name, rows=60, **outputs(name))
    x = np.round(p.data.X[:, :1], 6)
    far = make(np.column_stack([x + 1e5, 2 * x + 1e5]), p.data.y, name, **outputs(name))
    found = optimum(far)
    assert found.objective == pytest.approx(optimum(make(x, p.data.y, name, **outputs(name))).objective, rel=1e-7)
    assert found.objective == pytest.approx(float(objectives(far, found.weights[None])[0]), rel=1e-9)


def test_features_without_effect_are_left_at_zero(make):
    found = optimum(make(np.zeros((3, 2)), [0, 1, 1], "logistic", l2=0.1, intercept=False))
    assert found.weights.tolist() == [0, 0]


def test_one_count_is_predicted_by_the_bias(make):
    found = optimum(make([[1.0, 2.0]], [5.0], "poisson"))
    assert found.objective == pytest.approx(5 - 5 * np.log(5))


def test_a_small_penalty_makes_an_optimum(make):
    X = np.random.default_rng(0).standard_normal((5, 6))
    for name, y in (("poisson", [0, 0, 0, 2, 0]), ("logistic", [0, 1, 0, 1, 0])):
        p = make(X, y, name, l2=1e-6)
        found = optimum(p)
        assert found.reason == ""
        assert bound(p, found.weights) < 1e-7 * baseline(p)[1] + 1e-9


def test_without_columns_hubers_optimum_is_its_best_constant(make):
    y = np.random.default_rng(0).standard_t(1.5, 5) * 1e3
    found = optimum(make(np.zeros((5, 0)), y, "huber", constants={"delta": 0.01}, l1=0.1))
    assert (found.method, found.reason) == ("best constant", "")
    nearby = found.weights + np.linspace(-1, 1, 201)[:, None]
    values = objectives(make(np.zeros((5, 0)), y, "huber", constants={"delta": 0.01}), nearby)
    assert found.objective <= values.min() + 1e-9


@pytest.mark.parametrize("name", ["squared", "huber"])
def test_a_target_beyond_float64_has_no_optimum_and_says_so(make, name):
    X = np.random.default_rng(0).standard_normal((30, 2))
    y = X[:, 0].copy()
    y[7] = 1e200
    found = optimum(make(X, y, name))
    assert (found.weights is None) == (found.status is not OptimumStatus.FOUND)
    if name == "squared":
        assert (found.status, found.reason) == (
            OptimumStatus.NOT_SOLVED,
            "not computed: the objective overflows float64",
        )
