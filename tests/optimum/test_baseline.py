"""The best constant against closed forms and searches."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from descend.optimum import baseline
from descend.problem import objectives


@pytest.mark.parametrize(
    ("name", "y", "best"),
    [
        ("squared", [1.0, 2.0, 6.0], 3.0), ("logistic", [1, 1, 1, 0], np.log(3)), ("poisson", [1, 2, 6], np.log(3)),
        ("quantile", [1.0, 2.0, 60.0], 2.0), ("hinge", [1, 1, 0], 1.0), ("hinge", [0, 1], 0.0),
        ("huber", [0.0, 0.0, 10.0], 0.5), ("huber", [0.0, 0.2, 0.4], 0.2),
    ],
)  # fmt: skip
def test_the_best_constant_by_hand(make, name, y, best):
    weights, objective = baseline(make(np.ones((len(y), 2)), y, name))
    assert weights == pytest.approx([0, 0, best])
    assert objective == pytest.approx(objectives(make(np.ones((len(y), 2)), y, name), weights[None])[0], rel=1e-14)


def test_shares_of_classes(make):
    weights, objective = baseline(make(np.ones((4, 1)), [0, 1, 1, 2], "softmax", outputs=3))
    assert weights[3:] == pytest.approx(np.log([0.25, 0.5, 0.25]))
    assert objective == pytest.approx(1.5 * np.log(2))


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", ["quantile", "huber"])
def test_weighted_constants_are_those_of_a_search(make, name, tau):
    rng = np.random.default_rng(0)
    y, weight = rng.standard_t(2, 31) * 10, rng.uniform(0, 2, 31)
    constants = {"tau": tau} if name == "quantile" else {"delta": tau}
    p = make(np.zeros((31, 0)), y, name, weight / weight.mean(), constants)
    search = minimize_scalar(
        lambda b: objectives(p, np.array([[b]]))[0], bounds=(-60, 60), method="bounded", options={"xatol": 1e-12}
    )
    assert baseline(p)[1] <= search.fun + 1e-12
    assert baseline(p)[1] == pytest.approx(search.fun, rel=1e-9)


def test_the_search_can_fail(make):
    p = make(np.zeros((3, 0)), [0.0, 0.0, 10.0], "huber")
    assert objectives(p, np.array([[10 / 3]]))[0] > baseline(p)[1] + 0.1  # the mean is not it


def test_no_intercept_predicts_zero(make):
    weights, objective = baseline(make(np.ones((3, 2)), [1.0, 2.0, 2.0], intercept=False))
    assert weights.tolist() == [0, 0]
    assert objective == 3.0


def test_several_targets_have_a_constant_each(small):
    p = small("huber", outputs=3)
    weights, objective = baseline(p)
    assert weights[:9].tolist() == [0] * 9
    assert objective == pytest.approx(objectives(p, weights[None])[0], rel=1e-14)


def test_a_class_or_count_that_never_comes_stays_finite(make):
    assert np.isfinite(baseline(make(np.ones((3, 1)), [0, 0, 0], "poisson"))[0]).all()
    assert np.isfinite(baseline(make(np.ones((3, 1)), [1, 1, 1], "logistic"))[0]).all()
    assert np.isfinite(baseline(make(np.ones((3, 1)), [0, 1, 1], "softmax", outputs=3))[0]).all()
