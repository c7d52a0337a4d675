"""Penalties that are too large, and more columns than rows; each beside a run without."""

import numpy as np
import pandas as pd
import pytest

import descend as ds

QUIET = {"progress": False, "seeds": 1, "optimizer": "nesterov"}


def frame(rows=200, columns=3, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, columns)), columns=[f"x{j}" for j in range(columns)])
    return table.assign(y=2 * table.x0 - table.x1 + noise * rng.normal(size=rows))


def found(table, code, **options):
    return {f.code: f for f in ds.train(table, "y", **QUIET, **options).findings}.get(code)


@pytest.mark.parametrize(("options", "fix"), [({"l2": 30.0}, "--l2 0.3"), ({"l1": 1.0}, "--l1 0.01")])
def test_predictions_that_are_held_back_are_told_with_a_smaller_penalty(options, fix):
    finding = found(frame(), "D307", **options)
    assert finding.level == "warning"
    assert finding.fix[0] == fix
    assert finding.evidence["factor"] > 1


def test_where_no_weight_is_left_that_is_said():
    finding = found(frame(), "D307", l1=100.0)
    assert finding.text == "penalty too large: l1 100 leaves no weight above 1e-06, so the model is a constant"


@pytest.mark.parametrize("options", [{}, {"l2": 0.01}, {"l1": 0.05}, {"l2": 0.0}])
def test_a_usual_penalty_is_none(options):
    assert found(frame(), "D307", **options) is None


@pytest.mark.parametrize(("l2", "said"), [(100.0, True), (1e-4, False)])
def test_a_network_that_a_penalty_draws_to_nothing_is_told(l2, said):
    finding = found(frame(), "D307", l2=l2, hidden_layer_sizes=(8,), lr=0.01, max_epochs=60)
    assert (finding is not None) == said
    if finding is not None:
        assert finding.text.startswith("penalty too large: l2 100 has drawn the weights of the network to ")
        assert finding.text.endswith(" of the length that they started with, and it has learned little")


@pytest.mark.parametrize(("slope", "said"), [(1.0, True), (0.0, False)], ids=["something to learn", "nothing to learn"])
def test_a_penalty_that_leaves_next_to_nothing_is_told_whatever_few_test_rows_say(slope, said):
    table = frame(120).assign(t=np.arange(120) ** 2)
    table["y"] = slope * table.x0 + np.random.default_rng(1).normal(size=120)
    table.loc[100:, "x0"] *= -1.0  # test rows that follow another line
    assert (found(table, "D307", l2=1e4, time="t") is not None) == said


def test_more_columns_than_rows_are_told_with_what_test_rows_see():
    finding = found(frame(60, 80, noise=3.0), "D308", l2=1e-6)
    assert (finding.level, finding.evidence["features"], finding.evidence["rows"]) == ("warning", 80, 48)
    assert finding.fix[0] == "--l1 0.1"
    assert found(frame(60, 20), "D308", l2=1e-6) is None


def test_more_columns_than_rows_that_predict_well_are_a_note():
    rng = np.random.default_rng(0)
    common = rng.normal(size=60)
    table = pd.DataFrame(common[:, None] + 0.3 * rng.normal(size=(60, 80))).rename(columns=lambda j: f"x{j}")
    assert found(table.assign(y=common), "D308").level == "note"


def test_a_tiny_penalty_on_more_columns_than_rows_is_none():
    table = frame(60, 80)
    classes = table.assign(y=np.where(table.y > 0, "u", "v"))
    assert found(classes, "D307", l2=1e-5) is None
    assert found(classes, "D307", l1=100.0) is not None  # no weight is left
