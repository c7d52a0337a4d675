"""The interior-point method against independent solvers, and against every point around its result."""

import numpy as np
import pytest
from benchmarks.answers.data import Rows
from benchmarks.answers.oracles import Objective
from scipy.optimize import minimize
from sklearn.svm import SVC

from descend.optimum import OptimumStatus, optimum
from descend.optimum.interior_point import interior_point
from descend.problem import objectives


def drawn(make, name, rows, l2, seed=0, weighted=False, **options):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    z = X @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=rows)
    weight = rng.uniform(0.1, 2, rows) if weighted else None
    y, constants = (z, {"tau": 0.8}) if name == "quantile" else ((z > 0) * 1.0, {})
    return make(X, y, name, None if weight is None else weight / weight.mean(), constants, l2=l2, **options)


@pytest.mark.parametrize("l2", [1e-6, 1e-4, 0.01, 1.0])
def test_hinge_is_the_support_vector_machine(make, l2):
    p = drawn(make, "hinge", 200, l2)
    found = optimum(p)
    theirs = SVC(kernel="linear", C=1 / (200 * l2), tol=1e-8).fit(p.data.X, p.data.y)
    w = np.append(theirs.coef_[0], theirs.intercept_)

    assert (found.status, found.method) == (OptimumStatus.FOUND, "interior point")
    assert found.objective <= float(objectives(p, w[None])[0]) * (1 + 1e-8)
    assert found.objective == pytest.approx(float(objectives(p, w[None])[0]), rel=1e-6 if l2 > 1e-5 else 1e-3)
    np.testing.assert_allclose(found.weights, w, atol=2e-3 if l2 > 1e-5 else 0.05)


@pytest.mark.parametrize("l2", [1e-4, 0.01, 1.0])
def test_quantile_is_the_quadratic_program(make, l2):
    """Over weights and what rows miss above and below, by SciPy's SLSQP."""
    p = drawn(make, "quantile", 15, l2)
    X, y = np.column_stack([p.data.X, np.ones(15)]), p.data.y

    def value(x):
        return (0.8 * x[5:20] + 0.2 * x[20:]).sum() / 15 + l2 / 2 * x[:4] @ x[:4]

    start = np.concatenate([np.zeros(5), np.maximum(y, 0), np.maximum(-y, 0)])
    equal = {"type": "eq", "fun": lambda x: X @ x[:5] + x[5:20] - x[20:] - y}
    bounds = [(None, None)] * 5 + [(0, None)] * 30
    theirs = minimize(
        value, start, constraints=[equal], bounds=bounds, method="SLSQP", options={"ftol": 1e-14, "maxiter": 1000}
    )
    assert optimum(p).objective == pytest.approx(theirs.fun, rel=1e-6)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("name", ["quantile", "hinge"])
def test_no_point_around_is_lower(make, name, weighted, intercept):
    p = drawn(make, name, 300, 1e-3, weighted=weighted, intercept=intercept)
    found = optimum(p)
    rng = np.random.default_rng(1)
    around = found.weights + np.geomspace(1e-6, 1, 400)[:, None] * rng.normal(size=(400, p.params))
    assert objectives(p, around).min() >= found.objective * (1 - 1e-8)
    assert found.objective < float(objectives(p, np.zeros((1, p.params)))[0])


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_units_of_features_and_target_do_not_matter(make, scale):
    p = drawn(make, "quantile", 100, 0.0)
    moved = make(p.data.X * scale, p.data.y * scale, "quantile", None, {"tau": 0.8}, l2=0.01 * scale)
    plain = make(p.data.X, p.data.y, "quantile", None, {"tau": 0.8}, l2=0.01)
    assert optimum(moved).objective == pytest.approx(scale * optimum(plain).objective, rel=1e-6)


@pytest.mark.parametrize("name", ["quantile", "hinge"])
@pytest.mark.parametrize("far", [1e3, 1e5, 1e7])
def test_columns_far_from_zero_without_an_intercept(make, name, far):
    """Nearly the same as each other, they are solved as their small differences and one mean are."""
    p = drawn(make, name, 60, 0.0)
    X = p.data.X + far * np.array([1.0, 0.0, -1.0, 1.0])
    found = optimum(make(X, p.data.y, name, None, p.constants, l2=1e-4, intercept=False))
    case = Rows(X=X, y=p.data.y, weight=None, loss=name)
    theirs = Objective.of(case, l2=1e-4, l1=0.0, scale=False, intercept=False, constant=p.constants.get("tau"))

    assert found.status == OptimumStatus.FOUND
    assert found.objective == pytest.approx(theirs.minimum(), rel=1e-6)


def test_what_would_take_too_long_is_said(make):
    weights, result = interior_point(drawn(make, "hinge", 2_000_001, 0.1))
    assert (len(weights), result.status) == (0, OptimumStatus.NOT_SOLVED)
    assert result.reason == "an interior-point method on 2,000,001 rows of 5 weights would take too long"
