"""What the checks read is what training gets."""

import numpy as np
import pandas as pd
import pytest

from descend.checks.facts import SAMPLE, Facts
from descend.errors import DataError, UsageError
from descend.options import read_options
from descend.table.prepare import prepare


def facts(data, target=None, **options):
    return Facts.of(data, target, read_options(options), lambda note: None)


def frame(rows=60):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["a", "b"])
    return table.assign(k=["u", None, "v"] * (rows // 3), y=table.a + rng.normal(size=rows))


def test_with_a_target_the_rows_are_those_of_training():
    known, other = facts(frame(), "y"), prepare(frame(), "y", read_options({}))
    assert np.array_equal(known.train.X, other.train.X)
    assert (known.target, known.refusal) == ("y", None)
    assert known.uses == {"a": "a", "b": "b", "k": "k=u, k=v, k=(missing)", "y": "target"}
    assert [c.name for c in known.used] == ["a", "b", "k", "y"]
    assert known.flags.tolist() == [False, False, False, False, True]
    assert known.owners.tolist() == [0, 1, 2, 2, 2]


def test_targets_stand_in_the_rows_of_the_table():
    table = frame()
    table.loc[[0, 7], "y"] = np.nan
    assert np.array_equal(facts(table, "y").targets, table.y.to_numpy(), equal_nan=True)


def test_without_a_target_all_rows_and_columns_are_features():
    known = facts(frame())
    assert (known.prepared, known.targets, known.train.rows, known.train.names) == (
        None, None, 60, ("a", "b", "k=u", "k=v", "k=(missing)", "y")
    )  # fmt: skip
    assert known.train.X.mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-12)


def test_an_array_with_its_target():
    X = np.random.default_rng(0).normal(size=(50, 3))
    known = facts(X, X[:, 0] + 1)
    assert (known.target, len(known.table.columns), known.train.features) == ("y", 4, 3)


def test_a_target_that_cannot_be_learned_is_kept_as_the_reason():
    known = facts(frame().assign(y=1.0), "y")
    assert isinstance(known.refusal, DataError)
    assert (known.refusal.code, known.uses["y"], known.train.names[:2]) == ("target-constant", "target", ("a", "b"))


def test_a_column_that_is_not_there_is_an_error():
    with pytest.raises(UsageError) as error:
        facts(frame(), "z")
    assert str(error.value) == "there is no column 'z' in 'frame'; the nearest are 'a', 'b', 'k'"


def test_columns_left_out_are_not_used():
    assert facts(frame(), "y", drop=("b",)).uses.get("b") is None
    assert facts(frame(), "y", features=("a",)).uses["b"] == "left out: as asked"


def test_of_many_rows_some_are_drawn_once():
    many = facts(np.zeros((SAMPLE + 1, 1)))
    assert (len(many.sample), len(np.unique(many.sample)), (np.diff(many.sample) > 0).all()) == (SAMPLE, SAMPLE, True)
    assert facts(frame()).sample is None


def test_squares_beyond_the_range_have_no_moments():
    assert facts(np.array([[1e300, 1.0], [-1e300, 2.0], [1e200, 4.0]])).gram is not None  # they are scaled first
    assert facts(np.zeros((5, 1))).gram is None
