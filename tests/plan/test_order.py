"""The order of an epoch is a function of seed and epoch."""

import numpy as np
import pytest

from descend.engines import linear, start
from descend.losses import loss
from descend.plan import Plan, setting
from descend.plan.order import epoch_order, next_batch
from descend.problem import Problem, objectives
from descend.table.data import Data


def test_every_row_is_visited_once():
    assert sorted(epoch_order(100, 3, 5)) == list(range(100))


def test_the_same_seed_and_epoch_give_the_same_order_and_others_do_not():
    assert epoch_order(50, 1, 2).tolist() == epoch_order(50, 1, 2).tolist()
    assert epoch_order(50, 1, 2).tolist() != epoch_order(50, 1, 3).tolist()
    assert epoch_order(50, 1, 2).tolist() != epoch_order(50, 2, 2).tolist()


def test_the_order_is_the_same_on_every_machine():
    assert epoch_order(8, 0, 0).tolist() == np.random.Generator(np.random.Philox(key=0)).permutation(8).tolist()


def test_without_shuffling_rows_come_as_they_are():
    assert epoch_order(4, 1, 9, shuffle="none").tolist() == [0, 1, 2, 3]


def test_rows_are_spread_evenly_over_places():
    places = np.array([np.argsort(epoch_order(10, 0, epoch)) for epoch in range(4000)])
    counts = np.array([np.bincount(places[:, row], minlength=10) for row in range(10)])
    assert np.abs(counts - 400).max() < 100


@pytest.mark.parametrize("rows", [1, 5, 16, 1000, 4096, 70_001])
@pytest.mark.parametrize("row_bytes", [8, 200, 40_000])
def test_blocks_visit_every_row_once(rows, row_bytes):
    assert sorted(epoch_order(rows, 3, 5, "blocks", row_bytes)) == list(range(rows))


def test_blocks_are_read_in_stretches_and_mixed_with_a_hundred_others():
    order = epoch_order(100_000, 0, 0, "blocks", row_bytes=200)
    window = order[:2048]
    assert 128 <= len(np.unique(window // 16)) < 160
    assert (np.diff(window) == 1).mean() < 0.01


def test_auto_takes_blocks_only_where_the_data_exceed_the_cache():
    assert epoch_order(5000, 1, 2, "auto", 200).tolist() == epoch_order(5000, 1, 2, "full", 200).tolist()
    assert epoch_order(90_000, 1, 2, "auto", 200).tolist() == epoch_order(90_000, 1, 2, "blocks", 200).tolist()


@pytest.mark.parametrize("batch_size", [1, 32, 256])
def test_on_data_sorted_by_target_blocks_converge_as_a_full_shuffle(batch_size):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 10))
    y = X @ rng.normal(size=10) + rng.normal(size=20_000)
    by_target = np.argsort(y)
    problem = Problem(Data(X[by_target], y[by_target]), loss("squared"))
    runs = tuple(setting("sgd", lr=0.001 * batch_size**0.5, batch_size=batch_size, seed=seed) for seed in range(20))
    final = {}
    for shuffle in ("full", "blocks", "none"):
        plan = Plan(runs, shuffle=shuffle)
        state, _ = linear.advance(problem, plan, start(problem, plan), np.array([60_000]))
        final[shuffle] = objectives(problem, state.weights)
    assert abs(final["blocks"].mean() / final["full"].mean() - 1) < 0.01
    assert (np.abs(final["blocks"] / final["full"] - 1) < 0.02).all()
    assert final["none"].mean() > 1.02 * final["full"].mean()


@pytest.mark.parametrize("batch", [1, 3, 7, 10, 99])
def test_batch_after_batch_an_epoch_is_its_order(batch):
    seen, visited = 20, []
    while seen < 30:
        rows = next_batch(10, batch, seed=5, seen=seen)
        visited += rows.tolist()
        seen += len(rows)
    assert visited == (list(range(10)) if batch >= 10 else epoch_order(10, 5, 2).tolist())
