"""Rubbish in arrays and frames ends in the right model or in one clear error, never in a silent wrong one."""

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.errors import DataError
from descend.losses import loss
from descend.outcome import Outcome
from descend.plan import FULL, THE_EIGHT, Plan, setting
from descend.problem import Problem
from descend.table.data import Data
from descend.training import Limits, train

ALL = {"progress": False, "test": 0, "l2": 0}
QUIET = {**ALL, "optimizer": "gd"}
EXACT = {**ALL, "optimizer": "nesterov", "tol": 1e-9, "time_budget": None}
NUMERIC = ("int8", "uint8", "int64", "uint64", "float16", "float32", "float64", "longdouble", ">f8", ">i2")


def line(rows=60):
    X = np.random.default_rng(0).standard_normal((rows, 2))
    return X, X @ [1.0, -2.0] + 0.5


def digits():
    """Whole numbers that every numeric dtype holds; their differences leave the range of uint8."""
    X = np.array([[1, 0], [2, 1], [3, 1], [100, 0], [7, 1], [50, 1]])
    return X, X @ [1, 2] + 3


def standard(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def refused(data, target, **options):
    with pytest.raises(DataError) as caught:
        ds.train(data, target, **{**QUIET, **options})
    return str(caught.value)


def scaled_weights(run):
    return run.search_result.fit.weights[run.search_result.best]


# Shapes of the problem


def copies():
    X, y = line()
    return np.column_stack([X, 3 * X[:, 0], X @ [1.0, 1.0]]), y


def wide():
    rng = np.random.default_rng(1)
    return rng.standard_normal((10, 30)), rng.standard_normal(10)


@pytest.mark.parametrize("make", [copies, wide])
def test_without_a_unique_optimum_the_shortest_of_all_is_found(make):
    X, y = make()
    run = ds.train(X, y, **EXACT)
    shortest = np.linalg.lstsq(standard(X), standard(y), rcond=1e-10)[0]
    assert run.verdict.status == "converged"
    np.testing.assert_allclose(run.predict(X).values, y, atol=1e-3)
    np.testing.assert_allclose(scaled_weights(run)[:-1], shortest, atol=1e-3)


@pytest.mark.parametrize("make", [copies, wide])
def test_with_a_penalty_the_optimum_is_unique_and_found(make):
    X, y = make()
    run = ds.train(X, y, **{**EXACT, "l2": 1.0})
    A, n = standard(X), len(X)
    ridge = np.linalg.solve(2 * A.T @ A / n + 1.0 * np.eye(X.shape[1]), 2 * A.T @ standard(y) / n)
    np.testing.assert_allclose(scaled_weights(run)[:-1], ridge, atol=1e-3)
    assert np.abs(ridge - np.linalg.lstsq(A, standard(y), rcond=1e-10)[0]).max() > 1e-2  # the oracles differ


def test_a_copied_column_changes_no_probability():
    X, y = line()
    labels = y + 2 * np.random.default_rng(2).standard_normal(60) > 0
    one, two = (ds.train(A, labels, **EXACT) for A in (X, np.column_stack([X, X[:, 0]])))
    np.testing.assert_allclose(two.predict(np.column_stack([X, X[:, 0]])).probabilities,
                               one.predict(X).probabilities, atol=1e-4)  # fmt: skip


def huge():
    X, y = line()
    return X * [1.0, 1e12], y


def test_a_column_of_a_million_millions_is_fitted_with_scaling_on():
    X, y = huge()
    run = ds.train(X, y, **EXACT)
    values = {name: value for _, name, value in run.model.coefficients()}
    assert values == pytest.approx({"x1": 1.0, "x2": -2e-12, "intercept": 0.5}, rel=1e-3)


@pytest.mark.parametrize("optimizer", [*THE_EIGHT, "adadelta", "lion", "auto"])
def test_with_scaling_off_it_is_never_called_converged(optimizer):
    X, y = huge()
    run = ds.train(X, y, scale=False, max_epochs=50, **{**ALL, "optimizer": optimizer})
    assert run.verdict.status in ("budget", "diverged", "stopped")
    assert run.metrics["train"]["rmse"] > 0.5
    assert run.verdict.text.startswith(
        ("not converged", "training failed", "stopped early", "no better than a constant prediction")
    )
    assert np.isfinite(run.model.W).all()


@pytest.mark.parametrize("target", ["number", "class"])
def test_with_scaling_off_a_typed_rate_diverges_and_the_column_is_named(target):
    X, y = huge()
    run = ds.train(X, y if target == "number" else y > 0, scale=False, lr=0.1, **{**QUIET, "l2": 0.1})
    assert run.failed
    assert (run.findings[0].code, "from column 'x2'" in run.findings[0].text) == ("D101", True)


# Example weights


def weighted(weight):
    X, y = line()
    return pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y + X[:, 0] ** 2, "w": weight})


def coefficients(frame, **options):
    return [value for *_, value in ds.train(frame, "y", **{**EXACT, **options}).model.coefficients()]


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (-1.0, "the weight column 'w' is -1 in row 3 (2 rows in all), it must be a finite number of at least 0; correct or drop these rows"),
        (np.nan, "the weight column 'w' is nan in row 3 (2 rows in all), it must be a finite number of at least 0; correct or drop these rows"),
        (np.inf, "the column 'w' is infinite in row 3 (2 cells in all); correct these cells or leave the column out with drop"),
    ],
)  # fmt: skip
def test_weights_that_are_no_weights_are_refused(bad, text):
    weight = np.ones(60)
    weight[[2, 40]] = bad
    assert refused(weighted(weight), "y", weight="w") == text


def test_weights_that_are_zero_in_every_row_are_refused():
    assert refused(weighted(np.zeros(60)), "y", weight="w") == (
        "the weight column 'w' is 0 in every row; give some rows a weight above 0"
    )


@pytest.mark.parametrize("unit", [1e-320, 1e-300, 3.0, 1e300, 1.7e308])
def test_the_unit_of_the_weights_does_not_matter(unit):
    expected = coefficients(weighted(1.0).drop(columns="w"))
    np.testing.assert_allclose(coefficients(weighted(unit), weight="w"), expected, rtol=1e-9)


def test_a_row_of_weight_zero_is_a_row_left_out_and_of_weight_two_is_two_rows():
    frame = weighted(np.r_[np.zeros(20), np.ones(20), np.full(20, 2.0)])
    repeated = pd.concat([frame[20:], frame[40:]]).drop(columns="w")
    np.testing.assert_allclose(coefficients(frame, weight="w"), coefficients(repeated), rtol=1e-6)
    assert not np.allclose(coefficients(frame.drop(columns="w")), coefficients(repeated), rtol=1e-3)


# Classes


@pytest.mark.parametrize("test", [0, 0.2])
def test_a_class_with_one_example_is_learned_from_it(test):
    X, _ = line()
    run = ds.train(X, ["u"] * 40 + ["v"] + ["u"] * 19, **{**EXACT, "test": test, "l2": 0.01})
    rows = run.prepared.train.rows
    assert run.prepared.train.y.sum() == 1
    assert run.verdict.status == "converged"
    at = run.predict(X[run.prepared.rows[0]]).probabilities
    # Where the slope in the intercept vanishes, the mean probability is the share of the class.
    assert at.reshape(rows, -1)[:, -1].mean() == pytest.approx(1 / rows, rel=1e-3)


def test_case_c06_separable_classes_with_a_penalty_have_the_optimum_of_the_book():
    run = ds.train(np.array([[-1.0], [1.0]]), [0, 1], task="classification", **{**EXACT, "l2": 0.1})
    assert run.verdict.status == "converged"
    assert scaled_weights(run) == pytest.approx([1.63351, 0.0], abs=1e-4)


# Dtypes and layouts


def trained_on(X, y, **options):
    return (
        ds.train(X, y, **{**QUIET, "task": "regression", **options})
        .predict(np.array([[4.0, 1.0], [200.0, 0.0]]))
        .values
    )


@pytest.mark.parametrize("dtype", NUMERIC)
def test_case_c25_every_numeric_dtype_gives_the_very_same_model(dtype):
    X, y = digits()
    expected = trained_on(X.astype(float), y.astype(float))
    np.testing.assert_array_equal(trained_on(X.astype(dtype), y.astype(dtype)), expected)
    assert expected == pytest.approx([9, 203], rel=0.02)


def test_booleans_are_the_numbers_0_and_1():
    X, y = digits()
    X = np.column_stack([X[:, 1], X[:, 0] > 5])
    np.testing.assert_array_equal(trained_on(X.astype(bool), y), trained_on(X.astype(float), y))


@pytest.mark.parametrize("form", [object, str, lambda v: [[str(x) for x in row] for row in v.tolist()]])
def test_case_c25_digits_as_text_are_read_with_a_word(form):
    X, y = digits()
    given = form(X) if form not in (object, str) else X.astype(str).astype(form)
    run = ds.train(given, y.astype(str).astype(object), **QUIET)
    said = {n.text for n in run.notes}
    assert {"X holds text: its cells are read as numbers",
            "its text is read as numbers; if they are classes, use --task classification"} <= said  # fmt: skip
    plain = ds.train(X, y, **QUIET)
    np.testing.assert_array_equal(run.predict(X).values, plain.predict(X).values)
    assert not any("text" in n.text for n in plain.notes)


def test_digits_that_are_told_to_be_classes_stay_labels():
    X, _ = digits()
    run = ds.train(X, ["01", "1", "01", "1", "1", "01"], task="classification", **{**QUIET, "l2": 0.1})
    assert run.model.classes == ("01", "1")


def layouts(tmp_path):
    X, y = line()
    locked, kept = X.copy(), np.memmap(tmp_path / "X", np.float64, "w+", shape=X.shape)
    locked.flags.writeable = False
    kept[:] = X
    return {
        "fortran": (np.asfortranarray(X), y), "read-only": (locked, y), "memory map": (kept, y),
        "strided": (np.repeat(X, 2, axis=1)[:, ::2], np.repeat(y, 3)[::3]), "reversed": (X[::-1][::-1], y[::-1][::-1]),
        "column of a table": (X, np.column_stack([y, y])[:, :1]),
    }  # fmt: skip


def test_the_layout_of_an_array_does_not_matter_and_nothing_is_written_to_it(tmp_path):
    X, y = line()
    expected = ds.train(X, y, **QUIET).predict(X).values
    for name, (A, b) in layouts(tmp_path).items():
        np.testing.assert_array_equal(ds.train(A, b, **QUIET).predict(A).values, expected, err_msg=name)
        np.testing.assert_array_equal(A, X, err_msg=name)


# What is refused, and in which words

X, Y = line(4)


@pytest.mark.parametrize(
    ("data", "target", "text"),
    [
        (X[:1], Y[:1], "the target 'y' has one row; bring at least two rows that differ in it"),
        (X[:0], Y[:0], "X has shape (0, 2) and holds nothing; pass rows and columns"),
        (X[:, :0], Y, "X has shape (4, 0) and holds nothing; pass rows and columns"),
        (pd.DataFrame({"y": Y}), "y", "no column is left to learn 'y' from; add columns that vary from row to row"),
        (X * np.nan, Y,
         "no column is left to learn 'y' from: every cell of 'x1' is missing; every cell of 'x2' is missing; "
         "add columns that vary from row to row"),
        (X, Y * np.nan, "the target 'y' is missing in every row; name another target"),
        (X, Y * 0, "the target 'y' is constant: every value is 0; name another target"),
        (X + 0j, Y, "X has dtype complex128, it must hold real numbers; pass a data frame for text and dates"),
        (X, Y + 0j,
         "the column 'y' holds complex128, which is no number, date, text or boolean; flatten it or leave it out with drop"),
        (X, np.arange(4).astype("m8[D]"),
         "the column 'y' holds timedelta64, which is no number, date, text or boolean; flatten it or leave it out with drop"),
        (X, [[1], [2, 3], [4], [5]],
         "the column 'y' holds list, which is no number, date, text or boolean; flatten it or leave it out with drop"),
        (X, np.r_[np.inf, Y[1:]],
         "the column 'y' is infinite in row 1 (1 cells in all); correct these cells or leave the column out with drop"),
        (np.array([[1], [10**400], [2], [-(10**400)]], object), Y,
         "the column 'x1' is infinite in row 2 (2 cells in all); correct these cells or leave the column out with drop"),
        (np.array([["1,000"], ["2"], ["3"], ["4"]], object), Y,
         "X has dtype object, it must hold real numbers; pass a data frame for text and dates"),
        (np.array([["1_000"], ["2"], ["3"], ["4"]]), Y,
         "X has dtype <U5, it must hold real numbers; pass a data frame for text and dates"),
        (X, Y[:3], "the target has shape (3,), the data have 4 rows; pass a target of shape (4,)"),
        (X, X, "the target has shape (4, 2), the data have 4 rows; pass a target of shape (4,)"),
        (X, Y[None], "the target has shape (1, 4), the data have 4 rows; pass a target of shape (4,)"),
        (X, None, "the target has shape (), the data have 4 rows; pass a target of shape (4,)"),
        (None, Y, "X is of type NoneType, it must be an array or a data frame; pass an array of shape (rows, features)"),
    ],
)  # fmt: skip
def test_refused(data, target, text):
    assert refused(data, target) == text


def test_a_split_that_leaves_nothing_to_learn_is_refused():
    text = "the target 'y' is the same in every training row ({} rows); use test=\"none\", another random_state or more rows"
    assert refused(X[:2], Y[:2], test=0.5) == text.format("1 of 2")
    steps = pd.DataFrame({"t": np.arange(10.0), "a": np.arange(10.0) ** 2, "y": [1.0] * 8 + [5.0] * 2})
    assert refused(steps, "y", time="t", test=0.2) == text.format("8 of 10")


def table(cell):
    frame = pd.DataFrame(np.random.default_rng(0).standard_normal((100, 4)), columns=["a", "b", "c", "y"])
    frame.loc[cell[0] - 1, cell[1]] = cell[2]
    return frame


def as_arrays(frame, target):
    return frame.drop(columns=target).to_numpy(), frame[target].to_numpy()


@pytest.mark.parametrize(("form", "b", "c"), [(lambda *given: given, "b", "c"), (as_arrays, "x2", "x3")])
def test_case_c30_a_cell_that_is_missing_or_infinite_is_named_before_training(form, b, c):
    assert refused(*form(table((57, "b", np.nan)), "y"), missing="error") == (
        f'cells are missing in \'{b}\' (1 cells, first in row 57); use missing="median" or missing="drop"'
    )
    assert refused(*form(table((3, "c", np.inf)), "y")) == (
        f"the column '{c}' is infinite in row 3 (1 cells in all); correct these cells or leave the column out with drop"
    )
    run = ds.train(*form(table((57, "y", np.nan)), "y"), **QUIET)
    assert "1 rows without a target left out" in [n.text for n in run.notes]
    assert run.prepared.train.rows == 99


def test_case_c32_text_that_looks_like_numbers_is_not_taken_for_categories_without_a_word():
    frame = pd.DataFrame({"a": ["1,5", "2,5", None, "1,5"], "b": ["x", "1", "2", "x"], "y": Y})
    said = [n.text for n in ds.train(frame, "y", **QUIET).notes]
    assert "'a': decimal comma" in said
    assert not any(text.startswith("'b'") for text in said)
    said = [n.text for n in ds.train(frame.assign(a=["15", "25", None, "15"]), "y", **QUIET).notes]
    assert "'a': its text looks like numbers and is taken as categories; convert it if they are amounts" in said


# Data and Problem, without the preparation


def weights_of(data, name="squared", batch=FULL, **options):
    problem = Problem(data, loss(name), loss(name).constants, **options)
    return train(problem, Plan((setting("sgd", lr=1e-4, batch_size=batch),)), limits=Limits(epochs=5)).weights


@pytest.mark.parametrize("batch", [1, 4, FULL])
@pytest.mark.parametrize("dtype", NUMERIC)
def test_data_of_every_numeric_dtype_are_learned_alike(dtype, batch):
    X, y = digits()
    expected = weights_of(Data(X.astype(float), y.astype(float)), batch=batch)
    found = weights_of(Data(X.astype(dtype), y.astype(dtype), np.ones(6, dtype)), batch=batch)
    assert found.dtype == (np.float32 if dtype == "float32" else np.float64)
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float32" else 1e-13)
    assert (expected != 0).all()


@pytest.mark.parametrize("batch", [1, 4, FULL])
def test_data_of_every_layout_are_learned_alike(tmp_path, batch):
    X, y = line()
    expected = weights_of(Data(X, y), batch=batch)
    for name, (A, b) in layouts(tmp_path).items():
        np.testing.assert_array_equal(weights_of(Data(A, b.reshape(-1)), batch=batch), expected, err_msg=name)


def test_case_c25_integers_do_not_truncate_the_weights():
    problem = Problem(Data(np.array([[1], [2], [3]]), np.array([2, 4, 6])), loss("squared"), intercept=False)
    fit = train(problem, Plan((setting("sgd", lr=0.05),)), limits=Limits(epochs=50, patience=50, tol=0.0))
    assert fit.weights[0, 0] == pytest.approx(2.0, abs=1e-12)


@pytest.mark.parametrize("batch", [1, 4, FULL])
def test_one_row_and_no_column_are_learned(batch):
    assert weights_of(Data(np.ones((1, 1)), np.ones(1)), batch=batch)[0] == pytest.approx([1e-3, 1e-3], rel=0.01)
    X, y = digits()
    assert weights_of(Data(np.empty((6, 0)), y), batch=batch).shape == (1, 1)


@pytest.mark.parametrize("batch", [1, 4, FULL])
def test_weights_that_are_not_finite_end_the_run_before_they_reach_the_model(batch):
    X, y = digits()
    for bad in (np.nan, np.inf):
        problem = Problem(Data(X, y, np.r_[1.0, 1.0, bad, 1.0, 1.0, 1.0]), loss("squared"))
        fit = train(problem, Plan((setting("sgd", lr=1e-4, batch_size=batch),)), limits=Limits(epochs=5))
        assert fit.outcomes == (Outcome.NONFINITE,)
        assert np.isfinite(fit.weights).all()
