"""One column alone: what its neighbours know of the target, against closed forms and chance."""

import numpy as np
import pytest
from scipy.stats import rankdata

from descend.diagnosis.leaks import SOLE, neighbours_share, own_scores, parts_of_sum, ranks
from descend.table.data import Data

ROWS = 400


def rng():
    return np.random.default_rng(0)


def score(x, y, classes=0):
    X = np.column_stack([x, rng().normal(size=len(y))])
    return own_scores(Data(X, y.astype(float)), classes, ("own", "other"))["own"]


def test_ranks_are_those_of_scipy():
    y = rng().integers(0, 20, 100).astype(float)
    assert ranks(y) == pytest.approx((rankdata(y) - 1) / 99)


@pytest.mark.parametrize("relation", [lambda y: -3 * y, np.exp, lambda y: y**3, lambda y: np.floor(20 * y)])
def test_any_relation_to_a_number_is_seen(relation):
    y = rng().uniform(-1, 1, ROWS)
    assert score(relation(y), y) > SOLE
    assert score(rng().permutation(relation(y)), y) < 0.2


@pytest.mark.parametrize("correlated", [0.5, 0.9, 0.95])
def test_a_good_column_is_none(correlated):
    y = rng().normal(size=ROWS)
    x = correlated * y + np.sqrt(1 - correlated**2) * np.random.default_rng(1).normal(size=ROWS)
    assert score(x, y) < SOLE


def test_codes_of_classes_are_seen_in_any_order():
    y = rng().integers(0, 3, ROWS)
    codes = (37 * (y + 7 * np.random.default_rng(1).integers(0, 9, ROWS))) % 101
    assert score(codes, y, 3) > SOLE
    wrong = np.where(np.random.default_rng(2).uniform(size=ROWS) < 0.3, 0, codes)
    assert score(wrong, y, 3) < SOLE


def test_a_few_rare_rows_in_order_are_no_chance():
    y = np.zeros(ROWS)
    y[:8] = 1
    assert score(y + 0.01 * rng().normal(size=ROWS), y, 2) == 1.0
    assert score(rng().normal(size=ROWS), y, 2) < 0.5


def test_a_new_value_in_every_row_predicts_nothing():
    y = rng().integers(0, 2, ROWS)
    assert score(np.random.default_rng(1).permutation(ROWS), y, 2) < 0.2


def test_the_mean_of_the_others_by_hand():
    x, y = np.array([1.0, 1.0, 1.0, 1.0]), np.array([[0.0], [0.0], [2.0], [2.0]])
    # others' means are 4/3, 4/3, 2/3, 2/3: four errors of 16/9 against four of 1
    assert neighbours_share(x, y) == pytest.approx(1 - 16 / 9)


def test_parts_of_a_sum_are_named_and_good_columns_are_not():
    a, b, c = rng().normal(size=(3, 200))
    assert parts_of_sum({"a": a, "b": b, "c": c}, a + b + 4) == ("a", "b")
    assert parts_of_sum({"a": a, "b": b, "c": c}, a - c) == ("a", "c")
    assert parts_of_sum({"a": a, "b": b, "c": c}, a + 2 * b) == ()  # a formula, and no sum of parts
    assert parts_of_sum({"a": a, "b": b, "c": c}, a + b + 1e-2 * c) == ()
    assert parts_of_sum({"a": 1e200 * a, "b": 1e200 * b}, 1e200 * (a + b)) == ("a", "b")
    assert parts_of_sum({"a": a}, a) == ()


def test_parts_of_a_sum_are_named_beside_columns_that_are_mostly_missing():
    a, b, c = rng().normal(size=(3, 200))
    c[5:] = np.nan
    assert parts_of_sum({"a": a, "b": b, "c": c}, a + b) == ("a", "b")
    b[::5] = np.nan
    assert parts_of_sum({"a": a, "b": b}, a + b) == ("a", "b")


def test_a_curve_over_a_count_is_no_leak_and_rows_sorted_by_the_target_are():
    age = np.arange(200.0)[rng().permutation(200)[:160]]
    curve, sorted_by = np.cos(age / 30), np.sqrt(age)
    assert own_scores(Data(age[:, None], curve), 0, ("age",))["age"] < 0.5
    assert own_scores(Data(age[:, None], sorted_by), 0, ("age",))["age"] > SOLE
    assert own_scores(Data(age[:, None] ** 2, curve), 0, ("age",))["age"] > SOLE  # no count
