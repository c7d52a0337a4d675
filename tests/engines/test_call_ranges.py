"""Calls that lead from one record point to the next."""

import numpy as np

from descend.engines import call_ranges as module
from descend.engines.call_ranges import call_ranges, orders_of, rows_seen
from descend.plan import setting
from descend.plan.order import epoch_order
from descend.table.data import Data

DATA = Data(np.zeros((10, 2)), np.zeros(10))
ORDERS = orders_of(DATA, "auto")


def test_a_call_brings_the_orders_of_its_epochs():
    ((lo, hi, orders),) = call_ranges(10, ORDERS, setting("sgd", lr=1, batch_size=3, seed=5), 6, 25)

    assert (lo, hi) == (6, 23)
    assert orders.tolist() == [epoch_order(10, 5, epoch, "auto", 16).tolist() for epoch in range(3)]


def test_an_order_is_drawn_once_for_all_runs_of_a_seed_and_those_last_used_are_kept(monkeypatch):
    drawn = []
    monkeypatch.setattr(
        module, "epoch_order", lambda *args, **kwargs: drawn.append(args) or epoch_order(*args, **kwargs)
    )
    monkeypatch.setattr(module, "ORDER_CELLS", 15)
    orders = orders_of(DATA, "auto")

    for _ in range(2):
        orders(5, 0, 2), orders(5, 2, 3)
    assert drawn == [(10, 5, 0), (10, 5, 1), (10, 5, 2)]
    orders(6, 0, 1), orders(5, 0, 1)
    assert drawn[3:] == [(10, 6, 0), (10, 5, 0)]


def test_the_whole_batch_needs_no_order():
    assert [(lo, hi, o.shape) for lo, hi, o in call_ranges(10, ORDERS, setting("sgd", lr=1), 0, 30)] == [
        (0, 30, (0, 10))
    ]


def test_calls_are_cut_where_orders_do_not_fit(monkeypatch):
    monkeypatch.setattr(module, "ORDER_CELLS", 20)

    assert [c[:2] for c in call_ranges(10, ORDERS, setting("sgd", lr=1, batch_size=3), 6, 50)] == [
        (6, 20),
        (20, 40),
        (40, 50),
    ]


def test_rows_that_steps_have_reached():
    by_three = setting("sgd", lr=1, batch_size=3)

    assert [rows_seen(10, by_three, 0, k) for k in range(6)] == [0, 3, 6, 9, 10, 13]
    assert rows_seen(10, by_three, 13, 4) == 23
