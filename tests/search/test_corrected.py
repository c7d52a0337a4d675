"""A sample whose gradient is corrected leads to the optimum of all rows, for a fraction of their passes."""

from dataclasses import replace

import numpy as np
import pytest

from descend.engines import full_pass
from descend.losses import loss
from descend.optimum.landscape import Landscape
from descend.plan import setting
from descend.problem import Problem, gradient, objectives
from descend.search import corrected as module
from descend.search.corrected import approach, corrected, fits
from descend.table.data import Data
from descend.training import Limits

ROWS = 20_000


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """What is large, for a test."""
    monkeypatch.setattr(full_pass, "LARGE_CELLS", 1)


def problem(name="logistic", **given):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, 5)) @ np.diag([1, 1, 0.5, 0.2, 0.1])
    z = X @ np.array([1.0, -1.0, 2.0, 3.0, 5.0]) / 2 + 0.2
    y = (rng.random(ROWS) < 1 / (1 + np.exp(-z))) if name == "logistic" else rng.poisson(np.exp(z / 4))
    weight = rng.uniform(0.5, 1.5, ROWS) if given.pop("weighted", False) else None
    return Problem(
        Data(X, y.astype(float), None if weight is None else weight / weight.mean()), loss(name), l2=1e-3, **given
    )


def limits(given, landscape, **others):
    return Limits(
        epochs=500, optimum=landscape.optimum.objective, aim=landscape.aim(1e-4), reference=landscape.baseline, early=False, **others
    )  # fmt: skip


@pytest.mark.parametrize("given", [{}, {"name": "poisson"}, {"weighted": True}, {"intercept": False}])
def test_the_corrected_sample_has_the_gradient_that_is_given_and_its_own_curvature(given):
    whole = problem(**given)
    sample = replace(whole, data=whole.data.drawn(1000, 0))
    weights = np.linspace(-0.3, 0.4, whole.params)
    wanted = gradient(whole, weights)[1]

    made = corrected(sample, weights, wanted)

    np.testing.assert_allclose(gradient(made, weights)[1], wanted, atol=1e-12)
    assert np.abs(gradient(sample, weights)[1] - wanted).max() > 1e-3  # what the correction removes
    away = weights + 0.1
    before, after = (gradient(p, away)[1] - gradient(p, weights)[1] for p in (sample, made))
    np.testing.assert_allclose(after, before, atol=1e-12)


@pytest.mark.parametrize("name", ["logistic", "poisson"])
def test_the_rounds_leave_the_optimum_of_the_sample_for_that_of_all_rows(name):
    whole = problem(name)
    sample = replace(whole, data=whole.data.drawn(1000, 0))
    landscape, known = Landscape.of(whole), Landscape.of(sample)
    begin, passes = known.optimum.weights, []
    rate = 1.0 / landscape.curvature.largest

    after = approach(
        whole, sample, setting("nesterov", lr=rate), begin, landscape, limits(whole, landscape),
        on_event=lambda progress: passes.append(progress.epoch),
    )  # fmt: skip

    excess = objectives(whole, np.array([begin, after])) - landscape.optimum.objective
    assert excess[0] > 1e-3  # the optimum of 1,000 rows loses about params / (2 rows)
    assert excess[1] <= landscape.aim(1e-4) - landscape.optimum.objective
    assert passes  # the training of the sample is told


def test_weights_at_the_aim_and_rounds_that_do_not_help_are_left_as_they_are(monkeypatch):
    whole = problem()
    sample = replace(whole, data=whole.data.drawn(1000, 0))
    landscape = Landscape.of(whole)
    given, best = setting("sgd", lr=0.1), landscape.optimum.weights

    assert approach(whole, sample, given, best, landscape, limits(whole, landscape)) is best
    over = limits(whole, landscape, seconds=0.0)
    begin = np.zeros(whole.params)
    assert approach(whole, sample, given, begin, landscape, over) is begin
    monkeypatch.setattr(module, "train", _worse)
    assert approach(whole, sample, given, begin, landscape, limits(whole, landscape)) is begin


def _worse(nearer, plan, *rest):
    """A training that leads away."""
    from descend.training import train

    fit = train(nearer, plan, None, Limits(epochs=1))
    return replace(fit, weights=plan.start + 50.0)


def test_only_what_is_linear_in_its_target_and_decided_by_the_training_objective_fits():
    whole = problem()
    landscape = Landscape.of(whole)
    given, known = setting("sgd", lr=0.1), limits(whole, landscape)
    assert fits(whole, given, known)
    assert not fits(replace(whole, loss=loss("squared")), given, known)
    assert not fits(replace(whole, loss=loss("hinge")), given, known)
    assert not fits(replace(whole, l1=0.1), given, known)
    assert not fits(whole, setting("sgd", lr=0.1, batch_size=8), known)
    assert not fits(whole, given, replace(known, early=True))
    assert not fits(whole, given, replace(known, aim=None))
