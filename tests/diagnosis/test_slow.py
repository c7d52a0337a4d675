"""D2: budget, vanishing, conditioning, Adagrad, zig-zag, dead, saturated and symmetric units, starts that disagree."""

import dataclasses

import numpy as np
import pytest
from tests.diagnosis.made import deep, evidence_of, line

from descend.diagnosis import slow
from descend.optimum.landscape import Landscape
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.training import Limits, train


def started(problem, init, optimizer="adam", lr=0.01, epochs=20):
    return evidence_of(problem, dataclasses.replace(setting(optimizer, lr=lr), init=init), epochs)


def test_out_of_budget_names_the_rate_that_an_adaptive_rule_needs():
    found = slow.out_of_budget(evidence_of(line(), setting("adam", lr=1e-3), 10))
    assert (found.code, found.level) == ("D201", "note")
    assert found.evidence["lr_needed"] == pytest.approx(found.evidence["farthest"] / 10)
    assert found.fix[0] == f"--lr {found.evidence['lr_needed']:.2g}"


def test_gradients_vanish_through_small_sigmoid_weights_and_the_decay_is_a_factor_a_layer():
    evidence = started(deep((3, *[8] * 10, 1), "sigmoid"), "normal:0.1")
    found = slow.vanishing(evidence)
    norms = np.array(found.evidence["norms"])

    assert (found.code, found.level, found.evidence["layer"] >= 1) == ("D202", "warning", True)
    assert found.evidence["decay"] == pytest.approx((norms[0] / norms[-1]) ** (1 / 9), rel=0.2)


@pytest.mark.parametrize(("activation", "init"), [("relu", "he"), ("tanh", "xavier"), ("elu", "auto")])
def test_weights_drawn_for_the_activation_do_not_vanish_in_ten_layers(activation, init):
    assert slow.vanishing(started(deep((3, *[16] * 10, 1), activation), init)) is None


def twins():
    problem = line()
    problem.data.X[:, 1] = problem.data.X[:, 0] + 1e-3 * problem.data.X[:, 1]
    return problem


def test_two_columns_that_repeat_each_other_are_named_where_they_keep_training_from_the_optimum():
    evidence = evidence_of(twins(), setting("sgd", lr=0.3), 30)
    evidence = dataclasses.replace(evidence, loss=evidence.landscape.baseline)
    found = slow.ill_conditioned(evidence)

    assert (found.evidence["column"], found.evidence["other"]) == ("b", "a")
    assert found.evidence["condition"] > 1e5
    assert "--drop a" in found.fix
    assert slow.ill_conditioned(dataclasses.replace(evidence, outcome=Outcome.CONVERGED)) is None


def test_the_largest_column_is_named_where_columns_are_not_scaled():
    problem = line(scales=(1.0, 1.0, 1000.0))
    rate = 1 / Landscape.of(problem).curvature.largest
    found = slow.ill_conditioned(evidence_of(problem, setting("sgd", lr=rate), 50))
    assert found.evidence["column"] == "c"
    assert found.fix[0] == "--scale --lr auto"


def test_adagrad_at_a_small_rate_decays_and_at_a_good_one_does_not():
    found = slow.decayed(evidence_of(line(noise=0.05), setting("adagrad", lr=0.02), 400))
    assert (found.code, found.evidence["part"] < slow.DECAYED) == ("D204", True)
    assert slow.decayed(evidence_of(line(noise=0.05), setting("adagrad", lr=1.0), 400)) is None
    assert slow.decayed(evidence_of(line(), setting("sgd", lr=0.001), 100)) is None


def test_steps_near_the_limit_turn_back_on_each_other():
    problem = line(scales=(1.0, 1.0, 0.1))
    limit = 2 / Landscape.of(problem).curvature.largest
    found = slow.zigzag(evidence_of(problem, setting("sgd", lr=0.999 * limit), 60))

    assert found.evidence["cosine"] < -0.9
    assert found.evidence["limit"] == pytest.approx(limit)
    assert slow.zigzag(evidence_of(problem, setting("sgd", lr=0.4 * limit), 60)) is None


def test_case_c37_dead_units_are_counted_with_rows_and_since_when():
    problem = deep((1, 16, 1), "relu", rows=200)
    x = np.random.default_rng(0).uniform(size=200)
    problem.data.X[:, 0], problem.data.y[:] = x, np.sin(6 * x)
    weights = np.random.default_rng(1).uniform(-1, 1, problem.network.params)
    weights[problem.network.layers[0].b] = -5.0
    how = setting("sgd", lr=0.1)
    fit = train(problem, Plan((how,), start=weights), limits=Limits(20, patience=20))
    evidence = dataclasses.replace(
        evidence_of(problem, how), trace=fit.trace, weights=fit.weights[0], loss=float(fit.loss[0])
    )
    found = slow.dead(evidence)

    assert found.text.startswith("dead units: 16 of 16 units of layer 1 have slope 0 for all of 200 rows since epoch 1")
    assert (found.level, fit.trace.layer_stats[0, 1, 0, 0]) == ("warning", 0.0)
    assert slow.dead(evidence_of(problem, how)) is None


def test_case_c38_large_weights_saturate_and_the_layer_is_named():
    evidence = started(deep((3, 16, 16, 1), "sigmoid"), "normal:10")
    found = slow.saturated(evidence)

    assert found.evidence["layer"] in (1, 2)
    assert found.evidence["share"] > 0.75
    assert slow.saturated(started(deep((3, 16, 16, 1), "sigmoid"), "auto")) is None
    assert slow.saturated(started(deep((3, 16, 16, 1), "relu"), "normal:10")) is None


def test_zeros_are_a_symmetric_start():
    found = slow.symmetric(started(deep((3, 4, 1)), "zeros"))
    assert (found.code, found.evidence) == ("D208", {"layer": 1, "init": "zeros"})
    assert slow.symmetric(started(deep((3, 4, 1)), "auto")) is None


def test_starts_disagree_when_the_worst_lacks_a_quarter_of_what_the_best_gained():
    evidence = evidence_of(deep((3, 4, 1)), setting("adam", lr=0.01))
    base = evidence.landscape.baseline
    far, near = ((0.0, 0.3 * base), (0.0, 0.2 * base))
    assert slow.disagreeing(dataclasses.replace(evidence, restarts=far)).code == "D209"
    assert slow.disagreeing(dataclasses.replace(evidence, restarts=near)) is None
    assert slow.disagreeing(evidence) is None
