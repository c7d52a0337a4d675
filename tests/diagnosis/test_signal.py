"""Columns that say nothing about the target, by a target in shuffled order."""

import numpy as np
import pandas as pd
import pytest

import descend as ds
from descend.diagnosis.signal import SHUFFLES, shuffled_shares

QUIET = {"progress": False, "seeds": 1, "optimizer": "nesterov"}


def frame(strength, rows=200, seed=0, classes=False):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, 4)), columns=list("abcd"))
    y = strength * table.a + rng.normal(size=rows)
    return table.assign(y=np.where(y > 0, "u", "v") if classes else y)


def found(table, **options):
    return {f.code: f for f in ds.train(table, "y", **QUIET, **options).findings}.get("D306")


@pytest.mark.parametrize("classes", [False, True])
def test_noise_is_told_and_a_weak_signal_is_not(classes):
    finding = found(frame(0.0, seed=3, classes=classes))
    assert finding.level == "warning"
    assert finding.evidence["share"] <= finding.evidence["largest_shuffled"]
    assert found(frame(0.7, classes=classes)) is None


def test_a_network_is_judged_by_the_data_too():
    how = {"hidden_layer_sizes": (8,), "lr": 0.01, "max_epochs": 20}
    assert found(frame(0.0), **how) is not None
    assert found(frame(1.0), **how) is None


def test_squares_count_as_signal():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(300, 2)), columns=["a", "b"])
    assert found(table.assign(y=table.a**2)) is None


def test_shares_are_those_of_least_squares():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 2)), rng.normal(size=(100, 1))
    design = np.column_stack([np.ones(100), X, X**2])
    residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    shares = shuffled_shares(np.column_stack([X, X**2]), y)
    assert len(shares) == SHUFFLES + 1
    assert shares[0] == pytest.approx(1 - np.sum(residual**2) / np.sum((y - y.mean()) ** 2))
    assert shuffled_shares(X[:3], y[:3]) is None  # too few rows for the columns


def test_a_weak_line_is_not_hidden_by_squares():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.normal(size=(70, 12)), columns=[f"x{j}" for j in range(12)])
    assert found(table.assign(y=1.2 * table.x0 + rng.normal(size=70))) is None
