"""Situations that people met in public, small, with the right values."""

from dataclasses import replace

import numpy as np
import pytest

import descend as ds
from descend.engines import choose, plain, start
from descend.engines.plain import clip, clip_layers
from descend.errors import UsageError
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import Plan, setting
from descend.problem import Problem, mean_losses, scores
from descend.problem.initialise import initial
from descend.problem.layer_stats import KINDS
from descend.problem.network import Network, forward
from descend.problem.shapes import check_shapes
from descend.table.data import Data

QUIET = {"progress": False, "test": 0}


def c01():
    x1, x2 = 1e6 * np.arange(1, 9.0), np.array([1.0, 0.0] * 4)
    return np.column_stack([x1, x2]), 3e-6 * x1 + 2 * x2 + 1


def test_c01_raw_scale_features_are_fitted_exactly_without_any_action():
    X, y = c01()
    run = ds.train(X, y, l2=0, **QUIET)
    values = {name: value for _, name, value in run.model.coefficients()}
    assert run.metrics["train"]["r2"] > 0.999
    assert values["x1"] == pytest.approx(3e-6, rel=1e-2)
    assert values["x2"] == pytest.approx(2, rel=1e-2)
    assert values["intercept"] == pytest.approx(1, rel=1e-1)


def test_c01_with_scaling_off_a_large_rate_diverges_and_the_column_is_named():
    X, y = c01()
    run = ds.train(X, y, l2=0, scale=False, optimizer="gd", lr=0.01, **QUIET)
    assert run.verdict.status == "diverged" or run.verdict.status == "nonfinite"
    assert run.findings[0].code == "D101"
    assert "column 'x1'" in run.findings[0].text
    assert run.findings[0].evidence["limit"] == pytest.approx(2 / 5.1e13, rel=1e-2)


def test_c02_the_limit_is_known_and_the_run_above_it_diverges():
    x = np.arange(100.0)[:, None]
    run = ds.train(x, 0.1 * x[:, 0] + 0.3, l2=0, scale=False, optimizer="gd", lr=0.5, **QUIET)
    assert run.failed
    assert run.findings[0].evidence["limit"] == pytest.approx(3.045e-4, rel=1e-3)


def test_c02_after_scaling_the_same_rate_solves_the_problem_in_one_step():
    x = np.arange(100.0)[:, None]
    run = ds.train(x, 0.1 * x[:, 0] + 0.3, l2=0, optimizer="gd", lr=0.5, **QUIET)
    assert run.search_result.landscape.curvature.largest == pytest.approx(2.0)
    assert run.trace["loss"][1] < 1e-25


def test_c02_one_row_a_step_in_order_is_caught_inside_the_first_epoch():
    x = np.arange(200.0)
    problem = Problem(Data(x[:, None], 2 * x), loss("squared"))
    plan = Plan((setting("sgd", lr=0.001, batch_size=1),), shuffle="none")
    state, path = plain.advance(problem, plan, start(problem, plan), np.arange(1, 201))
    passed = int(np.argmax(np.abs(path[0, :, 0]) > 1e30))
    assert passed <= 90
    assert np.isfinite(path[0, passed]).all()


def test_c04_a_step_limited_rule_is_not_called_converged():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((10_000, 100))
    y = X @ rng.uniform(0, 100, 100) + 100 * rng.standard_normal(10_000)
    run = ds.train(
        X, y, optimizer="rmsprop", lr=0.001, batch_size=16, max_epochs=10, scale=False, l2=0, time_budget=None, **QUIET
    )
    assert run.verdict.status == "budget"
    assert "not converged" in run.verdict.text
    assert run.findings[0].code == "D201"
    assert run.findings[0].evidence["lr_needed"] == pytest.approx(0.016, abs=0.001)
    assert run.findings[0].fix[0] == "--lr 0.016"
    assert "the gap to the exact optimum is " in run.verdict.text


def test_c06_separable_classes_have_no_finite_optimum_and_it_is_said():
    X, y = np.array([[-1.0], [1.0], [-2.0], [2.0]]), np.array([0, 1, 0, 1])
    run = ds.train(X, y, task="classification", l2=0, optimizer="gd", lr=1.0, max_epochs=1000, **QUIET)
    assert run.verdict.status == "separable"
    assert "no finite weights are optimal" in run.verdict.text
    assert run.metrics["train"]["accuracy"] == 1.0
    assert np.isfinite(run.predict(X).probabilities).all()


@pytest.mark.parametrize(("steps", "w"), [(10, 2.2632), (100, 4.5892), (1000, 6.9050), (10_000, 9.2100)])
def test_c06_the_weight_grows_like_the_logarithm_of_the_steps(steps, w):
    problem = Problem(Data(np.array([[-1.0], [1.0]]), np.array([0.0, 1.0])), loss("logistic"), intercept=False)
    plan = Plan((setting("sgd", lr=1.0),))
    state, _ = plain.advance(problem, plan, start(problem, plan), np.array([2 * steps]))
    assert state.weights[0, 0] == pytest.approx(w, abs=1e-4)


def test_c23_a_column_against_a_flat_vector_is_refused_with_both_shapes():
    with pytest.raises(UsageError) as caught:
        check_shapes((1000, 1), (1000,))
    assert "(1000, 1)" in str(caught.value)
    assert "(1000,)" in str(caught.value)
    assert caught.value.code == "D608"


def test_c25_integer_input_does_not_truncate():
    problem = Problem(
        Data(np.array([[1.0], [2.0], [3.0]]), np.array([2.0, 4.0, 6.0])), loss("squared"), intercept=False
    )
    plan = Plan((setting("sgd", lr=0.05),))
    state, _ = plain.advance(problem, plan, start(problem, plan), np.array([150]))
    assert state.weights[0, 0] == pytest.approx(2.0, abs=1e-6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "float16", "float32", "float64"])
def test_c25_every_numeric_dtype_gives_the_same_model(dtype):
    X, y = np.array([[1], [2], [3], [4]], dtype), np.array([2, 4, 6, 8], dtype)
    run = ds.train(X, y, l2=0, optimizer="gd", **QUIET)
    np.testing.assert_allclose(run.predict(X).values, [2, 4, 6, 8], rtol=1e-3)


def test_c25_digits_as_text_are_refused_or_read_with_a_word():
    run = ds.train(
        np.array([["1"], ["2"], ["3"], ["4"]], dtype=object), [2.0, 4.0, 6.0, 8.0], l2=0, optimizer="gd", **QUIET
    )
    np.testing.assert_allclose(run.predict(np.array([[5.0]])).values, [10.0], rtol=1e-2)


@pytest.mark.parametrize(("dtype", "below"), [(np.float32, 1e-12), (np.float64, 1e-28)])
def test_the_textbook_example_is_solved_to_rounding(dtype, below):
    from descend.demo_data import example
    from descend.engines import linear
    from descend.problem import objectives

    seed = example()
    X = seed.X.astype(dtype)
    y = seed.y if dtype == np.float32 else X @ seed.true_weight.astype(dtype).ravel() + dtype(seed.true_bias)
    problem = Problem(Data(X, y.astype(dtype)), loss("squared"))
    plan = Plan((setting("sgd", lr=0.4),), start=np.r_[seed.start_weight.ravel(), seed.start_bias].astype(dtype))
    state, _ = linear.advance(problem, plan, start(problem, plan), np.array([1000 * 300]))
    np.testing.assert_allclose(state.weights[0], [1.3, -1.0, -3.5], atol=1e-6 if dtype == np.float32 else 1e-7)
    assert objectives(problem, state.weights)[0] < below


def test_c12_large_gradients_are_clipped_without_overflow():
    clipped = clip(np.full(100, 1e20, np.float32), 1.0, np.inf)

    assert clipped.dtype == np.float32
    np.testing.assert_allclose(clipped, 0.1, rtol=1e-6)


def test_c12_a_gradient_that_is_not_finite_makes_no_update_and_names_the_step():
    network = Network((1, 2, 1), "identity")
    problem = Problem(Data(np.array([[1e200]]), np.array([0.0])), loss("squared"), network=network)
    plan = Plan((replace(setting("sgd", lr=0.1), clip=1.0),), np.full(network.params, 1e150))
    layer_stats = np.empty((1, 1, 2, len(KINDS)))

    state, path = choose(problem, plan).advance(problem, plan, start(problem, plan), np.array([1]), 1, layer_stats)

    assert (state.outcome[0], state.steps[0]) == (Outcome.NONFINITE, 0)
    np.testing.assert_array_equal(path[0, 0], plan.start)
    assert layer_stats[0, 0, :, KINDS.index("nonfinite")].tolist() == [4, 3]


def test_c12_a_limit_of_each_layer_turns_the_gradient_and_a_limit_of_all_does_not():
    network = Network((1, 1, 1), "identity")
    g = np.array([3.0, 4.0, 0.3, 0.4])
    problem = Problem(Data(np.ones((1, 1)), np.ones(1)), loss("squared"), network=network)

    np.testing.assert_allclose(clip_layers(problem, g, 1.0), [0.6, 0.8, 0.3, 0.4])
    np.testing.assert_allclose(clip(g, 1.0, np.inf), [0.597022, 0.796030, 0.0597022, 0.0796030], atol=1e-6)


def sine(activation="relu"):
    x = np.random.default_rng(0).uniform(0, 1, (200, 1))
    return Problem(Data(x, np.sin(6 * x[:, 0])), loss("squared"), network=Network((1, 16, 1), activation))


def shown_by(problem, plan, epochs=1):
    layer_stats = np.empty((len(plan), epochs, len(problem.network.layers), len(KINDS)))
    marks = np.arange(1, epochs + 1) * problem.data.rows
    state, _ = choose(problem, plan).advance(problem, plan, start(problem, plan), marks, 1, layer_stats)
    return state, {kind: layer_stats[0, -1, :, k] for k, kind in enumerate(KINDS)}


def test_c37_dead_rectifiers_are_counted_and_their_gradient_is_exactly_zero():
    problem = sine()
    layer = problem.network.layers[0]
    begin = initial(problem.network, "he", 0)
    begin[layer.W], begin[layer.b] = np.random.default_rng(1).uniform(-1, 1, 16), -5

    state, shown = shown_by(problem, Plan((setting("sgd", lr=0.1),), begin))
    z = scores(problem, state.weights[0])

    assert shown["dead"][0] == 1.0
    assert shown["gradient"][0] == 0.0
    assert np.ptp(z) == 0.0


def test_c37_one_oversized_step_kills_them_and_a_healthy_network_has_none():
    _, killed = shown_by(sine(), Plan((setting("sgd", lr=50.0),)), epochs=2)
    x = sine().data.X  # from 0 to 1, where a unit of negative weight and no bias is dead from the start: so centred
    centred = replace(sine(), data=Data(x - 0.5, sine().data.y))
    _, healthy = shown_by(centred, Plan((setting("sgd", lr=0.05, batch_size=32),)), epochs=2)

    assert killed["dead"][0] > 0.6
    assert healthy["dead"][0] == 0.0


XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0.0, 1, 1, 0])


def test_c38_xor_is_solved_from_some_of_several_starts():
    """(a) two logistic units with biases; without them the four points cannot be told apart."""
    problem = Problem(Data(*XOR), loss("logistic"), network=Network((2, 2, 1), "sigmoid"))
    plan = Plan(tuple(replace(setting("adam", lr=0.05, seed=seed), init="normal:1") for seed in range(10)))

    state, _ = choose(problem, plan).advance(problem, plan, start(problem, plan), np.array([4 * 4000]))
    losses = mean_losses(problem, state.weights)

    assert losses.min() < 0.01
    assert losses.max() > 0.3


def test_c38_variance_falls_by_six_with_the_usual_start_and_stays_with_he():
    """(b) 20 layers of 64 rectifiers: uniform within 1/sqrt(64), against a standard deviation of sqrt(2/64)."""
    network = Network((64,) * 21 + (1,), "relu")
    X = np.random.default_rng(0).standard_normal((500, 64))

    def last(weights):
        return forward(network, weights, X)[2].var()

    rng, usual = np.random.default_rng(1), initial(network, "zeros", 0)
    for layer in network.layers:
        usual[layer.W] = rng.uniform(-1, 1, layer.fan_in * layer.fan_out) / 8

    assert 1e-17 < last(usual) < 5e-15
    assert 0.01 < last(initial(network, "he", 0)) < 100


def test_c38_ten_logistic_layers_keep_less_than_a_millionth_of_the_gradient():
    """(c) each slope is at most 1/4, and weights of spread 1/8 keep lengths: 0.25^10 = 9.5e-7."""
    network = Network((64,) * 11 + (1,), "sigmoid")
    X = np.random.default_rng(0).standard_normal((100, 64))
    problem = Problem(Data(X, X[:, 0]), loss("squared"), network=network)

    _, shown = shown_by(problem, Plan((replace(setting("sgd", lr=1e-3), init="normal:0.125"),)))
    _, mended = shown_by(
        replace(problem, network=replace(network, activation="relu")), Plan((setting("sgd", lr=1e-3),))
    )

    assert shown["gradient"][0] / shown["gradient"][-2] < 0.25**9
    assert 0.1 < mended["gradient"][0] / mended["gradient"][-2] < 10


def test_c38_large_weights_saturate_nearly_all_units():
    """(d) weights of standard deviation 10."""
    network = Network((64, 64, 1), "sigmoid")
    X = np.random.default_rng(0).standard_normal((100, 64))
    problem = Problem(Data(X, X[:, 0]), loss("squared"), network=network)

    _, shown = shown_by(problem, Plan((replace(setting("sgd", lr=1e-9), init="normal:10"),)))

    assert shown["saturated"][0] > 0.9
