"""D4: the data themselves; each fault beside a table without it."""

import warnings

import numpy as np
import pandas as pd
import pytest

import descend as ds

QUIET = {"progress": False, "seeds": 1}


def frame(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
    return table.assign(y=table.a - 2 * table.b + rng.normal(size=rows))


def codes(table, target="y", **options):
    return {f.code: f for f in ds.train(table, target, **QUIET, **options).findings}


def test_a_sound_table_is_silent():
    assert codes(frame()) == {}


def test_the_largest_column_is_named_where_columns_are_not_scaled():
    table = frame().assign(b=frame().b * 1000)
    found = codes(table, scale=False, optimizer="gd", max_epochs=100)["D401"]
    assert (found.evidence["column"], found.level) == ("b", "warning")
    assert found.evidence["ratio"] == pytest.approx(1e6, rel=0.2)
    assert "D401" not in codes(table)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_column_that_is_the_target_in_other_words_is_suspected(sign):
    found = codes(frame().assign(bill=lambda t: sign * 3 * t.y + 7))["D402"]
    assert found.evidence["column"] == "bill"
    assert found.fix == ("--drop bill",)


def test_a_column_that_orders_two_classes_is_suspected():
    table = frame()
    table["k"] = np.where(table.y > 0, "yes", "no")
    found = codes(table.assign(again=-table.y).drop(columns="y"), "k")["D402"]
    assert found.evidence["column"] == "again"


def test_a_good_column_is_no_leak():
    table = frame()
    table["d"] = table.y + 0.5 * np.random.default_rng(1).normal(size=300)
    assert "D402" not in codes(table)


def test_copies_across_the_split_are_counted():
    found = codes(pd.concat([frame(150), frame(150)], ignore_index=True))["D403"]
    assert found.evidence["copies"] > 0.5 * found.evidence["test"]


def test_rows_of_few_values_repeat_by_nature():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 3, size=(400, 3)), columns=["a", "b", "c"])
    assert "D403" not in codes(table.assign(y=table.a + table.b))


def test_columns_that_tell_nothing_are_noted():
    found = codes(frame().assign(same=3.0))["D404"]
    assert (found.level, found.evidence) == ("note", {"columns": ["same"]})


def test_a_target_far_out_is_named_with_its_row():
    table = frame()
    table.loc[7, "y"] = 900.0
    found = codes(table, test=0)["D405"]
    assert found.evidence["row"] == 8
    assert found.fix[0] == "--loss huber"


def seeded_split(table):
    """The rows that a training with the options of these tests trains on, and those that it sets aside."""
    return ds.train(table, "y", **QUIET).prepared.rows


@pytest.mark.parametrize(("part", "said"), [(0, ""), (1, "; one of them is a test row and decides the test score")])
def test_a_target_far_out_is_named_in_test_rows_too(part, said):
    table = frame()
    row = int(seeded_split(table)[part][3])
    table.loc[row, "y"] = 900.0
    found = codes(table)["D405"]

    assert (found.evidence["row"], found.evidence["test"]) == (row + 1, part)
    assert found.text == (
        f"outlying targets: 1 of 300 rows, row {row + 1} the farthest, are more than 20 robust standard deviations from the "
        f"median and make 100% of all squares{said}"
    )
    assert found.fix == (("--metric mae" if part else "--loss huber"), "look at these rows")


def test_a_heavy_tail_is_no_outlier():
    table = frame()
    table["y"] += np.random.default_rng(0).standard_t(3, size=300)
    assert "D405" not in codes(table)


def walk(follows):
    table = frame(400).assign(day=pd.date_range("2020-01-01", periods=400))
    steps = np.random.default_rng(0).normal(size=400)
    table["y"] += np.cumsum(steps) / 2 if follows else steps
    return table


def test_residuals_that_follow_each_other_in_time_are_told_with_the_column():
    found = codes(walk(True))["D406"]
    assert found.evidence["column"] == "day"
    assert found.fix == ("--time-column day",)
    assert "D406" not in codes(walk(True), time="day")
    assert "D406" not in codes(walk(False))


@pytest.mark.parametrize(
    "options", [{}, {"hidden_layer_sizes": (8,), "optimizer": "adam", "lr": 0.01, "max_epochs": 20}]
)
@pytest.mark.parametrize("gaps", [False, True])
def test_the_row_of_a_far_target_is_a_row_of_the_file(options, gaps):
    """Rows of the split, of a network without its validation rows, and rows without a target do not shift the count."""
    table = frame(500)
    table.loc[[20, 120, 199, 300, 420], "y"] = 5000.0  # of which the split leaves some
    if gaps:
        table.loc[[3, 50], "y"] = np.nan
    assert codes(table, **options)["D405"].evidence["row"] in (21, 121, 200, 301, 421)


def test_a_diverging_run_names_rows_of_the_file():
    table = frame(100)
    table.loc[[70], "b"] = 1e200
    found = codes(table, scale=False, optimizer="adam", batch_size=5, lr=0.1, max_epochs=5, test=0)
    assert found["D103"].evidence["rows"] == [71]


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("test", [0.2, 0])
def test_a_table_joined_with_itself_is_said(times, rounded, test):
    """Also where every column has few values, so that no column shows it."""
    table = frame(120).round(0 if rounded else 9)
    found = codes(pd.concat([table] * times, ignore_index=True), test=test)["D403"]
    assert found.evidence["repeats"] % times == 0
    assert found.text.startswith(f"every row of the table is there {found.evidence['repeats']} times")


def test_rows_that_repeat_by_nature_are_no_join():
    assert "D403" not in codes(frame(400).round(0))


def series(follows, rows=600, **columns):
    rng = np.random.default_rng(0)
    wave = 3 * np.sin(np.arange(rows) / 60) if follows else 0.0
    table = frame(rows).assign(day=pd.date_range("2019-03-01", periods=rows), **columns)
    return table.assign(y=table.a + wave + 0.5 * rng.normal(size=rows))


VARIATIONS = {
    "network": ({"hidden_layer_sizes": (8,), "optimizer": "adam", "lr": 0.01, "max_epochs": 20}, lambda t: t),
    "huber": ({"loss": "huber"}, lambda t: t),
    "two classes": ({}, lambda t: t.assign(y=np.where(t.y > 0, "up", "down"))),
    "three classes": ({}, lambda t: t.assign(y=pd.cut(t.y, [-99, -1, 1, 99], labels=["l", "m", "h"]).astype(str))),
    "missing dates": ({}, lambda t: t.assign(day=t.day.where(t.index % 50 != 5))),
    "four rows a day": ({}, lambda t: t.assign(day=t.day.iloc[t.index // 4].to_numpy())),
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_time_order_is_seen_whatever_the_model_and_the_dates(name):
    options, change = VARIATIONS[name]
    assert codes(change(series(True)), **options)["D406"].evidence["column"] == "day"
    assert "D406" not in codes(change(series(False)), **options)


@pytest.mark.parametrize("value", [1e12, 1e160, 1e300])
@pytest.mark.parametrize("column", ["b", "y"])
@pytest.mark.parametrize("scale", [True, False])
def test_a_huge_cell_is_named_with_column_and_row(value, column, scale):
    table = frame(200)
    table.loc[41, column] = value
    run = ds.train(table, "y", **QUIET, scale=scale, max_epochs=20, test=0)
    found = {f.code: f for f in run.findings}["D407"]

    assert (found.evidence["column"], found.evidence["row"]) == (column, 42)
    assert found.level == ("error" if run.failed else "warning")
    assert found.fix == ("correct or leave out row 42", "--loss huber" if column == "y" else "--drop b")


@pytest.mark.parametrize("column", ["b", "y"])
def test_a_huge_cell_of_a_test_row_is_named(column):
    table = frame(200)
    row = int(seeded_split(table)[1][0])
    table.loc[row, column] = 1e12
    found = codes(table)["D407"]

    assert (found.evidence["column"], found.evidence["row"], found.level) == (column, row + 1, "warning")
    assert found.text.endswith(" × the spread of the other rows, and as a test row decides the test score")
    assert found.fix == (f"correct or leave out row {row + 1}", "--metric mae" if column == "y" else "--drop b")


def test_a_huge_cell_of_an_array_is_named():
    X = np.random.default_rng(0).normal(size=(100, 2))
    X[30, 1] = 1e9
    model = ds.DescentRegressor(scale=False, max_epochs=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, X[:, 0])
    found = {f.code: f for f in model.findings_}["D407"]
    assert (found.evidence["column"], found.evidence["row"]) == ("column 2", 31)


@pytest.mark.parametrize("draw", ["standard_cauchy", "lognormal", "indicator", "dates"])
def test_heavy_tails_and_rare_indicators_are_no_huge_cells(draw):
    rng = np.random.default_rng(0)
    columns = {
        "standard_cauchy": rng.standard_cauchy(300), "lognormal": rng.lognormal(0, 3, 300), "indicator": (np.arange(300) == 7) * 1.0,
        "dates": pd.date_range("1990-01-01", periods=300),
    }  # fmt: skip
    assert "D407" not in codes(frame().assign(d=columns[draw]))


def with_fillers(cells, value=-999.0, column="b"):
    """A table in which a number stands for so many missing cells."""
    table = frame()
    table.loc[np.arange(10, 10 + cells), column] = value
    return table


@pytest.mark.parametrize(("cells", "found"), [(2, False), (3, True)])
def test_a_number_far_from_all_others_and_repeated_may_mean_missing(cells, found):
    assert ("D408" in codes(with_fillers(cells))) == found


def test_numbers_that_may_mean_missing_come_with_the_flag_that_says_so():
    table = with_fillers(20).assign(c=with_fillers(5, 9999.0, "c").c)
    found = codes(table)["D408"]

    assert found.text == (
        "numbers that may mean missing: -999 in 20 cells of 'b', 9999 in 5 cells of 'c'; far from all other values of the "
        "column, and repeated"
    )
    assert (found.level, found.fix) == ("warning", ("--null=-999 --null=9999", "say what these numbers mean"))
    assert "D408" not in codes(table, **found.changes[0])
    assert "D408" not in codes(table, drop=["b", "c"])


def test_a_target_is_looked_at_where_it_is_a_number_to_predict():
    table = with_fillers(20, column="y")
    assert codes(table)["D408"].evidence == {"column": ["y"], "value": [-999.0], "cells": [20]}
    assert "D408" not in codes(table.assign(y=np.where(table.y > 0, 1, 0)))


def test_an_outlier_alone_is_no_number_that_means_missing():
    table = frame()
    table.loc[7, "b"] = -999.0
    assert "D408" not in codes(table)


def test_numbers_that_may_mean_missing_come_before_what_follows_from_them():
    table = frame()
    table["x"] = np.where(np.arange(300) % 10 == 0, -200.0, 20 + 5 * table.a)
    table["y"] = 2 * (20 + 5 * table.a) + 1
    found = list(codes(table[["x", "y"]]))
    assert found.index("D408") < found.index("D302")


def test_a_target_that_is_the_sum_of_columns_is_a_leak_of_its_parts():
    table = frame().assign(part=lambda t: 0.3 * t.y + np.sin(9 * t.c), rest=lambda t: t.y - t.part)
    found = codes(table)["D402"]
    assert found.evidence["column"] == ["part", "rest"]
    assert found.fix == ("--drop part --drop rest",)
    assert found.text == (
        "target leakage suspected: the target is exactly the sum or difference of 'part' and 'rest', which are its parts"
    )


def test_a_date_that_the_target_follows_is_time_order_and_no_leak():
    day = np.arange(300)
    table = frame().assign(day=pd.date_range("2020-01-01", periods=300), y=np.sin(day / 30))
    found = codes(table)
    assert "D402" not in found
    assert found["D406"].evidence["column"] == "day"


def test_what_follows_the_time_is_not_called_nonlinear():
    table = walk(True).assign(a2=lambda t: np.linspace(-1, 1, len(t)))
    assert "D302" not in codes(table)


def test_a_column_that_is_nearly_constant_is_noted():
    values = np.zeros(300)
    values[[7, 50]] = 1.0
    found = codes(frame().assign(odd=values))["D409"]
    assert (found.level, found.evidence) == ("note", {"column": ["odd"], "others": [2]})


def test_a_target_of_dates_is_not_its_own_time():
    table = walk(True)
    assert "D406" not in codes(table, "day")


@pytest.mark.parametrize(("noise", "said"), [(0.0, True), (0.4, False)])
def test_levels_that_hold_the_target_are_a_leak_and_levels_that_only_help_are_none(noise, said):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(300, 2)), columns=["a", "b"]).assign(y=lambda t: t.a + rng.normal(size=300))
    bins = pd.qcut(table.y + noise * rng.normal(size=300), 6, labels=list("qzmxkb")).astype(str)
    found = ds.train(table.assign(level=bins), "y", progress=False, seeds=1, optimizer="nesterov").findings
    assert [f.evidence["column"] for f in found if f.code == "D402"] == (["level"] if said else [])


def with_copies(**beside):
    """150 rows of which 60 are there again, and columns beside the features."""
    rng = np.random.default_rng(0)
    one = pd.DataFrame(rng.normal(size=(150, 3)), columns=["a", "b", "y"])
    return pd.concat([one, one.head(60)], ignore_index=True).assign(**beside)


NAMES = np.array([f"name {k * 7919 % 100_000}" for k in range(210)])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (np.r_[NAMES[:150], NAMES[:60]], True),
        (NAMES, False),
        (np.array([f"state {k // 3}" for k in range(210)]), False),  # too few rows of each for a feature
        (np.array(["most"] * 100 + [f"rare {k // 2}" for k in range(110)]), False),  # rare levels count as one
    ],
    ids=["same names", "other names", "other states", "other rare levels"],
)
def test_rows_of_other_names_are_no_copies(names, said):
    found = codes(with_copies(name=names))
    assert ("D403" in found) == said


def test_copies_in_a_test_file_are_counted_by_features_alone(tmp_path):
    table = with_copies(name=NAMES)
    table[150:].to_csv(tmp_path / "test.csv", index=False)
    found = codes(table[:150], test=str(tmp_path / "test.csv"))["D403"]
    assert found.text == "60 of 60 test rows (100%) are copies of training rows, so the score is too good"


def test_copies_that_only_a_number_of_rows_tells_apart_are_a_note():
    found = codes(with_copies(row=np.arange(210)))["D403"]
    assert found.level == "note"
    assert found.text.endswith("so the score is too good, unless 'row' does more than number the rows")
