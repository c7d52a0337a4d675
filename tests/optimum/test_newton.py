"""Newton's method: where it ends, and how it tells that there is no optimum."""

import numpy as np
import pytest
from scipy.optimize import minimize

from descend.optimum import baseline, bound, optimum
from descend.optimum.newton import newton, point, separates_classes, solver_result, steepness
from descend.optimum.standardised import StandardisedView
from descend.optimum.status import FOUND, SEPARABLE, OptimumStatus
from descend.problem import gradient


@pytest.mark.parametrize("delta", [1e-3, 0.05, 1.0, 100.0])
def test_hubers_optimum_is_found_though_few_rows_curve(make, delta):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5))
    p = make(X, X @ np.arange(1, 6.0) + 70 * rng.standard_t(1.5, 300), "huber", constants={"delta": delta})
    found = optimum(p)
    assert np.linalg.norm(gradient(p, found.weights)[1]) < 1e-9 * delta
    assert np.linalg.norm(gradient(p, found.weights + 1)[1]) > 1e-9 * delta  # the oracle can fail


def test_hubers_lasso_ends_though_no_row_curves(make):
    p = make(np.ones((3, 1)) * [[1.0], [2.0], [4.0]], [1e3, 2e3, -4e3], "huber", l1=0.05, l2=0.0)
    found = optimum(p)
    assert np.isfinite(found.weights).all()
    assert bound(p, found.weights) < 1e-6 * baseline(p)[1]


@pytest.mark.parametrize("name", ["logistic", "poisson", "huber"])
def test_newtons_method_ends_where_scipys_does(small, name):
    view = StandardisedView.of(small(name, rows=60, l2=0.1))
    v, result = newton(view)
    theirs = minimize(view.evaluate, view.start(), jac=True, method="BFGS", options={"gtol": 1e-11})

    assert result == FOUND
    np.testing.assert_allclose(v, theirs.x, atol=1e-7)


def test_the_root_mean_square_slope_worked_by_hand(make):
    """The best constant of 0, 4 is 2: the slopes of the squared loss are 4 and -4."""
    assert steepness(StandardisedView.of(make([[1.0], [2.0]], [0.0, 4.0]))) == pytest.approx(4.0)


def test_classes_are_separated_by_the_sign_of_every_margin(make):
    X, y = [[-2.0], [-1.0], [1.0]], [0, 0, 1]
    free = StandardisedView.plain(make(X, y, "logistic", intercept=False))

    assert separates_classes(free, np.array([1.0]))
    assert not separates_classes(free, np.array([-1.0]))
    assert not separates_classes(free, np.array([0.0]))
    assert newton(free)[1] == SEPARABLE
    penalised = StandardisedView.plain(make(X, y, "logistic", intercept=False, l2=0.1))
    assert not separates_classes(penalised, np.array([1.0]))


def test_a_point_that_is_not_the_optimum_is_not_called_one(small):
    view = StandardisedView.of(small("logistic", l2=0.1))
    small_gradient = 1e-10 * steepness(view)
    result = solver_result(view, point(view, view.start()), small_gradient)

    left = np.linalg.norm(view.evaluate(view.start())[1]) / steepness(view)
    assert result.status is OptimumStatus.NOT_PROVEN
    assert result.reason == f"not found: the solver stopped at a relative gradient of {left:.1g}"
    assert solver_result(view, point(view, newton(view)[0]), small_gradient) == FOUND
