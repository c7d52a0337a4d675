"""Learning rates: the limit is where losses blow up, the suggestion lowers the loss, and there is always a reason."""

import numpy as np
import pytest

import descend as ds
from descend.run import lr_sweep as rates
from descend.run.lr_sweep import POINTS, find_lr


@pytest.fixture(scope="module")
def mass(request):
    return find_lr(request.config.rootpath / "examples" / "data" / "penguins.csv", "body_mass_g")


def of(found, variant):
    return next(s for s in found.sweeps if s.variant == variant)


@pytest.mark.parametrize("variant", ["gd", "nesterov"])
def test_above_the_limit_the_loss_grows_and_below_it_falls(mass, variant):
    sweep = of(mass, variant)

    assert (sweep.losses[sweep.rates < 0.9 * sweep.limit] < mass.start).all()
    assert (sweep.losses[sweep.rates > 1.5 * sweep.limit] > mass.start).all()


def test_the_suggestion_is_the_rate_of_the_lowest_loss_of_all(mass):
    lowest = min(s.losses.min() for s in mass.sweeps)
    best = of(mass, mass.variant)

    assert best.losses.min() == lowest
    assert mass.lr == best.rates[np.argmin(best.losses)]
    assert mass.band[0] <= mass.lr <= mass.band[1]
    assert mass.reason.startswith(f"{mass.variant}: lowest loss of {POINTS} rates, usable from ")


def test_the_band_holds_every_rate_that_gains_nearly_as_much(mass):
    for sweep in mass.sweeps:
        inside = (sweep.rates >= sweep.band[0]) & (sweep.rates <= sweep.band[1])
        gained = (mass.start - sweep.losses) / (mass.start - sweep.losses.min())
        assert (gained[inside] >= 0.99).all()


def test_losses_are_those_of_training_at_that_rate(penguins):
    found = find_lr(penguins, "body_mass_g", variant="gd", max_epochs=7)
    sweep = found.sweeps[0]
    alone = ds.train(
        penguins,
        "body_mass_g",
        optimizer="gd",
        lr=sweep.rates[10],
        max_epochs=7,
        tol=0.0,
        seeds=1,
        progress=False,
    )

    assert alone.search_result.fit.trace.loss[0, -1] == pytest.approx(sweep.losses[10], rel=1e-9)


def test_a_large_table_is_sampled(monkeypatch):
    monkeypatch.setattr(rates, "SAMPLE", 100)
    X = np.random.default_rng(0).normal(size=(1000, 3))

    found = find_lr(X, X @ [1.0, 2.0, 3.0], variant="gd", test=0)

    assert found.rows == 100
    assert found.reason.endswith("after 20 epochs of 100 of 1,000 rows")


def test_a_constant_target_has_a_reason_and_no_rate():
    found = find_lr(np.arange(20.0)[:, None], np.ones(20))

    assert found.lr is None
    assert found.reason == "no rate is better than another: the target 'y' is constant: every value is 1"


def test_five_rows_have_a_rate():
    found = find_lr(np.arange(5.0)[:, None], 2 * np.arange(5.0), test=0)

    assert found.lr > 0
    assert found.reason


def test_noise_has_a_number_or_a_reason():
    rng = np.random.default_rng(0)
    found = find_lr(rng.normal(size=(300, 4)), rng.normal(size=300))

    assert (found.lr is None) != (found.band is not None)
    assert found.reason


def test_nothing_is_left_behind(penguins):
    """C15: the same training before and after gives the same bits."""
    options = {"optimizer": "minibatch", "lr": 0.01, "max_epochs": 5, "seeds": 1, "progress": False}
    before = ds.train(penguins, "body_mass_g", **options).search_result.fit.weights
    find_lr(penguins, "body_mass_g", variant="minibatch")
    after = ds.train(penguins, "body_mass_g", **options).search_result.fit.weights

    np.testing.assert_array_equal(before, after)


def test_a_network_has_rates_too(penguins):
    found = find_lr(penguins, "species", variant="adam,minibatch", hidden_layer_sizes=(8,), max_epochs=5)

    assert {s.variant for s in found.sweeps} == {"adam", "minibatch"}
    assert found.lr is not None
    assert of(found, "minibatch").limit > 0


def test_case_c14_few_rows_are_visited_again_and_again():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(16, 2))
    found = find_lr(X, X @ [1.0, -1.0], variant="minibatch", batch_size=8, test="none")

    assert (found.rows, found.epochs) == (16, 20)
    assert found.lr is not None
    assert found.reason
