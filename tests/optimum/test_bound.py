"""The proven bound: never below the true distance, zero at the optimum."""

import importlib

import numpy as np
import pytest

from descend.optimum import baseline, bound, optimum
from descend.problem import objectives

LOSSES = ["squared", "huber", "logistic", "poisson", "softmax"]
PENALTIES = [{"l2": 1e-4}, {"l2": 0.3}, {"l1": 0.05}, {"l2": 0.01, "l1": 0.02}, {"l2": 0.1, "intercept": False}]


def outputs(name):
    return {"outputs": 3} if name == "softmax" else {}


@pytest.mark.parametrize("penalty", range(5))
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_the_bound_is_never_below_the_true_distance(small, name, weighted, penalty):
    seed = penalty + 10 * weighted
    p = small(name, rows=40, seed=seed, weighted=weighted, **PENALTIES[penalty], **outputs(name))
    best, rng = optimum(p), np.random.default_rng(seed)
    for size in (1e-3, 0.1, 3.0):
        w = best.weights + size * rng.standard_normal(p.params)
        true = float(objectives(p, w[None])[0]) - best.objective
        assert true <= bound(p, w) * (1 + 1e-9) + 1e-14
    assert bound(p, best.weights) <= 1e-9 * (baseline(p)[1] - best.objective)


@pytest.mark.parametrize("name", LOSSES)
def test_the_bound_falls_to_zero_on_the_way_to_the_optimum(small, name):
    p = small(name, rows=40, l2=0.1, **outputs(name))
    best = optimum(p).weights
    way = np.random.default_rng(0).standard_normal(p.params)
    bounds = [bound(p, best + t * way) for t in (1.0, 1e-2, 1e-4, 0.0)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[2] < 1e-5


def test_the_oracle_can_fail(small):
    p = small("logistic", rows=40, l2=0.1)
    best = optimum(p)
    w = best.weights + 0.5
    true = float(objectives(p, w[None])[0]) - best.objective
    assert bound(p, w) / 20 < true <= bound(p, w)  # so a bound that forgot a large factor would be caught


def test_for_squares_it_is_the_distance_itself_with_any_penalty(small):
    for l2 in (0.0, 0.3):
        p = small("squared", outputs=3, weighted=True, l2=l2)
        w = np.random.default_rng(0).standard_normal(p.params)
        true = float(objectives(p, w[None])[0]) - optimum(p).objective
        assert bound(p, w) == pytest.approx(true, rel=1e-10)


def test_a_bias_far_off_is_counted_exactly(small):
    p = small("logistic", rows=40, l2=0.1)
    best = optimum(p)
    w = best.weights + [0, 0, 0, 5.0]
    true = float(objectives(p, w[None])[0]) - best.objective
    assert bound(p, w) == pytest.approx(true, rel=1e-6)


@pytest.mark.parametrize("name", ["huber", "logistic", "poisson", "softmax"])
def test_it_holds_even_where_the_best_bias_is_not_found(small, name, monkeypatch):
    monkeypatch.setattr(importlib.import_module("descend.optimum.bound"), "_best_shift", lambda *given: 0.0)
    p = small(name, rows=40, l2=10.0, **outputs(name))
    best = optimum(p)
    for move in (-3.0, 0.5, 2.0):
        w = best.weights.copy()
        w[-1] += move
        true = float(objectives(p, w[None])[0]) - best.objective
        assert true <= bound(p, w) * (1 + 1e-9)


@pytest.mark.parametrize("name", ["quantile", "hinge"])
def test_lines_in_pieces_are_bounded_too(small, name):
    p = small(name, rows=40, l1=0.05)
    best = optimum(p)
    w = best.weights + 0.1
    true = float(objectives(p, w[None])[0]) - best.objective
    assert true <= bound(p, w) < np.inf


@pytest.mark.parametrize("name", ["huber", "logistic", "poisson", "softmax"])
def test_nothing_is_proven_without_penalty(small, name):
    p = small(name, rows=40, **outputs(name))
    assert bound(p, np.zeros(p.params)) == np.inf


def test_nothing_is_proven_of_weights_that_are_not_finite(small):
    assert bound(small("logistic", l2=0.1), np.full(4, np.nan)) == np.inf


def test_collinear_squares_are_bounded_by_duality(make):
    X = np.random.default_rng(0).standard_normal((30, 2))
    twice = np.column_stack([X, X])
    assert bound(make(twice, X[:, 0]), np.ones(5)) == np.inf
    p = make(twice, X[:, 0] + 1, l2=1e-13)
    assert bound(p, optimum(p).weights) < 1e-6
