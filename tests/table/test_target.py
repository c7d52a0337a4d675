"""The target: numbers or classes, or one sentence."""

import numpy as np
import pandas as pd
import pytest

from descend.errors import DataError
from descend.table.table import Column, Kind
from descend.table.target import check_labels, read_target


def numbers(*values):
    return Column("y", Kind.NUMBER, np.array(values, float))


def texts(*values):
    return Column("y", Kind.CATEGORY, np.array(values, dtype=object))


def test_numbers_are_a_regression_unless_told():
    assert read_target(numbers(1.5, 2.5)).task == "regression"
    told = read_target(numbers(3, 1, 3, 2), "classification")
    assert told.classes == ("1", "2", "3")
    assert told.y.tolist() == [2, 0, 2, 1]


def test_text_and_booleans_are_classes():
    assert read_target(texts("b", "a", "b")).classes == ("a", "b")
    assert read_target(Column("y", Kind.BOOLEAN, np.array([1.0, 0.0]))).classes == ("false", "true")


def test_rows_without_a_target_are_left_out_and_counted():
    found = read_target(texts("b", None, "a"))
    assert found.kept.tolist() == [True, False, True]
    assert found.notes == ("1 rows without a target left out",)


def test_whole_numbers_that_look_like_classes_are_said():
    assert read_target(numbers(0, 1, 2, 0)).notes == ("3 whole values: if they are classes, use --task classification",)


@pytest.mark.parametrize("values", [(0, 1, 1, 0), (1, 2, 2), (-1, 1, 1), (0.5, 2.5, 0.5)])
def test_two_values_are_classes_and_said(values):
    target = read_target(numbers(*values))
    low, high = f"{min(values):g}", f"{max(values):g}"
    assert (target.task, target.classes) == ("classification", (low, high))
    assert target.notes == (
        f"two values, {low} and {high}, are taken as classes; --task regression takes them as numbers",
    )
    assert read_target(numbers(*values), "regression").classes == ()


@pytest.mark.parametrize(
    ("column", "labels", "kind"),
    [(numbers(0, 1, 1), [0, 1], "i"), (numbers(0.5, 1, 1), [0.5, 1.0], "f"), (texts("b", "a"), ["a", "b"], "O"),
     (Column("y", Kind.BOOLEAN, np.array([1.0, 0.0])), [False, True], "b")],
)  # fmt: skip
def test_labels_keep_their_dtype(column, labels, kind):
    found = read_target(column).labels
    assert (found.tolist(), found.dtype.kind) == (labels, kind)


def test_rows_of_weight_zero_are_absent():
    target = read_target(texts("a", "b", "c"), sample_weight=np.array([1.0, 2.0, 0.0]))
    assert (target.classes, target.kept.tolist(), target.notes) == (("a", "b"), [True, True, False], ())


@pytest.mark.parametrize(
    "y", [pd.Series(["a", "b", pd.NA, "b"] * 2, dtype="string"), pd.Series(["a", "b", pd.NA, "b"] * 2, dtype=object),
          np.array(["a", "b", None, "b"] * 2, dtype=object), pd.Series([0, 1, pd.NA, 1] * 2, dtype="Int64"),
          [0.0, 1.0, np.nan, 1.0] * 2, pd.Series([True, False, None, True] * 2, dtype="boolean")]
)  # fmt: skip
def test_missing_labels_are_counted_whatever_the_dtype(y):
    with pytest.raises(DataError) as caught:
        check_labels(y)
    assert str(caught.value) == "y has 2 missing labels, the first in row 3; leave these rows out"


def test_one_missing_label_is_in_its_row():
    with pytest.raises(DataError) as caught:
        check_labels(["a", None])
    assert str(caught.value) == "y has 1 missing label, in row 2; leave these rows out"
    check_labels(["a", "b"])


@pytest.mark.parametrize(
    ("column", "task", "text"),
    [
        (numbers(np.nan, np.nan), "auto", "the target 'y' is missing in every row; name another --target"),
        (numbers(4, 4, 4), "auto", "the target 'y' is constant: every value is 4; name another --target"),
        (texts("a", "a"), "auto", "the target 'y' is constant: every value is 'a'; name another --target"),
        (numbers(4), "auto", "the target 'y' has one row; bring at least two rows that differ in it"),
        (texts("a", "b"), "regression",
         "the target 'y' holds text, such as 'a' in row 1, and regression needs numbers; "
         "use --task classification or name another --target"),
        (numbers(*range(300)), "classification",
         "the target 'y' has 300 classes in 300 rows, at most 100 are allowed; use --task regression or name another --target"),
    ],
)  # fmt: skip
def test_what_nothing_can_be_learned_from_is_refused(column, task, text):
    with pytest.raises(DataError) as caught:
        read_target(column, task)
    assert str(caught.value) == text


def test_for_evaluation_a_constant_will_do():
    assert read_target(numbers(4, 4), "regression", evaluating=True).y.tolist() == [4, 4]


def test_a_constant_class_is_shown_as_the_file_writes_it():
    for column, shown in ((Column("y", Kind.BOOLEAN, np.ones(2)), "true"), (numbers(1000000, 1000000), "1000000")):
        with pytest.raises(DataError) as caught:
            read_target(column, "classification")
        assert str(caught.value) == f"the target 'y' is constant: every value is {shown}; name another --target"


def test_labels_keep_all_their_digits():
    assert read_target(numbers(1000000, 123456789, 2.5), "classification").classes == ("2.5", "1000000", "123456789")


def test_long_text_is_shown_short():
    with pytest.raises(DataError) as caught:
        read_target(texts("x" * 500, "y"), "regression")
    assert f"such as {'x' * 60!r} in row 1" in str(caught.value)
