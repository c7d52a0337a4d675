"""Hessians against finite differences of the gradient, and the solution of their systems against NumPy."""

import numpy as np
import pytest

from descend.optimum.hessians import hessian, hessian_kinds, solve_system
from descend.optimum.standardised import StandardisedView


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", ["squared", "huber", "logistic", "poisson"])
def test_the_hessian_is_the_slope_of_the_gradient(small, name, intercept):
    view = StandardisedView.of(small(name, weighted=True, l2=0.2, intercept=intercept))
    v = 0.5 * np.random.default_rng(1).standard_normal(view.problem.params)

    numeric = [(view.evaluate(v + e)[1] - view.evaluate(v - e)[1]) / 2e-5 for e in 1e-5 * np.eye(len(v))]

    np.testing.assert_allclose(hessian(view, v), numeric, rtol=1e-6, atol=1e-8)


def test_the_hessian_of_softmax_is_lifted_only_where_all_classes_move_alike(small):
    view = StandardisedView.of(small("softmax", outputs=3))
    v = np.random.default_rng(1).standard_normal(view.problem.params)
    numeric = np.array([(view.evaluate(v + e)[1] - view.evaluate(v - e)[1]) / 2e-5 for e in 1e-5 * np.eye(len(v))])
    between = np.kron(np.eye(4), np.eye(3) - 1 / 3)  # directions that add up to 0 over the classes

    H = hessian(view, v)

    np.testing.assert_allclose(between @ H @ between, numeric, rtol=1e-6, atol=1e-8)
    assert np.linalg.eigvalsh(H)[0] > 1e-3 > 1e-8 > abs(np.linalg.eigvalsh((numeric + numeric.T) / 2)[0])


def test_hubers_majorant_takes_slope_over_residual_worked_by_hand(make):
    """Residuals 0.5 and 4 at delta 1: the true second derivatives are 1 and 0, the majorant has 1 and 1/4."""
    view = StandardisedView.plain(make([[1.0], [1.0]], [0.5, 4.0], "huber", constants={"delta": 1.0}, intercept=False))

    assert hessian(view, np.zeros(1), "true") == pytest.approx(0.5)
    assert hessian(view, np.zeros(1), "majorant") == pytest.approx(0.625)
    assert hessian_kinds(view) == ("true", "slight", "between", "majorant")
    assert hessian_kinds(StandardisedView.plain(make([[1.0]], [0.5]))) == ("true",)


@pytest.mark.parametrize("scales", [(1.0, 1.0, 1.0), (1e-6, 1.0, 1e6)])
def test_a_regular_system_is_solved_as_numpy_does(scales):
    A = np.random.default_rng(0).standard_normal((8, 3)) * scales
    g = np.array([1.0, -2.0, 3.0]) * scales

    np.testing.assert_allclose(solve_system(A.T @ A, g), np.linalg.solve(A.T @ A, g), rtol=1e-9)


def test_of_a_singular_system_the_smallest_solution_is_taken():
    A = np.random.default_rng(0).standard_normal((8, 2))
    A = np.column_stack([A, A[:, 0]])
    g = A.T @ np.arange(8.0)

    step = solve_system(A.T @ A, g)

    np.testing.assert_allclose(step, np.linalg.pinv(A.T @ A) @ g, rtol=1e-9)
    assert solve_system(np.zeros((2, 2)), np.zeros(2)).tolist() == [0.0, 0.0]
    assert solve_system(np.zeros((0, 0)), np.zeros(0)).shape == (0,)
