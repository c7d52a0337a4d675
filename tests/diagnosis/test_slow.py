"""D2: budget, vanishing, conditioning, Adagrad, zig-zag, dead, saturated and symmetric units, starts that disagree."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from tests.conftest import small_problem
from tests.diagnosis.made import deep, evidence_of, line, with_gap

import descend as ds
from descend.diagnosis import diagnose, slow
from descend.losses import loss
from descend.optimum.landscape import Landscape
from descend.options import read_options
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.table.data import Data
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
    slowed = evidence_of(line(noise=0.05), setting("adagrad", lr=0.02), 400)
    for gap, level in ((0.02, "warning"), (0.005, "note")):
        assert slow.decayed(with_gap(slowed, gap)).level == level
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
    fit = train(problem, Plan((how,), start=weights), limits=Limits(epochs=20, patience=20))
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


def stopped(evidence, gap, **changes):
    """The same run, ended by patience at a gap to the optimum."""
    landscape = evidence.landscape
    loss = landscape.optimum.objective + gap * (landscape.baseline - landscape.optimum.objective)
    return dataclasses.replace(evidence, outcome=Outcome.STOPPED, loss=loss, **changes)


@pytest.mark.parametrize(("gap", "level"), [(0.5, "warning"), (0.02, "warning"), (0.005, "note"), (0.0005, None)])
def test_a_run_that_stops_improving_far_from_the_optimum_has_not_converged(quiet, gap, level):
    found = slow.out_of_budget(stopped(quiet, gap))
    assert (found.level if found else None) == level
    if found:
        assert found.text.startswith("not converged: training stopped improving after ")
        assert f"with a gap of {100 * gap:.2g} % to the optimum" in found.text


def test_early_stopping_at_a_minimum_of_the_validation_loss_is_meant(quiet):
    early = stopped(quiet, 0.5, guided=True, kept_epoch=10, epochs=50)
    assert slow.out_of_budget(early) is None
    assert slow.out_of_budget(dataclasses.replace(early, kept_epoch=50)).level == "warning"


@pytest.mark.parametrize("name", ["squared", "huber", "logistic", "poisson"])
def test_weights_that_predict_no_better_than_a_constant_have_learned_nothing(name):
    evidence = evidence_of(small_problem(name, rows=60), setting("sgd", lr=0.1), 50)
    constant = dataclasses.replace(evidence, weights=evidence.landscape.baseline_weights)
    found = slow.nothing_learned(constant)

    assert (found.code, found.level) == ("D210", "warning")
    assert found.evidence["train"] == pytest.approx(found.evidence["baseline"])
    assert slow.nothing_learned(evidence) is None
    assert slow.nothing_learned(dataclasses.replace(constant, outcome=Outcome.DIVERGED)) is None


def test_where_nothing_can_be_learned_learning_nothing_is_no_fault():
    problem = line(rows=2000)
    problem.data.y[:] = np.random.default_rng(1).normal(size=2000)
    evidence = evidence_of(problem, setting("sgd", lr=0.3), 50)
    assert slow.nothing_learned(dataclasses.replace(evidence, weights=evidence.landscape.baseline_weights)) is None


@pytest.mark.parametrize("sizes", [(3, 8, 1), (3, 8, 8, 1)])
def test_a_network_that_learned_nothing_always_has_a_finding(sizes):
    problem = deep(sizes, "tanh")
    problem.data.y[:] -= 3
    still = evidence_of(problem, setting("adam", lr=1e-9), 20)
    assert [(f.code, f.level) for f in diagnose(still)] == [("D210", "warning")]
    assert slow.nothing_learned(evidence_of(problem, setting("adam", lr=0.05), 300)) is None


def test_nothing_learned_is_not_said_beside_a_finding_that_says_why():
    evidence = started(deep((3, *[8] * 10, 1), "sigmoid"), "normal:0.1")
    codes = [f.code for f in diagnose(evidence)]
    assert "D202" in codes
    assert "D210" not in codes


def test_dummies_beside_an_intercept_are_not_ill_conditioned():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 2, 200)
    X = np.column_stack([rng.normal(size=200), level == 0, level == 1]).astype(float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    problem = Problem(Data(X, X[:, 0] + X[:, 1], names=("a", "sex=f", "sex=m")), loss("squared"), l2=1e-4)
    evidence = evidence_of(problem, setting("sgd", lr=0.01), 5)

    assert evidence.unfinished
    assert evidence.landscape.curvature.smallest < 2e-4
    assert slow.ill_conditioned(evidence) is None


@pytest.mark.parametrize("rare", [False, True])
def test_the_columns_that_are_named_are_columns_of_the_file(rare):
    """Of a category, the column is named and not its levels."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=400), "city": rng.choice(["x", "y", "z"], 400)})
    copied = (table.city == "x") * 1.0 if rare else table.a
    table["twin"] = copied + 3e-3 * rng.normal(size=400)
    table["y"] = table.a + 60 * (table.twin - copied) + 0.3 * rng.normal(size=400)
    run = ds.train(table, "y", optimizer="gd", lr=0.3, l2=0, max_epochs=100, seeds=1, progress=False)
    (found,) = [f for f in run.findings if f.code == "D203"]
    assert {found.evidence["column"], found.evidence["other"]} == ({"city", "twin"} if rare else {"a", "twin"})


@pytest.mark.parametrize("sparse", [False, True])
def test_zeros_of_an_absolute_penalty_that_batches_do_not_reach_are_said(sparse):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 30))
    y = X[:, 0] - X[:, 1] + rng.normal(size=300)
    problem = Problem(Data(csr_array(X) if sparse else X, y), loss("squared"), l1=0.3)
    zeros = int((Landscape.of(problem).optimum.weights == 0).sum())
    exact = evidence_of(problem, setting("sgd", lr=0.2), 300)
    noisy = dataclasses.replace(exact, weights=np.where(exact.weights == 0, 1e-9, exact.weights))
    found = slow.zeros_missing(noisy)

    assert zeros > 20
    assert (found.code, found.evidence) == ("D211", {"zeros": zeros, "missing": zeros})
    assert slow.zeros_missing(exact) is None
    assert slow.zeros_missing(evidence_of(line(l2=0.1), setting("sgd", lr=0.02, batch_size=4), 30)) is None


def test_where_the_time_ended_a_run_more_of_it_is_proposed_first():
    e = evidence_of(line(), setting("sgd", lr=0.001), 5)
    options = read_options({"time_budget": 2.5})
    late = dataclasses.replace(e, options=options, cut=True)

    assert slow.out_of_budget(e).text.startswith("not converged in 5 epochs with a gap of ")
    assert slow.out_of_budget(e).fix == ("--lr auto", "--optimizer nesterov")
    assert slow.out_of_budget(late).text.startswith("not converged: the time was over after 5 epochs with a gap of ")
    assert slow.out_of_budget(late).fix == ("--time 10s", "--lr auto", "--optimizer nesterov")


def test_more_time_is_proposed_where_it_was_short_and_only_there():
    options = read_options({"time_budget": 0.1})
    e = dataclasses.replace(evidence_of(line(), setting("sgd", lr=0.001), 5), options=options)

    assert e.more_time == ()
    assert dataclasses.replace(e, cut=True).more_time == ("--time 1s",)
    assert dataclasses.replace(e, left_out=True).more_time == ("--time 1s",)
    unbounded = read_options({"time_budget": None})
    assert dataclasses.replace(e, cut=True, options=unbounded).more_time == ()


@pytest.mark.parametrize(("part", "level"), [(0.001, "warning"), (0.1, "note")])
def test_a_rate_far_below_the_limit_is_a_warning_that_says_so(part, level):
    problem = line(noise=0.1)
    limit = 2 / Landscape.of(problem).curvature.largest
    evidence = evidence_of(problem, setting("sgd", lr=part * limit), 3)
    found = slow.out_of_budget(dataclasses.replace(evidence, options=read_options({"lr": part * limit})))
    assert found.level == level
    assert ("of the stability limit" in found.text) == (level == "warning")
    assert slow.out_of_budget(evidence).level == "note"  # a rate that was found
