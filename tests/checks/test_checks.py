"""Each check on a table with its fault and on one without; whole sentences, and NumPy as the oracle of their numbers."""

import numpy as np
import pandas as pd
import pytest

from descend.checks import checks
from descend.checks import facts as facts_file
from descend.checks.checks import made
from descend.checks.facts import Facts
from descend.options import read_options

PROBLEM, TIP, PASSED, SKIPPED, NOT = "problem", "tip", "passed", "skipped", "not applicable"


def frame(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
    return table.assign(y=table.a - 2 * table.b + rng.normal(size=rows))


def found(table, target="y", **options):
    facts = Facts.of(table, target, read_options(options), lambda note: None)
    return {check.name: check for check in made(facts)}


def ended(check):
    return check.status.value, check.text


def test_a_sound_table_passes_all_that_applies():
    checks = found(frame())

    assert {name: c.status.value for name, c in checks.items()} == {
        "reading": PASSED, "missing": PASSED, "categories": NOT, "unused": PASSED, "sentinels": PASSED, "extremes": PASSED,
        "copies": PASSED, "correlations": PASSED, "outliers": PASSED, "imbalance": NOT, "leak": PASSED, "time": NOT,
        "size": PASSED, "conditioning": PASSED, "training": PASSED,
    }  # fmt: skip
    assert checks["training"].text == (
        "y is learned as numbers with the squared loss, by a linear model of 3 features (4 weights), from 320 training rows; "
        "80 test rows score it"
    )


def test_what_the_reader_decided_is_a_tip(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f'"1.{k:03d},5",{k}\n' for k in range(1, 40)))
    check = found(path)["reading"]
    assert check.status.value == TIP
    assert check.text == "'a': decimal comma"
    assert check.fix == ("say otherwise with --kind, --null, --decimal or --skip-rows",)
    assert ended(found(frame())["reading"]) == (PASSED, "400 rows read, and nothing had to be guessed")


def test_missing_cells_are_counted_and_columns_mostly_without_are_named():
    table = frame()
    assert ended(found(table)["missing"]) == (PASSED, "none of 1,600 cells is missing")
    table.loc[:19, "a"] = np.nan
    assert ended(found(table)["missing"]) == (
        PASSED, "20 of 1,600 cells (1.2 %) are missing, in 1 column; training fills them with the median, and flags them"
    )  # fmt: skip
    table.loc[:299, "b"] = np.nan
    check = found(table)["missing"]
    assert ended(check) == (TIP, "320 of 1,600 cells (20 %) are missing, in 2 columns; mostly missing: b (75 %)")
    assert (check.fix, check.evidence["columns"]) == (("--drop b",), {"a": 20, "b": 300})


def test_where_everything_is_missing_that_is_the_problem():
    check = found(pd.DataFrame({"a": [None] * 30, "b": [None] * 30}), None)["missing"]
    assert ended(check) == (PROBLEM, "every cell of the table is missing")


def test_rare_levels_are_counted():
    rng = np.random.default_rng(1)
    table = frame().assign(k=[f"k{int(v)}" for v in rng.exponential(20, 400)])
    levels = table.k.value_counts()
    check = found(table, None)["categories"]
    kept = int((levels.head(49) >= 5).sum())
    assert ended(check) == (TIP, f"rare levels that share one feature: k ({len(levels) - kept})")
    assert ended(found(table.assign(k=np.where(table.a > 0, "u", "v")))["categories"]) == (
        PASSED, "2 levels in 1 column, a feature each"
    )  # fmt: skip


def test_columns_that_tell_nothing_are_left_out():
    check = found(frame().assign(same=3.0))["unused"]
    assert ended(check) == (TIP, "columns dropped as constant or identifiers: 'same' (constant: every value is 3)")
    assert check.code == "D404"


def test_numbers_that_may_mean_missing():
    table = frame()
    table.loc[:4, "a"] = -999.0
    check = found(table)["sentinels"]
    assert ended(check) == (
        PROBLEM, "numbers that may mean missing: -999 in 5 cells of 'a'; far from all other values of the column, and repeated"
    )  # fmt: skip
    assert (check.fix[0], check.code) == ("--null=-999", "D408")
    assert found(table)["reading"].status.value == PASSED  # said once


def test_a_cell_beside_which_all_others_are_one():
    table = frame()
    table.loc[6, "c"] = 1e12
    for target in ("y", None):
        check = found(table, target)["extremes"]
        assert check.status.value == PROBLEM
        assert check.text.startswith("extreme value: 1e+12 in row 7 of column 'c' is ")
    assert ended(found(frame(15), None)["extremes"]) == (SKIPPED, "fewer than 20 rows")


def test_targets_that_decide_the_squares():
    table = frame()
    table.loc[[3, 5], "y"] = 5000.0
    check = found(table)["outliers"]
    assert check.status.value == PROBLEM
    assert check.text.startswith("outlying targets: 2 of 400 rows, row ")
    assert ended(found(table.assign(y=table.y > 0))["outliers"]) == (NOT, "the loss is logistic, not squared")
    assert ended(found(frame(20))["outliers"]) == (SKIPPED, "fewer than 20 training rows")


def test_copies_with_and_without_a_split():
    twice = pd.concat([frame(200), frame(200)], ignore_index=True)
    assert found(twice)["copies"].text.startswith(
        "every row of the table is there 2 times or a multiple of that, as after a join with itself: "
    )
    some = pd.concat([frame(200), frame(200).head(30)], ignore_index=True)
    check = found(some, None)["copies"]
    assert ended(check) == (TIP, "30 of 230 rows repeat another, in all that a model sees")
    assert ended(found(frame(230), None)["copies"]) == (
        PASSED,
        "0 of 230 rows repeat another, in all that a model sees",
    )


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_column_that_is_the_target_in_other_words(sign):
    check = found(frame().assign(bill=lambda t: sign * 3 * t.y + 7))["leak"]
    assert ended(check) == (
        PROBLEM,
        "target leakage suspected: column 'bill' alone predicts the target almost exactly (100.0% of its variation); it may be "
        "known only after the target, or be the target in another form",
    )
    assert (check.fix, check.code) == (("--drop bill",), "D402")


def test_a_leak_is_looked_for_where_it_can_be_seen():
    table = frame()
    silent = (PASSED, "no single column determines the target")
    assert ended(found(table.assign(y=np.where(table.y > 3.7, "u", "v")))["leak"]) == silent
    thirds = pd.cut(table.y, 3, labels=list("uvw")).astype(str)
    assert ended(found(table.assign(y=thirds))["leak"]) == silent
    leaking = found(table.assign(code=thirds.map({"u": "q", "v": "k", "w": "z"}), y=thirds))["leak"]
    assert (leaking.status, leaking.fix) == (PROBLEM, ("--drop code",))
    assert ended(found(table, None)["leak"]) == (NOT, "there is no target")


def test_a_rare_class_is_named():
    table = frame().assign(y=["no"] * 380 + ["yes"] * 20)
    check = found(table)["imbalance"]
    assert ended(check) == (
        TIP,
        "rare classes: yes is 5 % of the rows (20); accuracy hardly shows how they are predicted",
    )
    assert check.evidence == {"counts": {"no": 380, "yes": 20}}
    even = found(table.assign(y=["no"] * 250 + ["yes"] * 150))["imbalance"]
    assert ended(even) == (PASSED, "the rarest class, yes is 38 % of the rows (150)")


def test_columns_that_say_the_same_by_numpys_correlation():
    table = frame()
    table["d"] = table.a + 0.01 * np.random.default_rng(2).normal(size=400)
    check = found(table, None)["correlations"]
    assert ended(check) == (
        TIP, "columns that say nearly the same, so that their weights are hard to tell apart: a and d (r = 1.000)"
    )  # fmt: skip
    assert check.fix == ("--drop d", "--l2 0.01")


def test_categories_that_say_the_same_by_cramers_v():
    rng = np.random.default_rng(0)
    town = rng.choice(["Oslo", "Rome", "Lima"], 400)
    table = frame().assign(town=town, country=np.where(town == "Oslo", "NO", np.where(town == "Rome", "IT", "PE")))
    check = found(table)["correlations"]
    assert ended(check) == (
        TIP, "columns that say nearly the same, so that their weights are hard to tell apart: town and country (V = 1.000)"
    )  # fmt: skip
    assert check.fix == ("--drop country", "--l2 0.01")


def test_columns_that_are_missing_together_are_not_the_same():
    table = frame()
    table.loc[:30, ["a", "b"]] = np.nan
    assert found(table)["correlations"].status.value == PASSED


def test_a_target_that_follows_the_time():
    rng = np.random.default_rng(3)
    day = pd.date_range("2020-01-01", periods=400).strftime("%Y-%m-%d")
    walk = frame().assign(day=day, y=np.cumsum(rng.normal(size=400)))
    check = found(walk)["time"]
    assert check.status.value == TIP
    assert check.text == (
        f"in the order of 'day', successive targets have a correlation of {check.evidence['correlation']:.2f}, so rows held out "
        "at random may be easier to predict than the future"
    )
    assert check.fix == ("--time-column day",)
    assert ended(found(walk, time="day")["time"]) == (PASSED, "the last rows in the order of day are the test rows")
    assert ended(found(frame().assign(day=day))["time"]) == (PASSED, "the target does not follow the order of day")


def test_rows_for_each_weight():
    assert ended(found(frame(40))["size"]) == (
        TIP, "32 training rows for 4 weights of a linear model, fewer than 10 a weight: it can fit noise"
    )  # fmt: skip
    assert ended(found(frame())["size"]) == (PASSED, "320 training rows for 4 weights of a linear model")
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 40))).add_prefix("x")
    assert "fewer rows than weights" in found(wide, "x0")["size"].text


@pytest.mark.parametrize("target", ["y", None])
def test_conditioning_is_that_of_numpys_eigenvalues(target):
    table = frame().assign(b=lambda t: 1000 * t.b + 5000)
    options = {"l2": 0.0, "test": "none"}
    check = found(table, target, **options)["conditioning"]
    X = table.drop(columns="y" if target else []).to_numpy()

    def condition(X):
        H = np.column_stack([X, np.ones(len(X))])
        values = np.linalg.eigvalsh(H.T @ H)
        return values[-1] / values[0]

    assert check.evidence["before"] == pytest.approx(condition(X), rel=1e-5)
    assert check.evidence["after"] == pytest.approx(condition((X - X.mean(axis=0)) / X.std(axis=0)), rel=1e-9)
    assert check.status.value == PASSED


def test_an_ill_conditioned_table_is_a_tip():
    table = frame().assign(d=lambda t: t.a + 1e-4 * np.random.default_rng(2).normal(size=400))
    check = found(table, l2=0.0)["conditioning"]
    assert (check.status.value, check.code) == (TIP, "D203")
    assert check.evidence["after"] > 1e4


def test_too_many_features_are_not_compared_and_it_is_said(monkeypatch):
    monkeypatch.setattr(facts_file, "MOST_FEATURES", 3)
    monkeypatch.setattr(checks, "MOST_FEATURES", 3)
    table = found(frame(), None)
    why = (SKIPPED, "4 features; up to 3 are compared with each other")
    assert ended(table["correlations"]) == ended(table["conditioning"]) == why


def test_a_target_that_cannot_be_learned_is_a_problem_and_the_rest_is_checked():
    table = found(frame().assign(y=5.0))
    assert ended(table["training"]) == (PROBLEM, "training would refuse: the target 'y' is constant: every value is 5")
    assert (table["training"].fix, table["training"].evidence) == (
        ("name another --target",),
        {"error": "target-constant"},
    )
    assert ended(table["leak"]) == (SKIPPED, "training would refuse this target, see the check training")
    assert table["correlations"].status.value == PASSED


def test_without_columns_nothing_applies():
    table = found(pd.DataFrame({"a": [1.0]}), None)
    assert ended(table["copies"]) == ended(table["conditioning"]) == (NOT, "no column is used")
    assert ended(table["training"]) == (NOT, "there is no target; name one with --target")


def test_parts_of_the_target_are_a_leak():
    table = frame().assign(part=lambda t: 0.3 * t.y + np.sin(9 * t.c), rest=lambda t: t.y - t.part)
    check = found(table)["leak"]
    assert (check.status, check.fix) == (PROBLEM, ("--drop part --drop rest",))
