"""D1: the limit, the explosion, the first value that is not finite, spikes, and the limit crossed on the way."""

import dataclasses

import numpy as np
import pytest
from tests.diagnosis.made import deep, evidence_of, line, with_gap, with_losses

from descend.diagnosis.divergence import (
    above_limit,
    exploding,
    limit_crossed,
    nonfinite,
    overshooting,
    spikes,
    too_fast,
)
from descend.optimum.landscape import Landscape
from descend.options import read_options
from descend.outcome import Outcome
from descend.plan import setting


def test_above_the_limit_a_run_that_fails_is_told_so_with_the_limit_and_the_column():
    problem = line(scales=(1.0, 50.0, 1.0))
    limit = 2 / Landscape.of(problem).curvature.largest
    found = above_limit(evidence_of(problem, setting("sgd", lr=2 * limit), 3000))

    assert (found.code, found.level) == ("D101", "error")
    assert found.evidence["limit"] == pytest.approx(limit)
    assert found.evidence["column"] == "b"
    assert found.fix == ("--scale", "--lr auto", "--scale --lr auto")


@pytest.mark.parametrize("part", [0.5, 0.99])
def test_below_the_limit_nothing_is_said(part):
    problem = line()
    limit = 2 / Landscape.of(problem).curvature.largest
    assert above_limit(evidence_of(problem, setting("sgd", lr=part * limit), 300)) is None


def test_small_batches_have_a_shorter_limit():
    problem = line(rows=200)
    whole = evidence_of(problem, setting("sgd", lr=0.01)).limit
    single = evidence_of(problem, setting("sgd", lr=0.01, batch_size=1)).limit
    assert single < whole / 2


def test_a_deep_network_with_large_weights_explodes_by_a_factor_a_layer():
    problem = deep((3, *[16] * 12, 1), "relu")
    how = dataclasses.replace(setting("sgd", lr=0.1), init="normal:1.0")
    evidence = evidence_of(problem, how)
    found = exploding(evidence)

    assert evidence.outcome.failed
    assert (found.code, found.level) == ("D102", "error")
    assert found.evidence["growth"] == pytest.approx(
        np.sqrt(16 / 2), rel=0.25
    )  # half of the variance passes a rectifier
    assert above_limit(evidence) is None


def test_a_shallow_network_at_a_huge_rate_is_no_explosion():
    evidence = evidence_of(deep((3, 8, 1)), setting("sgd", lr=1e9))
    assert evidence.outcome.failed
    assert exploding(evidence) is None


def test_the_first_value_that_is_not_finite_has_step_rows_and_column():
    problem = line(scales=(1.0, 1e160, 1.0))
    evidence = evidence_of(problem, setting("adam", lr=0.1))
    found = nonfinite(evidence)

    assert evidence.outcome == Outcome.NONFINITE
    assert found.evidence["place"] == "column 'b'"
    assert found.evidence["step"] == evidence.steps + 1
    assert len(found.evidence["rows"]) > 0


def test_a_run_that_did_not_fail_has_no_first_value(quiet):
    assert nonfinite(quiet) is None


def test_a_spike_is_three_times_the_median_before_and_a_tenth_of_the_gain(quiet):
    falling = list(np.geomspace(10, 0.1, 20))
    found = spikes(with_losses(quiet, [*falling[:15], 9.0, *falling[15:]]))

    assert (found.code, found.evidence["epoch"], found.evidence["spikes"]) == ("D104", 15, 1)
    assert found.evidence["height"] == pytest.approx(9.0 / np.median(falling[10:15]))
    assert found.text.startswith("the training loss spikes once, highest at epoch 15, to ")
    twice = spikes(with_losses(quiet, [*falling[:13], 9.0, *falling[13:15], 9.5, *falling[15:]]))
    assert twice.text.startswith("the training loss spikes 2 times, highest at epoch 16, to ")
    assert spikes(with_losses(quiet, falling)) is None
    assert spikes(with_losses(quiet, [*falling[:15], 2.9 * falling[12], *falling[15:]])) is None


def test_a_tiny_spike_near_the_optimum_is_noise(quiet):
    assert spikes(with_losses(quiet, [10, 1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.1])) is None


@pytest.mark.parametrize(("gap", "level"), [(0.02, "warning"), (0.005, "note")])
def test_a_spike_is_a_warning_where_the_run_missed_the_optimum(quiet, gap, level):
    losses = [*np.geomspace(10, 0.1, 15), 9.0, *np.geomspace(0.1, 0.05, 5)]
    assert spikes(with_gap(with_losses(quiet, losses), gap)).level == level


def test_a_limit_crossed_on_the_way_is_told_with_both_limits():
    problem = deep((3, 16, 1))
    how = setting("sgd", lr=0.05)
    evidence = evidence_of(problem, how, 50)
    weights = evidence.weights.copy()
    weights[problem.network.layers[-1].W] *= 100
    steep = dataclasses.replace(evidence, weights=weights, outcome=Outcome.DIVERGED)
    found = limit_crossed(steep)

    assert (found.code, found.level) == ("D105", "error")
    assert found.evidence["limit"] < 0.05 < found.evidence["limit_at_start"]
    assert limit_crossed(evidence) is None


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adagrad"])
@pytest.mark.parametrize("network", [False, True])
def test_a_rate_that_is_far_too_high_for_an_adaptive_rule_is_named_though_its_limit_is_not_known(optimizer, network):
    problem = deep((3, 16, 16, 1), "relu") if network else line()
    evidence = evidence_of(problem, setting(optimizer, lr=10.0), 2)
    found = too_fast(dataclasses.replace(evidence, outcome=Outcome.BUDGET))

    assert (evidence.limit, found.code, found.level) == (None, "D101", "warning")
    assert found.evidence["peak"] > 3 * found.evidence["before"]
    assert found.fix == ("--lr auto", "--lr 1", "--lr 0.1")
    assert too_fast(dataclasses.replace(evidence, outcome=Outcome.DIVERGED)).level == "error"


def test_a_high_rate_from_which_a_run_recovers_is_no_fault():
    evidence = evidence_of(line(), setting("adagrad", lr=10.0), 50)
    assert evidence.losses[1] > 10 * evidence.losses[0]
    assert too_fast(evidence) is None
    little = line(noise=20.0)  # of which even the optimum explains little
    assert too_fast(evidence_of(little, setting("adagrad", lr=10.0), 300)) is None


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.05), ("rmsprop", 0.01), ("adagrad", 0.5)])
@pytest.mark.parametrize("network", [False, True])
def test_a_rate_that_works_for_an_adaptive_rule_is_not(optimizer, lr, network):
    problem = deep((3, 16, 16, 1), "relu") if network else line()
    assert too_fast(evidence_of(problem, setting(optimizer, lr=lr), 20)) is None


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adagrad"])
def test_an_explosion_that_an_adaptive_rule_hides_is_named(optimizer):
    problem = deep((3, *[16] * 12, 1), "relu")
    how = dataclasses.replace(setting(optimizer, lr=0.01), init="normal:1.0")
    evidence = evidence_of(problem, how, 10)
    found = exploding(evidence)

    assert not evidence.outcome.failed
    assert (found.code, found.level) == ("D102", "warning")
    assert found.text.endswith("training has not recovered from it")
    assert exploding(dataclasses.replace(evidence, loss=0.1 * evidence.landscape.baseline)) is None


@pytest.mark.parametrize("large", [False, True])
def test_a_target_that_is_not_scaled_is_blamed_for_the_rate_of_a_network(large):
    problem = deep((3, 8, 1))
    problem.data.y[:] *= 1e3 if large else 1.0
    landscape = Landscape.of(problem)
    how = setting("sgd", lr=20 / landscape.curvature.largest)
    found = above_limit(dataclasses.replace(evidence_of(problem, how, 30), outcome=Outcome.DIVERGED))

    assert ("the target is not scaled" in found.text) == large
    assert (found.fix[0] == "--scale") == large


def test_a_limit_of_zero_is_no_limit_to_divide_by():
    problem = line()
    landscape = Landscape.of(problem)
    infinite = dataclasses.replace(landscape.curvature, largest=np.inf)
    flat = dataclasses.replace(landscape, measure=lambda: infinite)
    evidence = evidence_of(problem, setting("sgd", lr=0.1), 5, landscape=flat)
    failed = dataclasses.replace(evidence, outcome=Outcome.DIVERGED)

    assert evidence.limit == 0
    assert [check(failed) for check in (above_limit, limit_crossed)] == [None, None]
    assert nonfinite(failed).code == "D103"


def typed(evidence, **options):
    """The same evidence with options that the user set."""
    return dataclasses.replace(evidence, options=read_options(options))


@pytest.mark.parametrize(("lr", "level"), [(3.0, "warning"), (0.003, None)])
def test_steps_as_large_as_the_weights_of_a_layer_are_told_though_the_loss_never_rose(lr, level):
    evidence = typed(evidence_of(deep(), dataclasses.replace(setting("adam", lr=lr), batch_size=10), 20), lr=lr)
    found = overshooting(dataclasses.replace(evidence, loss=evidence.landscape.baseline))
    assert (None if found is None else found.level) == level
    if found is not None:
        assert found.evidence["update"] > 0.2
        assert found.fix == ("--lr auto", "--lr 0.3", "--lr 0.03")


def test_a_network_that_learned_at_such_a_rate_gets_a_note_and_a_found_rate_none():
    evidence = evidence_of(deep(), setting("adam", lr=3.0), 20)
    learned = dataclasses.replace(evidence, loss=0.01 * evidence.landscape.baseline)
    found = overshooting(typed(learned, lr=3.0))
    assert found.level == "note"
    assert overshooting(learned) is None


def test_a_rate_above_the_limit_that_clipping_keeps_from_diverging_is_told():
    problem = deep((3, 8, 1))
    limit = 2 / Landscape.of(problem).curvature.largest
    how = dataclasses.replace(setting("sgd", lr=50 * limit), clip=1e-3)
    evidence = typed(evidence_of(problem, how, 3), lr=how.lr, hidden_layer_sizes=(8,))
    assert not evidence.outcome.failed
    assert above_limit(evidence).text.endswith("; the model has hardly learned")
    assert above_limit(dataclasses.replace(evidence, options=read_options({}))) is None


@pytest.mark.parametrize(("gap", "said"), [(0.005, False), (0.05, True)])
def test_a_rise_at_the_start_is_a_fault_where_more_than_a_hundredth_is_missing_at_the_end(gap, said):
    evidence = evidence_of(line(), setting("rmsprop", lr=0.1), 5)
    landscape = evidence.landscape
    end = landscape.optimum.objective + gap * (landscape.baseline - landscape.optimum.objective)
    rising = with_losses(evidence, [landscape.baseline, 20 * landscape.baseline, end])
    assert (too_fast(rising) is not None) == said


def test_spikes_of_a_run_that_reaches_the_optimum_all_the_same_are_a_note(quiet):
    optimum = quiet.landscape.optimum.objective
    losses = [*[20.0] * 6, *[20.0 if k % 3 == 0 else 2.0 for k in range(6, 30)], 2.0]
    far = spikes(with_losses(quiet, losses))
    near = spikes(with_losses(quiet, [*losses, optimum]))
    assert far.evidence["spikes"] == near.evidence["spikes"]
    assert (far.level, near.level) == ("warning", "note")
