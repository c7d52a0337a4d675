"""Held-out rows: the share, whole groups, the last in time, every class."""

import numpy as np
import pytest

from descend.errors import DataError
from descend.table.split import held_out, split


def test_both_sides_together_are_all_rows_once():
    train, held = split(100, 0.2, 0)
    assert len(held) == 20
    assert sorted([*train, *held]) == list(range(100))
    assert split(100, 0.0, 0)[1].tolist() == []


def test_the_seed_decides():
    assert split(50, 0.2, 1)[1].tolist() == split(50, 0.2, 1)[1].tolist()
    assert split(50, 0.2, 1)[1].tolist() != split(50, 0.2, 2)[1].tolist()


def test_every_class_with_two_members_is_on_both_sides():
    classes = np.array([0] * 90 + [1] * 8 + [2] * 2)
    train, held = split(100, 0.2, 0, stratify=classes)
    assert np.bincount(classes[held]).tolist() == [18, 2, 1]
    assert np.bincount(classes[train]).tolist() == [72, 6, 1]


def test_groups_stay_together():
    group = np.repeat(np.arange(20), 5)
    train, held = split(100, 0.2, 0, group=group)
    assert not set(group[train]) & set(group[held])
    assert len(held) == 20


def test_the_last_in_time_are_held_out():
    time = np.random.default_rng(0).permutation(50).astype(float)
    train, held = split(50, 0.2, 0, time=time)
    assert time[train].max() < time[held].min()


def test_what_cannot_be_split_is_refused():
    with pytest.raises(DataError) as few:
        split(1, 0.2, 0)
    assert (
        str(few.value)
        == "1 rows cannot be split with 20% test rows, one side would be empty; use --test none or more rows"
    )
    with pytest.raises(DataError) as one:
        split(9, 0.2, 0, group=np.array(["a"] * 9))
    assert str(one.value) == (
        "the group column has one group, 'a', which cannot be on both sides of the split; name another --group, or leave it out"
    )


@pytest.mark.parametrize(("rows", "share", "held"), [(10, 0.1, 1), (11, 0.1, 2), (2, 0.2, 1), (100, 0.5, 50)])
def test_the_share_is_rounded_up(rows, share, held):
    assert len(split(rows, share, 0)[1]) == held


def test_rows_without_a_time_come_first_and_ties_keep_their_order():
    assert split(5, 0.4, 0, time=np.array([1.0, 1.0, np.nan, 1.0, 0.0]))[1].tolist() == [1, 3]


def test_a_class_of_one_is_trained_on():
    assert 0 in split(5, 0.2, 0, stratify=np.array([1, 0, 0, 0, 0]))[0]


def test_the_rows_that_are_held_out_are_those_of_the_split():
    mask = held_out(100, 0.3, 5)
    train, held = split(100, 0.3, 5)
    assert np.flatnonzero(mask).tolist() == held.tolist()
    assert np.flatnonzero(~mask).tolist() == train.tolist()
