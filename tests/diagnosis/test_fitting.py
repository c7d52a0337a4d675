"""D3: too close, too little, one-sided, suspiciously good; each beside data of which nothing is to be said."""

import numpy as np
import pandas as pd
import pytest

import descend as ds

QUIET = {"progress": False, "seeds": 1}


def frame(rows, columns, noise, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{j}" for j in range(columns)])
    return table.assign(y=table.x0 - (table.x1 if columns > 1 else 0) + noise * rng.normal(size=rows))


def codes(table, **options):
    return {f.code: f for f in ds.train(table, "y", **QUIET, **options).findings}


def test_more_columns_than_the_rows_can_bear_are_overfitted():
    found = codes(frame(80, 50, 1.5), l2=0.0)["D301"]
    assert found.level == "warning"
    assert found.evidence["train"] < 0.5 * found.evidence["test"]


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
