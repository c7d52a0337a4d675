"""Preparation learns from training rows alone and says what it did."""

import numpy as np
import pandas as pd
import pytest

from descend.errors import DataError, UsageError
from descend.options import read_options
from descend.table.prepare import prepare, validation_split


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
        "the column 'c' is infinite in row 3 (1 cells in all); correct these cells or leave the column out with --drop"
    )
    with pytest.raises(DataError, match="cells are missing in 'b' \\(1 cells, first in row"):
        prepared(data.drop(columns="c"), missing="error", test=0)


def test_rows_with_missing_cells_can_be_dropped():
    data = frame()
    data.loc[[3, 4], "b"] = np.nan
    done = prepared(data, missing="drop", test=0)
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
    done = prepared(data, weight="w", test=0)
    assert done.schema.names == ("a", "b", "c")
    assert done.train.sample_weight.mean() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("weights", "text"),
    [(-1.0, "the weight column 'w' is -1 in row 1 (100 rows in all), it must be a finite number of at least 0; correct or drop these rows"),
     (np.nan, "the weight column 'w' is nan in row 1 (100 rows in all), it must be a finite number of at least 0; correct or drop these rows"),
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
    done = prepared(tmp_path / "train.csv", test=str(tmp_path / "held.csv"))
    assert (done.train.rows, done.test.rows) == (100, 30)
    np.testing.assert_allclose(done.test.X[:, 0], done.scale.transform(done.schema.encode(done.table).X)[:0, 0].sum() + (
        pd.read_csv(tmp_path / "held.csv").a - done.scale.center[0]) / done.scale.width[0])  # fmt: skip


def test_when_no_column_is_left_it_is_said_why():
    with pytest.raises(DataError) as caught:
        prepared(pd.DataFrame({"a": [1.0] * 5, "y": [1.0, 2, 3, 4, 5]}), test=0)
    assert str(caught.value) == (
        "no column is left to learn 'y' from: 'a' is constant: every value is 1; add columns that vary from row to row"
    )


def test_a_typed_loss_comes_with_its_constant():
    assert prepared(frame(), loss="quantile:0.9").constants == {"tau": 0.9}


def test_a_target_of_another_length_is_refused_with_both_shapes():
    with pytest.raises(DataError) as caught:
        prepared(np.zeros((5, 2)), np.zeros(4))
    assert str(caught.value) == "the target has shape (4,), the data have 5 rows; pass a target of shape (5,)"


def test_notes_come_in_the_order_of_the_work(penguins):
    heard = []
    done = prepare(penguins, "body_mass_g", read_options({}), heard.append)
    assert tuple(heard) == done.notes
    assert [(note.topic, note.text) for note in heard] == [
        ("read", "penguins.csv · 344 rows × 8 columns · comma, UTF-8, header"),
        ("target", "body_mass_g · numeric → regression"),
        ("target", "2 rows without a target left out"),
        ("columns", "4 number, 3 category (9 levels → one-hot) → 13 features"),
        ("scaling", "on · every feature has mean 0 and spread 1"),
        ("split", "273 training rows / 69 test rows (20%, seed 0)"),
    ]


def test_what_the_columns_of_an_array_are_called_leaves_the_target_its_own_name():
    done = prepared(frame()[["a", "y"]], np.arange(100.0))
    assert done.schema.names == ("a", "y")
    assert done.target.name == "y_"


@pytest.mark.parametrize(
    ("target", "classes", "kept"),
    [(["a", float("nan"), "b"] * 4, ("a", "b"), 8), (np.array(["a", None, "b"] * 4, object), ("a", "b"), 8),
     ([True, False, None] * 4, ("false", "true"), 8), (np.ma.array(range(12), mask=[1] + [0] * 11), (), 11),
     (pd.DataFrame({"q": ["u", None, "v"] * 4}), ("u", "v"), 8), (np.arange(12.0)[:, None], (), 12)],
)  # fmt: skip
def test_missing_cells_of_a_target_are_left_out_however_they_are_written(target, classes, kept):
    done = prepared(frame(12)[["a"]], target, test=0)
    assert (done.target.classes, done.train.rows) == (classes, kept)


def test_a_single_row_with_a_weight_is_too_few():
    data = frame().assign(w=[1.0] + [0.0] * 99)
    with pytest.raises(DataError) as caught:
        prepared(data, weight="w")
    assert str(caught.value) == (
        "the target 'y' has one row whose weight is above 0; bring at least two rows that differ in it"
    )


@pytest.mark.parametrize("test", [0, 0.2])
def test_rows_of_weight_zero_are_absent_from_medians_levels_scales_classes_and_splits(test):
    data = frame(60).assign(c=["u", "v", "w"] * 20, k=["p", "q"] * 30, w=2.0)
    data.loc[3, "a"] = np.nan
    both = pd.concat([data, frame(40).assign(a=1e6, c="z", k="r", w=0.0)])
    for target in ("y", "k"):
        one, two = prepared(data, target, weight="w", test=test), prepared(both, target, weight="w", test=test)
        assert one.schema == two.schema
        np.testing.assert_array_equal(one.train.X, two.train.X)
        np.testing.assert_array_equal(one.train.y, two.train.y)
        assert one.target.classes == two.target.classes


@pytest.mark.parametrize(("values", "word"), [("x", "text"), (True, "booleans"), (pd.Timestamp(0), "dates")])
def test_weights_are_numbers(values, word):
    with pytest.raises(DataError) as caught:
        prepared(frame().assign(w=values), weight="w")
    assert str(caught.value) == f"the weight column 'w' holds {word}; name a column of numbers"


def test_a_held_out_file_may_have_one_target_but_no_class_of_its_own(tmp_path):
    frame().assign(k=["u", "v"] * 50).to_csv(tmp_path / "train.csv", index=False)
    held = frame(2).assign(k=["v", "v"], y=[3.0, 3.0])
    held.to_csv(tmp_path / "held.csv", index=False)
    options = {"test": str(tmp_path / "held.csv")}
    assert prepared(tmp_path / "train.csv", **options).test.rows == 2
    assert prepared(tmp_path / "train.csv", "k", **options).test.y.tolist() == [1.0, 1.0]
    held.assign(k="w").to_csv(tmp_path / "held.csv", index=False)
    with pytest.raises(DataError) as caught:
        prepared(tmp_path / "train.csv", "k", **options)
    assert str(caught.value) == (
        "held.csv has the class 'w', the model knows 'u', 'v'; leave these rows out, or train on rows of every class"
    )


def test_rows_are_dropped_by_the_columns_that_are_used():
    data = frame().assign(c=[None, *[f"l{i}" for i in range(99)]])
    assert prepared(data, missing="drop", test=0).train.rows == 100
    assert prepared(data.assign(c=[None, *[f"l{i % 7}" for i in range(99)]]), missing="drop", test=0).train.rows == 99


def test_text_tells_no_time():
    with pytest.raises(DataError) as caught:
        prepared(frame().assign(t="x"), time="t")
    assert str(caught.value) == "the time column 't' holds text that is no date; name a column of dates or numbers"


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int64", "bool", "float16", "float32", "float64", ">f8", "longdouble"]
)
def test_case_c25_every_numeric_dtype_gives_the_same_data(dtype):
    X, y = np.array([[1, 0], [0, 1], [1, 1], [0, 0]]), np.array([1, 0, 1, 1])
    expected, given = (prepared(X.astype(d), y.astype(d), test=0, task="regression") for d in ("float64", dtype))
    np.testing.assert_array_equal(given.train.X, expected.train.X)
    np.testing.assert_array_equal(given.train.y, expected.train.y)


@pytest.mark.parametrize("option", ["weight", "group", "time"])
def test_a_column_is_given_by_its_name(option):
    with pytest.raises(UsageError) as caught:
        prepared(frame(), **{option: np.ones(100)})
    assert str(caught.value) == (
        f"{option} is of type ndarray, it must be the name of a column; make it a column of the data and pass its name"
    )


@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_moments_are_a_target_of_days_in_every_form(unit):
    moments = np.array(["1970-01-02", "NaT", "1970-01-04", "1970-01-05"], f"datetime64[{unit}]")
    for target in (moments, pd.Series(moments.astype("M8[ns]")), list(pd.to_datetime(moments))):
        done = prepared(np.arange(4.0)[:, None], target, test=0, scale=False, loss="poisson")
        assert done.train.y.tolist() == [1.0, 3.0, 4.0]


def test_a_target_of_digits_as_text_is_learned_as_numbers_unless_it_is_told_to_be_classes():
    X, y = np.arange(4.0)[:, None], ["2", "4", "", "8"]
    for target in (y, np.array(y), np.array(y, object), pd.Series(y)):
        done = prepared(X, target, test=0)
        assert done.target.task == "regression"
        assert done.target.y.tolist() == [2.0, 4.0, 8.0]
        assert "its text is read as numbers; if they are classes, use --task classification" in [
            n.text for n in done.notes
        ]
        assert prepared(X, target, test=0, task="classification").target.classes[-3:] == ("2", "4", "8")
    assert prepared(X, ["2", "4", "x", "8"], test=0).target.task == "classification"


def deciding(frame, **given):
    options = read_options(given)
    prepared = prepare(frame, "y", options)
    return prepared, validation_split(prepared, options)


def table_of(rows):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"a": rng.normal(size=rows), "g": np.arange(rows) // 10, "t": rng.permutation(rows), "y": rng.normal(size=rows)}
    )


def test_rows_that_decide_are_training_rows_and_the_held_out_rows_stay_as_they_are():
    prepared, (own, aside) = deciding(table_of(100))

    assert (own.rows, aside.rows, prepared.test.rows) == (64, 16, 20)
    both = np.vstack([own.X, aside.X])
    assert sorted(map(tuple, both)) == sorted(map(tuple, prepared.train.X))


def test_groups_and_time_hold_for_the_rows_that_decide_too():
    frame = table_of(200)
    prepared, (own, aside) = deciding(frame, group="g")
    of = {tuple(x): g for x, g in zip(prepared.train.X, frame.g.to_numpy()[prepared.rows[0]], strict=True)}
    assert not {of[tuple(x)] for x in own.X} & {of[tuple(x)] for x in aside.X}

    prepared, (own, aside) = deciding(frame, time="t")
    when = {tuple(x): t for x, t in zip(prepared.train.X, frame.t.to_numpy()[prepared.rows[0]], strict=True)}
    assert max(when[tuple(x)] for x in own.X) < min(when[tuple(x)] for x in aside.X)


@pytest.mark.parametrize("rows", [10, 24])
def test_too_few_rows_set_none_aside(rows):
    assert deciding(table_of(rows))[1] is None
