"""Conjugates against their definition, the largest of z d - loss(z), searched."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from descend.losses import loss
from descend.optimum.conjugate import FENCHEL_YOUNG, balanced, balanced_classes

CASES = [
    ("squared", 0.7, [-3.0, 0.4, 2.0]), ("huber", 0.7, [-0.9, 0.4]), ("poisson", 3.0, [-2.5, 0.4, 2.0]),
    ("logistic", 1.0, [-0.9, -0.2]), ("logistic", 0.0, [0.1, 0.8]), ("quantile", 0.7, [-0.4, 0.3]),
    ("hinge", 1.0, [-0.9, -0.2]), ("hinge", 0.0, [0.1, 0.8]),
]  # fmt: skip


def conjugate(name, y, d):
    """The largest of z d - loss(z) over z."""
    found = minimize_scalar(lambda z: float(loss(name).evaluate(np.array([z]), np.array([y]))[0][0] - z * d),
                            bounds=(-30, 30), method="bounded", options={"xatol": 1e-11})  # fmt: skip
    return -found.fun


@pytest.mark.parametrize(("name", "y", "slopes"), CASES)
def test_a_miss_is_loss_plus_conjugate_minus_product(name, y, slopes):
    for d in slopes:
        for z in (-2.0, 0.1, 1.5):
            value = float(loss(name).evaluate(np.array([z]), np.array([y]))[0][0])
            missed = FENCHEL_YOUNG[name](np.array([z]), np.array([y]), np.array([d]))[0]
            assert missed == pytest.approx(value + conjugate(name, y, d) - z * d, abs=1e-7)


@pytest.mark.parametrize("name", [name for name in FENCHEL_YOUNG if name != "softmax"])
def test_the_slope_itself_misses_nothing(small, name):
    p = small(name)
    z = np.random.default_rng(0).standard_normal(23)
    d = p.loss.evaluate(z, p.data.y)[1]
    np.testing.assert_allclose(FENCHEL_YOUNG[name](z, p.data.y, d), 0, atol=1e-14)
    assert (FENCHEL_YOUNG[name](z, p.data.y, 0.5 * d) >= -1e-15).all()
    if name not in ("quantile", "hinge"):  # the oracle can fail: another slope misses
        assert FENCHEL_YOUNG[name](z, p.data.y, 0.5 * d).max() > 1e-3


def test_softmax_of_two_classes_is_logistic():
    z, y, d = np.array([0.3, -2.0]), np.array([1.0, 0.0]), np.array([-0.2, 0.4])
    both = FENCHEL_YOUNG["softmax"](np.column_stack([0 * z, z]), y, np.column_stack([-d, d]))
    np.testing.assert_allclose(both, FENCHEL_YOUNG["logistic"](z, y, d), rtol=1e-12)


def test_balanced_slopes_add_up_to_zero_and_only_get_shorter():
    rng = np.random.default_rng(0)
    d, share = rng.standard_normal(20) + 0.3, rng.uniform(0, 1, 20)
    after = balanced(d, share)
    assert share @ after == pytest.approx(0, abs=1e-15)
    assert (np.abs(after) <= np.abs(d)).all()
    assert (after * d >= 0).all()


def test_balanced_classes_keep_probabilities():
    rng = np.random.default_rng(0)
    q, share, y = rng.dirichlet(np.ones(3), 20), rng.uniform(0, 1, 20), np.arange(20) % 3
    own = np.eye(3)[y]
    after = balanced_classes(q - own, y, share) + own
    assert (after >= 0).all()
    np.testing.assert_allclose(after.sum(axis=1), 1)
    np.testing.assert_allclose(share @ after, share @ own)
