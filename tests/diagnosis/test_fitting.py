"""D3: too close, too little, one-sided, suspiciously good; each beside data of which nothing is to be said."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from tests.diagnosis.made import evidence_of, line

import descend as ds
from descend.diagnosis.fitting import _left_out, _unexplained, imbalance, underfit
from descend.losses import loss
from descend.plan import setting
from descend.problem import Problem
from descend.problem.network import Network
from descend.table.data import Data

QUIET = {"progress": False, "seeds": 1}


def frame(rows, columns, noise, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{j}" for j in range(columns)])
    return table.assign(y=table.x0 - (table.x1 if columns > 1 else 0) + noise * rng.normal(size=rows))


def codes(table, **options):
    return {f.code: f for f in ds.train(table, "y", **QUIET, **options).findings}


def test_more_columns_than_the_rows_can_bear_are_overfitted():
    found = codes(frame(80, 50, 1.5, seed=2), l2=0.0)["D301"]
    assert found.level == "warning"
    assert found.evidence["train"] < 0.5 * found.evidence["test"]


@pytest.mark.parametrize(("seed", "level"), [(1, "note"), (3, "warning")])
def test_a_few_test_rows_leave_it_open(seed, level):
    found = codes(frame(60, 30, 1.0, seed), l2=0.0)["D301"]
    assert (found.level, "12 test rows are too few to be sure" in found.text) == (level, level == "note")


def test_test_rows_that_vary_more_are_not_overfitted():
    table = frame(400, 3, 0.3).assign(t=np.arange(400))
    late = table.t >= 320
    table.loc[late, ["x0", "x1", "y"]] *= 3.0  # the same relation and noise, with three times the spread
    assert "D301" not in codes(table, time="t")


@pytest.mark.parametrize("rows", [400, 4000])
def test_enough_rows_are_not(rows):
    assert "D301" not in codes(frame(rows, 5, 1.0))


def test_a_curve_is_underfitted_by_a_line_and_the_column_is_named():
    table = frame(400, 3, 0.3)
    table["y"] += 1.5 * table.x2**2
    assert codes(table)["D302"].evidence["term"] == "x2²"
    product = frame(400, 3, 0.3)
    product["y"] += 1.5 * product.x0 * product.x2
    assert codes(product)["D302"].evidence["term"] == "x0 × x2"


def test_what_single_rows_bend_is_no_warning():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=60), "b": np.exp(3 * rng.normal(size=60))})
    table["y"] = table.a + rng.normal(size=60)
    table.loc[table.b.nlargest(2).index, "y"] += [12.0, -12.0]
    assert codes(table, test=0)["D302"].level == "note"
    table["y"] = table.a + table.a**2 + 0.3 * rng.normal(size=60)
    assert codes(table, test=0)["D302"].level == "warning"


def test_left_out_rows_are_predicted_as_by_a_regression_without_them():
    rng = np.random.default_rng(0)
    design, target = np.column_stack([np.ones(30), rng.normal(size=(30, 2))]), rng.normal(size=30)
    errors = []
    for i in range(30):
        rest = np.arange(30) != i
        errors.append(target[i] - design[i] @ np.linalg.lstsq(design[rest], target[rest], rcond=None)[0])
    whole = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    assert _unexplained(design, target) == pytest.approx(whole @ whole, rel=1e-6)
    assert _left_out(design, target) == pytest.approx(np.square(errors).sum(), rel=1e-6)


def test_noise_is_no_curve():
    assert all("D302" not in codes(frame(200, 6, 2.0, seed)) for seed in range(5))


def rare(share, signal, seed=0):
    rng = np.random.default_rng(seed)
    table = frame(1500, 3, 1.0, seed)
    z = signal * table.x0 + rng.normal(size=1500)
    return table.assign(y=np.where(z > np.quantile(z, 1 - share), "rare", "usual"))


def test_a_rare_class_that_is_missed_is_named_with_its_share():
    found = codes(rare(0.04, 0.7))["D303"]
    assert found.evidence["class"] == "rare"
    assert found.evidence["share"] == pytest.approx(0.04, abs=0.002)
    assert found.evidence["recall"] < 0.5


@pytest.mark.parametrize(("share", "signal"), [(0.04, 30.0), (0.4, 0.7)])
def test_a_rare_class_that_is_told_and_a_usual_one_are_not(share, signal):
    assert "D303" not in codes(rare(share, signal))


def test_ten_classes_are_not_rare_for_being_ten():
    rng = np.random.default_rng(0)
    table = frame(1000, 3, 1.0).assign(y=[f"c{k}" for k in rng.integers(0, 10, 1000)])
    assert "D303" not in codes(table, optimizer="gd", max_epochs=20)


def test_a_held_out_part_that_is_easier_is_told_in_standard_errors():
    table = frame(400, 3, 0.0).assign(t=np.arange(400))
    table["y"] += np.where(table.t < 320, 1.0, 0.1) * np.random.default_rng(0).normal(size=400)
    found = codes(table, time="t")["D304"]
    assert found.evidence["test"] < found.evidence["train"] - 3 * found.evidence["error"]
    assert "D304" not in codes(frame(400, 3, 1.0))


@pytest.mark.parametrize("noise", [0.0, 1e-9])
@pytest.mark.parametrize("kind", ["arrays", "frame"])
def test_a_line_that_fits_exactly_is_not_called_underfit(noise, kind):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 2))
    y = X @ [3.0, -2.0] + 5 + noise * rng.normal(size=60)
    data = (X, y) if kind == "arrays" else (pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": y}), "y")
    assert ds.train(*data, l2=0, progress=False).findings == ()


def test_the_residuals_of_the_optimum_count_and_not_those_of_the_kept_weights():
    evidence = evidence_of(line(l2=0.01), setting("sgd", lr=0.3), 200)
    off = evidence.weights + 1e-3 * np.arange(4)
    assert underfit(dataclasses.replace(evidence, weights=off)) is None


def noise_frame(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{j}" for j in range(columns)])
    return table.assign(y=rng.normal(size=rows))


@pytest.mark.parametrize("classes", [False, True])
def test_a_model_that_is_worse_than_a_constant_on_test_rows_is_said_first(classes):
    table = noise_frame(60, 30)
    table["y"] = np.where(table.y > 0, "up", "down") if classes else table.y
    run = ds.train(table, "y", **QUIET, l2=1e-4)
    first = run.findings[0]

    assert (first.code, first.level) == ("D305", "warning")
    assert first.evidence["test"] > first.evidence["baseline"]
    assert run.verdict.status == "no_better_than_constant"
    assert run.verdict.text.startswith("no better than a constant prediction: ")
    metric = "logloss" if classes else "rmse"
    assert run.metrics["test"][metric] > run.metrics["baseline"][metric]


def test_a_model_that_is_better_than_a_constant_is_not():
    assert "D305" not in codes(frame(200, 3, 1.0))


def test_the_classes_of_a_model_that_learned_nothing_are_not_blamed():
    evidence = evidence_of(deep_classes(), setting("adam", lr=1e-9), 20)
    trained = evidence_of(deep_classes(), setting("adam", lr=0.02), 300)
    assert imbalance(dataclasses.replace(evidence, weights=evidence.landscape.baseline_weights)) is None
    assert not trained.learned_nothing


def deep_classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    y = (X[:, 0] + rng.normal(size=400) > 2.2) * 1.0
    return Problem(Data(X, y), loss("logistic"), network=Network((3, 8, 1), "tanh"))
