"""The loss of a target: by its classes unless one was typed, and refused where it does not allow the target."""

import numpy as np
import pytest

from descend.errors import DataError, UsageError
from descend.losses import LOSSES
from descend.options import read_options
from descend.table.table import Column, Kind
from descend.table.target import read_target
from descend.table.target_loss import loss_for, loss_with_constants, shown, task_description, typed_loss


def target(*values, task="auto"):
    text = isinstance(values[0], str)
    kind, dtype = (Kind.CATEGORY, object) if text else (Kind.NUMBER, float)
    return read_target(Column("y", kind, np.array(values, dtype)), task)


@pytest.mark.parametrize(
    ("values", "name", "text"),
    [
        ((1.5, 2.5, 4.0), "squared", "numeric → regression"),
        (("no", "yes", "no"), "logistic", "2 classes (no, yes) → classification"),
        (("a", "b", "c"), "softmax", "3 classes (a, b, c) → classification"),
        (("a", "b", "c", "d", "e"), "softmax", "5 classes (a, b, c, d, …) → classification"),
    ],
)
def test_the_classes_of_the_target_decide_where_no_loss_was_typed(values, name, text):
    assert loss_for(target(*values), None) is LOSSES[name]
    assert task_description(target(*values)) == text


def test_names_that_would_break_a_line_are_quoted_and_cut():
    assert (shown("plain name"), shown("two\nlines"), shown("x" * 61)) == (
        "plain name",
        r"'two\nlines'",
        repr("x" * 60),
    )


def test_a_typed_loss_comes_with_its_constants_and_its_task():
    assert typed_loss(read_options({"loss": "quantile:0.9"})) == (LOSSES["quantile"], {"tau": 0.9}, "regression")
    assert typed_loss(read_options({"loss": "hinge"})) == (LOSSES["hinge"], {}, "classification")
    assert typed_loss(read_options({"task": "classification"})) == (None, {}, "classification")
    assert loss_with_constants("huber")[1] == LOSSES["huber"].constants


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("quantile:2", "quantile needs tau between 0 and 1"),
        ("quantile:nan", "quantile needs tau between 0 and 1"),
        ("huber:0", "huber needs delta above 0"),
        ("huber:wide", "huber needs delta above 0"),
        ("squared:1", "squared has no constant"),
    ],
)
def test_constants_that_a_loss_cannot_have_are_refused(text, what):
    with pytest.raises(UsageError) as caught:
        loss_with_constants(text)
    assert str(caught.value) == f"the loss {text} cannot be used, {what}; try quantile:0.9 or huber:1.35"


def test_a_loss_of_another_task_is_refused():
    with pytest.raises(UsageError) as caught:
        typed_loss(read_options({"loss": "logistic", "task": "regression"}))
    assert str(caught.value) == (
        "the loss logistic is for classification, but task is regression; use --task classification or another loss"
    )


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("poisson", (1.0, -2.0, 3.0),
         "the target 'y' is -2 in row 2 and not allowed in 1 rows, the loss poisson takes a number of at least 0; use another --loss"),
        ("poisson", (np.nan, 1.0, 0.0, -2.0, -3.0),
         "the target 'y' is -2 in row 4 and not allowed in 2 rows, the loss poisson takes a number of at least 0; use another --loss"),
        ("logistic", ("a", "b", "c"), "the target 'y' has 3 classes, the loss logistic takes two; use --loss softmax"),
        ("hinge", ("a", "b", "c", "d"), "the target 'y' has 4 classes, the loss hinge takes two; use --loss softmax"),
    ],
)  # fmt: skip
def test_targets_that_the_loss_does_not_allow(name, values, text):
    with pytest.raises(DataError) as caught:
        loss_for(target(*values), LOSSES[name])
    assert str(caught.value) == text
