"""call_ranges: the calls of compiled code that lead from one record point to the next, and the orders of their rows."""

import functools
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from descend.arrays import Array
from descend.plan import Setting
from descend.plan.order import Shuffle, epoch_order
from descend.table.data import Data

ORDER_CELLS = 1 << 21  # row indices held at once for the epochs of one call: 16 MB, and twice as many kept; arbitrary

Orders = Callable[[int, int, int], Array]  # (seed, first epoch, last epoch) to orders (epochs, rows), see `orders_of`
Range = tuple[int, int, Array]  # from row, to row, orders


def call_ranges(n: int, orders: Orders, setting: Setting, seen: int, point: int) -> list[Range]:
    """Return the calls that lead from row `seen` to a record point: from row, to row, orders."""
    return [(lo, hi, _orders(n, setting, orders, lo, hi)) for lo, hi in _cuts(n, setting, seen, point)]


def _cuts(n: int, setting: Setting, seen: int, point: int) -> list[tuple[int, int]]:
    """Cut the rows from `seen` up to a point into calls whose row orders fit in memory; no step crosses the point."""
    batch = setting.rows_a_step(n)
    epoch, within = divmod(point, n)
    point = point if within == 0 else epoch * n + within // batch * batch
    most = max(1, ORDER_CELLS // n) * n
    cuts = [seen, *range((seen // n + 1) * n + most - n, point, most), point]
    return [(lo, hi) for lo, hi in pairwise(cuts) if hi > lo]


def rows_seen(n: int, setting: Setting, lo: int, steps: int) -> int:
    """Return the rows seen after so many steps from row `lo` on."""
    batch = setting.rows_a_step(n)
    steps_an_epoch = -(-n // batch)
    epochs, within = divmod(lo // n * steps_an_epoch + lo % n // batch + steps, steps_an_epoch)
    return epochs * n + within * batch


def _orders(n: int, setting: Setting, orders: Orders, lo: int, hi: int) -> Array:
    """The orders (epochs, rows) of the epochs that rows lo to hi fall into; none when the batch is all rows."""
    if setting.rows_a_step(n) == n:
        return np.empty((0, n), np.int64)
    return orders(setting.seed, lo // n, -(-hi // n))


def orders_of(data: Data, shuffle: Shuffle) -> Orders:
    """Return what gives the orders of some epochs; those last used are kept, since runs of one seed take the same ones."""
    one = functools.partial(epoch_order, data.rows, shuffle=shuffle, row_bytes=data.row_bytes)
    order = functools.lru_cache(max(2, 2 * ORDER_CELLS // data.rows))(one)

    def orders(seed: int, first: int, last: int) -> Array:
        if last - first == 1:
            return order(seed, first)[None]
        return np.stack([order(seed, epoch) for epoch in range(first, last)])

    return orders
