"""Variants compared: ties are called ties, failures are rows, and the verdict is one sentence."""

import dataclasses

import numpy as np
import pytest

import descend as ds
from descend.errors import UsageError
from descend.plan import THE_EIGHT
from descend.run.comparison import Row, _verdict, of_run
from descend.run.standing import Standing


@pytest.fixture(scope="module")
def mass(request):
    return ds.compare(request.config.rootpath / "examples" / "data" / "penguins.csv", "body_mass_g", progress=False)


GD = Row(
    variant="gd", letter="G", lr=0.1, batch="full", score=10.0, spread=0.0, seeds=3, loss=1.0, gap=0.0, epochs=1,
    gradients=1, seconds=0.1, standing=Standing.BEST, result="best",
)  # fmt: skip


def row(score, **changes):
    return dataclasses.replace(GD, score=score, **changes)


def test_the_eight_are_rows_best_first(mass):
    scores = [r.score for r in mass.rows]

    assert {r.variant for r in mass.rows} == set(THE_EIGHT)
    assert scores == sorted(scores)
    assert mass.rows[0].result.startswith("best")
    assert (mass.metric, mass.where) == ("rmse", "test")


def test_scores_are_means_over_seeds_of_the_trials(mass):
    sgd = next(r for r in mass.rows if r.variant == "sgd")
    own = [t.score for t in mass.run.tried if t.variant == "sgd" and t.lr == sgd.lr]

    assert len(own) == sgd.seeds == 3
    assert sgd.score == pytest.approx(np.mean(own))
    assert sgd.spread == pytest.approx(np.std(own, ddof=1))


def test_full_batches_have_no_spread_and_a_gap(mass):
    gd = next(r for r in mass.rows if r.variant == "gd")

    assert (gd.seeds, gd.spread, gd.batch) == (1, 0.0, "full")
    assert 0 <= gd.gap < 1e-3
    assert gd.gradients == gd.epochs * 273
    assert all(r.seconds > 0 for r in mass.rows)


def test_the_verdict_names_the_best_and_those_that_tie():
    rows = (
        row(10.0),
        row(10.001, variant="adam", standing=Standing.TIE),
        row(11.0, variant="sgd", standing=Standing.BEHIND),
    )

    assert _verdict(rows, "rmse", "test") == "gd has the best test rmse, 10, tied with adam"
    assert _verdict(rows[::2], "rmse", "train") == "gd has the best training rmse, 10"


def test_failed_variants_are_rows_with_their_code(penguins):
    found = ds.compare(penguins, "body_mass_g", variants="gd,adam", lr=1.0, progress=False)

    assert [r.variant for r in found.rows] == ["adam", "gd"]
    assert found.rows[1].failed
    assert found.rows[1].result.startswith("D101 diverged by step")
    assert found.verdict.endswith("; gd failed")


def test_when_every_variant_fails_it_is_said(penguins):
    found = ds.compare(penguins, "body_mass_g", variants="gd,momentum", lr=100.0, progress=False)

    assert found.verdict == "no variant trained: gd, momentum failed"
    assert found.run.failed


def test_when_all_tie_the_cheapest_is_named():
    rows = (row(10.0, gradients=500), row(10.001, variant="adam", gradients=200, standing=Standing.TIE))

    assert _verdict(rows, "rmse", "test") == "all 2 variants tie in test rmse; adam needs the fewest gradients, 200"


def test_it_can_be_made_of_a_training(mass):
    again = [dataclasses.replace(r, seconds=None) for r in of_run(mass.run).rows]
    assert again == [dataclasses.replace(r, seconds=None) for r in mass.rows]


def test_networks_are_compared_too(penguins):
    found = ds.compare(
        penguins,
        "species",
        variants="adam,rmsprop",
        hidden_layer_sizes=(8,),
        max_epochs=8,
        seeds=2,
        time_budget=None,
        progress=False,
    )

    assert {r.seeds for r in found.rows} == {2}
    assert all(r.gap is None and r.score > 0.8 for r in found.rows)


def test_train_and_compare_agree(mass):
    told = {t.variant: (t.mean, t.spread, t.standing, t.result) for t in mass.run.trials}
    assert {r.variant: (r.score, r.spread or None, r.standing, r.result) for r in mass.rows} == told


def test_every_network_has_the_same_seeds_and_no_pace_is_measured_after_the_time(penguins):
    found = ds.compare(penguins, "sex", hidden_layer_sizes=(4,), max_epochs=5, time_budget=None, progress=False)
    assert {r.seeds for r in found.rows} == {3}
    assert all(r.seconds is None for r in of_run(found.run, deadline=0.0).rows)


def test_an_optimizer_beside_the_variants_is_refused(penguins):
    with pytest.raises(UsageError) as caught:
        ds.compare(penguins, "body_mass_g", optimizer="gd")
    assert str(caught.value) == (
        "optimizer is 'gd', but what is compared are variants; name them with variants, such as variants='gd,adam'"
    )
