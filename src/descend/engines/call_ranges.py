"""spans: the calls of compiled code that lead from one mark to the next, and the orders of rows that they need."""

from itertools import pairwise
from typing import Any

import numpy as np

from descend.arrays import Array
from descend.plan import Setting
from descend.plan.order import epoch_order
from descend.table.data import Data

ORDER_CELLS = 1 << 21  # row indices held at once for the epochs of one call


def calls(n: int, orders: Any, setting: Setting, seen: int, mark: int) -> list[tuple[int, int, Array]]:
    """The calls that lead from row `seen` to a mark: from row, to row, orders."""
    return [(lo, hi, _visit(n, setting, orders, lo, hi)) for lo, hi in _spans(n, setting, seen, mark)]


def _spans(n: int, setting: Setting, seen: int, mark: int) -> list[tuple[int, int]]:
    """Cut the rows from `seen` up to `mark` into calls whose row orders fit in memory; no step crosses the mark."""
    batch = setting.rows_a_step(n)
    epoch, within = divmod(mark, n)
    mark = mark if within == 0 else epoch * n + within // batch * batch
    most = max(1, ORDER_CELLS // n) * n
    cuts = [seen, *range((seen // n + 1) * n + most - n, mark, most), mark]
    return [(lo, hi) for lo, hi in pairwise(cuts) if hi > lo]


def reached(n: int, setting: Setting, lo: int, steps: int) -> int:
    """The rows seen after so many steps from row `lo` on."""
    batch = setting.rows_a_step(n)
    a_epoch = -(-n // batch)
    epochs, within = divmod(lo // n * a_epoch + lo % n // batch + steps, a_epoch)
    return epochs * n + within * batch


def _visit(n: int, setting: Setting, orders: Any, lo: int, hi: int) -> Array:
    """The orders (epochs, rows) of the epochs that rows lo..hi fall into; none when the batch is all rows."""
    if setting.rows_a_step(n) == n:
        return np.empty((0, n), np.int64)
    orders_: Array = orders(setting.seed, lo // n, -(-hi // n))
    return orders_


def order_of(data: Data, shuffle: str, seed: int, first: int, last: int) -> Array:
    """Return the orders (epochs, rows) of epochs first to last, the last excluded."""
    return np.stack([epoch_order(data.rows, seed, epoch, shuffle, data.row_bytes) for epoch in range(first, last)])
