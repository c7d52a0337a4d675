"""Learning rates: the limit is where losses blow up, the suggestion lowers the loss, and there is always a reason."""

import numpy as np
import pytest

import descend as ds
from descend.errors import UsageError
from descend.run import lr_sweep as rates
from descend.run.lr_sweep import EDGE_RESOLUTION, NEAR, STEPS, Curve, find_lr


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


def test_the_suggestion_is_as_good_as_the_lowest_loss_of_all(mass):
    lowest = min(s.losses.min() for s in mass.sweeps)
    best = of(mass, mass.variant)

    assert best.losses.min() == lowest
    assert best.losses[best.rates == mass.lr][0] <= (1 + NEAR) * lowest
    assert mass.band[0] <= mass.lr <= mass.band[1]
    assert mass.reason.startswith(f"{mass.variant}: lowest loss of {len(best.rates)} rates, usable from ")


def test_the_band_holds_every_rate_that_gains_nearly_as_much_and_its_edges_are_bisected(mass):
    for sweep in mass.sweeps:
        inside = (sweep.rates >= sweep.band[0]) & (sweep.rates <= sweep.band[1])
        gained = (mass.start - sweep.losses) / (mass.start - sweep.losses.min())
        assert (gained[inside] >= 0.98).all()
        assert not sweep.open
        low, high = np.flatnonzero(inside)[[0, -1]]
        assert sweep.rates[low] <= EDGE_RESOLUTION * sweep.rates[low - 1]
        assert sweep.rates[high + 1] <= EDGE_RESOLUTION * sweep.rates[high]


def test_losses_are_those_of_training_at_that_rate_over_the_last_quarter(penguins):
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

    assert np.mean(alone.search_result.fit.trace.loss[0, -2:]) == pytest.approx(sweep.losses[10], rel=1e-9)


@pytest.mark.parametrize("variant", ["momentum", "adam"])
def test_the_rate_hardly_depends_on_the_number_of_epochs_or_on_the_seed(penguins, variant):
    """A loss that swings after 20 steps suggested rates that differed by a factor of 13 between 18 and 22 epochs."""
    given = {"variant": variant}
    rates = [find_lr(penguins, "body_mass_g", max_epochs=e, **given).lr for e in (200, 210, 220)]
    seeds = [find_lr(penguins, "body_mass_g", random_state=s, **given).lr for s in range(3)]

    assert max(rates) / min(rates) < 2
    assert max(seeds) / min(seeds) < 2


def test_the_budget_is_200_steps_of_the_variant_with_the_fewest(mass, penguins):
    assert mass.epochs == STEPS
    assert find_lr(penguins, "body_mass_g", variant="minibatch", batch_size=8).epochs == 20
    assert find_lr(penguins, "body_mass_g", variant="minibatch", batch_size=100).epochs == 67
    short = find_lr(penguins, "body_mass_g", variant="gd", max_epochs=10).reason
    assert short.endswith("; a budget below 200 steps decides for rates that a longer training would not")


@pytest.mark.parametrize(("momentum", "batch_size"), [(0.9, 8), (0.99, 8), (0.99, 1)])
@pytest.mark.parametrize("variant", ["momentum", "nesterov"])
def test_the_limit_on_batches_is_no_higher_than_the_first_rate_that_fails(penguins, variant, momentum, batch_size):
    found = find_lr(penguins, "body_mass_g", variant=variant, batch_size=batch_size, momentum=momentum, max_epochs=20)
    sweep = found.sweeps[0]
    assert sweep.limit <= sweep.rates[~(sweep.losses < found.start)].min()


def curve(function, rates):
    made = Curve(None, initial=1.0)
    made.losses = {lr: function(lr) for lr in rates}
    return made


def test_the_grid_goes_on_until_it_holds_the_band():
    def loss(lr):
        return 0.1 + min(abs(np.log10(lr / 1e-9)) / 10, 2.0)

    made = curve(loss, np.geomspace(1e-3, 1, 11))
    for _ in range(30):
        more = made.next_rates()
        if not more:
            break
        made.losses |= {lr: loss(lr) for lr in more}
    assert made.rates[made.suggestion()] == pytest.approx(1e-9, rel=0.2)


def test_a_wide_stretch_wins_over_a_single_lucky_rate():
    losses = {0.01: 0.2, 0.02: 0.101, 0.04: 0.1005, 0.08: 0.101, 0.16: 0.3, 0.32: 0.1, 0.64: 0.9}
    made = curve(losses.get, losses)
    assert made.rates[made.suggestion()] == 0.04


def test_a_large_table_is_sampled(monkeypatch):
    monkeypatch.setattr(rates, "SAMPLE", 100)
    X = np.random.default_rng(0).normal(size=(1000, 3))

    found = find_lr(X, X @ [1.0, 2.0, 3.0], variant="gd", test=0)

    assert found.rows == 100
    assert found.reason.endswith("after 200 epochs of 100 of 1,000 rows")


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

    assert (found.rows, found.epochs) == (16, 100)
    assert found.lr is not None
    assert found.reason


def test_an_optimizer_beside_the_variant_is_refused(penguins):
    with pytest.raises(UsageError) as caught:
        ds.find_lr(penguins, "body_mass_g", optimizer="adam")
    assert str(caught.value) == (
        "optimizer is 'adam', but rates are found for a variant; name it with variant, such as variant='adam'"
    )
