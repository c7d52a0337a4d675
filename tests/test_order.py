"""The order of an epoch is a function of seed and epoch."""

import numpy as np

from descend.order import epoch_order


def test_every_row_is_visited_once():
    assert sorted(epoch_order(100, 3, 5)) == list(range(100))


def test_the_same_seed_and_epoch_give_the_same_order_and_others_do_not():
    assert epoch_order(50, 1, 2).tolist() == epoch_order(50, 1, 2).tolist()
    assert epoch_order(50, 1, 2).tolist() != epoch_order(50, 1, 3).tolist()
    assert epoch_order(50, 1, 2).tolist() != epoch_order(50, 2, 2).tolist()


def test_the_order_is_the_same_on_every_machine():
    assert epoch_order(8, 0, 0).tolist() == np.random.Generator(np.random.Philox(key=0)).permutation(8).tolist()


def test_without_shuffling_rows_come_as_they_are():
    assert epoch_order(4, 1, 9, shuffle=False).tolist() == [0, 1, 2, 3]


def test_rows_are_spread_evenly_over_places():
    places = np.array([np.argsort(epoch_order(10, 0, epoch)) for epoch in range(4000)])
    counts = np.array([np.bincount(places[:, row], minlength=10) for row in range(10)])
    assert np.abs(counts - 400).max() < 100
