"""Preparation learns from training rows alone and says what it did."""

import numpy as np
import pandas as pd
import pytest

from descend.errors import DataError, UsageError
from descend.options import read_options
from descend.prepare import prepare


def prepared(data, target="y", **given):
    return prepare(data, target, read_options(given))


def frame(rows=100):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.standard_normal(rows), "b": rng.standard_normal(rows), "c": rng.standard_normal(rows),
                         "y": rng.standard_normal(rows)})  # fmt: skip


def test_case_c30_missing_cells_are_filled_and_said_and_infinite_ones_refused():
    data = frame()
    data.loc[57, "b"] = np.nan
    data.loc[11, "y"] = np.nan
    done = prepared(data)
    said = [n.text for n in done.notes]
    assert "1 rows without a target left out" in said
    assert "b: 1 missing → median + flag" in said
    assert np.isfinite(done.train.X).all()
    data.loc[2, "c"] = np.inf
    with pytest.raises(DataError) as caught:
        prepared(data)
    assert str(caught.value) == (
        "the column 'c' is infinite in row 3 (1 cells in all); mend these cells or leave the column out with --drop"
    )
    with pytest.raises(DataError, match="cells are missing in 'b' \\(1 cells, first in row"):
        prepared(data.drop(columns="c"), missing="error", validation=0)


def test_rows_with_missing_cells_can_be_dropped():
    data = frame()
    data.loc[[3, 4], "b"] = np.nan
    done = prepared(data, missing="drop", validation=0)
    assert done.train.rows == 98
    assert done.schema.names == ("a", "b", "c")


def test_statistics_come_from_training_rows_alone():
    data = frame()
    first = prepared(data)
    held = first.rows[1]
    data.loc[held, ["a", "y"]] = 1e6
    again = prepared(data)
    np.testing.assert_array_equal(again.rows[1], held)
    np.testing.assert_array_equal(again.scale.center, first.scale.center)
    np.testing.assert_array_equal(again.train.y, first.train.y)


def test_the_check_of_statistics_can_fail():
    data = frame()
    first = prepared(data)
    data.loc[first.rows[0], "a"] += 1.0
    assert not np.array_equal(prepared(data).scale.center, first.scale.center)


def test_features_and_dropped_columns():
    assert prepared(frame(), features=["c", "a"]).schema.names == ("c", "a")
    assert prepared(frame(), drop=["b"]).schema.names == ("a", "c")
    with pytest.raises(UsageError) as caught:
        prepared(frame(), features=["y"])
    assert str(caught.value) == "the target 'y' is also among the features; leave it out of --features"
    with pytest.raises(UsageError) as unknown:
        prepared(frame(), drop=["d"])
    assert unknown.value.code == "no-such-column"


def test_weights_have_mean_one_and_are_no_feature():
    data = frame().assign(w=np.arange(100.0))
    done = prepared(data, weight="w", validation=0)
    assert done.schema.names == ("a", "b", "c")
    assert done.train.weight.mean() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("weights", "text"),
    [(-1.0, "the weight column 'w' is -1 in row 1 (100 rows in all), it must be a finite number of at least 0; mend or drop these rows"),
     (np.nan, "the weight column 'w' is nan in row 1 (100 rows in all), it must be a finite number of at least 0; mend or drop these rows"),
     (0.0, "the weight column 'w' is 0 in every row; give some rows a weight above 0")],
)  # fmt: skip
def test_bad_weights_are_refused(weights, text):
    with pytest.raises(DataError) as caught:
        prepared(frame().assign(w=weights), weight="w")
    assert str(caught.value) == text


def test_groups_and_time_decide_the_split():
    data = frame().assign(g=np.repeat(list("abcdefghij"), 10), t=np.arange(100.0)[::-1])
    by_group = prepared(data, group="g")
    assert "g=a" not in by_group.schema.names
    assert not set(data.g[by_group.rows[0]]) & set(data.g[by_group.rows[1]])
    by_time = prepared(data, time="t")
    assert data.t[by_time.rows[0]].max() < data.t[by_time.rows[1]].min()


def test_a_file_can_be_held_out(tmp_path):
    frame().to_csv(tmp_path / "train.csv", index=False)
    frame(30).to_csv(tmp_path / "held.csv", index=False)
    done = prepared(tmp_path / "train.csv", validation=str(tmp_path / "held.csv"))
    assert (done.train.rows, done.held_out.rows) == (100, 30)
    np.testing.assert_allclose(done.held_out.X[:, 0], done.scale.transform(done.schema.encode(done.table).X)[:0, 0].sum() + (
        pd.read_csv(tmp_path / "held.csv").a - done.scale.center[0]) / done.scale.width[0])  # fmt: skip


def test_when_no_column_is_left_it_is_said_why():
    with pytest.raises(DataError) as caught:
        prepared(pd.DataFrame({"a": [1.0] * 5, "y": [1.0, 2, 3, 4, 5]}), validation=0)
    assert str(caught.value) == (
        "no column is left to learn 'y' from: 'a' is constant: every value is 1; add columns that vary from row to row"
    )


@pytest.mark.parametrize(
    ("loss", "y", "text"),
    [("poisson", [1.0, -2, 3], "the target 'y' is -2 in row 2 and not allowed in 1 rows, the loss poisson takes a number of at least 0; use another --loss"),
     ("logistic", ["a", "b", "c"], "the target 'y' has 3 classes, the loss logistic takes two; use --loss softmax")],
)  # fmt: skip
def test_targets_that_the_loss_does_not_allow(loss, y, text):
    with pytest.raises(DataError) as caught:
        prepared(pd.DataFrame({"a": [1.0, 2, 4], "y": y}), loss=loss, validation=0)
    assert str(caught.value) == text


def test_losses_with_a_constant():
    assert prepared(frame(), loss="quantile:0.9").constants == {"tau": 0.9}
    with pytest.raises(UsageError) as caught:
        prepared(frame(), loss="quantile:2")
    assert str(caught.value) == (
        "the loss quantile:2 cannot be used, quantile needs tau between 0 and 1; try quantile:0.9 or huber:1.35"
    )
    with pytest.raises(UsageError, match="the loss logistic is for classification, but task is regression"):
        prepared(frame(), loss="logistic", task="regression")


def test_a_target_of_another_length_is_refused_with_both_shapes():
    with pytest.raises(DataError) as caught:
        prepared(np.zeros((5, 2)), np.zeros(4))
    assert str(caught.value) == "the target has shape (4,), the data have 5 rows; pass a target of shape (5,)"
