"""Situations that people met in public, small, with the right values."""

import numpy as np
import pytest

import descend as ds
from descend.data import Data
from descend.engines import plain, start
from descend.errors import UsageError
from descend.losses import loss
from descend.plan import Plan, setting
from descend.problem import Problem
from descend.shapes import check_shapes

QUIET = {"progress": False, "validation": 0}


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
    assert run.found.landscape.curvature.largest == pytest.approx(2.0)
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
    assert "above the exact optimum" in run.verdict.text


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
    from descend.engines import linear
    from descend.problem import objectives
    from descend.seed import example

    seed = example()
    X = seed.X.astype(dtype)
    y = seed.y if dtype == np.float32 else X @ seed.true_weight.astype(dtype).ravel() + dtype(seed.true_bias)
    problem = Problem(Data(X, y.astype(dtype)), loss("squared"))
    plan = Plan((setting("sgd", lr=0.4),), start=np.r_[seed.start_weight.ravel(), seed.start_bias].astype(dtype))
    state, _ = linear.advance(problem, plan, start(problem, plan), np.array([1000 * 300]))
    np.testing.assert_allclose(state.weights[0], [1.3, -1.0, -3.5], atol=1e-6 if dtype == np.float32 else 1e-7)
    assert objectives(problem, state.weights)[0] < below
