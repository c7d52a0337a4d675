"""Coefficients of a run: the file's units, standardised, with intervals."""

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.run.coefficients import coefficients

COMMON = {"optimizer": "nesterov", "progress": False}


@pytest.fixture(scope="module")
def table():
    """200 rows of y = 3 a - 2 b / 1000 + 5, where b is a thousand times as wide as a."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=200), 1000 * rng.normal(size=200) + 4000
    return pd.DataFrame({"a": a, "b": b, "y": 3 * a - 2 * b / 1000 + 5 + rng.normal(size=200)})


def test_they_are_those_of_ordinary_least_squares_with_their_standard_errors(table):
    run = ds.train(table, "y", l2=0.0, test=None, tol=1e-10, **COMMON)
    A = np.c_[table["a"], table["b"], np.ones(200)]
    inverse = np.linalg.inv(A.T @ A)
    w = inverse @ A.T @ table["y"].to_numpy()
    h = np.einsum("ij,jk,ik->i", A, inverse, A)
    e = (table["y"].to_numpy() - A @ w) / (1 - h)
    errors = np.sqrt(np.diagonal(inverse @ (A.T * e**2) @ A @ inverse))

    found = {c.feature: c for c in run.coefficients}

    assert list(found) == ["a", "b", "intercept"]
    for name, value, error in zip(("a", "b", "intercept"), w, errors, strict=True):
        assert found[name].value == pytest.approx(value, rel=1e-4)
        assert found[name].high - found[name].low == pytest.approx(2 * 1.97208 * error, rel=1e-3)  # t of 197, 97.5 %
        assert (found[name].low + found[name].high) / 2 == pytest.approx(found[name].value)


def test_each_class_has_its_own_with_intervals(table):
    kinds = np.array(["low", "mid", "high"])[np.digitize(table["y"], [-6, 0])]
    run = ds.train(table.assign(y=kinds), "y", l2=0.01, **COMMON)
    assert {(c.feature, c.output) for c in run.coefficients} == {
        (f, o) for f in ("a", "b", "intercept") for o in ("low", "mid", "high")
    }
    assert all(c.low < c.value < c.high for c in run.coefficients)


def test_away_from_the_optimum_there_are_no_intervals(table):
    run = ds.train(table, "y", optimizer="gd", lr=1e-3, max_epochs=3, progress=False)
    assert all(c.low is None and c.high is None for c in run.coefficients)


def test_a_network_has_none(table):
    run = ds.train(table, "y", hidden_layer_sizes=(3,), optimizer="adam", lr=0.01, max_epochs=2, progress=False)
    assert run.coefficients == coefficients(run.model) == ()


def test_they_are_in_the_folder(table, tmp_path):
    run = ds.train(table, "y", **COMMON)
    run.save(tmp_path / "run")
    assert ds.load(tmp_path / "run").coefficients == run.coefficients
