"""What is known of an objective before training: the aim and the gap, against numbers worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from descend.losses import loss
from descend.optimum import OptimumStatus, sharpness
from descend.optimum.landscape import Landscape
from descend.problem import Problem
from descend.problem.initialise import initial
from descend.problem.network import Network
from descend.table.data import Data


@pytest.fixture(scope="module")
def problem():
    """A network on a small table."""
    X = np.random.default_rng(0).normal(size=(640, 3))
    return Problem(Data(X, X[:, 0] ** 2), loss("squared"), network=Network((3, 4, 1)))


def test_the_aim_is_relative_to_the_optimum_or_to_what_can_be_gained():
    x = np.linspace(-1, 1, 50)[:, None]
    exact = Landscape.of(Problem(Data(x, 3 * x[:, 0] + 1), loss("squared")))
    assert 0 < exact.aim(1e-4) <= 1.1e-7 * exact.baseline + 1e-12
    noisy = Landscape.of(Problem(Data(x, 3 * x[:, 0] + np.tile([1.0, -1.0], 25)), loss("squared")))
    assert noisy.aim(1e-4) == pytest.approx(noisy.optimum.objective * (1 + 1e-4), rel=1e-6)


def test_the_landscape_of_a_network_knows_no_optimum(problem):
    landscape = Landscape.of(problem)

    assert landscape.optimum.status is OptimumStatus.NOT_CONVEX
    assert landscape.aim(1e-4) is None
    assert landscape.gap(1.0) is None
    assert landscape.baseline == pytest.approx(problem.data.y.var())


def test_curvature_optimum_and_baseline_of_a_line_worked_by_hand():
    """x = -1, 1 and y = 0, 4: mean 2, slope 2, exact; the baseline leaves the variance, 4; the Hessian is 2 I."""
    landscape = Landscape.of(Problem(Data(np.array([[-1.0], [1.0]]), np.array([0.0, 4.0])), loss("squared")))

    assert landscape.curvature.largest == pytest.approx(2.0)
    assert landscape.optimum.weights.tolist() == pytest.approx([2.0, 2.0])
    assert (landscape.baseline, landscape.baseline_weights.tolist()) == (4.0, [0.0, 2.0])
    assert landscape.gap(1.0) == pytest.approx(0.25)
    assert landscape.gap(4.0) == pytest.approx(1.0)


def test_where_classes_are_separable_nothing_is_aimed_at():
    data = Data(np.array([[-1.0], [1.0]]), np.array([0.0, 1.0]))
    landscape = Landscape.of(Problem(data, loss("logistic")))

    assert landscape.optimum.status is OptimumStatus.SEPARABLE
    assert (landscape.aim(1e-4), landscape.gap(0.1)) == (None, None)


def test_the_curvature_of_a_network_is_its_sharpness_at_the_initial_weights(problem):
    other = initial(problem.network, "auto", 3)

    assert Landscape.of(problem, other).curvature.largest == sharpness(problem, other).largest
    assert Landscape.of(problem).curvature.largest != Landscape.of(problem, other).curvature.largest


def test_some_rows_with_the_moments_of_all_have_the_curvature_of_all():
    rng = np.random.default_rng(0)
    whole = Problem(Data(rng.standard_normal((50, 3)), rng.standard_normal(50)), loss("squared"), l2=0.1)
    part = replace(whole, data=whole.data.take(np.arange(0, 50, 5)).with_gram(whole.data.gram()))
    fresh, known = Landscape.of(whole), Landscape.of(whole)
    expected = known.curvature.largest
    for landscape in (fresh, known):  # measured afterwards, or before
        some = landscape.on_some(part).curvature
        assert some.largest == expected
        assert some.row_largest == max(2 * (np.square(part.data.X).sum(axis=1) + 1)) + 0.1
    assert Landscape.of(part).optimum.weights is not None
    assert Landscape.of(replace(part, data=part.data.with_gram(None))).curvature.largest != expected
