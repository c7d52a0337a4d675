"""Turned features are orthonormal, and the problem stays the same."""

import numpy as np
import pytest

from descend.optimum.orthogonal import orthonormal, triangular_factor
from descend.optimum.standardised import StandardisedView
from descend.problem import objectives


def test_the_triangle_has_the_moments_of_the_rows(small):
    p = small("squared", rows=50, weighted=True)
    view = StandardisedView.of(p)
    R = triangular_factor(view, np.array([0.7]), np.ones(3))
    joint = np.column_stack([view.features(slice(0, 50)), p.data.y - 0.7])
    moments = joint.T @ (joint * p.data.sample_weight[:, None]) / 50 + np.diag([1.0, 1, 1, 0])
    np.testing.assert_allclose(R.T @ R, moments, rtol=1e-12)


def test_features_that_are_nearly_alike_become_orthonormal(make):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(80)
    X = np.column_stack([x, x + 1e-9 * rng.standard_normal(80), x - rng.standard_normal(80), x, np.ones(80)])
    p = make(X, x > 0, "logistic", l2=0.1)
    view = orthonormal(StandardisedView.of(p))
    turned = view.features(slice(0, 80))
    assert view.width == 3
    np.testing.assert_allclose(turned.T @ turned / 80, np.eye(3), atol=1e-6)
    v = rng.standard_normal(4) * 1e-9
    assert view.evaluate(v)[0] == pytest.approx(float(objectives(p, view.original(v)[None])[0]), rel=1e-9)


def test_well_conditioned_features_are_left_as_they_are(small):
    view = StandardisedView.of(small("logistic"))
    assert orthonormal(view) is view
